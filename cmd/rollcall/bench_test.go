package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/projections"
)

// BenchmarkEventToWebhook sends changes to a server of its own process at a steady rate and reports how long after an event its webhook arrives.
// Event times are whole milliseconds, so the figures are exact to one.
func BenchmarkEventToWebhook(b *testing.B) {
	const users, perSecond = 64, 500
	var mu sync.Mutex
	var delays []time.Duration
	arrived := make(chan struct{}, 1<<20)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m projections.Message
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &m) != nil {
			return
		}
		at, _ := time.Parse(time.RFC3339, m.Timestamp)
		mu.Lock()
		delays = append(delays, time.Since(at))
		mu.Unlock()
		arrived <- struct{}{}
	}))
	defer sink.Close()
	p, err := startProcess(b.TempDir(), []string{"ROLLCALL_API_KEY=" + storyKey, "ROLLCALL_WEBHOOK_ALLOW=127.0.0.0/8", "ROLLCALL_LOG_LEVEL=error"})
	if err != nil {
		b.Fatal(err)
	}
	defer p.kill()
	provider := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: users}}
	send := func(method, path, token, body string, into any) {
		r, _ := http.NewRequest(method, p.url+path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		if body != "" {
			r.Body = io.NopCloser(strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
		}
		answer, err := provider.Do(r)
		if err != nil {
			b.Error(err)
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		if answer.StatusCode >= 300 {
			b.Errorf("%s %s: %d %s", method, path, answer.StatusCode, text)
		} else if into != nil {
			_ = json.Unmarshal(text, into)
		}
	}
	var directory struct {
		ID    string
		Token struct{ Value string } `json:"auth_secret_token"`
	}
	send("POST", "/api/v2/org", storyKey, `{"name":"Acme"}`, nil)
	send("POST", "/api/v2/org/acme/directory-sync?provider=azure_ad", storyKey, "", &directory)
	base := "/scim/v2/" + directory.ID + "/Users"
	ids := make([]string, users)
	for i := range ids {
		var u struct{ ID string }
		send("POST", base, directory.Token.Value, fmt.Sprintf(`{"userName":"user-%d"}`, i), &u)
		ids[i] = u.ID
	}
	send("POST", "/api/v2/webhooks", storyKey, fmt.Sprintf(`{"name":"s","target_url":%q}`, sink.URL), nil)
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	b.ResetTimer()
	var sending sync.WaitGroup
	for i := range b.N {
		<-tick.C
		sending.Go(func() {
			send("PATCH", base+"/"+ids[i%users], directory.Token.Value, fmt.Sprintf(`{"Operations":[{"op":"replace","path":"title","value":"%d"}]}`, i), nil)
		})
	}
	sending.Wait()
	for range b.N {
		<-arrived
	}
	b.StopTimer()
	slices.Sort(delays)
	b.ReportMetric(float64(delays[len(delays)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "changes/s")
}
