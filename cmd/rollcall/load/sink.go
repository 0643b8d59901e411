package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// sink is the application's end of a webhook: it takes every message and measures how long after its event it came. Event times are whole
// milliseconds, and so are the delays.
type sink struct {
	url      string
	server   *http.Server
	endpoint struct{ ID string } // at the server

	mu       sync.Mutex
	seen     map[string]bool // by webhook-id: a message may come twice
	repeated int
	delays   *hdrhistogram.Histogram
	first    time.Time // when the first one came that delays holds
	last     time.Time
	news     chan struct{} // closed and made anew when one comes
}

// patience is how long a sink waits for the next message.
const patience = time.Minute

func newSink() (*sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for webhooks: %w", err)
	}
	s := &sink{url: "http://" + listener.Addr().String(), seen: map[string]bool{}, delays: hdrhistogram.New(shortest, longest, digits), news: make(chan struct{})}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: answerTimeout}
	go func() { _ = s.server.Serve(listener) }() // ends with close
	return s, nil
}

func (s *sink) close() { _ = s.server.Close() }

// ServeHTTP takes a message.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	var message struct{ Timestamp time.Time }
	body, err := io.ReadAll(io.LimitReader(r.Body, largestAnswer))
	if err != nil || json.Unmarshal(body, &message) != nil {
		http.Error(w, "this is no message", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.Header.Get("webhook-id")
	if s.seen[id] {
		s.repeated++
		return
	}
	s.seen[id] = true
	if s.last = arrived; s.delays.TotalCount() == 0 {
		s.first = arrived
	}
	_ = s.delays.RecordValue(min(max(arrived.Sub(message.Timestamp).Microseconds(), shortest), longest))
	close(s.news)
	s.news = make(chan struct{})
}

// wait waits until so many messages have come. A minute in which none comes ends it.
func (s *sink) wait(ctx context.Context, stage *stage, want int64) error {
	stage.begin("waiting for webhooks", int(want))
	for {
		s.mu.Lock()
		have, news := int64(len(s.seen)), s.news
		s.mu.Unlock()
		if stage.done.Store(have); have >= want {
			return nil
		}
		patient := time.NewTimer(patience)
		select {
		case <-news:
			patient.Stop()
		case <-patient.C:
			return fmt.Errorf("%d changes were acknowledged, and %d webhooks came", want, have)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// forget begins to measure anew.
func (s *sink) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delays.Reset()
}

// Webhooks tells of the messages that a run caused, those of its preparations aside.
type Webhooks struct {
	Messages  int64   `json:"messages"`
	Repeated  int     `json:"repeated"` // came again under an id that had come
	PerSecond float64 `json:"per_second"`
	Delay     Latency `json:"delay_ms"` // from the event's time, in whole milliseconds
}

func (s *sink) webhooks() *Webhooks {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &Webhooks{Messages: s.delays.TotalCount(), Repeated: s.repeated, Delay: latency(s.delays)}
	if took := s.last.Sub(s.first).Seconds(); took > 0 {
		out.PerSecond = float64(out.Messages) / took
	}
	return out
}
