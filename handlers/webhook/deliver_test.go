package webhook_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/webhook"
	"github.com/rollcall-sync/rollcall/projections"
)

// Proves Directory Sync §receiver.
func TestAMessageArrivesSignedAndWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(status(http.StatusNoContent))
	w.endpoint("e", s.server.URL+"/hook?key=hidden")
	w.users("u", 1, 1)
	due, err := w.outbox.Due(t.Context(), "e", time.Now(), 10)
	if err != nil || len(due.Fresh) != 1 {
		t.Fatalf("%d deliveries, %v", len(due.Fresh), err)
	}
	stored, _, err := w.outbox.Body(t.Context(), due.Fresh[0])
	if err != nil {
		t.Fatal(err)
	}
	metrics := prometheus.NewRegistry()
	run := w.deliver(func(c *webhook.Config) { c.Metrics = metrics })
	w.untilDelivered(1)
	run.end()

	c := s.seen()[0]
	verifier, err := standardwebhooks.NewWebhook(w.secret.Shared())
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify(c.body, c.header); err != nil {
		t.Errorf("the signature: %v", err)
	}
	if string(c.body) != string(stored) {
		t.Errorf("sent\n%s\nstored\n%s", c.body, stored)
	}
	var id eventstore.ID
	id[15] = 2
	if want := projections.WebhookID(id, "e"); c.id != want {
		t.Errorf("webhook-id %s, want %s", c.id, want)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "User-Agent": "Rollcall/1.2.3", "Idempotency-Key": "", "Content-Length": strconv.Itoa(len(stored))} {
		if got := c.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	lines := w.lines.attempts()
	if len(lines) != 1 || lines[0] != (line{Msg: "webhook", Endpoint: "e", Type: "directory.user.created", Subject: "user-u0", WebhookID: c.id, Status: 204, Outcome: "accepted", Fate: "delivered", Tries: 1}) {
		t.Errorf("lines: %+v", lines)
	}
	for _, hidden := range []string{"hidden", "acme.example", w.secret.Shared()[6:], "sealed-e"} {
		if strings.Contains(w.lines.text(), hidden) {
			t.Errorf("%q is logged:\n%s", hidden, w.lines.text())
		}
	}
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			shown[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	if want := (map[string]float64{
		"rollcall_webhook_attempts_total accepted": 1, "rollcall_webhook_attempts_total broken": 0, "rollcall_webhook_attempts_total gone": 0,
		"rollcall_webhook_attempts_total refused": 0, "rollcall_webhook_attempts_total throttled": 0, "rollcall_webhook_attempts_total timeout": 0,
		"rollcall_webhook_attempts_total unreachable": 0, "rollcall_webhook_attempt_seconds": 1, "rollcall_webhook_attempts_under_way": 0,
		"rollcall_webhook_endpoints_down": 0,
	}); !maps.Equal(shown, want) {
		t.Errorf("metrics %v, want %v", shown, want)
	}
}

// roll is a number below n that depends on a call alone.
func roll(c call, n uint32) uint32 {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%d/%d", c.subject, c.version, c.nth)
	return h.Sum32() / 7 % n
}

// hangUp breaks the connection off.
func hangUp(http.ResponseWriter, call) { panic(http.ErrAbortHandler) }

func TestNothingIsLostOrReorderedUnderFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(func(rw http.ResponseWriter, c call) {
		switch roll(c, 8) {
		case 0:
			rw.WriteHeader(http.StatusInternalServerError)
		case 1:
			hangUp(rw, c)
		case 2:
			rw.WriteHeader(http.StatusTooManyRequests)
		case 3:
			rw.WriteHeader(http.StatusFound)
		default:
			rw.WriteHeader(http.StatusOK)
		}
	})
	w.endpoint("e", s.server.URL)
	w.users("u", 8, 6)
	w.deliver()
	w.users("v", 8, 6)
	w.untilDelivered(96)
	if twice := s.complete("u", 8, 6) + s.complete("v", 8, 6); twice != 0 {
		t.Errorf("%d were accepted twice", twice)
	}
	if c := w.counts(); c != (projections.DeliveryCounts{Delivered: 96}) {
		t.Errorf("%+v", c)
	}
}

func TestAnEndpointThatFailsAsAWholeIsProbedAndThenServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var calls, down atomic.Int32
	s := w.sink(func(rw http.ResponseWriter, c call) {
		if calls.Add(1) <= 60 {
			rw.WriteHeader(http.StatusInternalServerError)
			return
		}
		rw.WriteHeader(http.StatusOK)
	})
	w.endpoint("e", s.server.URL)
	w.users("u", 20, 2)
	run := w.deliver()
	w.untilDelivered(40)
	run.end()
	s.complete("u", 20, 2)
	tried := map[string]bool{}
	for i, l := range w.lines.attempts() {
		if l.Fate == "delivered" && l.Tries != 1 || l.Fate == "retry" && l.Tries != 0 {
			t.Errorf("attempt %d counted although nothing else was accepted: %+v", i, l)
		}
		if l.Fate == "retry" {
			down.Add(1)
			tried[l.Subject] = true
		}
	}
	if down.Load() != 60 {
		t.Errorf("%d attempts failed, want 60", down.Load())
	}
	if len(tried) != 20 {
		t.Errorf("the probes tried %d subjects, want all 20 in turn", len(tried))
	}
	// The first failures may be of as many requests as may be under way; then one at a time.
	for i, c := range s.seen()[8:60] {
		if c.nth > 4 {
			t.Errorf("call %d is the %d. of one message, while others waited for a turn", i+8, c.nth)
		}
	}
}

func TestAPoisonousMessageHoldsOnlyItsOwnSubject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(func(rw http.ResponseWriter, c call) {
		if c.subject == "u0" && c.version == 2 {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		rw.WriteHeader(http.StatusOK)
	})
	s.skipped["u0/2"] = true
	w.endpoint("e", s.server.URL)
	w.users("u", 6, 4)
	w.deliver(func(c *webhook.Config) {
		c.Schedule.Retries = []time.Duration{time.Millisecond, 2 * time.Millisecond, 3 * time.Millisecond}
	})
	w.until("all have ended", func() bool { return w.counts().Open == 0 })
	if c := w.counts(); c != (projections.DeliveryCounts{Delivered: 23, Failed: 1}) {
		t.Errorf("%+v", c)
	}
	s.complete("u", 6, 4)
	counted := 0
	for _, l := range w.lines.attempts() {
		if l.Subject == "user-u0" && l.Status == 400 {
			counted = l.Tries
			if l.Fate == "failed" && l.Tries != 4 {
				t.Errorf("given up after %d tries, want 4", l.Tries)
			}
		}
	}
	if counted != 4 {
		t.Errorf("the poisonous message was tried %d times, want 4", counted)
	}
}

func TestMessagesThatStallAgainDoNotFillTheEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	s := w.sink(func(rw http.ResponseWriter, c call) {
		switch {
		case !strings.HasPrefix(c.subject, "bad"):
			rw.WriteHeader(http.StatusOK)
		case c.nth == 1:
			rw.WriteHeader(http.StatusBadRequest)
		default:
			<-release
			rw.WriteHeader(http.StatusOK)
		}
	})
	w.endpoint("e", s.server.URL)
	w.users("bad", 6, 1)
	w.users("good", 1, 1)
	run := w.deliver(func(c *webhook.Config) { c.Concurrency = 4 })
	w.until("two stall", func() bool { now, _ := s.underWay(); return now == 2 && w.delivered.Load() == 1 })
	w.users("fine", 6, 3)
	w.untilDelivered(1 + 18)
	if now, _ := s.underWay(); now != 2 {
		t.Errorf("%d stall, want half of four", now)
	}
	close(release)
	w.untilDelivered(1 + 18 + 6)
	run.end()
	s.complete("bad", 6, 1)
	s.complete("fine", 6, 3)
}

func TestAProbeIsNeverWhatIsStillUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	s := w.sink(func(rw http.ResponseWriter, c call) {
		switch {
		case c.subject == "u0":
			<-release
		case c.nth <= 3:
			rw.WriteHeader(http.StatusInternalServerError)
			return
		}
		rw.WriteHeader(http.StatusOK)
	})
	w.endpoint("e", s.server.URL)
	w.users("u", 2, 1)
	w.deliver(func(c *webhook.Config) { c.Concurrency = 2 })
	w.untilDelivered(1)
	close(release)
	w.untilDelivered(2)
	if twice := s.complete("u", 2, 1); twice != 0 {
		t.Errorf("%d were accepted twice", twice)
	}
}

func TestWhatIsDueLaterComesByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(func(rw http.ResponseWriter, c call) {
		if c.subject == "u0" && c.nth < 5 {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		rw.WriteHeader(http.StatusOK)
	})
	w.endpoint("e", s.server.URL)
	w.users("u", 2, 1)
	pause := func(c *webhook.Config) {
		c.Schedule.Retries = slices.Repeat([]time.Duration{100 * time.Millisecond}, 10)
	}
	run := w.deliver(pause)
	w.until("it was refused thrice", func() bool { return len(w.outbox.attempts()) >= 4 })
	run.end()
	w.reopen()
	run = w.deliver(pause)
	w.untilDelivered(2)
	run.end()
	s.complete("u", 2, 1)
}

func TestARestartLosesNothingAndKeepsIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(func(rw http.ResponseWriter, c call) {
		if roll(c, 4) == 0 {
			rw.WriteHeader(http.StatusInternalServerError)
			return
		}
		rw.WriteHeader(http.StatusOK)
	})
	w.endpoint("e", s.server.URL)
	w.users("u", 8, 6)
	for _, enough := range []int{6, 15, 30} {
		run := w.deliver()
		w.untilDelivered(enough)
		run.end()
		if now, _ := s.underWay(); now != 0 {
			t.Errorf("Run returned with %d attempts under way", now)
		}
		w.reopen()
	}
	w.deliver()
	w.untilDelivered(48)
	if twice := s.complete("u", 8, 6); twice != 0 {
		t.Errorf("%d were accepted twice although every stop was orderly", twice)
	}
}

func TestWhatCouldNotBeRecordedIsSentAgainUnderItsID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(status(http.StatusOK))
	w.endpoint("e", s.server.URL)
	w.users("u", 50, 2)
	w.outbox.breakRecording(errors.New("the disk is full"))
	run := w.deliver(func(c *webhook.Config) { c.Concurrency = 4 })
	w.until("recording was refused twice", func() bool {
		w.outbox.mu.Lock()
		defer w.outbox.mu.Unlock()
		return w.outbox.refused >= 2
	})
	run.end()
	sent := len(s.seen())
	if sent == 0 || sent > 16 {
		t.Errorf("%d were sent while nothing could be recorded, want up to 16", sent)
	}
	if !strings.Contains(w.lines.text(), "the disk is full") {
		t.Error("the failure is not logged")
	}
	w.outbox.breakRecording(nil)
	w.reopen()
	w.deliver()
	w.untilDelivered(100)
	if twice := s.complete("u", 50, 2); twice != sent {
		t.Errorf("%d were accepted twice, want the %d that were not recorded", twice, sent)
	}
}

func TestRecordingThatFailsForAWhileSendsNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(status(http.StatusOK))
	w.endpoint("e", s.server.URL)
	w.users("u", 10, 3)
	w.outbox.breakRecording(errors.New("the disk is full"))
	w.deliver()
	w.until("recording was refused twice", func() bool {
		w.outbox.mu.Lock()
		defer w.outbox.mu.Unlock()
		return w.outbox.refused >= 2
	})
	w.outbox.breakRecording(nil)
	w.untilDelivered(30)
	if twice := s.complete("u", 10, 3); twice != 0 {
		t.Errorf("%d were accepted twice", twice)
	}
}

func TestADeadEndpointDelaysNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	stalled := w.sink(func(rw http.ResponseWriter, _ call) {
		<-release
		rw.WriteHeader(http.StatusOK)
	})
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := refusing.Addr().String()
	if err := refusing.Close(); err != nil {
		t.Fatal(err)
	}
	living := w.sink(status(http.StatusOK))
	w.endpoint("stalled", stalled.server.URL)
	w.endpoint("nobody", "http://"+nobody)
	w.endpoint("living", living.server.URL)
	w.users("u", 10, 6)
	run := w.deliver()
	w.untilDelivered(60)
	living.complete("u", 10, 6)
	close(release)
	w.untilDelivered(120)
	stalled.complete("u", 10, 6)
	run.end()
	for _, l := range w.lines.attempts() {
		if l.Endpoint == "nobody" && (l.Outcome != "unreachable" || l.Tries != 0 || !l.Down) {
			t.Fatalf("%+v", l)
		}
	}
}

func TestRequestsOfAnEndpointRunTogetherUpToTheBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	s := w.sink(func(rw http.ResponseWriter, _ call) {
		<-release
		rw.WriteHeader(http.StatusOK)
	})
	w.endpoint("e", s.server.URL)
	w.users("u", 60, 2)
	w.deliver(func(c *webhook.Config) { c.Concurrency = 5 })
	w.until("five requests are under way", func() bool { now, _ := s.underWay(); return now == 5 })
	close(release)
	w.untilDelivered(120)
	s.complete("u", 60, 2)
	if _, most := s.underWay(); most != 5 {
		t.Errorf("%d requests at a time, want 5", most)
	}
	if w.outbox.largest > 5*12 {
		t.Errorf("%d rows were read at once", w.outbox.largest)
	}
}

func TestAStallEndsWithTheTimeout(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(http.ResponseWriter, call){
		"no answer": func(_ http.ResponseWriter, c call) {},
		"half a header": func(rw http.ResponseWriter, _ call) {
			conn, out, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = out.WriteString("HTTP/1.1 200 OK\r\nX-Slow: ")
			_ = out.Flush()
			_, _ = io.Copy(io.Discard, conn)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			end := make(chan struct{})
			defer close(end)
			s := w.sink(func(rw http.ResponseWriter, c call) {
				if c.nth > 1 {
					rw.WriteHeader(http.StatusOK)
					return
				}
				if answer(rw, c); name == "no answer" {
					<-end
				}
			})
			s.stalls = true
			w.endpoint("e", s.server.URL)
			w.users("u", 1, 2)
			run := w.deliver(func(c *webhook.Config) { c.Timeout = 200 * time.Millisecond })
			w.untilDelivered(1)
			run.end()
			if !slices.ContainsFunc(w.lines.attempts(), func(l line) bool {
				return l.Outcome == "timeout" && l.Status == 0 && l.Error == "no whole answer came in time" && l.Fate == "retry"
			}) {
				t.Error(w.lines.tail())
			}
		})
	}
}

func TestABodyThatTricklesEndsWithTheTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	end := make(chan struct{})
	defer close(end)
	s := w.sink(func(rw http.ResponseWriter, _ call) {
		rw.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(rw, "word ")
		_ = http.NewResponseController(rw).Flush()
		<-end
	})
	w.endpoint("e", s.server.URL)
	w.users("u", 1, 1)
	run := w.deliver(func(c *webhook.Config) { c.Timeout = 200 * time.Millisecond })
	w.untilDelivered(1)
	run.end()
	all := w.outbox.attempts()
	if last := all[len(all)-1]; last.Status != 200 || last.Answer != "word " || last.Error != "" || last.Duration < 150*time.Millisecond {
		t.Errorf("%+v", last)
	}
	for _, early := range all[:len(all)-1] { // there may be some on a slow machine
		if early.Status != 0 {
			t.Errorf("sent again after %+v", early)
		}
	}
}

// An endpoint that is disabled and enabled again before its worker hears of either goes on.
func TestAnEndpointIsEnabledAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked atomic.Int32
	s := w.sink(func(rw http.ResponseWriter, c call) {
		if asked.Add(1) == 1 {
			status(http.StatusGone)(rw, c)
		} else {
			status(http.StatusOK)(rw, c)
		}
	})
	w.endpoint("e", s.server.URL)
	w.users("u", 2, 2)
	run := w.deliver(func(c *webhook.Config) {
		c.Disable = func(_ context.Context, id, reason string) error {
			w.append("endpoint-"+id, domain.EndpointDisabled{Reason: reason}, domain.EndpointEnabled{})
			w.news.tell()
			return nil
		}
	})
	w.until("all is delivered", func() bool { return w.counts().Open == 0 })
	run.end()
}

// Only the endpoint that wants a message is looked at, however many there are.
func TestIdleEndpointsAreLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.endpoint("e", w.sink(status(http.StatusOK)).server.URL)
	w.idle(1000)
	run := w.deliver()
	w.until("all have begun", func() bool { return w.outbox.told.Load() == 1001 })
	for n := range 10 {
		w.users("u", 1, 1)
		w.untilDelivered(n + 1)
	}
	run.end()
	if told := w.outbox.told.Load() - 1001; told != 10 {
		t.Errorf("10 changes for one endpoint told of %d", told)
	}
}

func TestAGoneEndpointIsDisabledAndItsRowsStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(status(http.StatusGone))
	w.endpoint("e", s.server.URL)
	w.users("u", 20, 2)
	var asked atomic.Int32
	run := w.deliver(func(c *webhook.Config) {
		c.Concurrency = 1
		appended := c.Disable
		c.Disable = func(ctx context.Context, id, reason string) error {
			if asked.Add(1) == 1 {
				return errors.New("the log is away")
			}
			return appended(ctx, id, reason)
		}
	})
	w.until("the endpoint is disabled", func() bool {
		return w.target("e").State.Disabled == "it answered 410 Gone"
	})
	w.users("v", 1, 1)
	run.end()
	if n := len(s.seen()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
	if c := w.counts(); c != (projections.DeliveryCounts{Open: 40}) {
		t.Errorf("%+v", c)
	}
	if asked.Load() != 2 {
		t.Errorf("disabled %d times, want a second time after the failure", asked.Load())
	}
	if since, err := w.outbox.FailingSince(t.Context(), "e"); err != nil || !since.IsZero() {
		t.Errorf("failing since %s, %v", since, err)
	}
}

func TestAnEndpointThatIsEnabledAgainIsProbedAndServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	next := make(chan int)
	s := w.sink(func(rw http.ResponseWriter, c call) { rw.WriteHeader(<-next) })
	w.endpoint("e", s.server.URL)
	w.users("u", 6, 3)
	run := w.deliver(func(c *webhook.Config) { c.Concurrency = 2 })
	w.until("two calls are under way", func() bool { now, _ := s.underWay(); return now == 2 })
	disabled := domain.EndpointDisabled{Reason: "by hand"}
	w.append("endpoint-e", disabled)
	w.append("endpoint-e", domain.EndpointEnabled{}) // the worker may or may not have seen it
	w.append("endpoint-e", disabled)
	next <- http.StatusOK
	next <- http.StatusOK
	w.until("both are recorded", func() bool { return w.delivered.Load() >= 2 })
	w.append("endpoint-e", domain.EndpointEnabled{})
	for range 6*3 - 2 {
		select {
		case next <- http.StatusOK:
		case <-time.After(patience):
			t.Fatal(w.lines.tail())
		}
	}
	w.untilDelivered(18)
	run.end()
	if twice := s.complete("u", 6, 3); twice != 0 {
		t.Errorf("%d were accepted twice", twice)
	}
}

func TestAnEndpointThatOnlyFailsIsDisabledOverRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(status(http.StatusBadGateway))
	w.endpoint("e", s.server.URL)
	w.users("u", 3, 1)
	run := w.deliver()
	w.until("it has failed thrice", func() bool { return len(w.lines.attempts()) >= 3 })
	run.end()
	w.reopen()
	began, err := w.outbox.FailingSince(t.Context(), "e")
	if err != nil || began.IsZero() {
		t.Fatalf("failing since %s, %v", began, err)
	}
	var now atomic.Int64 // five days later
	run = w.deliver(func(c *webhook.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(now.Load())) }
	})
	w.until("it has failed more", func() bool { return len(w.lines.attempts()) >= 20 })
	now.Store(int64(5 * 24 * time.Hour))
	w.until("the endpoint is disabled", func() bool {
		return w.target("e").State.Disabled == "every attempt has failed since "+began.Format(time.RFC3339)
	})
	run.end()
	if c := w.counts(); c != (projections.DeliveryCounts{Open: 3}) {
		t.Errorf("%+v", c)
	}
}

func TestSilenceIsKeptWhenAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(func(rw http.ResponseWriter, c call) {
		if c.subject == "u0" && c.nth == 1 {
			rw.Header().Set("Retry-After", "1")
			rw.WriteHeader(http.StatusTooManyRequests)
			return
		}
		rw.WriteHeader(http.StatusOK)
	})
	w.endpoint("e", s.server.URL)
	w.users("u", 6, 2)
	run := w.deliver(func(c *webhook.Config) { c.Concurrency = 1 })
	w.untilDelivered(12)
	run.end()
	calls := s.seen()
	if wait := calls[1].at.Sub(calls[0].at); wait < 990*time.Millisecond {
		t.Errorf("the next call came after %s, want 1s", wait)
	}
	s.complete("u", 6, 2)
	if l := w.lines.attempts()[0]; l.Outcome != "throttled" || l.Tries != 0 {
		t.Errorf("%+v", l)
	}
}

func TestARedirectIsAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(func(rw http.ResponseWriter, c call) {
		if c.nth == 1 {
			rw.Header().Set("Location", "/elsewhere")
			rw.WriteHeader(http.StatusPermanentRedirect)
			return
		}
		rw.WriteHeader(http.StatusOK)
	})
	w.endpoint("e", s.server.URL+"/hook")
	w.users("u", 1, 1)
	w.deliver()
	w.untilDelivered(1)
	for _, c := range s.seen() {
		if c.path != "/hook" {
			t.Errorf("%s was called", c.path)
		}
	}
	if n := len(s.seen()); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

func TestAnEndpointDeletedMeanwhileGetsNothingMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	s := w.sink(func(rw http.ResponseWriter, _ call) {
		<-release
		rw.WriteHeader(http.StatusOK)
	})
	other := w.sink(status(http.StatusOK))
	w.endpoint("e", s.server.URL)
	w.endpoint("other", other.server.URL)
	w.users("u", 10, 2)
	run := w.deliver(func(c *webhook.Config) { c.Concurrency = 3 })
	w.until("three calls are under way", func() bool { now, _ := s.underWay(); return now == 3 })
	w.untilDelivered(20)
	w.append("endpoint-e", domain.EndpointDeleted{})
	close(release)
	w.users("v", 1, 1)
	w.until("the other endpoint has all", func() bool { return len(other.seen()) == 21 })
	run.end()
	for swept := true; swept; {
		n, err := w.outbox.Sweep(t.Context(), time.Now(), projections.Retention{Delivered: time.Hour, Failed: time.Hour})
		if swept = n > 0; err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.seen()); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
	if c := w.counts(); c != (projections.DeliveryCounts{Delivered: 21}) {
		t.Errorf("%+v", c)
	}
}

func TestASecretThatCannotBeOpenedIsNotHeldAgainstTheEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.sink(status(http.StatusOK))
	w.endpoint("e", s.server.URL)
	w.users("u", 4, 2)
	var asked atomic.Int32
	run := w.deliver(func(c *webhook.Config) {
		open := c.OpenKey
		c.OpenKey = func(id string, key domain.SigningKey) (keys.Signing, error) {
			if asked.Add(1) <= 10 {
				return keys.Signing{}, errors.New("the key is away")
			}
			return open(id, key)
		}
	})
	w.untilDelivered(8)
	run.end()
	if twice := s.complete("u", 4, 2); twice != 0 || len(s.seen()) != 8 || !strings.Contains(w.lines.text(), "the key is away") {
		t.Errorf("%d twice, %d calls", twice, len(s.seen()))
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var sent atomic.Int64
	s := w.sink(func(rw http.ResponseWriter, c call) {
		rw.WriteHeader(http.StatusOK)
		for range 10_000 {
			n, err := rw.Write(make([]byte, 10_000))
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	w.endpoint("e", s.server.URL)
	w.users("u", 1, 1)
	w.deliver()
	w.untilDelivered(1)
	if all := w.outbox.attempts(); len(all[0].Answer) != 512 {
		t.Errorf("%d bytes of the answer are kept", len(all[0].Answer))
	}
	s.server.Close() // waits for the handler
	if sent.Load() > 50_000_000 {
		t.Errorf("%d bytes of the answer were taken", sent.Load())
	}
}

func TestAnswersThatAreNotHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_, _ = conn.Write([]byte("SSH-2.0-nonsense\r\n\r\n"))
			_ = conn.Close()
			w.news.tell()
		}
	})
	defer serving.Wait()
	defer listener.Close()
	w.endpoint("e", "http://"+listener.Addr().String()+"/?key=hidden")
	w.users("u", 1, 1)
	run := w.deliver()
	w.until("it has failed twice", func() bool { return len(w.lines.attempts()) >= 2 })
	run.end()
	if l := w.lines.attempts()[0]; l.Outcome != "broken" || l.Status != 0 || strings.Contains(w.lines.text(), "hidden") {
		t.Errorf("%s", w.lines.tail())
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	t.Parallel()
	_, err := webhook.New(webhook.Config{Concurrency: -1, Timeout: -time.Second, Schedule: webhook.Schedule{Retries: []time.Duration{0}, ProbeMin: time.Hour, GiveUp: -1}})
	if err == nil {
		t.Fatal("a configuration without anything was taken")
	}
	for _, part := range []string{"Outbox, OpenKey, OpenHeaders and Disable", "concurrency is -1", "timeout is -1s", "pause 1 between retries", "from 1h0m0s to 1m0s", "giving up -1ns"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not said in:\n%v", part, err)
		}
	}
}
