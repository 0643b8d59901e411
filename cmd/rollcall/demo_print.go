package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// paint writes for a person: in colour on a terminal, unless NO_COLOR is set.
type paint struct {
	out    io.Writer
	colour bool
}

func newPaint(to *console) *paint {
	_, no := to.env("NO_COLOR")
	return &paint{to.out, isTerminal(to.out) && !no}
}

const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
	blue  = "34"
)

func (p *paint) in(colour, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (p *paint) line(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

func (p *paint) title(text string) { p.line("\n%s", p.in(bold, text)) }

func (p *paint) request(who, what string, status int) {
	p.line("\n%s %s %s", p.in(blue, who), shorten(what, 90), p.in(dim, fmt.Sprintf("→ %d", status)))
}

// webhook shows a message as a diff.
func (p *paint) webhook(body []byte) error {
	var m projections.Message
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		return fmt.Errorf("read a webhook: %w", err)
	}
	p.line("  %s  %s  %s", p.in(bold, m.Type), name(m.Data), p.in(dim, fmt.Sprintf("version %d · position %s · signature verified", m.Data.Subject.Version, m.Data.Position)))
	for _, path := range m.Data.Changed {
		before, after := m.Data.Changes.Previous[path], m.Data.Changes.New[path]
		switch {
		case path == "members":
		case before == nil:
			p.line("    %s", p.in(green, fmt.Sprintf("+ %s: %s", tidy(path), show(after))))
		case after == nil:
			p.line("    %s", p.in(red, fmt.Sprintf("- %s: %s", tidy(path), show(before))))
		default:
			p.line("    ~ %s: %s → %s", tidy(path), p.in(red, show(before)), p.in(green, show(after)))
		}
	}
	if m.Data.Members != nil {
		p.members(m.Data.Members)
	}
	return nil
}

func (p *paint) members(c *domain.MembersChange) {
	for _, m := range c.Added {
		p.line("    %s", p.in(green, "+ member "+memberName(m)))
	}
	for _, m := range c.Removed {
		p.line("    %s", p.in(red, "- member "+memberName(m)))
	}
}

func memberName(m domain.Member) string {
	if m.UserName != "" {
		return m.UserName
	}
	return m.ID
}

// name is what a person calls the subject of a message.
func name(d projections.MessageData) string {
	for _, snapshot := range []domain.Attributes{d.After, d.Before} {
		for _, attribute := range []string{"userName", "displayName", "provider"} {
			if text := snapshot.Text(attribute); text != "" {
				return text
			}
		}
	}
	return d.Subject.ID
}

// tidy writes an extension's attribute without its long URN.
func tidy(path string) string {
	if at := strings.LastIndexByte(path, ':'); at >= 0 {
		return "enterprise:" + path[at+1:]
	}
	return path
}

func show(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return shorten(strings.TrimSpace(b.String()), 110)
}

// shorten cuts a long text at a whole character.
func shorten(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return string(slices.Concat(runes[:limit-1], []rune("…")))
}
