package api

import (
	"bufio"
	"encoding/json"
	"net/http"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/command"
)

// reportLine is what became of one line of an import.
type reportLine struct {
	Type   string      `json:"__type__"`
	Line   int         `json:"line"`
	Status string      `json:"status"` // created, updated, unchanged or refused
	ID     *string     `json:"id"`     // of the user, null if the line was refused
	Error  *shownError `json:"error"`  // null if it was not
}

const refused = "refused"

// reportEnd is the last line of a report.
type reportEnd struct {
	Type      string      `json:"__type__"`
	Lines     int         `json:"lines"` // that the report tells of
	Created   int         `json:"created"`
	Updated   int         `json:"updated"`
	Unchanged int         `json:"unchanged"`
	Refused   int         `json:"refused"`
	Error     *shownError `json:"error"` // what ended the import before its last line, null if nothing did
}

// report is the answer to an import: a line for each line, sent as they are done.
type report struct {
	r          *request
	w          http.ResponseWriter
	out        *bufio.Writer
	connection *http.ResponseController
	counts     map[string]int
	begun      bool
}

func newReport(w http.ResponseWriter, r *request) *report {
	return &report{r: r, w: w, out: bufio.NewWriter(w), connection: http.NewResponseController(w), counts: map[string]int{}}
}

// add tells what became of a line.
func (p *report) add(number int, one command.Imported) error {
	told := reportLine{Type: "ImportLine", Line: number, Status: string(one.Outcome), ID: &one.ID}
	if one.Err != nil {
		told.Status, told.ID, told.Error = refused, nil, showError(p.r.Request, one.Err)
	}
	p.counts[told.Status]++
	return p.write(told)
}

func (p *report) write(told any) error {
	if !p.begun {
		p.begun = true
		p.w.Header().Set("Content-Type", ndjson)
		p.w.WriteHeader(http.StatusOK)
	}
	p.within()
	e := json.NewEncoder(p.out) // each value on a line of its own
	e.SetEscapeHTML(false)
	return e.Encode(told)
}

// send sends what was told so far.
func (p *report) send() error {
	p.within()
	if err := p.out.Flush(); err != nil {
		return err
	}
	return p.connection.Flush()
}

// within gives the client time to take what is sent: an import may take longer than the server waits for other answers.
func (p *report) within() {
	_ = p.connection.SetWriteDeadline(time.Now().Add(writeWithin)) // where a connection has none it needs none
}

// end tells how it ended, and why if that was before the last line.
func (p *report) end(why *domain.Error) error {
	created, updated, unchanged := p.counts[string(command.Created)], p.counts[string(command.Updated)], p.counts[string(command.Unchanged)]
	told := reportEnd{"Import", created + updated + unchanged + p.counts[refused], created, updated, unchanged, p.counts[refused], nil}
	if why != nil {
		told.Error = showError(p.r.Request, why)
	}
	if err := p.write(told); err != nil {
		return err
	}
	return p.send()
}
