package main

import (
	"fmt"
	"io"
	"time"
)

// meter shows how far a long task has come: a line a second, and to a person one that draws over itself. Short tasks show nothing.
type meter struct {
	to     io.Writer
	person bool
	shown  time.Time
	drawn  bool // the last line has no end yet
}

func newMeter(to io.Writer) *meter { return &meter{to: to, person: isTerminal(to), shown: time.Now()} }

// at shows that so much is done of all.
func (m *meter) at(what string, done, all uint64) {
	if time.Since(m.shown) < time.Second {
		return
	}
	m.shown = time.Now()
	line := bar(what, float64(done)/float64(max(all, 1))) + fmt.Sprintf(" (%d of %d)", done, all)
	if m.person {
		fmt.Fprint(m.to, "\r", line)
		m.drawn = true
		return
	}
	fmt.Fprintln(m.to, line)
}

// end ends the line that was drawn.
func (m *meter) end() {
	if m.drawn {
		fmt.Fprintln(m.to)
	}
	m.drawn = false
}
