// Package letter writes the mails that ask an administrator to set something up: their subject, their text, their HTML, and the link in them.
//
// A letter is made anew of its invitation whenever it is sent or shown, and always the same. Nothing is kept, least of all the link. It sends nothing.
package letter

import (
	"bytes"
	_ "embed"
	"fmt"
	html "html/template"
	text "text/template"

	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

//go:embed letter.txt
var textPage string

//go:embed letter.html
var htmlPage string

var (
	textForm = text.Must(text.New("letter.txt").Parse(textPage))
	htmlForm = html.Must(html.New("letter.html").Parse(htmlPage))
)

// Writer writes letters. Safe for concurrent use.
type Writer struct {
	Keys      *keys.Master // links are made with it
	PublicURL string       // where administrators reach this server, without a slash at the end
	Service   string       // what the organization's users sign in to
}

// Letter is what a mail says.
type Letter struct{ Subject, Text, HTML string }

// Write writes the letter of an invitation.
func (w Writer) Write(m projections.Mail) (Letter, error) {
	what := What(m.Of)
	said := struct{ Organization, Service, What, Then, Link, Expires string }{
		m.OrgName, w.Service, what, "Its users and groups then come from your identity provider.", w.Link(m.ID), m.Expires.UTC().Format("Monday, 2 January 2006, 15:04 UTC"),
	}
	if m.Of == projections.KindConnection {
		said.Then = "Its users then sign in with your identity provider."
	}
	l := Letter{Subject: fmt.Sprintf("Set up %s between %s and %s", what, m.OrgName, w.Service)}
	var b bytes.Buffer
	if err := textForm.Execute(&b, said); err != nil {
		return Letter{}, fmt.Errorf("write a letter: %w", err)
	}
	l.Text = b.String()
	b.Reset()
	if err := htmlForm.Execute(&b, said); err != nil {
		return Letter{}, fmt.Errorf("write a letter: %w", err)
	}
	l.HTML = b.String()
	return l, nil
}

// Link is where the letter of an invitation leads.
func (w Writer) Link(invitation string) string {
	return w.PublicURL + "/onboarding/" + w.Keys.Link(invitation)
}

// What is what an administrator sets up, in a few words.
func What(of projections.Kind) string {
	if of == projections.KindConnection {
		return "single sign-on"
	}
	return "directory sync"
}
