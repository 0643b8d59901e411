package scim_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/local"
)

const (
	secretPart  = "Xyzzy-42-swordfish"
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	enterprise  = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	escapedName = `p\u0061ssword`
)

// lines is what was logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// TestPasswordsStayNowhere: whatever way a client writes a password, its bytes are in no answer, no log line, and no file of the data
// folder; nobody can take them out of an immutable log again.
//
// Proves RFC 7643 §4.1.1, passwords.
func TestPasswordsStayNowhere(t *testing.T) {
	folder, logged := t.TempDir(), &lines{}
	log, err := local.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	w := worldIn(t, log, folder, slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	n := w.tenant("Acme", domain.Okta)
	sent := 0
	send := func(method, path, body string) {
		t.Helper()
		sent++
		a := n.do(method, path, strings.ReplaceAll(body, "SECRET", fmt.Sprint(secretPart, sent)))
		if a.status >= 500 || strings.Contains(a.body, secretPart) || strings.Contains(fmt.Sprint(a.header), secretPart) {
			t.Errorf("%s %s %s = %d %v %s", method, path, body, a.status, a.header, a.body)
		}
	}
	id := idOf(t, n.must(201, "POST", "/Users", `{"userName":"kept","password":"`+secretPart+`0"}`))
	var bodies []string
	for _, name := range []string{"password", "PASSWORD", "Password", escapedName} {
		for _, value := range []string{`"SECRET"`, `{"value":"SECRET"}`, `["SECRET"]`, `[{"value":"SECRET","primary":true}]`} {
			bodies = append(bodies, `"`+name+`":`+value)
		}
	}
	bodies = append(bodies, `"`+userSchema+`:password":"SECRET"`, `"`+strings.ToUpper(userSchema)+`:PassWord":"SECRET"`, `"`+userSchema+`":{"password":"SECRET"}`,
		`"`+enterprise+`":{"password":"SECRET","department":"d"}`, `"name":{"password":"SECRET","givenName":"g"}`, `"emails":[{"value":"a@b.test","password":"SECRET"}]`,
		`"urn:acme:x":{"PassWord":"SECRET","kept":{"password":["SECRET"],"n":1},"list":[{"password":"SECRET","n":1}]}`, `"urn:acme:z:password":{"value":"SECRET"}`)
	for i, b := range bodies {
		user := fmt.Sprintf(`{"userName":"u%d",%s}`, i, b)
		send("POST", "/Users", user)
		send("PUT", "/Users/"+id, user)
		send("PATCH", "/Users/"+id, patchOf(`[{"op":"replace","value":{`+b+`}}]`))
		send("POST", "/Bulk", fmt.Sprintf(`{"Operations":[{"method":"POST","path":"/Users","bulkId":"b","data":{"userName":"b%d",%s}},
			{"method":"PATCH","path":"/Users/bulkId:b","data":{"Operations":[{"op":"add","value":{%s}}]}}]}`, i, b, b))
	}
	for _, path := range []string{"password", "PASSWORD", userSchema + ":password", strings.ToLower(userSchema) + ":Password", userSchema + ".password", "password.value", `password[value eq \"SECRET\"]`, enterprise + ":password",
		"urn:acme:x:Password", "urn:acme:x:kept.password", "urn:acme:y:password", "urn:acme:y:new.password"} {
		for _, value := range []string{`"SECRET"`, `{"value":"SECRET"}`, `["SECRET"]`} {
			for _, op := range []string{"add", "Replace", "remove"} {
				send("PATCH", "/Users/"+id, patchOf(`[{"op":"`+op+`","path":"`+path+`","value":`+value+`},{"op":"add","path":"title","value":"t"}]`))
			}
		}
	}
	send("GET", "/Users?filter=password%20eq%20%22SECRET%22", "")
	send("GET", "/Users/"+id+"?attributes=password,id", "")
	send("GET", "/Users?attributes=password", "")
	send("POST", "/Users/.search", `{"filter":"password sw \"SECRET\"","attributes":["password"]}`)
	send("GET", "/Users?count=1000", "")

	files := 0
	if err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files++
		if at := bytes.Index(text, []byte(secretPart)); at >= 0 {
			t.Errorf("%s holds a password: %q", filepath.Base(path), text[max(0, at-200):at+len(secretPart)+4])
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	logged.mu.Lock()
	defer logged.mu.Unlock()
	if files < 2 || logged.b.Len() == 0 {
		t.Fatalf("nothing was searched: %d files, %d bytes logged", files, logged.b.Len())
	}
	if bytes.Contains(logged.b.Bytes(), []byte(secretPart)) {
		t.Error("a password was logged")
	}
}
