package webhook

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcall-sync/rollcall/projections"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func middle() float64 { return 0.5 }

// one is the health of an endpoint and messages that are tried one after the other.
type one struct {
	*health
	now time.Time
}

func newOne(since time.Time) *one {
	return &one{newHealth(Schedule{}.withDefaults(), since, middle), noon}
}

// try makes one attempt of a message, which then carries what is recorded of it.
func (o *one) try(d *projections.Delivery, a answer) verdict {
	t := o.begin()
	at := o.now
	v := o.end(t, *d, a, o.now)
	if d.FirstTry.IsZero() {
		d.FirstTry = at
	}
	d.LastTry, d.Tries, d.Next = at, v.tries, v.next
	return v
}

func TestAMessageThatAloneIsRefusedGoesThroughTheSchedule(t *testing.T) {
	o := newOne(time.Time{})
	var bad, good projections.Delivery
	if v := o.try(&bad, answer{kind: refused}); v.tries != 0 || !o.down() {
		t.Fatalf("the first failure, with nothing accepted since, left the endpoint up: %+v", v)
	}
	if v := o.try(&good, answer{kind: accepted}); v.fate != projections.Delivered || o.down() {
		t.Fatalf("an accepted message left the endpoint down: %+v", v)
	}
	for i, pause := range Schedule.withDefaults(Schedule{}).Retries {
		v := o.try(&bad, answer{kind: refused})
		if v.fate != projections.Retry || v.tries != i+1 || !v.next.Equal(o.now.Add(pause)) || o.down() {
			t.Fatalf("attempt %d: %+v, down %v; want one more in %s", i+1, v, o.down(), pause)
		}
		o.now = v.next
	}
	if v := o.try(&bad, answer{kind: refused}); v.fate != projections.Failed || o.down() {
		t.Fatalf("after all retries: %+v", v)
	}
}

func TestAnotherMessageAcceptedMeanwhileBlamesTheMessage(t *testing.T) {
	o := newOne(time.Time{})
	slow, quick := o.begin(), o.begin()
	o.end(quick, projections.Delivery{}, answer{kind: accepted}, o.now)
	if v := o.end(slow, projections.Delivery{}, answer{kind: timedOut}, o.now); v.tries != 1 || o.down() {
		t.Fatalf("%+v, down %v", v, o.down())
	}
}

func TestNoMessageIsBlamedWhenNoConnectionIsMade(t *testing.T) {
	o := newOne(time.Time{})
	bad := projections.Delivery{FirstTry: noon.Add(-time.Hour), Tries: 3}
	o.try(&projections.Delivery{}, answer{kind: accepted})
	if v := o.try(&bad, answer{kind: unreachable}); v.tries != 3 || !o.down() || v.next.After(o.now) {
		t.Fatalf("%+v, down %v", v, o.down())
	}
}

func TestProbesComeSlowerUpToTheBoundAndStartAnew(t *testing.T) {
	o := newOne(time.Time{})
	var d projections.Delivery
	o.try(&d, answer{kind: refused})
	for _, bound := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		at, ok := o.probeDue()
		if want := o.now.Add(bound * time.Second * 3 / 4); !ok || !at.Equal(want) {
			t.Fatalf("a probe in %s, want %s", at.Sub(o.now), want.Sub(o.now))
		}
		o.now = at
		if v := o.try(&d, answer{kind: refused}); v.tries != 0 || v.fate != projections.Retry {
			t.Fatalf("a failed probe counted: %+v", v)
		}
	}
	o.try(&d, answer{kind: accepted})
	o.try(&projections.Delivery{}, answer{kind: refused})
	if at, _ := o.probeDue(); at.Sub(o.now) > time.Second {
		t.Fatalf("after a success the first probe comes in %s", at.Sub(o.now))
	}
}

func TestOneProbeAtATimeAndStragglersDoNotSlowIt(t *testing.T) {
	o := newOne(time.Time{})
	straggler, first := o.begin(), o.begin()
	o.end(first, projections.Delivery{}, answer{kind: refused}, o.now)
	at, _ := o.probeDue()
	o.end(straggler, projections.Delivery{}, answer{kind: refused}, o.now)
	if again, _ := o.probeDue(); again != at {
		t.Fatal("an attempt from before moved the probe")
	}
	probe := o.begin()
	if _, ok := o.probeDue(); ok {
		t.Fatal("a second probe may begin")
	}
	o.end(probe, projections.Delivery{}, answer{kind: timedOut}, at)
	if again, ok := o.probeDue(); !ok || !again.After(at) {
		t.Fatal("no other probe after the first")
	}
}

func TestSilenceIsKeptAndBounded(t *testing.T) {
	for _, c := range []struct{ asked, want time.Duration }{
		{10 * time.Minute, 10 * time.Minute}, {24 * time.Hour, time.Hour}, {0, 750 * time.Millisecond},
	} {
		o := newOne(time.Time{})
		d := projections.Delivery{FirstTry: noon.Add(-time.Hour), Tries: 2}
		v := o.try(&d, answer{kind: throttled, retry: c.asked})
		if at, _ := o.probeDue(); !o.down() || v.tries != 2 || at.Sub(o.now) != c.want {
			t.Errorf("asked for %s: silent for %s, %+v", c.asked, at.Sub(o.now), v)
		}
	}
}

func TestGoneDisables(t *testing.T) {
	o := newOne(time.Time{})
	if v := o.try(&projections.Delivery{}, answer{kind: gone}); v.fate != projections.Retry || !strings.Contains(v.disable, "410") {
		t.Fatalf("%+v", v)
	}
}

func TestFiveDaysOfFailureDisable(t *testing.T) {
	o := newOne(time.Time{})
	var d projections.Delivery
	o.try(&d, answer{kind: refused})
	for o.now.Before(noon.Add(5 * 24 * time.Hour)) {
		if v := o.try(&d, answer{kind: unreachable}); v.disable != "" {
			t.Fatalf("disabled after %s", o.now.Sub(noon))
		}
		o.now = o.now.Add(time.Hour)
	}
	if v := o.try(&d, answer{kind: unreachable}); !strings.Contains(v.disable, "2026-11-23T12:00:00Z") {
		t.Fatalf("after five days: %+v", v)
	}
}

func TestAServerThatWasOffDoesNotDisableAtOnce(t *testing.T) {
	o := newOne(noon.Add(-10 * 24 * time.Hour))
	d := projections.Delivery{FirstTry: noon.Add(-10 * 24 * time.Hour)}
	if at, ok := o.probeDue(); !o.down() || !ok || at.After(o.now) {
		t.Fatal("an endpoint that failed before a restart is not probed at once")
	}
	for i := range probesBeforeGivingUp - 1 {
		if v := o.try(&d, answer{kind: refused}); v.disable != "" {
			t.Fatalf("disabled at probe %d after a restart", i+1)
		}
	}
	if v := o.try(&d, answer{kind: refused}); v.disable == "" {
		t.Fatal("not disabled though it went on failing")
	}
}

func TestOnlyProbesInARowDisable(t *testing.T) {
	o := newOne(noon)
	var d projections.Delivery
	for range probesBeforeGivingUp - 1 {
		o.try(&d, answer{kind: refused})
	}
	o.try(&d, answer{kind: accepted})
	o.try(&projections.Delivery{}, answer{kind: refused})
	o.now = o.now.Add(6 * 24 * time.Hour)
	if v := o.try(&projections.Delivery{}, answer{kind: refused}); v.disable != "" {
		t.Fatalf("disabled after one probe: %+v", v)
	}
}

func TestOurOwnTroubleIsNotTheEndpointsFault(t *testing.T) {
	o := newOne(time.Time{})
	for range 20 {
		o.hinder(o.begin(), o.now)
		at, _ := o.probeDue()
		if !o.down() || !at.After(o.now) || !o.since.IsZero() {
			t.Fatalf("down %v, next probe in %s, failing since %s", o.down(), at.Sub(o.now), o.since)
		}
		o.now = at
	}
	if o.end(o.begin(), projections.Delivery{}, answer{kind: accepted}, o.now); o.down() {
		t.Fatal("still down")
	}
}

// An endpoint with random answers, several attempts under way, and restarts: messages are given up only for failures in the
// sight of successes, and the endpoint is down exactly since its first failure after the last success.
func TestHealthProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		schedule := Schedule{Retries: []time.Duration{time.Second, time.Minute}}.withDefaults()
		h := newHealth(schedule, time.Time{}, func() float64 { return rapid.Float64Range(0, 0.999).Draw(t, "chance") })
		now := noon
		messages := make([]projections.Delivery, 5)
		first := make([]int, 5)   // successes when the message was first tried
		counted := make([]int, 5) // failures held against it
		successes := 0
		type flight struct {
			message int
			ticket  ticket
		}
		var flying []flight
		probes := 0
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				i := rapid.IntRange(0, 4).Draw(t, "message")
				for _, f := range flying {
					if f.message == i {
						t.Skip("under way")
					}
				}
				if at, ok := h.probeDue(); h.down() && !ok {
					t.Skip("probing")
				} else if h.down() && at.After(now) {
					now = at
				}
				if messages[i].FirstTry.IsZero() {
					first[i] = successes
				}
				ticket := h.begin()
				if ticket.probe {
					probes++
				}
				flying = append(flying, flight{i, ticket})
			},
			"end": func(t *rapid.T) {
				if len(flying) == 0 {
					t.Skip("nothing under way")
				}
				n := rapid.IntRange(0, len(flying)-1).Draw(t, "flight")
				f := flying[n]
				flying = append(flying[:n:n], flying[n+1:]...)
				if f.ticket.probe {
					probes--
				}
				k := rapid.SampledFrom([]kind{accepted, refused, refused, throttled, timedOut, broken, unreachable}).Draw(t, "kind")
				m, wasDown := &messages[f.message], h.down()
				v := h.end(f.ticket, *m, answer{kind: k, retry: time.Minute}, now)
				if m.FirstTry.IsZero() {
					m.FirstTry = now
				}
				switch {
				case k == accepted:
					successes++
					if v.fate != projections.Delivered || h.down() {
						t.Fatalf("accepted: %+v, down %v", v, h.down())
					}
					*m, counted[f.message] = projections.Delivery{}, 0
					return
				case v.tries != m.Tries:
					counted[f.message]++
					if wasDown || h.down() || k == unreachable || k == throttled {
						t.Fatalf("%s counted, down before %v and after %v", k, wasDown, h.down())
					}
					if successes == first[f.message] {
						t.Fatalf("counted although nothing was accepted since the first try")
					}
				default:
					if !h.down() || v.next.After(now) || v.fate != projections.Retry {
						t.Fatalf("put off without the endpoint being down, or not due: %+v", v)
					}
				}
				m.Tries = v.tries
				if gaveUp := v.fate == projections.Failed; gaveUp != (counted[f.message] == 3) {
					t.Fatalf("after %d failures that counted: %+v", counted[f.message], v)
				} else if gaveUp {
					*m, counted[f.message] = projections.Delivery{}, 0
				}
			},
			"restart": func(*rapid.T) {
				h = newHealth(schedule, h.since, h.chance)
				flying, probes = nil, 0
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				if probes > 1 {
					t.Fatalf("%d probes at a time", probes)
				}
				if at, _ := h.probeDue(); h.down() && at.Sub(now) > schedule.ProbeMax+time.Minute {
					t.Fatalf("the next probe comes in %s", at.Sub(now))
				}
			},
		})
	})
}
