package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/rollcall-sync/rollcall/projections"
)

// TestKilledInTheMiddleOfAThousandChanges: 50 users are changed 20 times each while the server is killed again and again. Every change
// that was acknowledged arrives at the application, each user's versions in order, and a message that comes twice comes under
// the same webhook-id with the same body.
func TestKilledInTheMiddleOfAThousandChanges(t *testing.T) {
	const users, changes, kills = 50, 20, 50
	application := newApplication(t)
	victim := &victim{t: t, dir: t.TempDir()}
	victim.start()
	admin := client{victim: victim, token: storyKey}
	admin.must("POST", "/api/v2/org", `{"name":"Acme"}`, nil)
	var directory struct {
		ID    string
		Token struct{ Value string } `json:"auth_secret_token"`
	}
	admin.must("POST", "/api/v2/org/acme/directory-sync?provider=okta", ``, &directory)
	var made struct {
		Key string `json:"signature_key"`
	}
	admin.must("POST", "/api/v2/webhooks", fmt.Sprintf(`{"name":"application","target_url":%q,"event_codes":["directory.user.*"]}`, application.URL), &made)
	application.trust(made.Key)

	acknowledged := make(chan struct{}, users*changes)
	var killer sync.WaitGroup
	killer.Go(func() { // kills whenever another part of the changes is acknowledged
		for range kills {
			for range rand.IntN(2 * users * changes / (kills + 1)) {
				<-acknowledged
			}
			victim.restart()
		}
		for range acknowledged {
		}
	})
	final := make([]string, users)
	var wg sync.WaitGroup
	for i := range users {
		wg.Go(func() {
			provider := client{victim: victim, token: directory.Token.Value}
			base := "/scim/v2/" + directory.ID + "/Users"
			name := fmt.Sprintf("user-%d", i)
			var user struct{ ID string }
			provider.create(base, name, &user)
			acknowledged <- struct{}{}
			for n := 2; n <= changes; n++ {
				provider.must("PATCH", base+"/"+user.ID, fmt.Sprintf(`{"Operations":[{"op":"replace","path":"title","value":"%d"}]}`, n), nil)
				acknowledged <- struct{}{}
			}
			final[i] = user.ID
		})
	}
	wg.Wait()
	close(acknowledged)
	killer.Wait()

	for _, id := range final {
		application.wait(t, id, fmt.Sprint(changes))
	}
	application.verify(t, users*changes)
	victim.stop()
}

// victim is a server that is killed; its clients find it again.
type victim struct {
	t    *testing.T
	dir  string
	args []string // of serve
	env  []string // besides what all have

	mu sync.Mutex
	p  *process
}

func (v *victim) start() {
	env := append([]string{"ROLLCALL_API_KEY=" + storyKey, "ROLLCALL_WEBHOOK_ALLOW=127.0.0.0/8", "ROLLCALL_LOG_LEVEL=error"}, v.env...)
	p, err := startProcess(v.dir, env, v.args...)
	if err != nil {
		v.t.Error(err)
		panic(err)
	}
	v.p = p
}

func (v *victim) restart() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.p.kill()
	v.start()
}

// running is the server that runs; while it is killed and started again, running waits until it is back.
func (v *victim) running() *process {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.p
}

func (v *victim) url() string { return v.running().url }

func (v *victim) stop() {
	if err := v.p.stop(); err != nil {
		v.t.Errorf("the server ended with %v: %s", err, v.p.log())
	}
}

// client sends until it is answered, as an identity provider does: again after a 503, for which the server has waited, and once
// more for each server that was killed under it.
type client struct {
	victim *victim
	token  string
}

func (c client) send(method, path, body string) (int, []byte) {
	var failed *process
	for {
		server := c.victim.running()
		if server == failed {
			c.victim.t.Errorf("%s %s is not answered by a server that nobody killed: %s", method, path, server.log())
			return 0, nil
		}
		status, text, err := c.try(server, method, path, body)
		switch {
		case err != nil:
			failed = server
		case status != http.StatusServiceUnavailable:
			return status, text
		}
	}
}

// once sends a request that is not repeated.
func (c client) once(method, path, body string) (int, []byte) {
	status, text, err := c.try(c.victim.running(), method, path, body)
	if err != nil {
		c.victim.t.Error(err)
	}
	return status, text
}

func (c client) try(server *process, method, path, body string) (int, []byte, error) {
	r, err := http.NewRequest(method, server.url+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, text, err
}

func idIn(t *testing.T, body []byte) string {
	t.Helper()
	var r struct{ ID string }
	if err := json.Unmarshal(body, &r); err != nil || r.ID == "" {
		t.Fatalf("no id in %s", body)
	}
	return r.ID
}

func (c client) must(method, path, body string, into any) {
	status, text := c.send(method, path, body)
	if status >= 300 {
		c.victim.t.Errorf("%s %s answered %d: %s", method, path, status, text)
		return
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			c.victim.t.Error(err)
		}
	}
}

// create makes a user. If it was made and the answer was lost, it finds it.
func (c client) create(base, name string, into any) {
	status, text := c.send("POST", base, fmt.Sprintf(`{"userName":%q,"title":"1"}`, name))
	if status == http.StatusConflict {
		_, text = c.send("GET", base+"?filter="+`userName%20eq%20%22`+name+`%22`, "")
		var page struct{ Resources []json.RawMessage }
		if err := json.Unmarshal(text, &page); err != nil || len(page.Resources) != 1 {
			c.victim.t.Errorf("%s is taken and cannot be found: %s", name, text)
			return
		}
		text = page.Resources[0]
	}
	if err := json.Unmarshal(text, into); err != nil {
		c.victim.t.Errorf("%d %s: %v", status, text, err)
	}
}

// application is the receiver: it verifies with the reference library and keeps what came, in order.
type application struct {
	*httptest.Server
	mu       sync.Mutex
	news     *sync.Cond
	verifier *standardwebhooks.Webhook
	bodies   map[string]string // by webhook-id
	arrived  map[string][]projections.Message
	problems []error
	repeated int
}

func newApplication(t *testing.T) *application {
	a := &application{bodies: map[string]string{}, arrived: map[string][]projections.Message{}}
	a.news = sync.NewCond(&a.mu)
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *application) trust(key string) {
	verifier, err := standardwebhooks.NewWebhook(key)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.verifier, a.problems = verifier, append(a.problems, err)
}

func (a *application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.news.Broadcast()
	if err != nil {
		return // the sender was killed
	}
	if err := a.verifier.Verify(body, r.Header); err != nil {
		a.problems = append(a.problems, err)
	}
	var m projections.Message
	if err := json.Unmarshal(body, &m); err != nil {
		a.problems = append(a.problems, err)
	}
	id := r.Header.Get("webhook-id")
	if before, again := a.bodies[id]; again {
		a.repeated++
		if before != string(body) {
			a.problems = append(a.problems, fmt.Errorf("%s came with another body", id))
		}
	}
	a.bodies[id] = string(body)
	a.arrived[m.Data.Subject.ID] = append(a.arrived[m.Data.Subject.ID], m)
}

// wait returns once a user has arrived with the title, or with a failure after a time in which it must have.
func (a *application) wait(t *testing.T, user, title string) {
	late := false
	timer := time.AfterFunc(2*time.Minute, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		late = true
		a.news.Broadcast()
	})
	defer timer.Stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	for !slices.ContainsFunc(a.arrived[user], func(m projections.Message) bool { return m.Data.After.Text("title") == title }) {
		if late {
			t.Fatalf("the last change of user %s did not arrive", user)
		}
		a.news.Wait()
	}
}

// verify counts what was lost, repeated and out of order.
func (a *application) verify(t *testing.T, want int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := errors.Join(a.problems...); err != nil {
		t.Error(err)
	}
	total := 0
	for user, came := range a.arrived {
		last := projections.Message{}
		for _, m := range came {
			v := m.Data.Subject.Version
			if v <= last.Data.Subject.Version { // again, under its own id
				continue
			}
			if v != last.Data.Subject.Version+1 {
				t.Errorf("user %s: version %d follows %d", user, v, last.Data.Subject.Version)
			}
			if fmt.Sprint(m.Data.Before) != fmt.Sprint(last.Data.After) {
				t.Errorf("user %s, version %d: before is not what was after", user, v)
			}
			total++
			last = m
		}
	}
	if total != want || len(a.bodies) != want {
		t.Errorf("%d changes arrived under %d ids, want %d", total, len(a.bodies), want)
	}
	t.Logf("%d changes arrived, %d of them again", total, a.repeated)
}
