package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/rollcall-sync/rollcall/cmd/rollcall/load"
)

type loadCommand struct {
	Profile string `arg:"" help:"okta or entra: a first sync of users and groups as that provider sends it. steady: users are created, updated and deactivated beside those there. read: users are found, read and listed. group: members come and go, one by one, in a group of --members. ping: the smallest request."`

	URL     string `help:"A running Rollcall, where an organization and a directory are made for the run." default:"http://127.0.0.1:8484" placeholder:"URL"`
	APIKey  secret `help:"With --url: an API key of that server." name:"api-key" placeholder:"SECRET"`
	Keep    bool   `help:"With --url: leave the organization there afterwards. That of a run that went wrong stays anyway."`
	Webhook bool   `help:"With --url, on this machine: receive the changes as webhooks and measure how long each takes. The server needs ROLLCALL_WEBHOOK_ALLOW=127.0.0.0/8."`
	SCIMURL string `help:"Instead of --url: the base URL of a directory, of any SCIM server. What the run makes stays there." name:"scim-url" placeholder:"URL"`
	Token   secret `help:"With --scim-url: the directory's bearer token." placeholder:"SECRET"`

	Users       int           `help:"Users: those who are synced, or who are there before a phase begins." default:"100"`
	Groups      int           `help:"Groups of a first sync." default:"10"`
	Members     int           `help:"Members of each group." default:"10"`
	Requests    int           `help:"Requests of each measured phase; a first sync takes as many as it has users and groups." default:"500"`
	Duration    time.Duration `help:"How long a measured phase may take; one that is not a first sync ends then." default:"10s"`
	Concurrency int           `help:"Requests under way at a time." default:"8"`
	Rate        float64       `help:"Begin so many a second whether or not others are answered, and count latencies from when each should have begun. 0 sends the next when one is answered." default:"0"`
	JSON        bool          `help:"Print the report as JSON."`
}

// Help implements kong's help for one command.
func (c *loadCommand) Help() string {
	return `It plays an identity provider, measures how the server answers, and then reads everything to see that what was acknowledged is there, and nothing else.
It ends with status 1 if a request failed or the end state is wrong.

  rollcall load entra --users 1000 --groups 10 --members 100
  rollcall load steady --rate 100 --duration 30s --requests 3000 --webhook
  rollcall load read --scim-url https://host/scim/v2/… --token …

Small and short unless it is told otherwise. Send it only to a server that is yours.`
}

func (c *loadCommand) config() load.Config {
	return load.Config{
		Profile: c.Profile, URL: c.URL, APIKey: string(c.APIKey), Keep: c.Keep, Webhook: c.Webhook, SCIMURL: c.SCIMURL, Token: string(c.Token),
		Users: c.Users, Groups: c.Groups, Members: c.Members, Requests: c.Requests, Duration: c.Duration, Concurrency: c.Concurrency, Rate: c.Rate,
	}
}

// Validate implements kong's validation: all that is wrong, at once.
func (c *loadCommand) Validate() error { return c.config().Check() }

// Run loads a server and prints what it found.
func (c *loadCommand) Run(ctx context.Context, to *console) error {
	l, err := load.New(c.config())
	if err != nil {
		return err
	}
	watching, seen := context.WithCancel(ctx)
	defer seen()
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		showLoad(watching, l, to.err)
	}()
	report, err := l.Run(ctx)
	seen()
	<-shown
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(to.out).Encode(report)
	} else {
		err = report.Print(to.out)
	}
	if err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return report.Failed()
}

// showLoad draws a bar that moves on a terminal, and elsewhere a line a second, until the context ends.
func showLoad(ctx context.Context, l *load.Load, w io.Writer) {
	every, form := time.Second, "%s\n"
	if isTerminal(w) {
		every, form = 100*time.Millisecond, "\r%s\x1b[K"
		defer fmt.Fprint(w, "\r\x1b[K") // the report takes the bar's place
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			fmt.Fprintf(w, form, bar(l.Progress()))
		}
	}
}
