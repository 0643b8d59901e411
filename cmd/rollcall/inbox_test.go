package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/projections"
)

// inbox is an application that takes every webhook and keeps what came, in order.
type inbox struct {
	*httptest.Server
	mu   sync.Mutex
	news *sync.Cond
	came []arrival
	deny int // a status to answer instead, 0 for none
}

// arrival is one webhook.
type arrival struct {
	header  http.Header
	body    string
	message projections.Message
}

func newInbox(t *testing.T) *inbox {
	b := &inbox{}
	b.news = sync.NewCond(&b.mu)
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender was killed
	}
	a := arrival{header: r.Header, body: string(body)}
	_ = json.Unmarshal(body, &a.message)
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.news.Broadcast()
	if b.deny != 0 {
		http.Error(w, "not now", b.deny)
		return
	}
	b.came = append(b.came, a)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"received":true}`) // whoever is gone sends it again
}

// answer lets it refuse what comes with a status; 0 takes it.
func (b *inbox) answer(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deny = status
}

// until waits for what has come to be enough, and answers it.
func (b *inbox) until(t *testing.T, what string, enough func([]arrival) bool) []arrival {
	t.Helper()
	late := false
	timer := time.AfterFunc(2*time.Minute, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		late = true
		b.news.Broadcast()
	})
	defer timer.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	for !enough(b.came) {
		if late {
			t.Fatalf("waited in vain until %s; %d have come", what, len(b.came))
		}
		b.news.Wait()
	}
	return b.came
}

// messages waits for so many different messages, and answers the first arrival of each.
func (b *inbox) messages(t *testing.T, n int) []arrival {
	t.Helper()
	distinct := func(came []arrival) (first []arrival) {
		seen := map[string]bool{}
		for _, a := range came {
			if id := a.header.Get("webhook-id"); !seen[id] {
				seen[id] = true
				first = append(first, a)
			}
		}
		return first
	}
	return distinct(b.until(t, "all have come", func(came []arrival) bool { return len(distinct(came)) >= n }))
}
