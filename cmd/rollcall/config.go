package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/broker"
	"github.com/rollcall-sync/rollcall/handlers/mail"
	"github.com/rollcall-sync/rollcall/projections"
)

// serverConfig is everything that `rollcall serve` can be told; it works without any of it.
type serverConfig struct {
	logConfig `embed:""`

	Listen         string        `help:"Address to listen on." default:"127.0.0.1:8484"`
	PublicURL      string        `help:"URL at which identity providers reach this server." placeholder:"URL" name:"public-url"`
	ServiceName    string        `help:"What users sign in to, in small letters: SSO connections carry it in their ids." default:"rollcall" placeholder:"NAME"`
	WebhookAllow   []string      `help:"Ranges of private addresses that webhooks may reach, by http too; 127.0.0.0/8 for tests." placeholder:"CIDR"`
	WebhookTimeout time.Duration `help:"How long one delivery attempt may take." default:"15s"`
	KeepDelivered  time.Duration `help:"How long a delivery is kept after it was accepted, with its message and attempts." default:"720h"`
	KeepFailed     time.Duration `help:"How long a delivery is kept after it was given up or cancelled." default:"2160h"`
	DeliveriesFrom string        `help:"Where to begin delivering when the deliveries file is lost: a position, an RFC 3339 time, or head. With --store it is not needed: what was delivered stands in the log." placeholder:"WHERE"`
	Publish        []string      `help:"Brokers that every change is published to: nats://, amqp:// or redis://host/topic. The topic is the stream or the queue." placeholder:"URL"`
	PublishFrom    string        `help:"Where a broker that is new begins: a position, an RFC 3339 time, 0 for the start, or head." default:"head" placeholder:"WHERE"`
	SCIMMaxBody    int64         `help:"Largest body of a SCIM request, bulk ones too, in bytes." default:"16777216" placeholder:"BYTES" name:"scim-max-body"`
	APIRate        float64       `help:"Requests a second that one API key may make, with two seconds' worth at once; 0 for any number." default:"100" placeholder:"NUMBER" name:"api-rate"`
	APIOrgRate     float64       `help:"Requests a second that all API keys for one organization may make together, with two seconds' worth at once; 0 for any number." default:"200" placeholder:"NUMBER" name:"api-organization-rate"`
	SMTPURL        secret        `help:"Mail server that takes invitations: smtp://user:password@host:587, with STARTTLS, or smtps://host. Without one mails are kept, to be read by the API." name:"smtp-url" placeholder:"SECRET"`
	MailFrom       string        `help:"Address that mails come from: no-reply@example.com, or with a name: Example <no-reply@example.com>." placeholder:"ADDRESS"`
	InvitationLife time.Duration `help:"How long the link of an invitation is good." default:"168h" name:"invitation-lifetime"`
	LogFormat      string        `help:"Form of the log lines on standard error." enum:"text,json" default:"text"`
	LogLevel       slog.Level    `help:"Lowest level of the log lines: debug, info, warn or error." default:"info"`
	APIKey         secret        `help:"The first API key, as <id>.<secret> with a secret of 32 characters or more; for containers and tests." name:"api-key" placeholder:"SECRET"`
	MasterKey      secret        `help:"The master key, 32 bytes in base64; otherwise master.key in the data folder. With --store all servers need the same one." placeholder:"SECRET"`
}

// secret is a value that never prints itself.
type secret string

func (s secret) String() string {
	if s == "" {
		return ""
	}
	return "(set)"
}

// LogValue implements slog.LogValuer.
func (s secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// What --scim-max-body may be: enough for any one user, and not so much that four such bodies at once, a dozen times as large in memory,
// take more than a large machine has.
const (
	minSCIMBody = 1 << 16
	maxSCIMBody = 1 << 28
)

// serviceName is a name that may stand in an id.
var serviceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// maxAPIRate is the most that --api-rate and --api-organization-rate may be: more than one server answers.
const maxAPIRate = 1_000_000

// Validate implements kong's validation: all that is wrong, at once.
func (c *serverConfig) Validate() error {
	wrong := []error{c.logConfig.Validate()}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		wrong = append(wrong, fmt.Errorf("--listen %q is not host:port", c.Listen))
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
		wrong = append(wrong, fmt.Errorf("--public-url %q is not an http or https URL", c.PublicURL))
	}
	if !serviceName.MatchString(c.ServiceName) {
		wrong = append(wrong, fmt.Errorf("--service-name %q is not of small letters, digits, - and _, at most 63", c.ServiceName))
	}
	if _, err := c.allowed(); err != nil {
		wrong = append(wrong, err)
	}
	if c.WebhookTimeout <= 0 || c.WebhookTimeout > time.Minute {
		wrong = append(wrong, errors.New("--webhook-timeout is between 1ms and 1m"))
	}
	if c.KeepDelivered < 0 || c.KeepFailed < 0 {
		wrong = append(wrong, errors.New("--keep-delivered and --keep-failed are not negative"))
	}
	if err := projections.CheckWhen(c.PublishFrom); err != nil {
		wrong = append(wrong, fmt.Errorf("--publish-from: %w", err))
	}
	if _, err := c.publishers(slog.New(slog.DiscardHandler)); err != nil {
		wrong = append(wrong, fmt.Errorf("--publish: %w", err))
	}
	if err := projections.CheckWhen(c.DeliveriesFrom); err != nil {
		wrong = append(wrong, fmt.Errorf("--deliveries-from: %w", err))
	}
	if c.SCIMMaxBody < minSCIMBody || c.SCIMMaxBody > maxSCIMBody {
		wrong = append(wrong, fmt.Errorf("--scim-max-body is between %d and %d", minSCIMBody, maxSCIMBody))
	}
	if !(c.APIRate >= 0 && c.APIRate <= maxAPIRate) { // NaN is none either
		wrong = append(wrong, fmt.Errorf("--api-rate is between 0 and %d", maxAPIRate))
	}
	if !(c.APIOrgRate >= 0 && c.APIOrgRate <= maxAPIRate) {
		wrong = append(wrong, fmt.Errorf("--api-organization-rate is between 0 and %d", maxAPIRate))
	}
	if _, _, err := c.mailServer(); err != nil {
		wrong = append(wrong, err)
	}
	if c.InvitationLife < time.Hour || c.InvitationLife > 30*24*time.Hour {
		wrong = append(wrong, errors.New("--invitation-lifetime is between 1h and 720h"))
	}
	if c.APIKey != "" {
		if id, secret, ok := keys.SplitToken(string(c.APIKey)); !ok || len(secret) < 32 || len(id) > 64 || strings.ContainsAny(id, " /") {
			wrong = append(wrong, errors.New("--api-key is not <id>.<secret> with a secret of 32 characters or more"))
		}
	}
	if c.MasterKey != "" {
		if _, err := keys.Parse(string(c.MasterKey)); err != nil {
			wrong = append(wrong, fmt.Errorf("--master-key: %w", err))
		}
	} else if c.shared() {
		wrong = append(wrong, errors.New("--store needs the master key in ROLLCALL_MASTER_KEY, the same one for every server; `openssl rand -base64 32` makes one"))
	}
	return errors.Join(wrong...)
}

// allowed are the ranges of --webhook-allow.
func (c *serverConfig) allowed() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range c.WebhookAllow {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("--webhook-allow %q is not a range, as 10.0.0.0/8", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// mailServer is where mails go and whom they come from; the zero values if they are kept.
func (c *serverConfig) mailServer() (to mail.Server, from netmail.Address, err error) {
	switch {
	case c.SMTPURL == "" && c.MailFrom == "":
		return to, from, nil
	case c.SMTPURL == "" || c.MailFrom == "":
		return to, from, errors.New("--smtp-url and --mail-from go together")
	}
	if to, err = mail.ParseServer(string(c.SMTPURL)); err != nil {
		return to, from, fmt.Errorf("--smtp-url %w", err)
	}
	sender, err := netmail.ParseAddress(c.MailFrom)
	if err == nil {
		err = domain.CheckEmail("the address", sender.Address)
	}
	if err != nil {
		return to, from, fmt.Errorf("--mail-from %q is not an address, as Example <no-reply@example.com>", c.MailFrom)
	}
	return to, *sender, nil
}

// publishers are the brokers of --publish.
func (c *serverConfig) publishers(logger *slog.Logger) ([]*broker.Publisher, error) {
	var out []*broker.Publisher
	for _, target := range c.Publish {
		p, err := broker.New(strings.TrimSpace(target), logger)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(other *broker.Publisher) bool { return other.Name() == p.Name() }) {
			return nil, fmt.Errorf("--publish names one place twice (%s); leave out one of them", p.Name())
		}
		out = append(out, p)
	}
	return out, nil
}

// logger writes to standard error.
func (c *serverConfig) logger(to *console) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(to.err, options))
	}
	return slog.New(slog.NewTextHandler(to.err, options))
}
