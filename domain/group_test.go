package domain

import (
	"strconv"
	"strings"
	"testing"
)

func people(from, to int) []Member {
	var m []Member
	for i := from; i < to; i++ {
		m = append(m, Member{ID: strconv.Itoa(i)})
	}
	return m
}

func TestGroup(t *testing.T) {
	given := []Event{GroupCreated{"dir", tree(t, `{"displayName":"Staff"}`), people(0, 2)}}
	create := func(a string, members []Member) func(*Group) ([]Event, error) {
		return func(*Group) ([]Event, error) { return CreateGroup("dir", tree(t, a), members) }
	}
	become := func(next string, d MembersDelta) func(*Group) ([]Event, error) {
		return func(g *Group) ([]Event, error) { return g.Become(tree(t, next), d) }
	}
	staff, crew := tree(t, `{"displayName":"Staff"}`), Edit{Set: tree(t, `{"displayName":"Crew"}`)}
	huge := `{"displayName":"Staff","externalId":"` + strings.Repeat("x", maxSize) + `"}`
	decide(t, []decision[Group]{
		{"create", nil, create(`{"displayName":"Staff"}`, people(0, 2)), []Event{GroupCreated{"dir", staff, people(0, 2)}}, ""},
		{"create empty", nil, create(`{"displayName":"Staff"}`, nil), []Event{GroupCreated{"dir", staff, nil}}, ""},
		{"create without displayName", nil, create(`{"externalId":"x"}`, nil), nil, "invalid invalidValue"},
		{"members are no attribute", nil, create(`{"displayName":"Staff","members":[{"value":"x"}]}`, nil), []Event{GroupCreated{"dir", staff, nil}}, ""},
		{"create with as many as one event carries", nil, create(`{"displayName":"Staff"}`, people(0, 5000)), []Event{GroupCreated{"dir", staff, people(0, 5000)}}, ""},
		{"create with very many", nil, create(`{"displayName":"Staff"}`, people(0, 10001)), []Event{
			GroupCreated{"dir", staff, people(0, 5000)},
			GroupMembersChanged{MembersDelta{Added: people(5000, 10000)}},
			GroupMembersChanged{MembersDelta{Added: people(10000, 10001)}},
		}, ""},
		{"create with a very large value", nil, create(huge, nil), nil, "too_large tooMany"},
		{"become one with a very large value", given, become(huge, MembersDelta{}), nil, "too_large tooMany"},
		{"nothing new", given, become(`{"displayName":"Staff"}`, MembersDelta{}), nil, ""},
		{"rename", given, become(`{"displayName":"Crew"}`, MembersDelta{}), []Event{GroupUpdated{crew, MembersDelta{}}}, ""},
		{"rename and members is one event", given, become(`{"displayName":"Crew"}`, MembersDelta{people(2, 3), people(0, 1)}),
			[]Event{GroupUpdated{crew, MembersDelta{people(2, 3), people(0, 1)}}}, ""},
		{"members only", given, become(`{"displayName":"Staff"}`, MembersDelta{people(2, 3), people(0, 1)}),
			[]Event{GroupMembersChanged{MembersDelta{people(2, 3), people(0, 1)}}}, ""},
		{"very many come and go: those removed first", given, become(`{"displayName":"Crew"}`, MembersDelta{people(0, 3000), people(3000, 9000)}), []Event{
			GroupUpdated{crew, MembersDelta{Removed: people(3000, 8000)}},
			GroupMembersChanged{MembersDelta{people(0, 3000), people(8000, 9000)}},
		}, ""},
		{"members in the attributes change nothing", given, become(`{"displayName":"Staff","members":[{"value":"x"}]}`, MembersDelta{}), nil, ""},
		{"without displayName", given, become(`{}`, MembersDelta{}), nil, "invalid invalidValue"},
		{"one that never was", nil, become(`{"displayName":"Staff"}`, MembersDelta{}), nil, "not_found"},
		{"one that is deleted", append(given[:1:1], GroupDeleted{}), become(`{"displayName":"Crew"}`, MembersDelta{}), nil, "not_found"},
	})
}

func TestGroupCountsItsMembers(t *testing.T) {
	var g Group
	g.Apply(GroupCreated{"dir", tree(t, `{"displayName":"Staff"}`), people(0, 3)})
	g.Apply(GroupMembersChanged{MembersDelta{people(3, 8), people(0, 1)}})
	g.Apply(GroupUpdated{Edit{Set: tree(t, `{"displayName":"Crew"}`)}, MembersDelta{people(0, 1), people(3, 5)}})
	if got, want := text(g.Snapshot("g")), `{"displayName":"Crew","id":"g"}`; g.Count != 6 || got != want {
		t.Errorf("%d members of %s", g.Count, got)
	}
	if g.Apply(GroupDeleted{}); g.Exists() || g.Snapshot("g") != nil {
		t.Error("a group after its deletion")
	}
}

func TestMembersOfOneEventCannotGrowIntoTheNext(t *testing.T) {
	events, err := CreateGroup("dir", tree(t, `{"displayName":"Staff"}`), people(0, 5001))
	if err != nil {
		t.Fatal(err)
	}
	_ = append(DeltaOf(events[0]).Added, Member{ID: "eve"})
	if id := DeltaOf(events[1]).Added[0].ID; id != "5000" {
		t.Errorf("the second event begins with %s", id)
	}
}
