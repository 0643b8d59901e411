package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/cmd/rollcall/load"
)

// print writes Markdown, so that it can be kept as it is.
func (r *results) print(out io.Writer, s scale) {
	fmt.Fprintf(out, "\nScale: %s. All with %d connections, groups with one.\n\n", s.name, connections)
	fmt.Fprintln(out, "| operation: requests/s · p50 / p99 ms | constant | library | rollcall | rollcall + webhook |\n| --- | --: | --: | --: | --: |")
	for _, t := range s.trials() {
		for _, name := range operations(r.reports[t.name]) {
			row := fmt.Sprintf("| %s: %s |", t.name, name)
			for _, on := range []string{theConstant, theLibrary, rollcall, withWebhook} {
				row += " " + cell(r.reports[t.name][on], name) + " |"
			}
			fmt.Fprintln(out, row)
		}
	}
	r.printServers(out)
	r.printRatios(out, s)
}

// operations are the names of what a trial measured, in its order.
func operations(reports map[string]*load.Report) []string {
	var names []string
	for _, on := range slices.Sorted(maps.Keys(reports)) {
		for _, o := range reports[on].Operations {
			if !slices.Contains(names, o.Name) {
				names = append(names, o.Name)
			}
		}
		if reports[on].Webhooks != nil {
			names = append(names, arrival)
		}
	}
	return names
}

const arrival = "webhook after its event"

func cell(r *load.Report, name string) string {
	if r == nil {
		return "-"
	}
	if name == arrival && r.Webhooks != nil {
		return fmt.Sprintf("%.0f · %.1f / %.1f", r.Webhooks.PerSecond, r.Webhooks.Delay.P50, r.Webhooks.Delay.P99)
	}
	for _, o := range r.Operations {
		if o.Name == name {
			return fmt.Sprintf("%.0f · %.2f / %.1f", o.PerSecond, o.Latency.P50, o.Latency.P99)
		}
	}
	return "-"
}

func (r *results) printServers(out io.Writer) {
	fmt.Fprintln(out, "\n| server | CPU s | idle MB | peak MB | events | bytes on disk for each event |\n| --- | --: | --: | --: | --: | --- |")
	for _, name := range []string{theConstant, theLibrary, rollcall, withWebhook} {
		took := r.servers[name]
		var files []string
		for _, file := range slices.Sorted(maps.Keys(took.bytes)) {
			if per := took.bytes[file] / int64(took.events); per > 0 {
				files = append(files, fmt.Sprintf("%s %d", file, per))
			}
		}
		fmt.Fprintf(out, "| %s | %.1f | %.0f | %.0f | %d | %s |\n", name, took.cpu.Seconds(), took.idle, took.peak, took.events, strings.Join(files, ", "))
	}
	d := r.disk
	fmt.Fprintln(out, "\n| the log, records of a kilobyte | bare file | log |\n| --- | --: | --: |")
	fmt.Fprintf(out, "| appends/s, each synced | %.0f | %.0f |\n", d.alone, d.writer)
	fmt.Fprintf(out, "| appends/s, a sync for each 30; 64 writers | %.0f | %.0f |\n", d.grouped, d.writers64)
	fmt.Fprintf(out, "| read all, records/s | %.0f | %.0f |\n", d.scan, d.all)
	fmt.Fprintf(out, "| a stream of 20, p50 | | %s |\n| open with %d records | | %s |\n", d.stream.Round(time.Microsecond), d.records, d.open.Round(10*time.Microsecond))
	fmt.Fprintf(out, "| start of serve with %d events | | %s |\n", r.servers[rollcall].events, r.restart.Round(time.Millisecond))
}
