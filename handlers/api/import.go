package api

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/command"
)

// Limits on imports.
const (
	maxLine       = 64 << 10 // bytes
	maxLines      = 100_000
	maxImport     = 64 << 20         // bytes in all
	maxAtomic     = 1000             // lines of one that is all or nothing: one batch of the log
	maxOnce       = 1000             // lines of one with an Idempotency-Key: its report is kept
	linesTogether = 100              // that wait for each other
	bytesTogether = 256 << 10        // of these: a line that was read takes up to twenty times its text
	maxAtomicSize = 2 << 20          // bytes of one that is all or nothing, whose lines all wait for each other
	maxRefused    = 100              // lines that the refusal of a whole import names
	importWithin  = 10 * time.Minute // to arrive
)

// importUsers makes or changes a user for each line, and tells of each as it is done; or of all and none.
func (a *API) importUsers(w http.ResponseWriter, r *request) error {
	wrong := map[string]string{}
	atomic := boolean(r.params, "atomic", wrong)
	if err := refuseFields(wrong); err != nil {
		return err
	}
	key, err := keyGiven(r)
	if err != nil {
		return err
	}
	leave, err := a.imports.enter(r.organization.ID)
	if err != nil {
		w.Header().Set("Retry-After", "5")
		return err
	}
	defer leave()
	size, most := int64(maxImport), maxLines
	if key != "" {
		size, most = maxBody, maxOnce
	}
	if atomic {
		size, most = min(size, maxAtomicSize), min(most, maxAtomic)
	}
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(importWithin)) // where a connection has none it needs none
	in, err := readLines(w, r, a.Spool, size)
	if err != nil {
		return err
	}
	defer in.close()
	_ = connection.SetReadDeadline(time.Time{}) // the work on it may take longer
	if in.count > most {
		return domain.Refuse(domain.TooLarge, "the import has %d lines, and may have %d; send it in parts", in.count, most)
	}
	handlers.Note(r.Request, slog.Int("lines", in.count))
	work := func(w http.ResponseWriter, r *request) error {
		if atomic {
			return a.importAll(w, r, in)
		}
		return a.importEach(w, r, in)
	}
	if key == "" {
		return work(w, r)
	}
	asked := a.asked(r, key, in.sum)
	r.Request = r.WithContext(context.WithoutCancel(r.Context())) // a client that leaves comes back for the report
	return a.onceBy(asked, w, r, work)
}

// waiting is a line that was read.
type waiting struct {
	number int
	said   domain.Profile
	err    *domain.Error // why it cannot be meant so
}

func read(l line) waiting {
	if l.text == nil {
		return waiting{number: l.number, err: domain.Refuse(domain.TooLarge, "the line is longer than %d bytes", maxLine)}
	}
	object, err := domain.ReadObject(l.text, maxDepth)
	var said domain.Profile
	if err == nil {
		said, err = domain.ReadProfile(object)
	}
	if err == nil {
		return waiting{number: l.number, said: said}
	}
	refused := *domain.Shown(err)
	if refused.Reason == domain.InvalidSyntax {
		refused.Message = strings.ReplaceAll(refused.Message, "the body", "the line")
	}
	return waiting{number: l.number, err: &refused}
}

// importEach works on some lines at a time, and tells of these before it goes on.
func (a *API) importEach(w http.ResponseWriter, r *request, in *lines) error {
	report := newReport(w, r)
	err := a.importInto(report, r, in)
	if err != nil && !report.begun {
		return err
	}
	var why *domain.Error
	if err != nil {
		handlers.NoteFault(r.Request, err)
		why = domain.Shown(err)
	}
	_ = report.end(why) // the client is gone if this fails
	return nil
}

func (a *API) importInto(report *report, r *request, in *lines) error {
	var next []line
	size := 0
	for l, err := range in.all() {
		if err != nil {
			return err
		}
		l.text = bytes.Clone(l.text)
		if next, size = append(next, l), size+len(l.text); len(next) < linesTogether && size < bytesTogether {
			continue
		}
		if err := a.importThese(report, r, next); err != nil {
			return err
		}
		next, size = nil, 0
	}
	return a.importThese(report, r, next)
}

// importThese works on lines until all are answered.
func (a *API) importThese(report *report, r *request, next []line) (err error) {
	var ready []waiting
	for len(ready)+len(next) > 0 {
		if ready, err = a.importSome(report, r, ready, next); err != nil {
			return err
		}
		next = nil
	}
	return nil
}

// importSome works on those of the lines that are ready, and of the next ones, that go together, and answers the others.
func (a *API) importSome(report *report, r *request, ready []waiting, next []line) ([]waiting, error) {
	var done []command.Imported
	err := a.working(report.w, r, func() (err error) {
		for _, l := range next {
			ready = append(ready, read(l))
		}
		var said []domain.Profile
		for _, one := range ready {
			if one.err == nil {
				said = append(said, one.said)
			}
		}
		if len(said) > 0 {
			done, err = a.Commands.Import(r.Context(), r.caller(), r.organization, said)
		}
		return err
	})
	if err != nil {
		return ready, err
	}
	told := 0
	for _, one := range ready {
		what := command.Imported{Err: one.err}
		if one.err == nil {
			if len(done) == 0 {
				break
			}
			what, done = done[0], done[1:]
		}
		if err := report.add(one.number, what); err != nil {
			return ready, err
		}
		told++
	}
	return slices.Delete(ready, 0, told), report.send()
}

// working runs what an import reads and changes when it is its turn, and its key still lets it.
func (a *API) working(w http.ResponseWriter, r *request, change func() error) error {
	done, err := a.imports.work(r.Context(), a.Stopping)
	if err != nil {
		return err
	}
	defer done()
	if _, err := a.asking(w, r.Request); err != nil {
		return err
	}
	return change()
}

// importAll imports all lines, or none if one is refused.
func (a *API) importAll(w http.ResponseWriter, r *request, in *lines) error {
	var numbers []int
	var done []command.Imported
	err := a.working(w, r, func() error {
		var said []domain.Profile
		var wrong []waiting
		for l, err := range in.all() {
			if err != nil {
				return err
			}
			one := read(l)
			if one.err != nil {
				wrong = append(wrong, one)
				continue
			}
			numbers, said = append(numbers, one.number), append(said, one.said)
		}
		var err error
		if len(wrong) == 0 && len(said) > 0 {
			done, err = a.Commands.ImportAll(r.Context(), r.caller(), r.organization, said)
		}
		for i, one := range done {
			if one.Err != nil {
				wrong = append(wrong, waiting{number: numbers[i], err: one.Err})
			}
		}
		if len(wrong) > 0 {
			return refuseLines(wrong)
		}
		return err
	})
	if err != nil {
		return err
	}
	report := newReport(w, r)
	for i, one := range done {
		if report.add(numbers[i], one) != nil {
			return nil // the client is gone
		}
	}
	_ = report.end(nil) // the client is gone if this fails
	return nil
}

// refuseLines is one error about lines for whose sake nothing is written.
func refuseLines(wrong []waiting) error {
	e := domain.RefuseFor(domain.Invalid, domain.InvalidValue, "nothing is written, for there are lines that are refused (%d); the first is line %d: %s", len(wrong), wrong[0].number, wrong[0].err.Message)
	e.Fields = map[string]string{}
	for _, one := range wrong[:min(len(wrong), maxRefused)] {
		e.Fields["line "+strconv.Itoa(one.number)] = one.err.Message
	}
	return e
}
