package main

import (
	"time"

	"github.com/rollcall-sync/rollcall/cmd/rollcall/load"
)

// scale is how large everything is.
type scale struct {
	name                         string
	few, many, most              int // users who are there
	requests                     int
	duration                     time.Duration // of a phase at most
	small, large, movers         int           // members of a group, and users who come and go
	syncUsers, syncGroups, group int           // of a first sync
	perSecond                    float64       // of changes, where webhooks are measured
	appends, records             int           // of the log
}

var (
	short = scale{"short", 1_000, 2_000, 5_000, 2_000, 2 * time.Second, 10, 1_000, 200, 1_000, 10, 100, 200, 2_000, 20_000}
	full  = scale{"full", 1_000, 10_000, 100_000, 20_000, 10 * time.Second, 10, 100_000, 1_000, 10_000, 100, 100, 500, 10_000, 1_000_000}
)

// A trial is one load on each server. Those of one trial follow each other, so that they share the machine's mood.
type trial struct {
	name   string
	on     []string // names of servers
	config load.Config
}

const (
	theConstant = "constant"
	theLibrary  = "library"
	rollcall    = "rollcall"
	withWebhook = "rollcall + webhook"
)

func (s scale) trials() []trial {
	with := func(profile string, users, members, connections int) load.Config {
		return load.Config{Profile: profile, Users: users, Members: members, Requests: s.requests, Duration: s.duration, Concurrency: connections}
	}
	sync := with("entra", s.syncUsers, s.group, connections)
	sync.Groups = s.syncGroups
	small, large := with("group", s.movers, s.small, 1), with("group", s.movers, s.large, 1)
	paced := with("steady", s.few, 0, connections)
	paced.Rate, paced.Requests = s.perSecond, int(s.perSecond*s.duration.Seconds())
	three := []string{theLibrary, rollcall, withWebhook}
	return []trial{
		{"ping", []string{theConstant, theLibrary, rollcall}, with("ping", 1, 0, connections)},
		{"few", three, with("steady", s.few, 0, connections)},
		{"most", []string{rollcall}, with("steady", s.most, 0, connections)},
		{"read", []string{theLibrary, rollcall}, with("read", s.many, 0, connections)},
		{"deep", []string{theLibrary, rollcall}, with("read", s.most, 0, connections)},
		{"small group", three, small},
		{"large group", three, large},
		{"first sync", three, sync},
		{"paced", []string{withWebhook}, paced},
	}
}

// connections is how many requests are under way at a time.
const connections = 8
