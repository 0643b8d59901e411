package api_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

const acmeImport = acmeUsers + "/import"

// imports sends an import, and answers the lines of its report.
func (w *world) imports(path, body string, headers ...string) (lines []answer, end answer) {
	w.t.Helper()
	a := w.do("POST", path, body, append([]string{"Content-Type", "application/x-ndjson"}, headers...)...)
	if a.status != 200 || a.header.Get("Content-Type") != "application/x-ndjson" {
		w.t.Fatalf("%s %.100s = %d %s", path, body, a.status, a.body)
	}
	for line := range strings.Lines(a.body) {
		lines = append(lines, answer{body: line})
	}
	return lines[:len(lines)-1], lines[len(lines)-1]
}

// people are so many lines, from one on.
func people(from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, `{"email":"u%d@acme.test","given_name":"U"}`+"\n", i)
	}
	return b.String()
}

// TestImportGarbage: a line that cannot be meant so leaves the others alone, and is told why.
func TestImportGarbage(t *testing.T) {
	w := newWorld(t)
	w.tenant("Acme")
	fits := strings.Repeat("a", 64<<10-len(`{"userName":"fits","title":""}`))
	garbage := []struct{ line, status, code, field string }{
		{"\uFEFF" + `{"userName":"a"}`, "created", "", ""},
		{"\t{\"userName\":\"b\"} \r", "created", "", ""},
		{``, "", "", ""},
		{"  \r", "", "", ""},
		{`{"userName":"fits","title":"` + fits + `"}`, "created", "", ""},
		{`{"userName":"long","title":"` + fits + `a"}`, "refused", "too_large", ""},
		{`{"userName":"very long","title":"` + strings.Repeat(fits, 20) + `"}`, "refused", "too_large", ""},
		{`{"userName":"c"`, "refused", "invalid", ""},
		{`{"userName":"c"} {"userName":"d"}`, "refused", "invalid", ""},
		{`{"userName":"c","userName":"d"}`, "refused", "invalid", ""},
		{`"c"`, "refused", "invalid", ""},
		{`null`, "refused", "invalid", ""},
		{`[{"userName":"c"}]`, "refused", "invalid", ""},
		{"\x00\xff", "refused", "invalid", ""},
		{`{"name":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "refused", "invalid", ""},
		{`{"nickname":"nobody"}`, "refused", "invalid", "userName"},
		{`{"userName":"c","surprise":1}`, "refused", "invalid", "surprise"},
		{`{"userName":"c","email":"c"}`, "refused", "invalid", "email"},
		{`{"userName":"A","title":"T"}`, "updated", "", ""},
		{`{"userName":"A","title":"T"}`, "unchanged", "", ""},
		{`{"userName":"last, without a newline"}`, "created", "", ""},
	}
	var body []string
	for _, g := range garbage {
		body = append(body, g.line)
	}
	told, end := w.imports(acmeImport, strings.Join(body, "\n"))
	at, counts := 0, map[string]float64{"created": 0, "updated": 0, "unchanged": 0, "refused": 0}
	for i, g := range garbage {
		if g.status == "" {
			continue
		}
		line := told[at]
		at++
		counts[g.status]++
		if line.at("line") != float64(i+1) || line.text("status") != g.status || line.text("error", "code") != g.code || g.field != "" && line.text("error", "fields", g.field) == "" {
			t.Errorf("%.60q is told as %s", g.line, line.body)
		}
		if refused := g.status == "refused"; refused == (line.text("id") != "") || refused && (line.text("error", "message") == "" || strings.Contains(line.body, "the body")) {
			t.Errorf("%.60q is told as %s", g.line, line.body)
		}
	}
	for status, n := range counts {
		if end.at(status) != n {
			t.Errorf("%v %s, want %v", end.at(status), status, n)
		}
	}
	if end.at("lines") != float64(at) || len(told) != at || end.at("error") != nil {
		t.Errorf("%d lines are told: %s", len(told), end.body)
	}
	if a := w.must(200, "GET", acmeUsers, ""); a.at("total") != 4.0 {
		t.Errorf("there are %s", a.body)
	}
}

// TestImportOfNothing is none, and begins no directory.
func TestImportOfNothing(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	before := w.head()
	for _, body := range []string{"", "\n\n", "{}\n", `{"userName":""}`} {
		for _, path := range []string{acmeImport, acmeImport + "?atomic=false"} {
			if _, end := w.imports(path, body); end.at("created") != 0.0 {
				t.Errorf("%q: %s", body, end.body)
			}
		}
	}
	if _, end := w.imports(acmeImport+"?atomic=true", "\n"); end.at("lines") != 0.0 {
		t.Errorf("%s", end.body)
	}
	if w.head() != before {
		t.Error("something was written to the log")
	}
}

// TestImportLimits: what is too much is refused before anything of it is done.
func TestImportLimits(t *testing.T) {
	w := newWorld(t)
	w.tenant("Acme")
	before := w.head()
	person := `{"userName":"ada"}` + "\n"
	for what, c := range map[string]struct {
		query, kind, body string
		status            int
	}{
		"lines":                 {"", "application/x-ndjson", person + strings.Repeat("\n", 100_000), 413},
		"bytes":                 {"", "application/x-ndjson", person + strings.Repeat(" ", 64<<20), 413},
		"lines of all":          {"?atomic=true", "application/x-ndjson", people(0, 1001), 413},
		"bytes of an array":     {"", "application/json", "[" + person + strings.Repeat(" ", 1<<20) + "]", 413},
		"elements of an array":  {"", "application/json", "[" + person + strings.Repeat(",1", 100_000) + "]", 413},
		"elements of all":       {"?atomic=true", "application/json", "[" + person + strings.Repeat(",1", 1000) + "]", 413},
		"no array":              {"", "application/json", `{"userName":"ada"}`, 400},
		"half an array":         {"", "application/json", `[{"userName":"ada"}`, 400},
		"null":                  {"", "application/json", `null`, 400},
		"no media type of ours": {"", "text/csv", "userName\nada\n", 415},
		"no media type":         {"", ";", person, 415},
		"neither true nor not":  {"?atomic=1", "application/x-ndjson", person, 422},
		"a parameter":           {"?dry_run=true", "application/x-ndjson", person, 422},
		"a line of all":         {"?atomic=true", "application/x-ndjson", person + "[]", 422},
	} {
		if a := w.do("POST", acmeImport+c.query, c.body, "Content-Type", c.kind); a.status != c.status || a.text("error", "message") == "" {
			t.Errorf("%s = %d, want %d: %s", what, a.status, c.status, a.body)
		}
	}
	if w.head() != before {
		t.Error("part of it was done")
	}
	w.must(404, "POST", "/api/v2/org/none/users/import", `[]`)
	if left, err := os.ReadDir(w.spool); err != nil || len(left) != 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	if told, end := w.imports(acmeImport+"?atomic=true", people(0, 1000)); len(told) != 1000 || end.at("created") != 1000.0 {
		t.Errorf("%s", end.body)
	}
}

// seen is an answer that is looked at as it comes.
type seen struct {
	*httptest.ResponseRecorder
	each          func(sent []byte)
	reads, writes []time.Time // deadlines
}

func (a *seen) SetReadDeadline(at time.Time) error  { a.reads = append(a.reads, at); return nil }
func (a *seen) SetWriteDeadline(at time.Time) error { a.writes = append(a.writes, at); return nil }

func (a *seen) Write(b []byte) (int, error) {
	n, err := a.ResponseRecorder.Write(b)
	a.each(b)
	return n, err
}

// TestImportTellsAsItGoes: a line is told before the import is over, and what ends it then is told at its end; the same again goes on.
func TestImportTellsAsItGoes(t *testing.T) {
	for what, c := range map[string]struct {
		end  func(w *world)
		code string // of the error at its end, any of several
	}{
		"nothing ends it":      {func(*world) {}, ""},
		"the server stops":     {func(w *world) { close(w.stopping) }, "unavailable"},
		"the log stops":        {func(w *world) { w.log.Close() }, "unavailable internal"}, // as it is noticed first
		"organization deleted": {func(w *world) { w.must(204, "DELETE", "/api/v2/org/acme", "") }, "not_found"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			w.tenant("Acme")
			r := httptest.NewRequest("POST", acmeImport, strings.NewReader(people(0, 250)))
			r.Header.Set("Authorization", "Bearer "+w.key)
			var first sync.Once
			var sent bytes.Buffer
			a := &seen{ResponseRecorder: httptest.NewRecorder()}
			began := time.Now()
			a.each = func(b []byte) {
				sent.Write(b)
				if bytes.Count(sent.Bytes(), []byte("\n")) < 100 {
					return
				}
				first.Do(func() {
					if n := w.count("user.provisioned"); n != 100 {
						t.Errorf("%d users are made when the first lines are told", n)
					}
					c.end(w)
				})
			}
			w.handler.ServeHTTP(a, r)
			// The body has a time to arrive, the work has any, and the client has a time to take each part of the report.
			if len(a.reads) != 2 || !a.reads[0].After(began) || !a.reads[1].IsZero() || len(a.writes) < 2 || !a.writes[len(a.writes)-1].After(a.writes[0]) {
				t.Errorf("the deadlines are %v and %v", a.reads, a.writes)
			}
			lines := strings.Split(strings.TrimSpace(a.Body.String()), "\n")
			end := answer{body: lines[len(lines)-1]}
			want := 100
			if c.code == "" {
				want = 250
			}
			if a.Code != 200 || !a.Flushed || len(lines) != want+1 || end.at("created") != float64(want) || (c.code == "") != (end.at("error") == nil) || !strings.Contains(c.code, end.text("error", "code")) {
				t.Errorf("%d, %d lines: %s", a.Code, len(lines), end.body)
			}
			if what == "the server stops" {
				w.stopping = nil
				w.start()
				if _, end := w.imports(acmeImport, people(0, 250)); end.at("unchanged") != 100.0 || end.at("created") != 150.0 {
					t.Errorf("again: %s", end.body)
				}
			}
		})
	}
}

// count is how many events of a type the log holds.
func (w *world) count(kind string) (n int) {
	w.t.Helper()
	for r, err := range w.log.All(w.t.Context(), eventstore.Position{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		if r.Type == kind {
			n++
		}
	}
	return n
}

// TestImportWhereTheLogIsGone: before the first line is told it is an error like any other.
func TestImportWhereTheLogIsGone(t *testing.T) {
	w := newWorld(t)
	w.tenant("Acme")
	w.log.Close()
	for _, query := range []string{"", "?atomic=true"} {
		if a := w.do("POST", acmeImport+query, people(0, 3), "Content-Type", "application/x-ndjson"); a.status < 500 || a.text("error", "message") == "" {
			t.Errorf("%q: %d %s", query, a.status, a.body)
		}
	}
}

// slowly begins an import whose body does not end before end is called; it has arrived in part when slowly returns.
func (w *world) slowly(path, first string, headers ...string) (end func() answer) {
	w.t.Helper()
	body, in := io.Pipe()
	r := httptest.NewRequest("POST", path, body)
	r.Header.Set("Authorization", "Bearer "+w.key)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answered := make(chan answer, 1)
	go func() {
		a := httptest.NewRecorder()
		w.handler.ServeHTTP(a, r)
		body.Close() // whoever writes on is let go
		answered <- answer{a.Code, a.Header(), a.Body.String()}
	}()
	if _, err := io.WriteString(in, first); err != nil { // it is read once the import is let in
		w.t.Fatal(err)
	}
	return func() answer {
		in.Close()
		return <-answered
	}
}

// TestSlowImports: an organization has two imports at a time, and its next is put off; others go on meanwhile, however slowly those bodies arrive.
func TestSlowImports(t *testing.T) {
	w := newWorld(t)
	var ends []func() answer
	for i := range 8 {
		domain := fmt.Sprint("o", i)
		w.must(201, "POST", "/api/v2/org", `{"name":"`+domain+`"}`)
		path := "/api/v2/org/" + domain + "/users/import"
		for j := range 2 {
			ends = append(ends, w.slowly(path, fmt.Sprintf(`{"userName":"u%d"}`+"\n", j)))
		}
		if a := w.do("POST", path, `[]`); a.status != 429 || a.text("error", "code") != "rate_limited" || a.header.Get("Retry-After") == "" {
			t.Errorf("a third of %s: %d %s", domain, a.status, a.body)
		}
	}
	w.tenant("Acme")
	w.imports(acmeImport, people(0, 3))
	if left, err := os.ReadDir(w.spool); runtime.GOOS != "windows" && (err != nil || len(left) != 0) {
		t.Errorf("a crash now would leave %v, %v", left, err)
	}
	for _, end := range ends {
		if a := end(); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	w.must(200, "POST", "/api/v2/org/o0/users/import", `[]`)
}

// TestImportsThatAreKept: what has arrived and is yet to be worked on is bounded.
func TestImportsThatAreKept(t *testing.T) {
	w := newWorld(t)
	var ends []func() answer
	for i := range 32 {
		domain := fmt.Sprint("o", i)
		w.must(201, "POST", "/api/v2/org", `{"name":"`+domain+`"}`)
		for range 2 {
			ends = append(ends, w.slowly("/api/v2/org/"+domain+"/users/import", "\n"))
		}
	}
	w.tenant("Acme")
	if a := w.do("POST", acmeImport, `[]`); a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	ends[0]()
	w.must(200, "POST", acmeImport, `[]`)
	for _, end := range ends[1:] {
		end()
	}
}

// TestImportsWhoseReportIsNotRead: they keep no other one waiting.
func TestImportsWhoseReportIsNotRead(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	var running sync.WaitGroup
	for i := range 6 {
		domain := fmt.Sprint("o", i)
		w.must(201, "POST", "/api/v2/org", `{"name":"`+domain+`"}`)
		r := httptest.NewRequest("POST", "/api/v2/org/"+domain+"/users/import", strings.NewReader(people(0, 150)))
		r.Header.Set("Authorization", "Bearer "+w.key)
		told := make(chan struct{})
		tell := sync.OnceFunc(func() { close(told) })
		a := &seen{ResponseRecorder: httptest.NewRecorder(), each: func([]byte) { tell(); <-release }}
		running.Go(func() { w.handler.ServeHTTP(a, r) })
		<-told
	}
	w.tenant("Acme")
	w.imports(acmeImport, people(0, 3))
	close(release)
	running.Wait()
}

// TestImportsTogether: a few are worked on at a time; the next waits for its turn, unless its client leaves or the server stops.
func TestImportsTogether(t *testing.T) {
	for what, leave := range map[string]func(w *world, gone context.CancelFunc){
		"its turn comes":   nil,
		"the client left":  func(_ *world, gone context.CancelFunc) { gone() },
		"the server stops": func(w *world, _ context.CancelFunc) { close(w.stopping) },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			for i := range 5 {
				w.must(201, "POST", "/api/v2/org", fmt.Sprintf(`{"name":"o%d"}`, i))
			}
			entered, leaving := make(chan struct{}, 5), make(chan struct{})
			w.before = func() error {
				entered <- struct{}{}
				<-leaving
				return nil
			}
			ctx, gone := context.WithCancel(t.Context())
			defer gone()
			var running sync.WaitGroup
			answers := make([]*httptest.ResponseRecorder, 5)
			for i := range answers {
				asked := t.Context()
				if i == 4 {
					asked = ctx
				}
				r := httptest.NewRequestWithContext(asked, "POST", fmt.Sprintf("/api/v2/org/o%d/users/import", i), strings.NewReader(people(0, 1)))
				r.Header.Set("Authorization", "Bearer "+w.key)
				answers[i] = httptest.NewRecorder()
				if i < 4 {
					running.Go(func() { w.handler.ServeHTTP(answers[i], r) })
					<-entered
					continue
				}
				last := make(chan struct{})
				go func() { defer close(last); w.handler.ServeHTTP(answers[i], r) }()
				if leave != nil {
					leave(w, gone)
					<-last
				} else {
					running.Go(func() { <-last })
				}
			}
			if len(entered) != 0 {
				t.Error("five are worked on at once")
			}
			close(leaving)
			running.Wait()
			if leave == nil && (answers[4].Code != 200 || len(entered) != 1) {
				t.Errorf("%d %s", answers[4].Code, answers[4].Body)
			}
			if leave != nil && (answers[4].Code < 400 || len(entered) != 0) {
				t.Errorf("%d %s", answers[4].Code, answers[4].Body)
			}
		})
	}
}

// TestImportThatBreaksOff: what did not arrive whole is not begun.
func TestImportThatBreaksOff(t *testing.T) {
	w := newWorld(t)
	w.tenant("Acme")
	before := w.head()
	r := httptest.NewRequest("POST", acmeImport, io.MultiReader(strings.NewReader(people(0, 150)), brokenReader{}))
	r.Header.Set("Authorization", "Bearer "+w.key)
	a := httptest.NewRecorder()
	if w.handler.ServeHTTP(a, r); a.Code != 400 || !strings.Contains(a.Body.String(), "before all of it arrived") {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	if left, err := os.ReadDir(w.spool); w.head() != before || err != nil || len(left) != 0 {
		t.Errorf("it was begun, or left %v, %v", left, err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestImportOverTheWire: a client that sends all before it reads, and one that reads as it comes, of an import whose report is larger than what the
// connection holds.
func TestImportOverTheWire(t *testing.T) {
	w := newWorld(t)
	w.tenant("Acme")
	server := httptest.NewServer(w.handler)
	defer server.Close()
	var body strings.Builder
	for range 30_000 {
		body.WriteString(`{"userName":7}` + "\n") // refused at little cost, and told at length
	}
	body.WriteString(people(0, 5))
	r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+acmeImport, strings.NewReader(body.String()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.key)
	a, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	n, last := 0, ""
	for in := bufio.NewScanner(a.Body); in.Scan(); n++ {
		last = in.Text()
	}
	if end := (answer{body: last}); a.StatusCode != 200 || n != 30_006 || end.at("created") != 5.0 || end.at("refused") != 30_000.0 {
		t.Errorf("%d, %d lines: %s", a.StatusCode, n, last)
	}
	if w.count("user.provisioned") != 5 {
		t.Error("not all were made")
	}
}

// TestImportBesideDirectorySync: a line means a user whom the application made, never one whom directory sync holds.
func TestImportBesideDirectorySync(t *testing.T) {
	w := newWorld(t)
	acme := w.tenant("Acme")
	ada := w.user(acme, domain.Attributes{"userName": "ada@acme.test"})
	told, _ := w.imports(acmeImport, `{"userName":"ada@acme.test","nickname":"A"}`)
	if told[0].text("status") != "created" || told[0].text("id") == ada {
		t.Errorf("%s", told[0].body)
	}
	if a := w.must(200, "GET", acmeUsers+"/"+ada, ""); a.at("nickName") != nil {
		t.Errorf("directory sync's user became %s", a.body)
	}
}

// TestImportsOfAKeyThatIsDeleted: a key that is deleted while the body arrives imports nothing.
func TestImportsOfAKeyThatIsDeleted(t *testing.T) {
	for _, query := range []string{"", "?atomic=true"} {
		w := newWorld(t)
		w.tenant("Acme")
		k := w.must(201, "POST", "/api/v2/api-keys", `{"name":"CI"}`)
		own := w.key
		w.key = k.text("client_id") + "." + k.text("client_secret")
		end := w.slowly(acmeImport+query, people(0, 3))
		w.key = own
		w.must(204, "DELETE", "/api/v2/api-keys/"+k.text("client_id"), "")
		if a := end(); a.status != 401 {
			t.Errorf("%q: %d %s", query, a.status, a.body)
		}
		if a := w.must(200, "GET", "/api/v2/org/acme/users?source=api", ""); a.at("total").(float64) != 0 {
			t.Errorf("%q: %s", query, a.body)
		}
	}
}

// TestImportWhoseTokenExpires: the same import with the next token is carried out, though the first had an Idempotency-Key too.
func TestImportWhoseTokenExpires(t *testing.T) {
	w := newWorld(t)
	w.tenant("Acme")
	k := w.must(201, "POST", "/api/v2/api-keys", `{"name":"CI"}`)
	token := func() string {
		return w.token(url.Values{"grant_type": {"client_credentials"}, "client_id": {k.text("client_id")}, "client_secret": {k.text("client_secret")}}.Encode()).text("access_token")
	}
	for i, want := range []int{401, 200} {
		w.key = token()
		end := w.slowly(acmeImport, people(0, 3), "Idempotency-Key", "once")
		if i == 0 {
			w.clock.pass(24 * time.Hour)
		}
		if a := end(); a.status != want || (want == 401) != (a.header.Get("WWW-Authenticate") != "") {
			t.Errorf("%d: %d %q %s", i, a.status, a.header.Get("WWW-Authenticate"), a.body)
		}
	}
}

// TestAtomicImportsAreSmall: what must wait for each other must fit into memory.
func TestAtomicImportsAreSmall(t *testing.T) {
	w := newWorld(t)
	w.tenant("Acme")
	line := `{"userName":"u","nickname":"` + strings.Repeat("n", 60_000) + `"}` + "\n"
	if a := w.do("POST", acmeImport+"?atomic=true", strings.Repeat(line, 40), "Content-Type", "application/x-ndjson"); a.status != 413 {
		t.Errorf("%d %s", a.status, a.body)
	}
	many := `{"userName":"u","phoneNumbers":[` + strings.TrimSuffix(strings.Repeat(`{"value":"1"},`, 1001), ",") + `]}`
	if a := w.do("POST", acmeImport+"?atomic=true", many, "Content-Type", "application/x-ndjson"); a.status != 422 || !strings.Contains(a.body, "more than 1000 values") {
		t.Errorf("%d %s", a.status, a.body)
	}
}
