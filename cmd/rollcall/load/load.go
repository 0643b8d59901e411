// Package load plays identity providers against a running server, measures how it answers, and holds it to what it acknowledged: at the end
// everybody and every group must stand as the answers said. It speaks HTTP alone and knows nothing of the server's code, so that any SCIM server
// can be measured; what it needs of the management API (an organization, a directory, a webhook) is optional.
//
// In a closed loop each connection sends its next request when the last is answered. At a fixed rate (an open loop) requests begin at
// their time, and latencies count from that time whether or not a connection was free: a server that stalls is charged with
// every request that would have come meanwhile.
package load

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config is what is sent, how and where to.
type Config struct {
	Profile string // okta, entra, steady, read, group or ping

	URL    string // of a Rollcall, with APIKey: an organization and a directory are made for the run
	APIKey string
	Keep   bool // leave the organization there

	SCIMURL string // or the base URL of a directory, with Token
	Token   string

	Users, Groups, Members int           // how many, and how many members each group has
	Requests               int           // of each measured phase that is not a first sync
	Duration               time.Duration // of each measured phase at most; 0 for no bound but its number
	Concurrency            int           // requests under way at a time
	Rate                   float64       // items a second in an open loop; 0 for a closed one
	Webhook                bool          // receive the changes as webhooks on this machine, and measure them; needs APIKey
}

// Limits keep a slip of the finger from becoming an attack.
const (
	maxUsers       = 1_000_000
	maxGroups      = 100_000
	maxRequests    = 10_000_000
	maxConcurrency = 1_024
	maxRate        = 100_000
	maxDuration    = 24 * time.Hour
)

// profile is what one kind of load does.
type profile struct {
	name, provider string
	run            func(*run, context.Context) error
}

var profiles = []profile{
	{"okta", "okta", func(r *run, ctx context.Context) error { return r.sync(ctx, okta) }},
	{"entra", "azure_ad", func(r *run, ctx context.Context) error { return r.sync(ctx, entra) }},
	{"steady", "azure_ad", (*run).steady},
	{"read", "azure_ad", (*run).read},
	{"group", "azure_ad", (*run).group},
	{"ping", "custom_scim", (*run).ping},
}

// Check tells all that is wrong with the Config, at once.
func (c Config) Check() error {
	var wrong []error
	bounded := func(name string, value, least, most int) {
		if value < least || value > most {
			wrong = append(wrong, fmt.Errorf("%s is between %d and %d", name, least, most))
		}
	}
	if _, known := c.profile(); !known {
		var names []string
		for _, p := range profiles {
			names = append(names, p.name)
		}
		wrong = append(wrong, fmt.Errorf("there is no profile %q; there are %s", c.Profile, strings.Join(names, " ")))
	}
	bounded("users", c.Users, 1, maxUsers)
	bounded("groups", c.Groups, 0, maxGroups)
	bounded("members", c.Members, 0, maxUsers)
	bounded("requests", c.Requests, 1, maxRequests)
	bounded("concurrency", c.Concurrency, 1, maxConcurrency)
	if c.Profile != "group" && c.Groups > 0 && c.Members > c.Users {
		wrong = append(wrong, fmt.Errorf("a group cannot have more members (%d) than there are users (%d)", c.Members, c.Users))
	}
	if !(c.Rate >= 0 && c.Rate <= maxRate) {
		wrong = append(wrong, fmt.Errorf("rate is between 0 and %d", maxRate))
	}
	if c.Duration < 0 || c.Duration > maxDuration {
		wrong = append(wrong, fmt.Errorf("duration is between 0 and %s", maxDuration))
	}
	return errors.Join(append(wrong, c.checkTarget())...)
}

func (c Config) checkTarget() error {
	if c.SCIMURL != "" {
		var wrong []error
		if !isURL(c.SCIMURL) {
			wrong = append(wrong, fmt.Errorf("the SCIM URL %q is not an http or https URL", c.SCIMURL))
		}
		if c.Token == "" {
			wrong = append(wrong, errors.New("a SCIM URL needs the directory's token"))
		}
		if c.Webhook {
			wrong = append(wrong, errors.New("webhooks are made by the management API: give the server's URL and an API key instead of a SCIM URL"))
		}
		return errors.Join(wrong...)
	}
	if !isURL(c.URL) {
		return fmt.Errorf("the URL %q is not an http or https URL", c.URL)
	}
	if c.APIKey == "" {
		return errors.New("an API key is needed to make a directory for the run; or give the SCIM URL and the token of one")
	}
	return nil
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && u.RawQuery == ""
}

func (c Config) profile() (profile, bool) {
	i := slices.IndexFunc(profiles, func(p profile) bool { return p.name == c.Profile })
	if i < 0 {
		return profile{}, false
	}
	return profiles[i], true
}

// A Load is one run. Run may be called once; Progress at any time, by anybody.
type Load struct {
	config Config
	stage  stage
}

// New makes a Load and sends nothing.
func New(c Config) (*Load, error) {
	c.URL, c.SCIMURL = strings.TrimRight(c.URL, "/"), strings.TrimRight(c.SCIMURL, "/")
	if err := c.Check(); err != nil {
		return nil, err
	}
	return &Load{config: c}, nil
}

// Progress tells what is being done and how much of it is done, from 0 to 1.
func (l *Load) Progress() (what string, done float64) { return l.stage.now() }

// Run sends, waits for all answers, and looks at the end state. The error tells why there is no Report: the context ended, or the server could not
// be prepared. That requests failed, or the end state is wrong, is the Report's to tell.
func (l *Load) Run(ctx context.Context) (report *Report, err error) {
	c := l.config
	p, _ := c.profile()
	r := &run{Config: c, stage: &l.stage, client: newClient(c.Concurrency), world: newWorld(), measures: newMeasures()}
	defer r.client.close()
	defer func() {
		if e := r.shut(ctx, r.Keep || err == nil && report.Failed() != nil); err == nil {
			err = e
		}
	}()
	if err := r.open(ctx, p.provider); err != nil {
		return nil, err
	}
	if err := p.run(r, ctx); err != nil {
		return nil, err
	}
	wrong := &wrong{}
	if r.sink != nil {
		began := time.Now()
		if err := r.sink.wait(ctx, &l.stage, r.client.changes.Load()); err != nil {
			wrong.add("%s", err)
		}
		r.seconds += time.Since(began)
	}
	if err := r.verify(ctx, wrong); err != nil {
		return nil, err
	}
	return r.report(wrong), ctx.Err()
}

// run is a Load under way.
type run struct {
	Config
	stage        *stage
	client       *client
	world        *world
	measures     *measures
	sink         *sink         // nil unless Webhook
	organization string        // that was made for the run, "" if none was
	seconds      time.Duration // that the measured phases took
}
