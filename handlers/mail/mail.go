// Package mail sends the letters of invitations by SMTP.
//
// It owns when a mail is sent and tried again, how many at once, what a mail server's answer means, and the headers. It has no routes, keeps nothing, and does not decide
// which mails there are: those that are due come from the read model, the log is asked about each before it is sent, and what became of it is told by
// commands. So a read model that is made anew sends nothing again.
//
// What it promises: a mail is sent until the mail server takes it, it is given up, or its invitation ends; at least once, and always under the same
// Message-ID. One that was taken while that could not be told, because the process died at once, is sent again.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/handlers/letter"
	"github.com/rollcall-sync/rollcall/projections"
)

// Config is what a Mailer needs. The first five are required; the zero value of any other field is its default.
type Config struct {
	Commands *command.Service
	Read     *projections.ReadModel
	Letters  letter.Writer
	Server   Server
	From     netmail.Address

	// Timeout bounds one attempt, and with it how long a server that stops waits for it. Default: 30 s.
	Timeout time.Duration
	// Retries are the pauses after the attempts that fail, each a tenth longer or shorter by chance; after the last one a mail is given up.
	// Default: 1 min, 5 min, 15 min, 1 h, 2 h, 4 h, 8 h, 12 h, 20 h, about two days.
	Retries []time.Duration

	Logger  *slog.Logger          // Default: slog.Default().
	Metrics prometheus.Registerer // Default: none.
	Now     func() time.Time      // Default: time.Now.
	TLS     *tls.Config           // Its roots verify the mail server. Default: the system's roots.
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if len(c.Retries) == 0 {
		c.Retries = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour, 20 * time.Hour}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// validate tells all that is wrong with a configuration whose defaults are set.
func (c Config) validate() error {
	var wrong []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("mail: "+format, args...))
		}
	}
	must(c.Commands != nil && c.Read != nil && c.Letters.Keys != nil, "Commands, Read and Letters are required")
	must(c.Server.host != "", "Server is required")
	must(c.From.Address != "", "From is required")
	must(c.Timeout > 0, "the timeout is %s, not above 0", c.Timeout)
	for i, pause := range c.Retries {
		must(pause > 0, "pause %d between retries is %s, not above 0", i+1, pause)
	}
	return errors.Join(wrong...)
}

// Mailer sends the mails that are due.
type Mailer struct {
	config   Config
	attempts *prometheus.CounterVec
}

// New makes a Mailer. Nothing is sent before Run.
func New(c Config) (*Mailer, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	m := &Mailer{c, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rollcall_mail_attempts_total", Help: "Attempts to send a mail, by what came of them.",
	}, []string{"outcome"})}
	for _, o := range []outcome{sent, retried, givenUp} {
		m.attempts.WithLabelValues(string(o))
	}
	if c.Metrics != nil {
		if err := c.Metrics.Register(m.attempts); err != nil {
			return nil, fmt.Errorf("register the metrics of mails: %w", err)
		}
	}
	return m, nil
}

// Run sends, a few mails at once and of each organization one after the other, until the context ends and the attempts then under way have ended, which
// the timeout bounds, and are told. held ends when this process may not send any more: an attempt ends with it at once, and is nobody's failure. It may be
// called again after it has returned.
func (m *Mailer) Run(ctx, held context.Context) error {
	newRound(m).run(ctx, held)
	return nil
}

// handle does what a mail that is due needs, and tells whether it needed anything.
func (m *Mailer) handle(ctx, held context.Context, one projections.Mail) (bool, error) {
	if !one.Sent.IsZero() {
		return true, m.config.Commands.MailSent(held, one, one.Sent)
	}
	waits, err := m.config.Commands.MailWaits(ctx, one)
	if err != nil || !waits {
		return false, err
	}
	at := m.config.Now()
	if !at.Before(one.Expires) {
		return true, m.config.Commands.MailFailed(held, one, at, "its link has expired", time.Time{})
	}
	f := m.attempt(held, one, at)
	if held.Err() != nil && f != nil {
		return false, held.Err()
	}
	m.tell(ctx, held, one, at, f)
	return true, nil
}
