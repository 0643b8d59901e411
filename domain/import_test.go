package domain

import (
	"reflect"
	"testing"
)

func TestUndo(t *testing.T) {
	name := func(given, family string) map[string]any {
		return map[string]any{"givenName": given, "familyName": family}
	}
	before := Attributes{"userName": "ada", "title": "Dr", "name": name("Ada", "King")}
	done := Attributes{"userName": "ada", "nickName": "A", "name": name("Augusta", "Byron")}
	for _, c := range []struct {
		name      string
		now, want Attributes
		stay      []string
	}{
		{"at once", done, before, nil},
		{"again", before, before, nil},
		{"but for some", done, Attributes{"userName": "ada", "title": "Dr", "nickName": "A", "name": name("Augusta", "Byron")}, []string{"name", "nickName"}},
		{"after others changed something else", Attributes{"userName": "ada", "nickName": "A", "name": name("Augusta", "Byron"), "active": false},
			Attributes{"userName": "ada", "title": "Dr", "name": name("Ada", "King"), "active": false}, nil},
		{"after others changed the same", Attributes{"userName": "ada", "title": "Prof", "nickName": "B", "name": name("Augusta", "Lovelace")},
			Attributes{"userName": "ada", "title": "Prof", "nickName": "B", "name": name("Ada", "Lovelace")}, nil},
	} {
		if got := Undo(before, done, c.now, c.stay...); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestImportStates(t *testing.T) {
	begun := ImportBegun{Directory: "d", Users: []ImportedUser{{ID: "u", Event: "e"}}}
	for _, c := range []struct {
		given []Event
		want  ImportState
		ended bool
	}{
		{nil, "", false},
		{[]Event{begun}, ImportRuns, false},
		{[]Event{begun, ImportCompleted{}}, ImportStands, true},
		{[]Event{begun, ImportWithdrawn{}}, ImportRevoked, false},
		{[]Event{begun, ImportWithdrawn{}, ImportTakenBack{}}, ImportIsUndone, true},
	} {
		var i Import
		for _, e := range c.given {
			i.Apply(e)
		}
		if i.State != c.want || i.Ended() != c.ended || len(c.given) > 0 && !reflect.DeepEqual(i.ImportBegun, begun) {
			t.Errorf("after %v: %+v", c.given, i)
		}
	}
}
