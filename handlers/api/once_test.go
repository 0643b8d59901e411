package api_test

import (
	"fmt"
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
		if o.method != "POST" || o.needs() == "" || o.streams() {
			continue
		}
		looked++
		if o.Parameters.GetByInAndName("header", idempotencyKey) == nil {
			t.Errorf("%s does not say that it takes an %s", o, idempotencyKey)
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
	for i := range 40 {
		w.user(d, domain.Attributes{"userName": fmt.Sprint("u", i), "title": strings.Repeat("t", 9000)})
	}
	path, body := "/api/v2/webhooks/"+acme.objects["webhooks"]+"/simulate", `{"from":"0","limit":1000}`
	for range 2 {
		if a := w.once(w.key, "1", "POST", path, body); a.status != 200 || a.replayed() || len(a.body) < 256<<10 {
			t.Errorf("%d, %d bytes, replayed %v", a.status, len(a.body), a.replayed())
		}
	}
}
