package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/handlers/api"
)

var (
	style   = regexp.MustCompile(`(?s)<style>(.*)</style>`)
	targets = regexp.MustCompile(`(?:href|src|action|url|@import)[=(\s]+"?([^"\s)>]*)`)
	anchors = regexp.MustCompile(`id="([^"]+)"`)
)

// TestDocs shows the document to anybody, as it is and as a page on which every operation stands, and which loads and runs nothing.
func TestDocs(t *testing.T) {
	w := newWorld(t)
	a := w.must(200, "GET", "/api/v2/openapi.yaml", "", "Authorization", "")
	if a.body != string(api.Document) || a.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("the document is served as %s: %.100s", a.header.Get("Content-Type"), a.body)
	}
	a = w.must(200, "GET", "/api/v2/docs", "", "Authorization", "")
	if a.header.Get("Content-Type") != "text/html; charset=utf-8" || strings.Contains(a.body, "<script") || strings.Contains(a.body, "style=") {
		t.Errorf("the page is %s", a.header.Get("Content-Type"))
	}
	sum := sha256.Sum256([]byte(style.FindStringSubmatch(a.body)[1]))
	if want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"; a.header.Get("Content-Security-Policy") != want {
		t.Errorf("the page may %s, want %s", a.header.Get("Content-Security-Policy"), want)
	}
	stand := map[string]bool{}
	for _, found := range anchors.FindAllStringSubmatch(a.body, -1) {
		if stand[found[1]] {
			t.Errorf("%s stands on the page twice", found[1])
		}
		stand[found[1]] = true
	}
	for _, target := range targets.FindAllStringSubmatch(a.body, -1) {
		if anchor, is := strings.CutPrefix(target[1], "#"); target[1] != "openapi.yaml" && (!is || !stand[anchor]) {
			t.Errorf("the page refers to %q", target[1])
		}
	}
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range c.document.Paths.Map() {
		for method, o := range item.Operations() {
			if !stand[o.OperationID] || !strings.Contains(a.body, "<code>"+path+"</code>") {
				t.Errorf("%s %s is not on the page", method, path)
			}
		}
	}
	for name, s := range c.document.Components.Schemas {
		if len(s.Value.Properties) > 0 && !stand["schema-"+name] {
			t.Errorf("the object %s is not on the page", name)
		}
	}
}
