package domain

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// decision is one row of a table: given events, when a command, then events or a refusal.
type decision[S any] struct {
	name    string
	given   []Event
	when    func(*S) ([]Event, error)
	then    []Event
	refused string // code and reason: "invalid invalidValue"
}

func decide[S any, P interface {
	*S
	Apply(Event)
}](t *testing.T, rows []decision[S]) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var state S
			for _, e := range row.given {
				P(&state).Apply(e)
			}
			before := fmt.Sprintf("%#v", state)
			got, err := row.when(&state)
			if said := refusal(err); said != row.refused {
				t.Fatalf("refused %q (%v), want %q", said, err, row.refused)
			}
			if after := fmt.Sprintf("%#v", state); after != before {
				t.Errorf("deciding changed the state\nfrom %s\nto   %s", before, after)
			}
			if g, w := stored(t, got), stored(t, row.then); g != w {
				t.Errorf("got\n%swant\n%s", g, w)
			}
			for _, e := range got { // what is decided can be stored, read and folded to the same state
				name, data, err := Encode(e)
				if err != nil {
					t.Fatal(err)
				}
				again, err := Decode(name, data)
				if err != nil {
					t.Fatal(err)
				}
				var one, two S
				for _, g := range row.given {
					P(&one).Apply(g)
					P(&two).Apply(g)
				}
				P(&one).Apply(e)
				P(&two).Apply(again)
				if !reflect.DeepEqual(one, two) {
					t.Errorf("decided and stored differ:\n%#v\n%#v", one, two)
				}
			}
		})
	}
}

// one is a decision of at most one event.
func one(e Event, err error) ([]Event, error) {
	if e == nil || reflect.ValueOf(e).IsZero() && err != nil {
		return nil, err
	}
	return []Event{e}, err
}

func stored(t *testing.T, events []Event) string {
	t.Helper()
	var b strings.Builder
	for _, e := range events {
		name, data, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s\n", name, data)
	}
	return b.String()
}

// refusal is an error's code and reason, "" for none.
func refusal(err error) string {
	if err == nil {
		return ""
	}
	var e *Error
	if !errors.As(err, &e) {
		return "not an *Error: " + err.Error()
	}
	return strings.TrimSpace(string(e.Code) + " " + string(e.Reason))
}

// tree reads JSON as a door does.
func tree(t testing.TB, text string) Attributes {
	t.Helper()
	a, err := ReadObject([]byte(text), 64)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return a
}

// value reads any JSON value as a door does.
func value(t testing.TB, text string) any {
	t.Helper()
	return tree(t, `{"v":`+text+`}`)["v"]
}

// text writes a tree with sorted names.
func text(v any) string {
	b, err := marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
