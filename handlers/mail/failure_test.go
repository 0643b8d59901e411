package mail_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/rollcall-sync/rollcall/handlers/mail"
)

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

// A server that breaks off at the recipient has no address told in the log.
func TestBrokenAtTheRecipient(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				said := make([]byte, 1<<12)
				for answer := "220 mx.example\r\n"; ; answer = "250 mx.example\r\n" {
					if _, err := io.WriteString(c, answer); err != nil {
						return
					}
					n, err := c.Read(said)
					if err != nil || strings.HasPrefix(string(said[:n]), "RCPT") {
						return
					}
				}
			}()
		}
	}()
	w := newWorld(t, &server{url: "smtp://" + listener.Addr().String()})
	m := w.invite("it@bank.example")
	w.send()
	w.until(m.ID, "mail.given_up")
	if told := w.lines.String(); strings.Contains(told, "bank.example") {
		t.Errorf("the log tells %.300s", told)
	}
}
