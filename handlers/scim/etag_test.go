package scim_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/command"
)

// Proves RFC 7644 §3.14.
func TestETag(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	made := n.must(201, "POST", "/Users", okUser)
	user := "/Users/" + idOf(t, made)
	etag := made.header.Get("ETag")
	if !strings.HasPrefix(etag, `W/"`) || !strings.Contains(made.body, `"version":`+fmt.Sprintf("%q", etag)) {
		t.Fatalf("the ETag is %s and the body %s", etag, made.body)
	}
	if a := n.must(304, "GET", user, "", "If-None-Match", etag); a.body != "" || a.header.Get("ETag") != etag {
		t.Errorf("304 with %q %q", a.body, a.header.Get("ETag"))
	}
	n.must(304, "GET", user, "", "If-None-Match", `"other", `+strings.TrimPrefix(etag, "W/"))
	n.must(304, "GET", user, "", "If-None-Match", "*")
	n.must(200, "GET", user, "", "If-None-Match", `W/"0"`)

	patched := n.must(200, "PATCH", user, patchOf(`[{"op":"add","path":"title","value":"x"}]`), "If-Match", etag)
	if patched.header.Get("ETag") == etag {
		t.Error("a change keeps the ETag")
	}
	before := n.head()
	for method, body := range map[string]string{"PATCH": patchOf(`[{"op":"add","path":"title","value":"y"}]`), "PUT": okUser, "DELETE": ""} {
		a := n.must(412, method, user, body, "If-Match", etag)
		if !strings.Contains(a.body, `"status":"412"`) {
			t.Errorf("%s: %s", method, a.body)
		}
	}
	if n.head() != before {
		t.Error("a refused change was written")
	}
	etag = patched.header.Get("ETag")

	group := "/Groups/" + idOf(t, n.must(201, "POST", "/Groups", `{"displayName":"G","members":["`+strings.TrimPrefix(user, "/Users/")+`"]}`))
	inGroup := n.must(200, "GET", user, "", "If-None-Match", etag).header.Get("ETag")
	n.must(412, "PUT", user, okUser, "If-Match", etag)
	n.must(200, "PUT", user, okUser, "If-Match", inGroup)
	n.must(200, "PUT", user, okUser, "If-Match", "*")

	// Of writers with the same ETag one wins, also when they come at once.
	same := n.must(200, "GET", user, "").header.Get("ETag")
	var won atomic.Int32
	together(16, func(i int) {
		switch a := n.do("PATCH", user, patchOf(fmt.Sprintf(`[{"op":"add","path":"title","value":"by %d"}]`, i)), "If-Match", same); a.status {
		case 200:
			won.Add(1)
		case 412:
		default:
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d writers won", won.Load())
	}
	g := n.must(200, "GET", group, "").header.Get("ETag")
	n.must(204, "PATCH", group, patchOf(`[{"op":"remove","path":"members"}]`), "If-Match", g)
	n.must(412, "PATCH", group, patchOf(`[{"op":"replace","path":"displayName","value":"H"}]`), "If-Match", g)
	n.must(412, "DELETE", group, "", "If-Match", g)
	n.must(204, "DELETE", group, "", "If-Match", n.must(200, "GET", group, "").header.Get("ETag"))
	n.must(404, "DELETE", group, "", "If-Match", "*")
}

// TestETagOfShownGroups: a user's groups are shown with it, so what changes of them changes its ETag, and not its version.
//
// Proves RFC 7644 §3.14.
func TestETagOfShownGroups(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	ada := idOf(t, n.must(201, "POST", "/Users", okUser))
	group := func(name, members string) string {
		return "/Groups/" + idOf(t, n.must(201, "POST", "/Groups", fmt.Sprintf(`{"displayName":%q,"members":[%s]}`, name, members)))
	}
	member := func(id string) string { return fmt.Sprintf(`{"value":%q}`, id) }
	a, b := group("A", member(ada)), group("B", "")
	outer := group("Outer", member(strings.TrimPrefix(b, "/Groups/")))
	last := n.must(200, "GET", "/Users/"+ada, "").header.Get("ETag")
	changed := func(what string) {
		t.Helper()
		now := n.must(200, "GET", "/Users/"+ada, "", "If-None-Match", last)
		if !strings.Contains(now.body, `"version":"W/\"1`) {
			t.Errorf("%s: the version is in %s", what, now.body)
		}
		n.must(412, "PATCH", "/Users/"+ada, patchOf(`[{"op":"add","path":"title","value":"x"}]`), "If-Match", last)
		last = now.header.Get("ETag")
	}
	n.must(204, "PATCH", a, patchOf(`[{"op":"remove","path":"members"}]`))
	n.must(204, "PATCH", b, patchOf(`[{"op":"add","path":"members","value":[`+member(ada)+`]}]`))
	changed("from one group to another")
	n.must(204, "PATCH", b, patchOf(`[{"op":"replace","path":"displayName","value":"C"}]`))
	changed("another name of a group")
	n.must(204, "PATCH", outer, patchOf(`[{"op":"add","path":"members","value":[`+member(ada)+`]}]`))
	changed("from indirect to direct")
	n.must(204, "PATCH", outer, patchOf(`[{"op":"remove","path":"members[value eq \"`+ada+`\"]"}]`))
	changed("from direct to indirect")

	// A group's ETag is its own: a member's name changes without it.
	g := n.must(200, "GET", b, "").header.Get("ETag")
	n.must(200, "PATCH", "/Users/"+ada, patchOf(`[{"op":"add","path":"displayName","value":"Ada"}]`))
	n.must(304, "GET", b, "", "If-None-Match", g)
	n.must(204, "PATCH", b, patchOf(`[{"op":"remove","path":"members"}]`))
	n.must(200, "GET", b, "", "If-None-Match", g)
}

// TestPreconditions: RFC 9110 §13.1.
//
// Proves RFC 7644 §3.14.
func TestPreconditions(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	made := n.must(201, "POST", "/Users", okUser)
	for path, put := range map[string]string{
		"/Users/" + idOf(t, made): okUser,
		"/Groups/" + idOf(t, n.must(201, "POST", "/Groups", `{"displayName":"G"}`)): `{"displayName":"G"}`,
	} {
		etag := n.must(200, "GET", path, "").header.Get("ETag")
		before := n.head()
		for method, body := range map[string]string{"PUT": put, "PATCH": patchOf(`[{"op":"replace","path":"displayName","value":"H"}]`), "DELETE": ""} {
			for _, tag := range []string{etag, "*", `"other", ` + strings.TrimPrefix(etag, "W/")} {
				if a := n.must(412, method, path, body, "If-None-Match", tag); !strings.Contains(a.body, `"status":"412"`) {
					t.Errorf("%s %s: %s", method, path, a.body)
				}
			}
			n.must(412, method, path, body, "If-Match", etag, "If-None-Match", etag)
			n.must(404, method, path+"x", body, "If-None-Match", "*")
		}
		if n.head() != before {
			t.Errorf("%s: a refused change was written", path)
		}
		n.must(200, "PUT", path, put, "If-None-Match", `W/"0"`)
		n.must(200, "PUT", path, put, "If-Match", "", "If-None-Match", " , ")
		n.must(200, "GET", path, "", "If-Match", etag)
		n.must(200, "GET", path, "", "If-Match", "*")
		n.must(412, "GET", path, "", "If-Match", `W/"0"`)
		n.must(412, "GET", path, "", "If-Match", `W/"0"`, "If-None-Match", etag) // If-Match comes first
	}
}

// interrupted is a log whose next reader of a stream comes too late: something happens first.
type interrupted struct {
	eventstore.Store
	first atomic.Pointer[func()]
}

func (l *interrupted) Read(ctx context.Context, stream string, after eventstore.Version) iter.Seq2[eventstore.Record, error] {
	if strings.HasPrefix(stream, "user-") || strings.HasPrefix(stream, "group-") {
		if first := l.first.Swap(nil); first != nil {
			(*first)()
		}
	}
	return l.Store.Read(ctx, stream, after)
}

// TestIfMatchHoldsAgainstAWriterBetween: another writer changes the resource after its ETag was compared, and before the change is decided.
//
// Proves RFC 7644 §3.14.
func TestIfMatchHoldsAgainstAWriterBetween(t *testing.T) {
	log := &interrupted{Store: eventstore.NewMemory()}
	n := worldOver(t, log).tenant("Acme", domain.CustomSCIM)
	master, err := keys.New(make([]byte, keys.Size))
	if err != nil {
		t.Fatal(err)
	}
	another, err := command.New(command.Config{Log: log.Store, Read: n.read, Keys: master})
	if err != nil {
		t.Fatal(err)
	}
	by := command.Caller{Actor: "system", Source: domain.SourceSystem}
	rename := func(to string) []domain.PatchOp {
		return []domain.PatchOp{{Op: "replace", Path: "displayName", Value: to}}
	}
	user := idOf(t, n.must(201, "POST", "/Users", okUser))
	group := idOf(t, n.must(201, "POST", "/Groups", `{"displayName":"G"}`))
	for _, c := range []struct {
		path, put string
		write     func(to string) error
	}{
		{"/Users/" + user, okUser, func(to string) error {
			_, err := another.PatchUser(context.Background(), by, n.directory, user, rename(to))
			return err
		}},
		{"/Groups/" + group, `{"displayName":"H"}`, func(to string) error {
			_, err := another.PatchGroup(context.Background(), by, n.directory, group, rename(to))
			return err
		}},
	} {
		for method, body := range map[string]string{"PUT": c.put, "PATCH": patchOf(`[{"op":"replace","path":"displayName","value":"mine"}]`), "DELETE": ""} {
			etag := n.must(200, "GET", c.path, "").header.Get("ETag")
			between := func() {
				if err := c.write("theirs, before my " + method); err != nil {
					t.Error(err)
				}
			}
			log.first.Store(&between)
			n.must(412, method, c.path, body, "If-Match", etag)
			if log.first.Load() != nil {
				t.Fatal("nobody came between")
			}
			if a := n.must(200, "GET", c.path, ""); !strings.Contains(a.body, "theirs, before my "+method) {
				t.Errorf("%s %s: %s", method, c.path, a.body)
			}
		}
	}
}
