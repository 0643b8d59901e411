package domain

import "testing"

// Whom an address means, whichever comes first.
func TestMeant(t *testing.T) {
	owner, made := Namesake{ID: "owner", Owner: true, Active: true, Synced: true}, Namesake{ID: "made", Owner: true, Active: true}
	second := Namesake{ID: "second", Owner: true, Active: true, Synced: true}
	suspended, madeSuspended := Namesake{ID: "suspended", Owner: true, Synced: true}, Namesake{ID: "made, suspended", Owner: true}
	lists, listsToo := Namesake{ID: "lists", Active: true, Synced: true}, Namesake{ID: "lists, made", Active: true}
	listsSuspended := Namesake{ID: "lists, suspended"}
	for _, c := range []struct {
		name string
		all  []Namesake
		want Namesake
	}{
		{"nobody", nil, Namesake{}},
		{"the owner", []Namesake{owner}, owner},
		{"who lists it, where nobody owns it", []Namesake{lists}, lists},
		{"the owner before who lists it", []Namesake{lists, made}, made},
		{"a suspended owner before who lists it", []Namesake{lists, suspended}, suspended},
		{"the owner before who lists it and is suspended", []Namesake{listsSuspended, owner}, owner},
		{"a suspended owner before an active one", []Namesake{owner, suspended}, suspended},
		{"a suspended owner whom the application made", []Namesake{owner, madeSuspended}, madeSuspended},
		{"the owner whom directory sync holds", []Namesake{made, owner}, owner},
		{"of those who list it the suspended one", []Namesake{lists, listsSuspended}, listsSuspended},
		{"of those who list it the synced one", []Namesake{listsToo, lists}, lists},
	} {
		if got := Meant(c.all); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		for i, j := 0, len(c.all)-1; i < j; i, j = i+1, j-1 {
			c.all[i], c.all[j] = c.all[j], c.all[i]
		}
		if got := Meant(c.all); got != c.want {
			t.Errorf("%s, the other way round: %+v, want %+v", c.name, got, c.want)
		}
	}
	if got := Meant([]Namesake{second, owner}); got != second {
		t.Errorf("of two alike: %+v", got)
	}
	if v := (Namesake{}).Visitor(); v != (Visitor{}) {
		t.Errorf("nobody is %+v", v)
	}
	if v := owner.Visitor(); v != (Visitor{Known: true, Active: true, Synced: true}) {
		t.Errorf("the owner is %+v", v)
	}
	for _, c := range []struct {
		userName string
		emails   []any
		owner    bool
	}{
		{"ADA@acme.test", nil, true},
		{"ada", []any{map[string]any{"value": "ADA@acme.test"}}, true}, // the first where none is primary
		{"ada", []any{map[string]any{"value": "a@acme.test", "primary": true}, map[string]any{"value": "ada@acme.test"}}, false},
		{"ada", []any{map[string]any{"value": "a@acme.test"}, map[string]any{"value": "ada@acme.test", "primary": true}}, true},
		{"", nil, false},
	} {
		a := Attributes{"userName": c.userName, "emails": c.emails}
		if got, want := NamesakeOf("ada@acme.test", "u", "d", true, a), (Namesake{"u", "d", c.owner, true, true}); got != want {
			t.Errorf("%v: %+v, want %+v", a, got, want)
		}
	}
}
