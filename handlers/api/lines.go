package api

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
)

// The media types of several objects in one body: one on each line, or as an array.
const (
	ndjson    = "application/x-ndjson"
	jsonArray = "application/json"
)

// lines are the objects of a body, each as a line. They are kept in a file while they are worked on, so that memory does not grow with them, and a client that
// sends all before it reads an answer is not waited for.
type lines struct {
	file  *os.File // nil for an array
	array []json.RawMessage
	count int    // blank ones too
	sum   []byte // tells the body from others
}

// line is one of them. A blank one is left out, but counts.
type line struct {
	number int    // from 1
	text   []byte // valid until the next line; nil if it is longer than maxLine
}

// readLines reads a body of at most so many bytes into a file of the folder, "" for the system's own for such. The caller closes it.
func readLines(w http.ResponseWriter, r *request, folder string, limit int64) (*lines, error) {
	kind, err := handlers.MediaType(r.Request, ndjson, jsonArray)
	if err != nil {
		return nil, err
	}
	if kind == jsonArray {
		return readArray(w, r)
	}
	file, err := os.CreateTemp(folder, "import-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("keep an import: %w", err)
	}
	in := &lines{file: file}
	_ = os.Remove(file.Name()) // nothing is left behind by a crash; where an open file cannot be removed, close does
	count, sum := &lineCounter{last: '\n'}, sha256.New()
	if err := handlers.CopyBody(io.MultiWriter(file, count, sum), w, r.Request, limit); err != nil {
		in.close()
		return nil, err
	}
	in.count, in.sum = count.lines(), sum.Sum(nil)
	return in, nil
}

func readArray(w http.ResponseWriter, r *request) (*lines, error) {
	body, err := handlers.ReadBody(w, r.Request, maxBody, jsonArray)
	if err != nil {
		return nil, err
	}
	in := &lines{}
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\uFEFF")), &in.array); err != nil || in.array == nil {
		return nil, domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "the body is not a JSON array; as %s it has one object on each line", ndjson)
	}
	sum := sha256.Sum256(body)
	in.count, in.sum = len(in.array), sum[:]
	return in, nil
}

func (l *lines) close() {
	if l.file != nil {
		l.file.Close()
		_ = os.Remove(l.file.Name())
	}
}

// lineCounter counts lines as they are written to it.
type lineCounter struct {
	newlines int
	last     byte
}

func (c *lineCounter) Write(b []byte) (int, error) {
	c.newlines += bytes.Count(b, []byte("\n"))
	if len(b) > 0 {
		c.last = b[len(b)-1]
	}
	return len(b), nil
}

func (c *lineCounter) lines() int {
	if c.last != '\n' {
		return c.newlines + 1
	}
	return c.newlines
}

// all are the lines in their order. An error is yielded once, as the last element.
func (l *lines) all() iter.Seq2[line, error] {
	if l.file == nil {
		return l.elements
	}
	return func(yield func(line, error) bool) {
		if _, err := l.file.Seek(0, io.SeekStart); err != nil {
			yield(line{}, fmt.Errorf("read an import: %w", err))
			return
		}
		in := bufio.NewReaderSize(l.file, maxLine+len("\r\n"))
		for number := 1; ; number++ {
			text, err := in.ReadSlice('\n')
			long := errors.Is(err, bufio.ErrBufferFull)
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
			if err != nil && err != io.EOF {
				yield(line{}, fmt.Errorf("read an import: %w", err))
				return
			}
			if !offer(number, text, long, yield) || err == io.EOF {
				return
			}
		}
	}
}

func (l *lines) elements(yield func(line, error) bool) {
	for i, text := range l.array {
		if !offer(i+1, text, false, yield) {
			return
		}
	}
}

// offer yields a line that is not blank.
func offer(number int, text []byte, long bool, yield func(line, error) bool) bool {
	text = bytes.TrimSpace(text)
	switch {
	case long || len(text) > maxLine:
		return yield(line{number: number}, nil)
	case len(text) == 0:
		return true
	}
	return yield(line{number, text}, nil)
}
