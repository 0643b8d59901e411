package mail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/handlers/mail"
	"github.com/rollcall-sync/rollcall/projections"
)

var login = url.UserPassword("user@misapret", password).String()

// TestSend sends over each kind of connection, and looks at what arrives.
func TestSend(t *testing.T) {
	for name, c := range map[string]struct {
		form      string
		encrypted bool
		user      string
	}{
		"on this machine":                {"smtp://%s", false, ""},
		"on this machine, with a login":  {"smtp://" + login + "@%s", false, "user@misapret"},
		"STARTTLS":                       {"smtp://%s?tls=starttls", true, ""},
		"STARTTLS with a login":          {"smtp://" + login + "@%s?tls=starttls", true, "user@misapret"},
		"TLS from the first byte on":     {"smtps://%s", true, ""},
		"TLS from the first, with login": {"smtps://" + login + "@%s", true, "user@misapret"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.form, func(s *smtp.Server) { s.AllowInsecureAuth = !c.encrypted })
			w := newWorld(t, s)
			m := w.invite("it+sso@bank.example")
			stop := w.send()
			if got := w.until(m.ID, "mail.sent"); len(got) != 1 {
				t.Errorf("it went after %q", got)
			}
			stop()
			d, err := w.read.Directory(t.Context(), w.d.ID)
			w.must(err)
			if d.Onboarding.Invited.SentAt.IsZero() || w.mail(m.ID).Sent.IsZero() {
				t.Errorf("nothing tells that it went: %+v", d.Onboarding)
			}
			all := s.all()
			if len(all) != 1 {
				t.Fatalf("%d arrived", len(all))
			}
			got := all[0]
			if got.from != "no-reply@misapret.example" || got.to != "it+sso@bank.example" || got.encrypted != c.encrypted || got.user != c.user {
				t.Errorf("%+v", got)
			}
			arrived(t, got.text, m.ID, w.keys.Link(m.ID))
		})
	}
}

// arrived looks at a mail as its reader would.
func arrived(t *testing.T, text, id, link string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"From": `"Misapret, Inc." <no-reply@misapret.example>`, "To": "<it+sso@bank.example>", "Message-Id": "<" + id + "@misapret.example>", "Auto-Submitted": "auto-generated",
		"Subject": `Set up directory sync between Bänk <of> "Lille", & Söhne and misapret`, "Mime-Version": "1.0",
	} {
		got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
		if err != nil || got != want || len(m.Header[name]) != 1 {
			t.Errorf("%s is %q, not %q: %v", name, m.Header[name], want, err)
		}
	}
	for name := range m.Header {
		if !slices.Contains(strings.Fields("From To Message-Id Auto-Submitted Subject Mime-Version Date Content-Type X-Auto-Response-Suppress"), name) {
			t.Errorf("it carries %s: %s", name, m.Header.Get(name))
		}
	}
	if _, err := m.Header.Date(); err != nil {
		t.Error(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("it is %s: %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []struct{ kind, link string }{{"text/plain", "\nhttps://rollcall.example/onboarding/" + link}, {"text/html", `"https://rollcall.example/onboarding/` + link + `"`}} {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil || !strings.HasPrefix(p.Header.Get("Content-Type"), want.kind) || !strings.Contains(strings.ReplaceAll(string(body), "\r\n", "\n"), want.link) {
			t.Errorf("%v: %s, %v", p.Header, body, err)
		}
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Errorf("more parts: %v", err)
	}
}

// TestAnswers: what the mail server says of the mail for good is final, all else is tried again.
func TestAnswers(t *testing.T) {
	again := []string{"mail.attempted", "mail.sent"}
	for name, c := range map[string]struct {
		step  string
		code  int
		want  []string
		shown string
	}{
		"the addressee is busy":       {"to", 450, again, "RCPT TO command: 450 \"4.1.1 no it@bank.example now\""},
		"the addressee is not there":  {"to", 550, []string{"mail.given_up"}, "RCPT TO command: 550 \"5.1.1 no it@bank.example now\""},
		"we ought to have logged in":  {"to", 530, again, "530 "},
		"the sender is refused":       {"from", 550, again, "MAIL FROM command: 550"},
		"the mail is refused for now": {"data", 451, again, "451 "},
		"the mail is refused":         {"data", 554, []string{"mail.given_up"}, "554 "},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "smtps://%s")
			w := newWorld(t, s)
			s.does(func(step, _ string, nth int) error {
				if step == c.step && nth == 1 {
					return answer(c.code, "no it@bank.example now")
				}
				return nil
			})
			m := w.invite("it@bank.example")
			w.send()
			if got := w.until(m.ID, c.want[len(c.want)-1]); !slices.Equal(got, c.want) {
				t.Errorf("told %q", got)
			}
			kept := w.mail(m.ID)
			if len(kept.Attempts) != 1 || !strings.Contains(kept.Attempts[0].Error, c.shown) || strings.Contains(kept.Attempts[0].Error, "affected") {
				t.Errorf("kept %+v", kept.Attempts)
			}
			if kept.GivenUp != (len(c.want) == 1) || kept.Sent.IsZero() != kept.GivenUp || len(s.all()) != len(c.want)-1 {
				t.Errorf("kept %+v", kept)
			}
			if strings.Contains(w.lines.String(), "bank.example") {
				t.Errorf("the address is logged:\n%s", &w.lines)
			}
		})
	}
}

// TestUnusableServers: what is wrong with the connection is tried again, until the mail is given up; no mail and no password goes over it, and it closes.
func TestUnusableServers(t *testing.T) {
	never := func(step, what string, _ int) error { return fmt.Errorf("%s %s", step, what) }
	for name, c := range map[string]struct {
		form   string
		change func(*smtp.Server)
		trust  bool
		shown  string
	}{
		"a certificate that nobody trusts":              {"smtps://" + login + "@%s", nil, false, "the mail server's certificate cannot be trusted"},
		"one for another name":                          {"smtps://" + login + "@%s", nil, true, "the mail server's certificate cannot be trusted"},
		"a certificate that nobody trusts, by STARTTLS": {"smtp://" + login + "@%s?tls=starttls", nil, false, "the mail server's certificate cannot be trusted"},
		"no STARTTLS":      {"smtp://" + login + "@%s?tls=starttls", func(s *smtp.Server) { s.TLSConfig = nil }, true, "the mail server does not offer STARTTLS, without which nothing is sent"},
		"a wrong password": {"smtps://user:wrong@%s", nil, true, "the mail server refuses this server: 535 5.7.8 Authentication failed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.form, func(to *smtp.Server) {
				if c.change != nil {
					c.change(to)
				}
			})
			if strings.HasPrefix(name, "one for") {
				s.url = strings.Replace(s.url, "127.0.0.1", "localhost", 1)
			}
			if !c.trust {
				s.roots = nil
			}
			s.does(never)
			w := newWorld(t, s)
			m := w.invite("it@bank.example")
			w.send()
			if got, want := w.until(m.ID, "mail.given_up"), []string{"mail.attempted", "mail.attempted", "mail.attempted", "mail.given_up"}; !slices.Equal(got, want) {
				t.Errorf("told %q", got)
			}
			for _, a := range w.mail(m.ID).Attempts {
				if a.Error != c.shown {
					t.Errorf("kept %q, not %q", a.Error, c.shown)
				}
			}
			if s.tried > 0 || len(s.all()) > 0 {
				t.Errorf("%d were tried to hand over", s.tried)
			}
			if strings.Contains(w.lines.String(), "s3cret") || strings.Contains(w.lines.String(), "wrong") {
				t.Errorf("the password is logged:\n%s", &w.lines)
			}
			if strings.HasPrefix(c.form, "smtps") && !strings.Contains(c.form, "wrong") {
				return // a session never began
			}
			for range 4 {
				select {
				case <-s.endings:
				case <-w.ctx.Done():
					t.Fatal("a connection stays open")
				}
			}
		})
	}
}

// TestBrokenConnections: nobody listens, nobody answers, or the server dies in the middle; the mail goes later, under the same Message-ID.
func TestBrokenConnections(t *testing.T) {
	t.Run("the server dies in the middle", func(t *testing.T) {
		s := serve(t, "smtp://%s")
		w := newWorld(t, s)
		s.does(func(step, _ string, nth int) error {
			if step == "begin" && nth <= 2 {
				return errors.New("die")
			}
			return nil
		})
		m := w.invite("it+sso@bank.example")
		w.send()
		if got, want := w.until(m.ID, "mail.sent"), []string{"mail.attempted", "mail.attempted", "mail.sent"}; !slices.Equal(got, want) {
			t.Errorf("told %q", got)
		}
		if got := w.mail(m.ID).Attempts[0].Error; got != "the connection to the mail server broke" {
			t.Errorf("kept %q", got)
		}
		arrived(t, s.all()[0].text, m.ID, w.keys.Link(m.ID))
	})
	t.Run("the server dies once it has taken the mail", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		var conversations atomic.Int64
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				conversations.Add(1)
				takeAndDie(c)
			}
		}()
		w := newWorld(t, &server{url: "smtp://" + listener.Addr().String()})
		m := w.invite("it@bank.example")
		stop := w.send()
		if got := w.until(m.ID, "mail.sent"); len(got) != 1 {
			t.Errorf("told %q", got)
		}
		stop()
		if n := conversations.Load(); n != 1 {
			t.Errorf("it went %d times", n)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at := listener.Addr().String()
		listener.Close()
		w := newWorld(t, &server{url: "smtp://" + at})
		m := w.invite("it@bank.example")
		w.send()
		w.until(m.ID, "mail.given_up")
		if got := w.mail(m.ID).Attempts[3].Error; got != "the mail server cannot be reached" {
			t.Errorf("kept %q", got)
		}
	})
	t.Run("nobody answers", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		w := newWorld(t, &server{url: "smtp://" + listener.Addr().String()})
		m := w.invite("it@bank.example")
		w.send(func(c *mail.Config) { c.Timeout = 50 * time.Millisecond })
		w.until(m.ID, "mail.given_up")
		if got := w.mail(m.ID).Attempts[3].Error; got != "the mail server did not answer in time" {
			t.Errorf("kept %q", got)
		}
	})
}

// takeAndDie is the whole conversation of a server that takes a mail and closes the connection at once.
func takeAndDie(c net.Conn) {
	defer c.Close()
	in := make([]byte, 1<<16)
	fmt.Fprint(c, "220 mx.example\r\n")
	for text := ""; ; {
		n, err := c.Read(in)
		if err != nil {
			return
		}
		text += string(in[:n])
		switch {
		case strings.HasSuffix(text, "\r\n.\r\n"):
			fmt.Fprint(c, "250 taken\r\n")
			return
		case strings.HasSuffix(text, "DATA\r\n"):
			fmt.Fprint(c, "354 go on\r\n")
		case !strings.Contains(text, "DATA\r\n"):
			fmt.Fprint(c, "250 mx.example\r\n")
		}
	}
}

// TestNothingIsSentTwice: not by another mailer, nor after the read model is made anew.
func TestNothingIsSentTwice(t *testing.T) {
	s := serve(t, "smtp://%s")
	w := newWorld(t, s)
	first := w.invite("first@bank.example")
	stop := w.send()
	w.until(first.ID, "mail.sent")
	stop()
	w.stop()
	w.start()
	w.send()
	w.send() // two at once, as when one server has only just taken over
	second := w.invite("second@bank.example")
	w.until(second.ID, "mail.sent")
	if all := s.all(); len(all) < 2 || all[0].to != "first@bank.example" || slices.ContainsFunc(all[1:], func(m taken) bool { return m.to != "second@bank.example" }) {
		t.Errorf("%d went: %+v", len(all), all)
	}
	for id, want := range map[string]int{first.ID: 1, second.ID: 1} {
		n := 0
		for r, err := range w.log.Read(t.Context(), "mail-"+id, 0) {
			w.must(err)
			if r.Type == "mail.sent" {
				n++
			}
		}
		if n != want {
			t.Errorf("%d times it is told that %s went", n, id)
		}
	}
}

// TestTheLogKnowsBest: a read model that has not seen what became of a mail lets nobody send it again.
func TestTheLogKnowsBest(t *testing.T) {
	s := serve(t, "smtp://%s")
	w := newWorld(t, s)
	first := w.invite("first@bank.example")
	stop := w.send()
	w.until(first.ID, "mail.sent")
	stop()
	o, err := w.commands.CreateOrganization(t.Context(), system, "Globex")
	w.must(err)
	c, err := w.commands.CreateConnection(t.Context(), system, o, command.NewConnection{Service: "misapret", Email: "second@globex.example", Invite: true})
	w.must(err)
	behind, err := projections.OpenReadModel(t.TempDir(), "a log", eventstore.Position{})
	w.must(err)
	defer behind.Close()
	var seen eventstore.Batch
	for r, err := range w.log.All(t.Context(), eventstore.Position{}) {
		w.must(err)
		if r.Type != "mail.sent" && r.Type != "directory.invitation_sent" {
			seen.Records = append(seen.Records, r)
		}
		seen.Position = r.Position
	}
	w.must(behind.Apply(t.Context(), seen))
	stop = w.send(func(c *mail.Config) { c.Read = behind })
	w.until(c.Invited.Last.ID, "mail.sent")
	stop()
	if all := s.all(); len(all) != 2 || all[1].to != "second@globex.example" {
		t.Errorf("%d went: %+v", len(all), all)
	}
}

// TestSentIsToldUntilItStands: while the log cannot be written the mail is not sent again.
func TestSentIsToldUntilItStands(t *testing.T) {
	s := serve(t, "smtp://%s")
	w := newWorld(t, s)
	m := w.invite("it@bank.example")
	refused := 0
	w.log.mu.Lock()
	w.log.refuse = func(batch []eventstore.Write) error {
		if strings.HasPrefix(batch[0].Stream, "mail-") && refused < 3 {
			refused++
			return errors.New("the disk is full")
		}
		return nil
	}
	w.log.mu.Unlock()
	stop := w.send()
	if got := w.until(m.ID, "mail.sent"); len(got) != 1 {
		t.Errorf("told %q", got)
	}
	stop()
	if n := len(s.all()); n != 1 || refused != 3 {
		t.Errorf("it went %d times, and %d times the log refused", n, refused)
	}
}

// TestEndedInvitationsAreNotSent: neither a superseded one nor one that was reset, used or has expired.
func TestEndedInvitationsAreNotSent(t *testing.T) {
	s := serve(t, "smtp://%s")
	w := newWorld(t, s)
	o, err := w.commands.CreateOrganization(t.Context(), system, "Globex")
	w.must(err)
	c, err := w.commands.CreateConnection(t.Context(), system, o, command.NewConnection{Service: "misapret", Email: "used@globex.example", Invite: true})
	w.must(err)
	w.must(w.commands.AcceptInvitation(t.Context(), system, w.mail(c.Invited.Last.ID)))
	superseded := w.invite("superseded@bank.example")
	expired := w.invite("expired@bank.example")
	d, _, err := w.commands.ActivateDirectory(t.Context(), system, o, domain.Okta, domain.Dialect{})
	w.must(err)
	_, err = w.commands.InviteDirectoryAdmin(t.Context(), system, d, "reset@globex.example")
	w.must(err)
	_, err = w.commands.ResetDirectoryOnboarding(t.Context(), system, d)
	w.must(err)
	stop := w.send(func(c *mail.Config) { c.Now = func() time.Time { return expired.Expires } })
	w.until(expired.ID, "mail.given_up")
	stop()
	if got := w.mail(expired.ID); len(got.Attempts) != 1 || got.Attempts[0].Error != "its link has expired" {
		t.Errorf("%+v", got)
	}
	last, err := w.commands.InviteAdmin(t.Context(), system, c.ID)
	w.must(err)
	w.send()
	w.until(last.Invited.Last.ID, "mail.sent")
	if all := s.all(); len(all) != 1 || all[0].to != "used@globex.example" {
		t.Errorf("sent: %+v", all)
	}
	if w.mail(superseded.ID).Ended != true {
		t.Error("the superseded one stands")
	}
}

// TestSupersededWhileItWaits: a mail that waits for its next try is not tried once another takes its place.
func TestSupersededWhileItWaits(t *testing.T) {
	s := serve(t, "smtp://%s")
	w := newWorld(t, s)
	s.does(func(step, to string, _ int) error {
		if step == "to" && to == "old@bank.example" {
			return answer(450, "later")
		}
		return nil
	})
	m := w.invite("old@bank.example")
	w.send(func(c *mail.Config) { c.Retries = []time.Duration{time.Hour} })
	w.until(m.ID, "mail.attempted")
	next := w.invite("new@bank.example")
	w.until(next.ID, "mail.sent")
	if _, due, err := w.read.DueMails(t.Context(), time.Now(), 1); err != nil || !due.IsZero() {
		t.Errorf("one is due at %s, %v", due, err)
	}
}

// TestLosingTheTurn: an attempt ends when this process may not send any more, and is nobody's failure.
func TestLosingTheTurn(t *testing.T) {
	s := serve(t, "smtp://%s")
	w := newWorld(t, s)
	held, lose := context.WithCancel(t.Context())
	s.does(func(step, _ string, nth int) error {
		if step == "to" && nth == 1 {
			lose()
			<-w.ctx.Done() // no answer comes
		}
		return nil
	})
	m := w.invite("it@bank.example")
	stop := w.sendWhile(held)
	select {
	case <-held.Done():
	case <-w.ctx.Done():
		t.Fatal("nobody sends")
	}
	stop()
	s.does(nil)
	w.send()
	if got := w.until(m.ID, "mail.sent"); !slices.Equal(got, []string{"mail.sent"}) {
		t.Errorf("told %q", got)
	}
}

func TestParseServer(t *testing.T) {
	for text, want := range map[string]string{
		"smtp://mx.example": "mx.example:587", "smtps://mx.example": "mx.example:465", "smtp://mx.example:2525/": "mx.example:2525", "smtp://localhost": "localhost:25",
		"smtp://[::1]:1025": "::1:1025", "smtp://u:p%40@mx.example:587": "mx.example:587", "smtp://mx.example:25?tls=none": "mx.example:25", "smtp://u:p@127.0.0.1?tls=none": "127.0.0.1:25",
		"smtp://127.0.0.1?tls=starttls": "127.0.0.1:25",
	} {
		s, err := mail.ParseServer(text)
		if err != nil || s.String() != want || fmt.Sprintf("%v %+v %#v", s, s, s) != want+" "+want+" "+want {
			t.Errorf("%s: %s, %v", text, s, err)
		}
	}
	for _, text := range []string{
		"", "mx.example", "mx.example:587", "http://mx.example", "smtp://", "smtp://:587", "smtp://mx.example:0", "smtp://mx.example:65536", "smtp://mx.example:x", "smtp://mx.example/inbox", "smtp://mx.example#x",
		"smtp://u@mx.example", "smtp://:s3cret@mx.example", "smtp://u:s3cret@mx.example?tls=none", "smtp://u:s3cret@mx.example?tls=off", "smtps://u:s3cret@mx.example?tls=none", "smtps://mx.example?tls=starttls",
		"smtp://mx.example?tls=none&tls=none", "smtp:u:s3cret@mx.example", "smtp://u:s3cret%zz@mx.example", "smtp://u:s3cret/@mx.example", "smtp://mx.example\r\nRCPT",
	} {
		if s, err := mail.ParseServer(text); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %s, %v", text, s, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := mail.New(mail.Config{Timeout: -1, Retries: []time.Duration{0}})
	for _, want := range []string{"Commands, Read and Letters", "Server", "From", "timeout", "pause 1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v says nothing of %s", err, want)
		}
	}
}
