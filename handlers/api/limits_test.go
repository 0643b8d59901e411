package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/api"
)

// TestFollowersOfTheFeedAreBounded: who tails it and who waits for it, until one of them leaves; pages are read meanwhile.
func TestFollowersOfTheFeedAreBounded(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	ask := func(query string, tails bool) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/v2/events?after=head"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.key)
		if tails {
			r.Header.Set("Accept", "text/event-stream")
		}
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}
	var tails []*http.Response
	for n := range 32 {
		if tails = append(tails, ask("", true)); tails[n].StatusCode != 200 {
			t.Fatalf("tail %d: %s", n, tails[n].Status)
		}
	}
	for name, refused := range map[string]*http.Response{"a tail": ask("", true), "one who waits": ask("&wait=1", false)} {
		var e struct {
			Error struct{ Code, Message string }
		}
		if err := json.NewDecoder(refused.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		if refused.StatusCode != 429 || refused.Header.Get("Retry-After") != "1" || e.Error.Code != "rate_limited" || !strings.Contains(e.Error.Message, "by pages") {
			t.Errorf("%s beside 32: %s %+v", name, refused.Status, e)
		}
	}
	if page := ask("", false); page.StatusCode != 200 {
		t.Errorf("a page: %s", page.Status)
	}
	tails[7].Body.Close()
	for deadline := time.Now().Add(time.Minute); ask("", true).StatusCode != 200; { // the server sees it when it sees the connection closed
		if time.Now().After(deadline) {
			t.Fatal("nobody may follow after one has left")
		}
	}
}

// followed waits until so many follow the feed.
func (w *world) followed(by int) {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); api.Following(w.door) != by; runtime.Gosched() {
		if time.Now().After(deadline) {
			w.t.Fatalf("%d follow the feed, not %d", api.Following(w.door), by)
		}
	}
}

// TestNobodyIsToldWithoutAKey: who tails the feed, or waits for it, is told nothing more once his key is deleted, by itself or with the one that made it, or his access
// token has expired.
func TestNobodyIsToldWithoutAKey(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	for _, tails := range []bool{true, false} {
		for name, end := range map[string]func(key, made string){
			"its key is deleted":     func(_, made string) { w.must(204, "DELETE", "/api/v2/api-keys/"+made, "") },
			"another key is deleted": func(key, _ string) { w.must(204, "DELETE", "/api/v2/api-keys/"+key, "") },
			"its token has expired":  func(string, string) { w.clock.pass(time.Hour) },
		} {
			key, above := w.newKey(w.key, `{"name":"above"}`)
			_, made := w.newKey(key, `{"name":"made"}`)
			token := w.token(url.Values{"grant_type": {"client_credentials"}, "client_id": {made.text("client_id")}, "client_secret": {made.text("client_secret")}}.Encode()).text("access_token")
			w.followed(0)
			after := w.must(200, "GET", "/api/v2/events?after=head", "").text("next_after")
			r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/v2/events?wait=60&after="+after, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			if tails {
				r.Header.Set("Accept", "text/event-stream")
			}
			answered := make(chan string, 1)
			go func() {
				answer, err := server.Client().Do(r)
				if err != nil {
					answered <- err.Error()
					return
				}
				defer answer.Body.Close()
				body, err := io.ReadAll(answer.Body)
				answered <- fmt.Sprint(answer.StatusCode, answer.Header["Www-Authenticate"], string(body), err)
			}()
			w.followed(1)
			end(above.text("id"), made.text("id"))
			w.must(201, "POST", "/api/v2/org", `{"name":"`+name+fmt.Sprint(tails)+`"}`)
			if got := <-answered; strings.Contains(got, "organization.created") || !strings.HasPrefix(got, map[bool]string{true: "200 []: the feed", false: `401 [Bearer realm="rollcall"]`}[tails]) {
				t.Errorf("%s, tails %v: %s", name, tails, got)
			}
		}
	}
}

// TestReplaysAtATimeAreBounded: also where many are asked for at the same moment; a place is free again once one is cancelled.
func TestReplaysAtATimeAreBounded(t *testing.T) {
	w := newWorld(t)
	d := w.tenant("Acme")
	w.user(d, domain.Attributes{"userName": "ada"})
	path := "/api/v2/webhooks/" + w.hook().ID + "/replay"
	answers := make([]answer, 40)
	var asked sync.WaitGroup
	for n := range answers {
		asked.Go(func() { answers[n] = w.do("POST", path, `{"from": "0"}`) })
	}
	asked.Wait()
	begun, refused := map[string]bool{}, 0
	for _, a := range answers {
		switch a.status {
		case 202:
			begun[a.text("id")] = true
		case 429:
			if refused++; a.text("error", "code") != "rate_limited" || a.header.Get("Retry-After") != "1" || !strings.Contains(a.text("error", "message"), "cancel one") {
				t.Errorf("%q %s", a.header.Get("Retry-After"), a.body)
			}
		default:
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if len(begun) != 16 || refused != 24 {
		t.Fatalf("%d begun and %d refused, want 16 and 24", len(begun), refused)
	}
	w.must(200, "POST", path, `{"from": "0", "dry_run": true}`)
	for id := range begun {
		w.must(200, "DELETE", "/api/v2/replays/"+id, "")
		break
	}
	w.must(202, "POST", path, `{"from": "0"}`)
	w.must(429, "POST", path, `{"from": "0"}`)
}

// TestInvitationsAreRefused: who has invited too often is told when to come back, also where the request carries an Idempotency-Key, and nothing is made. Then it is carried out.
func TestInvitationsAreRefused(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("Acme")
	w.tenant("Globex")
	c := w.connection("acme")
	w.must(200, "PUT", c+"/admin-onboarding", `{"sso_admin_email":"it@acme.test"}`)
	for range domain.MaxInvitations {
		w.invite(acme, "it@acme.test")
	}
	w.clock.pass(20*time.Minute + 300*time.Millisecond)
	const connections = `{"organization_id":"acme","sso_admin_email":"it@acme.test","send_email":true}`
	asked := []struct {
		path, body string
		done       int
	}{
		{"/api/v2/org/acme/directory-sync/invite-admin", `{"it_admin_email":"it@acme.test"}`, 200}, {c + "/invite-admin", "", 200}, {"/api/v2/sso-connections", connections, 201},
	}
	for _, r := range asked {
		a := w.once(w.key, r.path, "POST", r.path, r.body)
		if a.status != 429 || a.text("error", "code") != "rate_limited" || a.header.Get("Retry-After") != "2400" || !strings.Contains(a.text("error", "message"), "100 invitations") {
			t.Errorf("POST %s = %d, Retry-After %q: %s", r.path, a.status, a.header.Get("Retry-After"), a.body)
		}
	}
	if a := w.must(200, "GET", "/api/v2/sso-connections", ""); a.at("total") != 1.0 {
		t.Errorf("a connection was made: %s", a.body)
	}
	w.must(200, "POST", "/api/v2/org/globex/directory-sync/invite-admin", `{"it_admin_email":"it@globex.test"}`)
	w.clock.pass(40 * time.Minute)
	for _, r := range asked {
		if a := w.once(w.key, r.path, "POST", r.path, r.body); a.status != r.done {
			t.Errorf("POST %s = %d: %s", r.path, a.status, a.body)
		}
	}
}
