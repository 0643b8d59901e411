package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

type demoCommand struct {
	Store secret `help:"An empty log in EventStoreDB to show it on: esdb://host:2113. What the demo does stays there." placeholder:"URL"`
}

// demoLimit bounds how long the demo waits for a webhook.
const demoLimit = 30 * time.Second

// Run shows the main job: everything in it is what `rollcall serve` runs, in a temporary folder, over real HTTP.
func (c *demoCommand) Run(ctx context.Context, to *console) (err error) {
	folder, err := os.MkdirTemp("", "rollcall-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	config := &serverConfig{logConfig: logConfig{folder, c.Store}, Listen: "127.0.0.1:0", WebhookAllow: []string{"127.0.0.0/8"}, WebhookTimeout: 5 * time.Second}
	if config.shared() {
		if err := config.mustBeEmpty(ctx); err != nil {
			return err
		}
		if _, err := keys.CreateFile(folder); err != nil {
			return err
		}
	}
	s, err := open(ctx, config, slog.New(slog.NewTextHandler(to.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	sink, err := newSink()
	if err != nil {
		return err
	}
	defer sink.close()
	running, stop := context.WithCancel(ctx)
	defer stop()
	return s.run(running, func() error {
		defer stop() // the server drains when the show is over
		key, err := s.firstKey(ctx)
		if err != nil {
			return err
		}
		show := &demo{server: s, sink: sink, key: key, ids: map[string]string{}, paint: newPaint(to)}
		if err := show.run(ctx); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		return nil
	})
}

// mustBeEmpty refuses a log that somebody uses.
func (c *logConfig) mustBeEmpty(ctx context.Context) (err error) {
	if err := c.Validate(); err != nil {
		return err
	}
	log, err := c.reader(ctx)
	if err != nil {
		return err
	}
	defer closing(log, &err)
	for _, err := range log.All(ctx, eventstore.Position{}) {
		if err == nil {
			err = errors.New("there are events in the log of --store; the demo needs one that is empty, since what it does stays there")
		}
		return err
	}
	return nil
}

// firstKey makes an API key.
func (s *server) firstKey(ctx context.Context) (string, error) {
	_, key, err := s.commands.CreateAPIKey(ctx, system, "first", domain.Permissions, projections.Organization{})
	return key, err
}

// demo plays an administrator, two identity providers and the application.
type demo struct {
	*paint
	server *server
	sink   *sink
	key    string
	ids    map[string]string // of what was created, by the name that the script gives it
	shown  int               // webhooks printed
}

func (d *demo) run(ctx context.Context) error {
	began := time.Now()
	d.title("Rollcall at work: a server, an application's webhook endpoint, and what Okta and Entra ID send.")
	if err := d.subscribe(ctx); err != nil {
		return err
	}
	for _, feed := range demoFeeds {
		if err := d.play(ctx, feed); err != nil {
			return err
		}
	}
	return d.summary(ctx, time.Since(began))
}

// subscribe makes the application's webhook.
func (d *demo) subscribe(ctx context.Context) error {
	body, err := d.send(ctx, "POST", d.server.url+"/api/v2/webhooks", d.key, fmt.Sprintf(`{"name":"my application","target_url":%q,"event_codes":["all"]}`, d.sink.url), http.StatusCreated)
	if err != nil {
		return err
	}
	var made struct {
		Key string `json:"signature_key"`
	}
	if err := json.Unmarshal(body, &made); err != nil {
		return fmt.Errorf("read the webhook: %w", err)
	}
	return d.sink.trust(made.Key)
}

// play activates a directory for an organization and sends what its provider sends, showing the webhooks after each request.
func (d *demo) play(ctx context.Context, feed demoFeed) error {
	organization := d.server.url + "/api/v2/org"
	if _, err := d.send(ctx, "POST", organization, d.key, fmt.Sprintf(`{"name":%q}`, feed.organization), http.StatusCreated); err != nil {
		return err
	}
	organization += "/" + strings.ToLower(feed.organization)
	d.title(fmt.Sprintf("%s provisions %s", feed.provider.title, feed.organization))
	d.request("administrator", "POST /api/v2/org/"+strings.ToLower(feed.organization)+"/directory-sync?provider="+feed.provider.name, http.StatusCreated)
	body, err := d.send(ctx, "POST", organization+"/directory-sync?provider="+feed.provider.name, d.key, "", http.StatusCreated)
	if err != nil {
		return err
	}
	var directory struct {
		Base  string `json:"scim_base_url"`
		Token struct {
			Value string `json:"value"`
		} `json:"auth_secret_token"`
	}
	if err := json.Unmarshal(body, &directory); err != nil {
		return fmt.Errorf("read the directory: %w", err)
	}
	if err := d.webhooks(ctx); err != nil {
		return err
	}
	for _, step := range feed.steps {
		d.request(feed.provider.title, step.method+" "+step.path, step.status)
		body, err := d.send(ctx, step.method, directory.Base+d.named(step.path), directory.Token.Value, d.named(step.body), step.status)
		if err != nil {
			return err
		}
		if step.creates != "" {
			var made struct{ ID string }
			if err := json.Unmarshal(body, &made); err != nil || made.ID == "" {
				return fmt.Errorf("%s %s answered without an id", step.method, step.path)
			}
			d.ids["{"+step.creates+"}"] = made.ID
		}
		if err := d.webhooks(ctx); err != nil {
			return err
		}
	}
	return nil
}

// named puts ids in the place of the script's names.
func (d *demo) named(text string) string {
	for name, id := range d.ids {
		text = strings.ReplaceAll(text, name, id)
	}
	return text
}

func (d *demo) send(ctx context.Context, method, url, token, body string, want int) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	if answer.StatusCode != want {
		return nil, fmt.Errorf("%s %s answered %d instead of %d: %s", method, url, answer.StatusCode, want, text)
	}
	return text, nil
}

// webhooks waits until every change so far has arrived, and shows those that are new.
func (d *demo) webhooks(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	head, err := d.server.log.Head(bounded)
	if err != nil {
		return err
	}
	if err := d.server.runner.CaughtUp(bounded, head); err != nil {
		return err
	}
	counts, err := d.server.outbox.Counts(bounded)
	if err != nil {
		return err
	}
	arrived, err := d.sink.wait(bounded, counts.Open+counts.Delivered+counts.Failed)
	if err != nil {
		return err
	}
	for _, w := range arrived[d.shown:] {
		if err := d.webhook(w); err != nil {
			return err
		}
	}
	d.shown = len(arrived)
	return nil
}

func (d *demo) summary(ctx context.Context, took time.Duration) error {
	events, changes := 0, 0
	for r, err := range d.server.log.All(ctx, eventstore.Position{}) {
		if err != nil {
			return err
		}
		e, err := domain.Decode(r.Type, r.Data)
		if err != nil {
			return err
		}
		events++
		if domain.MessageType(e) != "" {
			changes++
		}
	}
	if d.sink.refused() > 0 {
		return fmt.Errorf("%d webhooks had a wrong signature", d.sink.refused())
	}
	d.title("Summary")
	d.line("%d events in the log, %d changes, %d webhooks delivered, every signature verified, in %s", events, changes, d.shown, took.Round(time.Millisecond))
	d.line("")
	d.line("Next: rollcall serve                      the same server, in ./rollcall-data")
	d.line("      rollcall replay user-<id> --at <t>  a user as it was")
	d.line("      rollcall export                     every event as a JSON line")
	return nil
}
