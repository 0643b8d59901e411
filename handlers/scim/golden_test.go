package scim_test

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

	"github.com/rollcall-sync/rollcall/domain"
)

var rewrite = flag.Bool("rewrite", false, "write what the server answers into the golden conversations")

// TestConversations plays what each provider sends, as it sends it, and holds the answers against what was answered before. The folder
// names the provider; in strict stand conversations with a strict directory. A file is exchanges of
//
//	>>> METHOD /path
//	request body
//	<<< status
//	answer body
//
// Lines that begin with # are comments. Ids are numbered in the order in which they are first seen: $1, $2, … stand for them in requests too. Times are $time.
//
// Proves dialects.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		provider := filepath.Base(filepath.Dir(file))
		t.Run(provider+"/"+strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			var dialect domain.Dialect
			if provider == "strict" { // a custom integration that asked for it
				provider, dialect.Strict = string(domain.CustomSCIM), true
			}
			named, err := domain.ParseProvider(provider)
			if err != nil {
				t.Fatal(err)
			}
			n := newWorld(t).tenantIn(dialect, "Acme", named)
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := converse(n, string(want))
			if got == string(want) {
				return
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("the conversation went otherwise; -rewrite accepts it:\n%s", firstDifference(string(want), got))
		})
	}
}

var (
	uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)
	refs  = regexp.MustCompile(`\$\d+`)
	// groups is the part of a user's version that stands for the ids of its groups.
	groups = regexp.MustCompile(`(W/\\"\d+)-[0-9a-f]{12}`)
)

// converse sends each request of a conversation and writes it down with the answers that come.
func converse(n *tenant, script string) string {
	n.t.Helper()
	var out strings.Builder
	names, ids := map[string]string{n.directory.ID: "$directory"}, map[string]string{}
	hide := func(s string) string {
		s = uuids.ReplaceAllStringFunc(s, func(id string) string {
			if names[id] == "" {
				name := fmt.Sprintf("$%d", len(ids)+1)
				names[id], ids[name] = name, id
			}
			return names[id]
		})
		return groups.ReplaceAllString(times.ReplaceAllString(s, "$$time"), "$1-$$groups")
	}
	show := func(s string) string {
		return refs.ReplaceAllStringFunc(s, func(name string) string { return ids[name] })
	}
	for block := range strings.SplitSeq(script, ">>> ") {
		if out.Len() == 0 && !strings.Contains(block, "<<< ") { // comments before the first exchange
			out.WriteString(block)
			continue
		}
		request, rest, _ := strings.Cut(block, "<<< ")
		first, body, _ := strings.Cut(request, "\n")
		method, path, _ := strings.Cut(first, " ")
		a := n.do(method, escape(show(path)), strings.TrimSpace(show(body)))
		fmt.Fprintf(&out, ">>> %s<<< %d\n", request, a.status)
		if a.body != "" {
			out.WriteString(hide(indent(a.body)) + "\n")
		}
		if at := strings.Index(rest, "\n#"); at >= 0 { // comments before the next exchange
			out.WriteString(rest[at:])
		} else if strings.HasSuffix(rest, "\n\n") || *rewrite {
			out.WriteString("\n")
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

// indent shows JSON for people, the members of objects in the order of their names.
func indent(body string) string {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return body
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if e.Encode(v) != nil {
		return body
	}
	return strings.TrimSuffix(b.String(), "\n")
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
