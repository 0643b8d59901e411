package load

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Report is what a run found. Its JSON names are part of what `rollcall load --json` promises.
type Report struct {
	Profile      string      `json:"profile"`
	Target       string      `json:"target"`
	Concurrency  int         `json:"concurrency"`
	Rate         float64     `json:"rate"`    // items a second, 0 for a closed loop
	Sent         int64       `json:"sent"`    // requests in all, also those that prepare and check
	Seconds      float64     `json:"seconds"` // of all measured phases; with webhooks, until the last one came
	Operations   []Operation `json:"operations"`
	Webhooks     *Webhooks   `json:"webhooks,omitempty"`
	Users        int         `json:"users"` // whose end state was looked at
	Groups       int         `json:"groups"`
	Wrong        int         `json:"wrong"`                  // things in the end state that are not as they should be
	Told         []string    `json:"told"`                   // the first of them in words
	Organization string      `json:"organization,omitempty"` // that is kept
}

func (r *run) report(w *wrong) *Report {
	out := &Report{
		Profile: r.Profile, Target: cmp.Or(r.SCIMURL, r.URL), Concurrency: r.Concurrency, Rate: r.Rate, Sent: r.client.sent.Load(), Operations: r.measures.rows(),
		Seconds: r.seconds.Seconds(), Wrong: w.count, Told: append([]string{}, w.told...),
	}
	for _, p := range r.world.people {
		if p.id != "" && !p.unsure {
			out.Users++
		}
	}
	for _, t := range r.world.teams {
		if t.id != "" && !t.unsure {
			out.Groups++
		}
	}
	if r.sink != nil {
		out.Webhooks = r.sink.webhooks()
	}
	if out.Failed() != nil || r.Keep {
		out.Organization = r.organization
	}
	return out
}

// Failed tells that requests failed or the end state is wrong, nil if all is well.
func (r *Report) Failed() error {
	requests := 0
	for _, o := range r.Operations {
		for _, n := range o.Errors {
			requests += n
		}
	}
	if requests == 0 && r.Wrong == 0 {
		return nil
	}
	return fmt.Errorf("%d requests failed, and %d things are not as they were acknowledged", requests, r.Wrong)
}

// Print writes the Report for people.
func (r *Report) Print(to io.Writer) error {
	width := len(webhookRow)
	for _, o := range r.Operations {
		width = max(width, len(o.Name))
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%-*s %9s %8s %9s %9s %9s %9s   %s\n", width, "operation", "requests", "/s", "p50 ms", "p95 ms", "p99 ms", "max ms", "errors")
	row := func(name string, n int64, perSecond float64, l Latency, errors string) {
		fmt.Fprintf(&out, "%-*s %9d %8.0f %9.2f %9.2f %9.2f %9.2f   %s\n", width, name, n, perSecond, l.P50, l.P95, l.P99, l.Max, errors)
	}
	for _, o := range r.Operations {
		row(o.Name, o.Requests, o.PerSecond, o.Latency, o.errors())
	}
	if w := r.Webhooks; w != nil {
		row(webhookRow, w.Messages, w.PerSecond, w.Delay, "-")
	}
	for _, o := range r.Operations {
		if o.Failure != "" {
			fmt.Fprintf(&out, "%s: %s\n", o.Name, o.Failure)
		}
	}
	for _, line := range r.Told {
		fmt.Fprintln(&out, "WRONG:", line)
	}
	if more := r.Wrong - len(r.Told); more > 0 {
		fmt.Fprintf(&out, "WRONG: and %d more\n", more)
	}
	if r.Wrong == 0 && r.Users > 0 {
		fmt.Fprintf(&out, "The end state is right: %d users, %d groups.\n", r.Users, r.Groups)
	}
	if r.Organization != "" {
		fmt.Fprintf(&out, "The organization %s is kept.\n", r.Organization)
	}
	_, err := io.WriteString(to, out.String())
	return err
}

// webhookRow is the row of what came after the answers.
const webhookRow = "webhook, after its event"

// errors are what failed, by status.
func (o Operation) errors() string {
	var out []string
	for _, status := range slices.Sorted(maps.Keys(o.Errors)) {
		out = append(out, fmt.Sprintf("%d × %s", o.Errors[status], status))
	}
	return cmp.Or(strings.Join(out, ", "), "-")
}
