package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	answerTimeout = time.Minute // what Okta grants
	largestAnswer = 256 << 20   // a group of a million members
)

// client sends requests of a directory.
type client struct {
	base, token string
	http        *http.Client
	sent        atomic.Int64 // requests of any kind
	changes     atomic.Int64 // acknowledged writes, each of which changes one thing
}

func newClient(connections int) *client {
	connections = max(connections, preparing)
	return &client{http: &http.Client{Timeout: answerTimeout, Transport: &http.Transport{
		MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true,
	}}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// failure is why a request did not do what it should: no answer, another status, or an answer that is not true.
type failure struct {
	kind   string // what errors are counted by
	detail string
}

func (f *failure) Error() string { return f.kind + ": " + f.detail }

// send sends a request to the directory and reads the answer, which must have one of the statuses.
func (c *client) send(ctx context.Context, method, path, body string, into any, want ...int) error {
	text, err := c.exchange(ctx, c.token, method, c.base+path, body, want...)
	if err != nil {
		return err
	}
	if method != http.MethodGet {
		c.changes.Add(1)
	}
	if into == nil || len(text) == 0 {
		return nil
	}
	return decode(text, into, method, path)
}

func decode(text []byte, into any, method, path string) error {
	if err := json.Unmarshal(text, into); err != nil {
		return untrue("%s %s answered no JSON object of its kind: %.100s", method, path, text)
	}
	return nil
}

func (c *client) exchange(ctx context.Context, token, method, url, body string, want ...int) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, &failure{"not sent", err.Error()}
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	c.sent.Add(1)
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, &failure{"no answer", err.Error()}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, largestAnswer))
	if err != nil {
		return nil, &failure{"no answer", err.Error()}
	}
	if !slices.Contains(want, answer.StatusCode) {
		return nil, &failure{strconv.Itoa(answer.StatusCode), fmt.Sprintf("%s %s answered %.300s", method, url, text)}
	}
	return text, nil
}

// untrue is the failure of an answer that says what is not so.
func untrue(format string, args ...any) error {
	return &failure{"untrue", fmt.Sprintf(format, args...)}
}
