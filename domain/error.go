package domain

import (
	"errors"
	"fmt"
	"time"
)

// Code says what kind of refusal an Error is; each door has its own form for it.
type Code string

// The codes that a caller may see.
const (
	Invalid      Code = "invalid"      // the request cannot be meant so
	NotFound     Code = "not_found"    // there is no such thing, or not for this principal
	Conflict     Code = "conflict"     // it contradicts what stands
	Gone         Code = "gone"         // it was, and is not any more
	Unauthorized Code = "unauthorized" // who is asking is not known
	Forbidden    Code = "forbidden"    // who is asking may not
	TooLarge     Code = "too_large"    // a limit on size or number
	RateLimited  Code = "rate_limited" // too often; wait

	PreconditionFailed Code = "precondition_failed" // it does not stand at the version that the caller names

	MethodNotAllowed Code = "method_not_allowed"
	WrongMediaType   Code = "unsupported_media_type"
	Unsupported      Code = "not_implemented"

	Unavailable Code = "unavailable" // try the same again later
	Internal    Code = "internal"    // our fault; the cause is in the server's log
)

// Reason narrows a Code with the words of RFC 7644 §3.12 (scimType). Most errors have none.
type Reason string

// The reasons that SCIM knows.
const (
	InvalidFilter Reason = "invalidFilter"
	TooMany       Reason = "tooMany"
	Uniqueness    Reason = "uniqueness"
	Mutability    Reason = "mutability"
	InvalidSyntax Reason = "invalidSyntax"
	InvalidPath   Reason = "invalidPath"
	NoTarget      Reason = "noTarget"
	InvalidValue  Reason = "invalidValue"
)

// Error is what a caller may see: Message says what to do, in words that reveal nothing else. Cause is only logged.
type Error struct {
	Code    Code
	Reason  Reason
	Message string
	Fields  map[string]string // by the name of the field, what is wrong with it
	After   time.Duration     // how long to wait before the next try, where the code says to; 0 is not long
	Cause   error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// Refuse makes an Error without a reason.
func Refuse(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// RefuseFor makes an Error with one of SCIM's reasons.
func RefuseFor(code Code, reason Reason, format string, args ...any) *Error {
	return &Error{Code: code, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// RefuseField makes an Invalid error about one field of the request.
func RefuseField(field, format string, args ...any) *Error {
	what := fmt.Sprintf(format, args...)
	return &Error{Code: Invalid, Reason: InvalidValue, Message: field + " " + what, Fields: map[string]string{field: what}}
}

// Shown is what a caller may see of any error: the Error in its chain, or one that says nothing but Internal.
func Shown(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: Internal, Message: "something went wrong on our side; tell us the request id", Cause: err}
}
