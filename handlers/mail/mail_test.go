package mail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/url"
	"slices"
	"strings"
	"sync"
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

// TestSlowAnswersHoldNobodyUp: while the answer to one organization's mail is awaited those of others go, and its own keep their order.
func TestSlowAnswersHoldNobodyUp(t *testing.T) {
	s := serve(t, "smtp://%s")
	w := newWorld(t, s)
	asked, answered := make(chan struct{}), make(chan struct{})
	s.does(func(step, to string, _ int) error {
		if step == "to" && to == "slow@bank.example" {
			close(asked)
			w.wait(answered)
		}
		return nil
	})
	slow := w.invite("slow@bank.example")
	o, err := w.read.Organization(t.Context(), w.d.OrganizationID)
	w.must(err)
	behind := w.connect(o, "behind@bank.example")
	w.send()
	w.wait(asked)
	for i := range 3 {
		o, err := w.commands.CreateOrganization(t.Context(), system, fmt.Sprint("Globex ", i))
		w.must(err)
		w.until(w.connect(o, "it@globex.example").ID, "mail.sent")
	}
	close(answered)
	w.until(slow.ID, "mail.sent")
	w.until(behind.ID, "mail.sent")
	var order []string
	for _, m := range s.all() {
		order = append(order, m.to)
	}
	if want := strings.Fields("it@globex.example it@globex.example it@globex.example slow@bank.example behind@bank.example"); !slices.Equal(order, want) {
		t.Errorf("sent to %q", order)
	}
}

// TestSoManyAtOnce: eight mails are under way and no more, however many organizations have some.
func TestSoManyAtOnce(t *testing.T) {
	const atOnce, organizations = 8, 20
	s := serve(t, "smtp://%s")
	w := newWorld(t, s)
	asked, next := make(chan struct{}, organizations), make(chan struct{})
	var mu sync.Mutex
	underWay, most := 0, 0
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		underWay += by
		most = max(most, underWay)
	}
	s.does(func(step, _ string, _ int) error {
		switch step {
		case "to":
			count(1)
			asked <- struct{}{}
			w.wait(next)
		case "data":
			count(-1)
		}
		return nil
	})
	var mails []projections.Mail
	for i := range organizations {
		o, err := w.commands.CreateOrganization(t.Context(), system, fmt.Sprint("Globex ", i))
		w.must(err)
		mails = append(mails, w.connect(o, "it@globex.example"))
	}
	w.send()
	for range atOnce {
		w.wait(asked)
	}
	for range organizations - atOnce {
		select {
		case next <- struct{}{}:
		case <-w.ctx.Done():
		}
		w.wait(asked)
	}
	close(next)
	for _, m := range mails {
		w.until(m.ID, "mail.sent")
	}
	if most != atOnce || len(s.all()) != organizations {
		t.Errorf("%d were under way at once, and %d went", most, len(s.all()))
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

// TestOwnFaultsPass: what fails on our own side is told and tried again, and is not the mail's failure.
func TestOwnFaultsPass(t *testing.T) {
	s := serve(t, "smtp://%s")
	w := newWorld(t, s)
	m := w.invite("it@bank.example")
	refused := 0
	w.log.mu.Lock()
	w.log.refuse = func(batch []eventstore.Write) error {
		if strings.HasPrefix(batch[0].Stream, "mail-") && refused < 2 {
			refused++
			return errors.New("the disk is full")
		}
		return nil
	}
	w.log.mu.Unlock()
	stop := w.send(func(c *mail.Config) { c.Now = func() time.Time { return m.Expires } })
	if got := w.until(m.ID, "mail.given_up"); len(got) != 1 {
		t.Errorf("told %q", got)
	}
	stop()
	if told := strings.Count(w.lines.String(), "mails cannot be sent for now"); told != 2 || refused != 2 {
		t.Errorf("it is told %d times that the log refused %d times", told, refused)
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

// TestRemovedWhileItWaits: a mail that waits for its next try is not tried once the one to whom it goes is no administrator any more.
func TestRemovedWhileItWaits(t *testing.T) {
	s := serve(t, "smtp://%s")
	w := newWorld(t, s)
	s.does(func(step, to string, _ int) error {
		if step == "to" && to == "old@bank.example" {
			return answer(450, "later")
		}
		return nil
	})
	o, err := w.read.Organization(t.Context(), w.d.OrganizationID)
	w.must(err)
	a, err := w.commands.AddAdministrator(t.Context(), system, o, "old@bank.example")
	w.must(err)
	m := w.invite("")
	stop := w.send(func(c *mail.Config) { c.Retries = []time.Duration{time.Minute} })
	w.until(m.ID, "mail.attempted")
	stop()
	before := w.mail(m.ID)
	w.must(w.commands.RemoveAdministrator(t.Context(), system, o, a.ID))
	if waits, err := w.commands.MailWaits(t.Context(), before); waits || err != nil {
		t.Errorf("whoever knew of it before sends it: %v, %v", waits, err)
	}
	s.does(nil)
	w.send(func(c *mail.Config) { c.Now = func() time.Time { return before.Retry.Add(time.Minute) } })
	next := w.invite("new@bank.example")
	w.until(next.ID, "mail.sent")
	if _, due, err := w.read.DueMails(t.Context(), before.Retry.Add(time.Minute), 1); err != nil || !due.IsZero() || !w.mail(m.ID).Ended {
		t.Errorf("one is due at %s, %v: %+v", due, err, w.mail(m.ID))
	}
	if all := s.all(); len(all) != 1 || all[0].to != "new@bank.example" {
		t.Errorf("sent: %+v", all)
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

func TestNewRefuses(t *testing.T) {
	_, err := mail.New(mail.Config{Timeout: -1, Retries: []time.Duration{0}})
	for _, want := range []string{"Commands, Read and Letters", "Server", "From", "timeout", "pause 1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v says nothing of %s", err, want)
		}
	}
}
