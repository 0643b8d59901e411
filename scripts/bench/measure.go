package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/cmd/rollcall/load"
)

// bench is one run of everything.
type bench struct {
	scale    scale
	rollcall string // the program
	folder   string
	progress io.Writer
}

// results are what a run found.
type results struct {
	disk    disk
	reports map[string]map[string]*load.Report // by trial and server
	cpu     map[string]map[string]time.Duration
	servers map[string]resources
	restart time.Duration // until a server with all its events is ready again
}

// resources are what a server took.
type resources struct {
	idle, peak float64       // megabytes resident
	cpu        time.Duration // in all
	events     int           // in the log
	bytes      map[string]int64
}

const apiKey = "bench.of-32-characters-or-more-it-is-known"

// measure runs everything and prints the tables.
func measure(ctx context.Context, b bench, out io.Writer) error {
	r := &results{reports: map[string]map[string]*load.Report{}, cpu: map[string]map[string]time.Duration{}, servers: map[string]resources{}}
	fmt.Fprintln(b.progress, "the disk and the log")
	var err error
	if r.disk, err = measureDisk(ctx, filepath.Join(b.folder, "disk"), b.scale); err != nil {
		return err
	}
	if err := b.load(ctx, r); err != nil {
		return err
	}
	r.print(out, b.scale)
	return nil
}

// load starts the servers, runs the trials on each, and stops them.
func (b bench) load(ctx context.Context, r *results) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // kills what is left after an error
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	servers := map[string]*process{}
	for _, name := range []string{theConstant, theLibrary, rollcall, withWebhook} {
		if servers[name], err = b.start(ctx, name, self); err != nil {
			return err
		}
		idle, err := servers[name].memory("VmRSS")
		if err != nil {
			return err
		}
		r.servers[name] = resources{idle: idle}
	}
	for _, t := range b.scale.trials() {
		r.reports[t.name], r.cpu[t.name] = map[string]*load.Report{}, map[string]time.Duration{}
		for _, on := range t.on {
			fmt.Fprintf(b.progress, "%s on %s\n", t.name, on)
			if err := r.try(ctx, t, on, servers[on]); err != nil {
				return fmt.Errorf("%s on %s: %w", t.name, on, err)
			}
		}
	}
	for name, p := range servers {
		if err := r.finish(name, p, b.data(name)); err != nil {
			return err
		}
	}
	again, err := b.start(ctx, rollcall, self)
	if err != nil {
		return err
	}
	r.restart = again.began
	return again.stop()
}

func (b bench) data(server string) string {
	return filepath.Join(b.folder, strings.ReplaceAll(server, " + ", "-"))
}

func (b bench) start(ctx context.Context, name, self string) (*process, error) {
	folder := b.data(name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for %s: %w", name, err)
	}
	if name == theConstant || name == theLibrary {
		return start(ctx, folder, nil, self, name)
	}
	env := []string{"ROLLCALL_API_KEY=" + apiKey, "ROLLCALL_WEBHOOK_ALLOW=127.0.0.0/8", "ROLLCALL_LOG_LEVEL=error"}
	return start(ctx, folder, env, b.rollcall, "serve", "--listen", "127.0.0.1:0")
}

// try runs one trial on one server.
func (r *results) try(ctx context.Context, t trial, on string, p *process) error {
	c := t.config
	if on == theConstant || on == theLibrary {
		c.SCIMURL, c.Token = p.url, "none"
	} else {
		c.URL, c.APIKey, c.Webhook, c.Keep = p.url, apiKey, on == withWebhook, true
	}
	l, err := load.New(c)
	if err != nil {
		return err
	}
	before, err := p.cpu()
	if err != nil {
		return err
	}
	report, err := l.Run(ctx)
	if err != nil {
		return err
	}
	if err := report.Failed(); err != nil {
		return errors.Join(err, report.Print(os.Stderr))
	}
	after, err := p.cpu()
	r.reports[t.name][on], r.cpu[t.name][on] = report, after-before
	return err
}

// finish takes down what a server took, and stops it.
func (r *results) finish(name string, p *process, folder string) (err error) {
	took := r.servers[name]
	if took.peak, err = p.memory("VmHWM"); err != nil {
		return err
	}
	if took.cpu, err = p.cpu(); err != nil {
		return err
	}
	if name == rollcall || name == withWebhook {
		if took.events, err = position(p.url); err != nil {
			return err
		}
	}
	if err := p.stop(); err != nil {
		return err
	}
	if took.events > 0 {
		took.bytes, err = sizes(filepath.Join(folder, "rollcall-data"))
	}
	r.servers[name] = took
	return err
}
