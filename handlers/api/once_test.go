package api_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/driver"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

const idempotencyKey = "Idempotency-Key"

// once is as with an Idempotency-Key.
func (w *world) once(key, id, method, path, body string) answer {
	w.t.Helper()
	return w.do(method, path, body, "Authorization", "Bearer "+key, idempotencyKey, id)
}

// same tells whether an answer is another one again.
func (a answer) same(b answer) bool {
	return a.status == b.status && a.body == b.body && a.header.Get("Location") == b.header.Get("Location") && a.header.Get("Content-Type") == b.header.Get("Content-Type")
}

func (a answer) replayed() bool { return a.header.Get("Idempotency-Replayed") == "true" }

// TestEveryPostIsDoneOnce goes through all that take a key.
func TestEveryPostIsDoneOnce(t *testing.T) {
	looked := 0
	for _, o := range table(t) {
		if o.method != "POST" || o.needs() == "" {
			continue
		}
		looked++
		if o.Parameters.GetByInAndName("header", idempotencyKey) == nil {
			t.Errorf("%s does not say that it takes an %s", o, idempotencyKey)
		}
		if o.streams() {
			continue // TestImportIsDoneOnce
		}
		w := newWorld(t)
		acme := w.estate("Acme")
		path, body := o.at(t, acme.domain, acme.objects), o.body(t, acme)
		first := w.once(w.key, "1", "POST", path, body)
		before := w.head()
		again := w.once(w.key, "1", "POST", path, body)
		if !first.same(again) || first.replayed() || !again.replayed() || w.head() != before {
			t.Errorf("%s = %d %s, and again %d %s, or changed something", o, first.status, first.body, again.status, again.body)
		}
		others := map[string]answer{
			"another query": w.once(w.key, "1", "POST", path+"?", body),
			"another route": w.once(w.key, "1", "POST", "/api/v2/api-keys", `{"name":"another"}`),
		}
		if body != "" {
			others["another body"] = w.once(w.key, "1", "POST", path, `{"name":"another"}`)
		}
		for name, a := range others {
			if a.status != 409 || a.text("error", "code") != "conflict" || a.replayed() {
				t.Errorf("%s with %s = %d %s", o, name, a.status, a.body)
			}
		}
		if a := w.once(w.keyFor(estate{}, "read", "write"), "1", "POST", path, body); a.replayed() || strings.Contains(a.body, idempotencyKey) {
			t.Errorf("%s answers another key as the first: %s", o, a.body)
		}
		for _, bad := range []string{strings.Repeat("k", 256), "k\x00", "käy", "\t"} {
			if a := w.once(w.key, bad, "POST", path, body); a.status != 422 || a.text("error", "fields", idempotencyKey) == "" {
				t.Errorf("%s with the key %.9q = %d %s", o, bad, a.status, a.body)
			}
		}
	}
	if looked < 10 {
		t.Errorf("only %d operations were looked at", looked)
	}
}

// TestImportIsDoneOnce: an import takes a key as every POST does.
func TestImportIsDoneOnce(t *testing.T) {
	w := newWorld(t)
	w.tenant("Acme")
	send := func(key, id, path, body, kind string) answer {
		return w.do("POST", path, body, "Authorization", "Bearer "+key, idempotencyKey, id, "Content-Type", kind)
	}
	for i, c := range []struct{ query, kind, body string }{
		{"", "application/x-ndjson", people(0, 150) + "{}\n"},
		{"?atomic=true", "application/x-ndjson", people(200, 3)},
		{"?atomic=true", "application/x-ndjson", people(300, 3) + "{}\n"}, // refused
		{"", "application/json", `[{"email":"a@acme.test"}]`},
		{"", "application/x-ndjson", ""},
	} {
		id, path := fmt.Sprint(i), acmeImport+c.query
		first := send(w.key, id, path, c.body, c.kind)
		before := w.head()
		for range 2 {
			again := send(w.key, id, path, c.body, c.kind)
			if !first.same(again) || first.replayed() || !again.replayed() || w.head() != before {
				t.Errorf("%s %.40q = %d %s, and again %d %s, or changed something", path, c.body, first.status, first.body, again.status, again.body)
			}
			w.start()
		}
		for what, a := range map[string]answer{
			"another body":  send(w.key, id, path, c.body+"\n ", c.kind),
			"another query": send(w.key, id, acmeImport+"?atomic=false", c.body, c.kind),
			"another route": w.once(w.key, id, "POST", acmeUsers, `{"userName":"x"}`),
		} {
			if a.status != 409 || a.replayed() || w.head() != before {
				t.Errorf("%s %.40q with %s = %d %s", path, c.body, what, a.status, a.body)
			}
		}
		if a := send(w.keyFor(estate{}, "read", "write"), id, path, c.body, c.kind); a.replayed() {
			t.Errorf("%s answers another key as the first", path)
		}
	}
	before := w.head()
	for what, c := range map[string]struct {
		id, body string
		status   int
	}{
		"more lines than are kept": {"lines", people(0, 1001), 413},
		"more bytes than are kept": {"bytes", strings.Repeat(" ", 1<<20) + "\n{}", 413},
		"no key":                   {strings.Repeat("k", 256), people(0, 1), 422},
	} {
		for range 2 {
			if a := send(w.key, c.id, acmeImport, c.body, "application/x-ndjson"); a.status != c.status || a.replayed() {
				t.Errorf("%s = %d %s", what, a.status, a.body)
			}
		}
	}
	if w.head() != before {
		t.Error("part of it was done")
	}
	// The report of as many lines as there may be is kept, whatever they are refused for.
	long := strings.Repeat(`{"userName":7,"surprise":1}`+"\n", 1000)
	first := send(w.key, "long", acmeImport, long, "application/x-ndjson")
	if again := send(w.key, "long", acmeImport, long, "application/x-ndjson"); first.status != 200 || !first.same(again) || !again.replayed() {
		t.Errorf("%d, %d bytes, and again %d, replayed %v", first.status, len(first.body), again.status, again.replayed())
	}
}

// TestImportThatEndedEarlyIsDoneOnce: what became of it is answered again, and not tried again under the same key.
func TestImportThatEndedEarlyIsDoneOnce(t *testing.T) {
	w := newWorld(t)
	w.tenant("Acme")
	n := 0
	w.before = func() error {
		if n++; n > 1 {
			return eventstore.ErrUnavailable
		}
		return nil
	}
	send := func(id string) answer {
		return w.do("POST", acmeImport, people(0, 150), idempotencyKey, id, "Content-Type", "application/x-ndjson")
	}
	first := send("1")
	w.before = nil
	if again := send("1"); !strings.Contains(first.body, `"code":"unavailable"`) || !first.same(again) || !again.replayed() {
		t.Errorf("%d %s, and again %d %s", first.status, first.body, again.status, again.body)
	}
	if a := send("2"); strings.Count(a.body, "unchanged") != 101 || !strings.Contains(a.body, `"created":50`) {
		t.Errorf("under another key: %s", a.body)
	}
	w.before = func() error { return eventstore.ErrUnavailable }
	lost := func() answer {
		return w.do("POST", acmeImport, people(500, 1), idempotencyKey, "3", "Content-Type", "application/x-ndjson")
	}
	if a := lost(); a.status != 503 {
		t.Errorf("%d %s", a.status, a.body)
	}
	w.before = nil
	if a := lost(); a.status != 200 || a.replayed() {
		t.Errorf("what did not begin, again: %d %s", a.status, a.body)
	}
}

// TestImportWhoseClientLeaves goes on, so that the client finds its report when it sends the same again.
func TestImportWhoseClientLeaves(t *testing.T) {
	w := newWorld(t)
	w.tenant("Acme")
	ctx, leave := context.WithCancel(t.Context())
	w.before = func() error { leave(); return nil }
	r := httptest.NewRequestWithContext(ctx, "POST", acmeImport, strings.NewReader(people(0, 250)))
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set(idempotencyKey, "1")
	w.handler.ServeHTTP(httptest.NewRecorder(), r)
	a := w.do("POST", acmeImport, people(0, 250), idempotencyKey, "1", "Content-Type", "application/x-ndjson")
	if !a.replayed() || !strings.Contains(a.body, `"created":250`) {
		t.Errorf("%d %.300s", a.status, a.body)
	}
}

// TestDoneOnce: errors of the client are kept like answers, for a day, through a restart, and for a token like for its key.
func TestDoneOnce(t *testing.T) {
	w := newWorld(t)
	id, secret, _ := strings.Cut(w.key, ".")
	token := w.token("grant_type=client_credentials&client_id=" + id + "&client_secret=" + secret).text("access_token")
	const org = "/api/v2/org"
	made := w.once(w.key, "make", "POST", org, `{"name":"Acme"}`)
	taken := w.once(w.key, "again", "POST", org, `{"name":"Acme"}`)
	wrong := w.once(w.key, "wrong", "POST", org, `{"name":""}`)
	if made.status != 201 || taken.status != 409 || wrong.status != 422 {
		t.Fatalf("%d %d %d", made.status, taken.status, wrong.status)
	}
	w.must(204, "DELETE", org+"/acme", "")
	w.start()
	for _, bearer := range []string{w.key, token} {
		for id, first := range map[string]answer{"make": made, "again": taken} {
			if a := w.once(bearer, id, "POST", org, `{"name":"Acme"}`); !a.same(first) || !a.replayed() {
				t.Errorf("%s after a restart = %d %s", id, a.status, a.body)
			}
		}
		if a := w.once(bearer, "wrong", "POST", org, `{"name":""}`); !a.same(wrong) || !a.replayed() {
			t.Errorf("an error after a restart = %d %s", a.status, a.body)
		}
	}
	w.must(404, "GET", org+"/acme", "")
	w.clock.pass(24 * time.Hour)
	if a := w.once(w.key, "make", "POST", org, `{"name":"Acme"}`); a.status != 201 || a.replayed() || a.text("id") == made.text("id") {
		t.Errorf("a day later = %d %s", a.status, a.body)
	}
	if a := w.do("GET", org, "", idempotencyKey, "make"); a.status != 200 || a.replayed() {
		t.Errorf("a GET with a key = %d %s", a.status, a.body)
	}
}

// TestNotKept: what is refused before it is looked at, and what is our fault, can be sent again.
func TestNotKept(t *testing.T) {
	w := newWorld(t)
	reads := w.keyFor(estate{}, "read")
	const org, body = "/api/v2/org", `{"name":"Acme"}`
	for status, a := range map[int]answer{
		401: w.once("x.y", "1", "POST", org, body),
		403: w.once(reads, "1", "POST", org, body),
		413: w.once(w.key, "1", "POST", org, `{"name":"`+strings.Repeat("a", 1<<20)+`"}`),
		415: w.do("POST", org, body, idempotencyKey, "1", "Content-Type", "text/plain"),
	} {
		if a.status != status {
			t.Errorf("%d %s, want %d", a.status, a.body, status)
		}
	}
	w.before = func() error { return eventstore.ErrUnavailable }
	if a := w.once(w.key, "1", "POST", org, body); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	w.before = func() error { panic("secret") }
	if a := w.once(w.key, "1", "POST", org, body); a.status != 500 {
		t.Errorf("%d %s", a.status, a.body)
	}
	w.before = nil
	if a := w.once(w.key, "1", "POST", org, body); a.status != 201 || a.replayed() {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestAnswerIsLost: a request that was carried out, but not answered, is not carried out again.
func TestAnswerIsLost(t *testing.T) {
	w := newWorld(t)
	const hooks, body = "/api/v2/webhooks", `{"name":"h","target_url":"https://a.example"}`
	w.after = func() error { return eventstore.ErrUnavailable } // as when a connection breaks
	if a := w.once(w.key, "1", "POST", hooks, body); a.status != 503 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	w.after = nil
	for range 2 {
		if a := w.once(w.key, "1", "POST", hooks, body); a.status != 409 || !strings.Contains(a.text("error", "message"), "was carried out") {
			t.Errorf("%d %s", a.status, a.body)
		}
		w.start()
	}
	if a := w.must(200, "GET", hooks, ""); a.at("total") != 1.0 {
		t.Errorf("%s", a.body)
	}
}

// TestUnderWay: the same request beside the first is told to wait, and another one that its key is taken.
func TestUnderWay(t *testing.T) {
	w := newWorld(t)
	const org, body = "/api/v2/org", `{"name":"Acme"}`
	entered, leave := make(chan struct{}), make(chan struct{})
	w.before = sync.OnceValue(func() error {
		close(entered)
		<-leave
		return nil
	})
	first := make(chan answer)
	go func() { first <- w.once(w.key, "1", "POST", org, body) }()
	<-entered
	if a := w.once(w.key, "1", "POST", org, body); a.status != 409 || a.header.Get("Retry-After") != "1" {
		t.Errorf("beside the first %d, Retry-After %q: %s", a.status, a.header.Get("Retry-After"), a.body)
	}
	if a := w.once(w.key, "1", "POST", org, `{"name":"Globex"}`); a.status != 409 || a.header.Get("Retry-After") != "" {
		t.Errorf("another beside it %d %s", a.status, a.body)
	}
	close(leave)
	made := <-first
	if a := w.once(w.key, "1", "POST", org, body); made.status != 201 || !a.same(made) || !a.replayed() {
		t.Errorf("%d %s, and then %d %s", made.status, made.body, a.status, a.body)
	}
}

// TestTooManyReplies: who has sent more than are kept is told how long to wait, and what is kept is still answered.
func TestTooManyReplies(t *testing.T) {
	w := newWorld(t)
	first := w.once(w.key, "1", "POST", "/api/v2/org", `{"name":"Acme"}`)
	db, err := driver.Open("file:" + filepath.Join(w.folder, projections.RepliesFile))
	if err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(w.key, ".")
	if _, err := db.Exec(`INSERT INTO replies (id, caller, asked, request, position, began, reply) SELECT value, ?, '', '', '0', ?, 'x' FROM generate_series(2, ?)`,
		id, w.clock.Now().UnixMilli(), projections.MaxReplies); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(23*time.Hour + 59*time.Minute)
	if a := w.once(w.key, "2", "POST", "/api/v2/org", `{"name":"Globex"}`); a.status != 429 || a.text("error", "code") != "rate_limited" || a.header.Get("Retry-After") != "61" {
		t.Errorf("%d, Retry-After %q: %s", a.status, a.header.Get("Retry-After"), a.body)
	}
	if a := w.once(w.key, "1", "POST", "/api/v2/org", `{"name":"Acme"}`); !a.same(first) {
		t.Errorf("%d %s", a.status, a.body)
	}
	w.must(201, "POST", "/api/v2/org", `{"name":"Globex"}`)
}

// TestRepliesKeepSecrets: what is kept shows neither a secret nor what was asked.
func TestRepliesKeepSecrets(t *testing.T) {
	w := newWorld(t)
	made := w.once(w.key, "a-key-of-the-client", "POST", "/api/v2/webhooks", `{"name":"h","target_url":"https://a.example","headers":{"Authorization":"hunter2"}}`)
	secret := made.text("signature_key")
	if again := w.once(w.key, "a-key-of-the-client", "POST", "/api/v2/webhooks", `{"name":"h","target_url":"https://a.example","headers":{"Authorization":"hunter2"}}`); secret == "" || again.text("signature_key") != secret {
		t.Fatalf("%s, and again %s", made.body, again.body)
	}
	files, err := filepath.Glob(filepath.Join(w.folder, projections.RepliesFile+"*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v %v", files, err)
	}
	var all []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	for _, hidden := range []string{strings.TrimPrefix(secret, "whsec_"), "hunter2", "a.example", "a-key-of-the-client"} {
		if strings.Contains(string(all), hidden) {
			t.Errorf("the file shows %s", hidden)
		}
	}
	if id, _, _ := strings.Cut(w.key, "."); !strings.Contains(string(all), id) {
		t.Error("the file that was searched is none")
	}
}

// TestLargePreviewIsMadeAgain: it changes nothing, and is not kept.
func TestLargePreviewIsMadeAgain(t *testing.T) {
	w := newWorld(t)
	acme := w.estate("Acme")
	d, err := w.read.DirectoryOf(t.Context(), acme.id)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 250 {
		w.user(d, domain.Attributes{"userName": fmt.Sprint("u", i), "title": strings.Repeat("t", 9000)})
	}
	path, body := "/api/v2/webhooks/"+acme.objects["webhooks"]+"/simulate", `{"from":"0","limit":1000}`
	for range 2 {
		if a := w.once(w.key, "1", "POST", path, body); a.status != 200 || a.replayed() || len(a.body) < 2<<20 {
			t.Errorf("%d, %d bytes, replayed %v", a.status, len(a.body), a.replayed())
		}
	}
}
