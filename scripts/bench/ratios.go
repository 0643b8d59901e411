package main

import (
	"fmt"
	"io"
	"time"
)

// goal is a target: a figure and what it is held against.
type goal struct {
	what  string
	is    float64
	least float64 // or
	most  float64
	unit  string
}

func (g goal) line() string {
	wanted, met := fmt.Sprintf("≥ %g%s", g.least, g.unit), g.is >= g.least
	if g.most > 0 {
		wanted, met = fmt.Sprintf("≤ %g%s", g.most, g.unit), g.is <= g.most
	}
	verdict := "short"
	if met {
		verdict = "met"
	}
	return fmt.Sprintf("| %s | %s | %.2f%s | %s |", g.what, wanted, g.is, g.unit, verdict)
}

// rate is how many of some operations a second a server did, 0 if it did none.
func (r *results) rate(trial, on string, names ...string) float64 {
	total := 0.0
	if report := r.reports[trial][on]; report != nil {
		for _, o := range report.Operations {
			for _, name := range names {
				if o.Name == name {
					total += o.PerSecond
				}
			}
		}
	}
	return total
}

func (r *results) goals() []goal {
	library := func(trial, on string, names ...string) float64 {
		return r.rate(trial, on, names...) / r.rate(trial, theLibrary, names...)
	}
	var all []goal
	for _, on := range []string{rollcall, withWebhook} {
		all = append(all,
			goal{what: on + ": create × library", is: library("few", on, "create user"), least: 0.8},
			goal{what: on + ": Entra's PATCH × library", is: library("few", on, "update user, 4 operations"), least: 2},
			goal{what: on + ": first sync, seconds × library", is: r.reports["first sync"][on].Seconds / r.reports["first sync"][theLibrary].Seconds, most: 1.5},
			goal{what: on + ": one member, large ÷ small group", is: r.rate("large group", on, "add one member") / r.rate("small group", on, "add one member"), least: 0.9},
		)
	}
	first, last := "list first page of 100", "list last page of 100"
	paced := r.reports["paced"][withWebhook].Webhooks.Delay
	return append(all,
		goal{what: "create, most ÷ few users there", is: r.rate("most", rollcall, "create user") / r.rate("few", rollcall, "create user"), least: 0.85},
		goal{what: "filter × library", is: library("read", rollcall, "find by userName"), least: 3},
		goal{what: "get × library", is: library("read", rollcall, "get by id"), least: 0.8},
		goal{what: "last page × library", is: library("deep", rollcall, last), least: 3},
		goal{what: "last ÷ first page", is: r.rate("deep", rollcall, last) / r.rate("deep", rollcall, first), least: 0.9},
		goal{what: "group without members, large ÷ small", is: r.rate("large group", rollcall, "get group without members") / r.rate("small group", rollcall, "get group without members"), least: 0.9},
		goal{what: "log: 64 writers ÷ grouped appends", is: r.disk.writers64 / r.disk.grouped, least: 0.12},
		goal{what: "log: one writer ÷ single appends", is: r.disk.writer / r.disk.alone, least: 0.5},
		goal{what: "log: read all ÷ flat scan", is: r.disk.all / r.disk.scan, least: 0.12},
		goal{what: "log: a stream of 20", is: float64(r.disk.stream) / float64(time.Microsecond), most: 150, unit: " µs"},
		goal{what: "log: open", is: float64(r.disk.open) / float64(time.Millisecond), most: 10, unit: " ms"},
		goal{what: "start of serve", is: r.restart.Seconds(), most: 0.5, unit: " s"},
		goal{what: "memory after everything", is: r.servers[rollcall].peak, most: 150, unit: " MB"},
		goal{what: "memory idle", is: r.servers[rollcall].idle, most: 40, unit: " MB"},
		goal{what: "webhook after its event, p50", is: paced.P50, most: 5, unit: " ms"},
		goal{what: "webhook after its event, p99 ÷ p50", is: paced.P99 / paced.P50, most: 10},
	)
}

func (r *results) printRatios(out io.Writer, s scale) {
	fmt.Fprintln(out, "\n| CPU of the server, ms a request | library | rollcall | rollcall + webhook |\n| --- | --: | --: | --: |")
	for _, t := range s.trials() {
		row := "| " + t.name + " |"
		for _, on := range []string{theLibrary, rollcall, withWebhook} {
			if report := r.reports[t.name][on]; report != nil {
				row += fmt.Sprintf(" %.2f |", r.cpu[t.name][on].Seconds()*1000/float64(report.Sent))
			} else {
				row += " - |"
			}
		}
		fmt.Fprintln(out, row)
	}
	fmt.Fprintln(out, "\n| target | wanted | is | |\n| --- | --: | --: | --- |")
	for _, g := range r.goals() {
		fmt.Fprintln(out, g.line())
	}
}
