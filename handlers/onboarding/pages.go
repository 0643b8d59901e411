package onboarding

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/letter"
	"github.com/rollcall-sync/rollcall/projections"
)

//go:embed pages.html
var pagesText string

//go:embed style.css
var style string

// pages are the forms of all pages.
type pages struct {
	forms  *template.Template
	setup  string // the path of a session's page, as browsers see it
	policy string // what a page may do: have its own style, and send its forms here
}

func readPages(setup string) (*pages, error) {
	t, err := template.New("pages").Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(style) }}).Parse(pagesText)
	if err != nil {
		return nil, fmt.Errorf("read pages.html: %w", err)
	}
	sum := sha256.Sum256([]byte(style))
	return &pages{t, setup, "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"}, nil
}

// page is what every page says.
type page struct {
	What         string // is set up
	Organization string
	Service      string
	Invitation   string // its id: what the page's forms are for
}

func (o *Onboarding) page(m projections.Mail) page {
	return page{letter.What(m.Of), m.OrgName, o.Service, m.ID}
}

func (p *pages) show(w http.ResponseWriter, status int, name string, data any) error {
	var b bytes.Buffer
	if err := p.forms.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("show the page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", p.policy)
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client is gone if this fails
	return nil
}

// refusal shows an error as a page.
func (p *pages) refusal(w http.ResponseWriter, r *http.Request, e *domain.Error) {
	type refused struct{ Message, Setup, RequestID string }
	if p.show(w, handlers.Status(e), "refusal", refused{e.Message, p.setup, handlers.RequestID(r)}) != nil {
		http.Error(w, "the error could not be shown", http.StatusInternalServerError)
	}
}
