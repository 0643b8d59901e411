package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/projections"
)

// shownError is an error in the API's form.
type shownError struct {
	Code      domain.Code       `json:"code"`
	Message   string            `json:"message"`
	Fields    map[string]string `json:"fields"`
	RequestID string            `json:"request_id"`
}

func showError(r *http.Request, e *domain.Error) *shownError {
	fields := e.Fields
	if fields == nil {
		fields = map[string]string{}
	}
	return &shownError{e.Code, e.Message, fields, handlers.RequestID(r)}
}

// show writes an error as an answer.
func show(w http.ResponseWriter, r *http.Request, e *domain.Error) {
	if answer(w, status(e), map[string]*shownError{"error": showError(r, e)}) != nil {
		http.Error(w, "the error could not be shown", http.StatusInternalServerError)
	}
}

// status is 400 for what cannot be read, and 422 for what was read and cannot be meant so.
func status(e *domain.Error) int {
	if e.Code == domain.Invalid && e.Reason != domain.InvalidSyntax {
		return http.StatusUnprocessableEntity
	}
	return handlers.Status(e)
}

// unlessFound words a query's answer that there is nothing.
func unlessFound(err error, message string) error {
	if errors.Is(err, projections.ErrNotFound) {
		return domain.Refuse(domain.NotFound, "%s", message)
	}
	return err
}

// unlessTaken words a command's answer that a name is taken; field is where the request gave it, "" if it did not.
func unlessTaken(err error, field, message string) error {
	var e *domain.Error
	if !errors.As(err, &e) || e.Reason != domain.Uniqueness {
		return err
	}
	taken := domain.RefuseFor(e.Code, e.Reason, "%s", message)
	if field != "" {
		taken.Fields = map[string]string{field: message}
	}
	return taken
}

// answer sends a JSON body.
func answer(w http.ResponseWriter, status int, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client is gone if this fails
	return nil
}

// done answers a request after which there is nothing to show.
func done(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
