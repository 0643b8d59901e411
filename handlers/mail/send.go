package mail

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/rollcall-sync/rollcall/handlers/letter"
	"github.com/rollcall-sync/rollcall/projections"
)

// attempt sends a mail once, while held goes on; nil if the mail server took it.
func (m *Mailer) attempt(held context.Context, one projections.Mail, at time.Time) *failure {
	ctx, cancel := context.WithTimeout(held, m.config.Timeout)
	defer cancel()
	l, err := m.config.Letters.Write(one)
	if err != nil {
		return failed(ctx, err)
	}
	message := compose(m.config.From, one, l, at)
	over := &line{}
	client, err := m.client(over)
	if err != nil {
		return failed(ctx, err)
	}
	defer over.close()
	defer context.AfterFunc(ctx, over.close)() // the library heeds the context only while it dials
	err = client.DialAndSendWithContext(ctx, message)
	if message.IsDelivered() { // that the rest of the conversation broke off does not unsay it
		return nil
	}
	return failed(ctx, err)
}

// compose is the mail of a letter. The same invitation has the same Message-ID each time, so that one that arrives twice is recognised.
func compose(from netmail.Address, one projections.Mail, l letter.Letter, at time.Time) *gomail.Msg {
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	_, host, _ := strings.Cut(from.Address, "@")
	message.FromMailAddress(&from)
	message.ToMailAddress(&netmail.Address{Address: one.Email})
	message.Subject(l.Subject)
	message.SetMessageIDWithValue(one.ID + "@" + host)
	message.SetDateWithValue(at)
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5
	message.SetGenHeader("X-Auto-Response-Suppress", "All")
	message.SetBodyString(gomail.TypeTextPlain, l.Text)
	message.AddAlternativeString(gomail.TypeTextHTML, l.HTML)
	return message
}

// client speaks to the mail server over the line given.
func (m *Mailer) client(l *line) (*gomail.Client, error) {
	s := m.config.Server
	roots := &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
	if m.config.TLS != nil {
		roots.RootCAs = m.config.TLS.RootCAs
	}
	options := []gomail.Option{gomail.WithPort(s.port), gomail.WithTimeout(m.config.Timeout), gomail.WithTLSConfig(roots), gomail.WithTLSPolicy(gomail.TLSMandatory)}
	dial := (&net.Dialer{}).DialContext
	switch s.crypt {
	case implicit:
		options = append(options, gomail.WithSSL())
		dial = (&tls.Dialer{Config: roots}).DialContext
	case none:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	options = append(options, gomail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err == nil {
			l.open(c)
		}
		return c, err
	}))
	if s.user != "" {
		options = append(options, gomail.WithUsername(s.user), gomail.WithPassword(s.pass),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthCramMD5, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	c, err := gomail.NewClient(s.host, options...)
	if err != nil {
		return nil, fmt.Errorf("prepare the connection to the mail server: %w", err)
	}
	return c, nil
}
