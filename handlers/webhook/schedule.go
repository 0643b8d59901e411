package webhook

import "time"

// Schedule says when what failed is tried again. The zero value of each field takes the default that its comment names.
type Schedule struct {
	// Retries are the pauses after the attempts of a message that fails while the endpoint takes others; after the last one
	// the message is given up. Default: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, about three days.
	Retries []time.Duration
	// ProbeMin and ProbeMax bound the pause, which grows, between the probes of an endpoint that fails as a whole.
	// Default: 1 s and 60 s.
	ProbeMin, ProbeMax time.Duration
	// SilenceMax bounds the silence that an endpoint may ask for by Retry-After. Default: 1 h.
	SilenceMax time.Duration
	// GiveUp is how long an endpoint fails as a whole before it is disabled. Default: 5 days.
	GiveUp time.Duration
}

func (s Schedule) withDefaults() Schedule {
	if len(s.Retries) == 0 {
		s.Retries = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}
	}
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	def(&s.ProbeMin, time.Second)
	def(&s.ProbeMax, time.Minute)
	def(&s.SilenceMax, time.Hour)
	def(&s.GiveUp, 5*24*time.Hour)
	return s
}
