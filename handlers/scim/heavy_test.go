package scim_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/scim"
)

const heavy = 1<<20 + 1

// bodyOf is a user whose body is so large.
func bodyOf(name string, size int) string {
	start := fmt.Sprintf(`{"userName":%q,"unknown":"`, name)
	return start + strings.Repeat("x", size-len(start)-2) + `"}`
}

// serveBody hands a body to the door without a network between.
func (n *tenant) serveBody(ctx context.Context, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, "POST", "/scim/v2/"+n.directory.ID+"/Users", body)
	r.Header.Set("Authorization", "Bearer "+n.token)
	w := httptest.NewRecorder()
	n.server.Config.Handler.ServeHTTP(w, r)
	return w
}

// afterwards is a reader that calls a function before its first read.
type afterwards func()

func (f afterwards) Read([]byte) (int, error) { f(); return 0, io.EOF }

// expiring is a context whose time ends when over is closed.
type expiring struct {
	context.Context
	over chan struct{}
}

func (e expiring) Done() <-chan struct{} { return e.over }

func (e expiring) Err() error {
	select {
	case <-e.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// TestHeavyBodiesTakeTurns: a heavy one waits while as many as may are read, no longer than its request lives; a light one never waits.
//
// Proves limits.
func TestHeavyBodiesTakeTurns(t *testing.T) {
	n := newWorld(t, func(c *scim.Config) { c.HeavyBodies = 1 }).tenant("Acme", domain.Okta)
	held, finish, done := make(chan struct{}), make(chan struct{}), make(chan int)
	text := bodyOf("first", heavy+1)
	go func() {
		hold := afterwards(func() { close(held); <-finish })
		done <- n.serveBody(t.Context(), io.MultiReader(strings.NewReader(text[:heavy]), hold, strings.NewReader(text[heavy:]))).Code
	}()
	<-held
	if w := n.serveBody(t.Context(), strings.NewReader(bodyOf("light", heavy-1))); w.Code != 201 {
		t.Errorf("a light body beside a heavy one: %d %s", w.Code, w.Body)
	}
	ctx := expiring{t.Context(), make(chan struct{})}
	second := bodyOf("second", 2*heavy)
	rest, began := strings.NewReader(second[heavy-1:]), time.Now()
	w := n.serveBody(ctx, io.MultiReader(strings.NewReader(second[:heavy-1]), afterwards(func() { close(ctx.over) }), rest))
	if took, read := time.Since(began), heavy+1-rest.Len(); read > 1 || took > 5*time.Second {
		t.Errorf("the second heavy body waited %s and read %d bytes of the rest without its turn", took, read)
	}
	if w.Code != 503 || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), `"status":"503"`) {
		t.Errorf("a second heavy body: %d %q %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	close(finish)
	if status := <-done; status != 201 {
		t.Errorf("the first heavy body: %d", status)
	}
	for _, name := range []string{"third", "third", "fourth"} { // the slot is free again, also after a refusal
		want := 201
		if name == "third" && n.list("/Users", "filter", `userName eq "third"`).TotalResults == 1 {
			want = 409
		}
		if w := n.serveBody(t.Context(), strings.NewReader(bodyOf(name, heavy))); w.Code != want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// TestMaxBody: a smaller limit holds, and is told.
//
// Proves limits.
func TestMaxBody(t *testing.T) {
	n := newWorld(t, func(c *scim.Config) { c.MaxBody = 1000 }).tenant("Acme", domain.Okta)
	n.must(201, "POST", "/Users", bodyOf("ada", 1000))
	n.must(413, "POST", "/Users", bodyOf("bob", 1001))
	n.must(413, "POST", "/Bulk", bodyOf("bob", 1001))
	if a := n.must(200, "GET", "/ServiceProviderConfig", ""); !strings.Contains(a.body, `"maxPayloadSize":1000`) {
		t.Errorf("not told: %s", a.body)
	}
}
