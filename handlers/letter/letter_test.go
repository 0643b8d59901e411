package letter_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/letter"
	"github.com/rollcall-sync/rollcall/projections"
)

// Proves Directory Sync §access-link.
func TestLetter(t *testing.T) {
	master, err := keys.New(make([]byte, keys.Size))
	if err != nil {
		t.Fatal(err)
	}
	w := letter.Writer{Keys: master, PublicURL: "https://rollcall.example", Service: "misapret"}
	m := projections.Mail{ID: "018f", Of: projections.KindDirectory, OrgName: `Bank <b>of</b> "Lille" & Söhne`, Expires: time.Date(2026, 11, 30, 11, 0, 0, 0, time.FixedZone("CET", 3600))}
	l, err := w.Write(m)
	if err != nil {
		t.Fatal(err)
	}
	link := "https://rollcall.example/onboarding/" + master.Link("018f")
	if l.Subject != `Set up directory sync between Bank <b>of</b> "Lille" & Söhne and misapret` {
		t.Errorf("the subject is %q", l.Subject)
	}
	for _, want := range []string{"\n" + link + "\n", `between Bank <b>of</b> "Lille" & Söhne and misapret`, "until Monday, 30 November 2026, 10:00 UTC"} {
		if !strings.Contains(l.Text, want) {
			t.Errorf("the text lacks %q:\n%s", want, l.Text)
		}
	}
	for _, want := range []string{`<a href="` + link + `">`, `Bank &lt;b&gt;of&lt;/b&gt; &#34;Lille&#34; &amp; Söhne`, "10:00 UTC"} {
		if !strings.Contains(l.HTML, want) {
			t.Errorf("the HTML lacks %q:\n%s", want, l.HTML)
		}
	}
	if strings.Contains(l.HTML, "<b>of") || strings.Contains(l.HTML, "<script") || strings.Contains(l.HTML, "src=") {
		t.Errorf("the HTML holds more than words:\n%s", l.HTML)
	}
	m.Of = projections.KindConnection
	if l, err := w.Write(m); err != nil || !strings.HasPrefix(l.Subject, "Set up single sign-on ") || !strings.Contains(l.Text, "sign in with") {
		t.Errorf("%+v, %v", l, err)
	}
}
