package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

var rewrite = flag.Bool("rewrite", false, "write what the server answers into the golden conversations")

// TestConversations holds the forms of answers against what was answered before. A file is exchanges of
//
//	>>> METHOD /path
//	request body
//	<<< status and the headers that matter
//	answer body
//
// A body of several objects is sent as one on each line. Lines that begin with # are comments. Ids are numbered in the order in which they are first seen: $1, $2, … stand for them in requests
// too; $ada, $bob and $eng are the users and the group that stand in the organization Acme.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := newConversation(t).play(string(want))
			switch {
			case got == string(want):
			case *rewrite:
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("the conversation went otherwise; -rewrite accepts it:\n%s", firstDifference(string(want), got))
			}
		})
	}
}

type conversation struct {
	*world
	names, ids map[string]string
}

func newConversation(t *testing.T) *conversation {
	w := newWorld(t, "127.0.0.0/8")
	c := &conversation{w, map[string]string{}, map[string]string{}}
	c.name("$key", strings.Split(w.key, ".")[0])
	acme := w.tenant("Acme")
	c.name("$acme", acme.OrganizationID)
	c.name("$directory", acme.ID)
	c.name("$ada", w.user(acme, domain.Attributes{
		"userName": "ada@acme.test", "externalId": "00u1", "active": true, "name": map[string]any{"givenName": "Ada", "familyName": "Lovelace"},
		"emails": []any{map[string]any{"value": "ada@acme.test", "type": "work", "primary": true}},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": map[string]any{"department": "Engines <& more>"},
	}))
	c.name("$bob", w.user(acme, domain.Attributes{"userName": "bob@acme.test", "displayName": "Bob"}))
	c.name("$eng", w.group(acme, "Engineering", c.ids["$ada"], c.ids["$bob"]))
	return c
}

func (c *conversation) name(name, id string) { c.names[id], c.ids[name] = name, id }

var (
	uuids   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|msg_[0-9a-f]{32}|[a-z0-9_]+_[A-Z2-7]{22}`)
	refs    = regexp.MustCompile(`\$[a-z0-9]+`)
	secrets = []struct {
		form *regexp.Regexp
		as   string
	}{
		{regexp.MustCompile(`/onboarding/(\$[a-z0-9]+)\.[A-Za-z0-9_-]{43}`), `/onboarding/$1.$$secret`},
		{regexp.MustCompile(`"rcat_v1\.[A-Za-z0-9_-]{100,}"`), `"$$token"`},
		{regexp.MustCompile(`"(\$[a-z0-9]+)\.[A-Za-z0-9_-]{43}"`), `"$1.$$secret"`},
		{regexp.MustCompile(`"[A-Za-z0-9_-]{43}"`), `"$$secret"`},
		{regexp.MustCompile(`"whsec_[A-Za-z0-9+/]{43}="`), `"whsec_$$secret"`},
		{regexp.MustCompile(`"whpk_[A-Za-z0-9+/]{43}="`), `"whpk_$$public"`},
		{regexp.MustCompile(`"(request|request_id)": "[0-9a-f]{24}"`), `"$1": "$$request"`},
	}
)

// hide puts names for what is another at each run.
func (c *conversation) hide(s string) string {
	s = uuids.ReplaceAllStringFunc(s, func(id string) string {
		if c.names[id] == "" {
			c.name(fmt.Sprintf("$%d", len(c.ids)-5), id)
		}
		return c.names[id]
	})
	for _, secret := range secrets {
		s = secret.form.ReplaceAllString(s, secret.as)
	}
	return s
}

func (c *conversation) show(s string) string {
	return refs.ReplaceAllStringFunc(s, func(name string) string { return c.ids[name] })
}

// play sends each request of a conversation and writes it down with the answers that come.
func (c *conversation) play(script string) string {
	c.t.Helper()
	var out strings.Builder
	head, script, _ := strings.Cut("\n"+script, "\n>>> ")
	if head = strings.TrimSpace(head); head != "" {
		out.WriteString(head + "\n")
	}
	for block := range strings.SplitSeq(script, "\n>>> ") {
		request, rest, _ := strings.Cut(block, "\n<<<")
		first, body, _ := strings.Cut(request, "\n")
		method, path, _ := strings.Cut(first, " ")
		c.clock.pass(time.Second)
		kind := "application/json"
		if body = strings.TrimSpace(c.show(body)); strings.Contains(body, "}\n{") {
			kind = "application/x-ndjson"
		}
		a := c.do(method, escape(c.show(path)), body, "Content-Type", kind)
		fmt.Fprintf(&out, ">>> %s\n<<< %d", strings.TrimRight(request, "\n"), a.status)
		for _, name := range []string{"Location", "Allow"} {
			if v := a.header.Get(name); v != "" {
				fmt.Fprintf(&out, " %s: %s", name, c.hide(v))
			}
		}
		out.WriteString("\n" + c.hide(indent(a.body)) + "\n")
		for line := range strings.SplitSeq(rest, "\n") { // comments on the next exchange
			if strings.HasPrefix(line, "#") {
				out.WriteString(line + "\n")
			}
		}
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// escape makes a query that is written as an administrator would read it one that may be sent.
func escape(path string) string {
	base, query, has := strings.Cut(path, "?")
	if !has {
		return path
	}
	var parts []string
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		parts = append(parts, name+"="+url.QueryEscape(value))
	}
	return base + "?" + strings.Join(parts, "&")
}

func indent(body string) string {
	var b bytes.Buffer
	for line := range strings.Lines(body) { // of a report each is an object
		if json.Indent(&b, []byte(line), "", "  ") != nil {
			return body
		}
	}
	return b.String()
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			from := max(0, i-12)
			return fmt.Sprintf("line %d\n--- want\n%s\n+++ got\n%s", i+1, strings.Join(w[from:min(len(w), i+6)], "\n"), strings.Join(g[from:min(len(g), i+6)], "\n"))
		}
	}
	return fmt.Sprintf("%d lines instead of %d", len(g), len(w))
}
