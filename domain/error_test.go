package domain

import (
	"errors"
	"fmt"
	"testing"
)

// A caller sees the Error in the chain, and of anything else only that it was our fault.
func TestShown(t *testing.T) {
	cause := errors.New("disk full: /var/lib/rollcall")
	refused := RefuseFor(Conflict, Uniqueness, "userName %s is taken", "ada")
	if got := Shown(fmt.Errorf("append user-1: %w", refused)); got != refused {
		t.Errorf("%#v", got)
	}
	got := Shown(cause)
	if got.Code != Internal || got.Reason != "" || got.Cause != cause || !errors.Is(got, cause) {
		t.Errorf("%#v", got)
	}
	if want := got.Message + ": " + cause.Error(); got.Error() != want {
		t.Errorf("the log reads %q", got.Error())
	}
	if refused.Error() != "userName ada is taken" || refused.Unwrap() != nil {
		t.Errorf("%q", refused.Error())
	}
	field := RefuseField("name", "is longer than %d", 5)
	if field.Message != "name is longer than 5" || field.Fields["name"] != "is longer than 5" || refusal(field) != "invalid invalidValue" {
		t.Errorf("%#v", field)
	}
}
