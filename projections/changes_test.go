package projections_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// sender is a projection that makes the message of each record while the log grows.
type sender struct {
	diary
	changes *projections.Changes
	sent    map[eventstore.Position][]byte
}

func newSender(t testing.TB, log projections.Streams) *sender {
	t.Helper()
	changes, err := projections.NewChanges(log)
	if err != nil {
		t.Fatal(err)
	}
	s := &sender{changes: changes, sent: map[eventstore.Position][]byte{}}
	s.name, s.progress = "sender", projections.NewProgress(eventstore.Position{})
	return s
}

func (s *sender) Apply(ctx context.Context, b eventstore.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range b.Records {
		_, body, err := message(ctx, s.changes, r)
		if err != nil {
			return err
		}
		if body != nil {
			s.sent[r.Position] = body
		}
	}
	return nil
}

func message(ctx context.Context, c *projections.Changes, r eventstore.Record) (projections.Message, []byte, error) {
	stored, err := projections.DecodeRecord(r)
	if err != nil {
		return projections.Message{}, nil, err
	}
	m, ok, err := c.Message(ctx, stored)
	if err != nil || !ok {
		return m, nil, err
	}
	body, err := m.Body()
	return m, body, err
}

// TestMessagesArePure makes the messages of a random history live, from the start, from the middle, with records passed
// over, and each alone: they are the same bytes.
func TestMessagesArePure(t *testing.T) {
	lives(t, 2, func(t *testing.T, seed uint64) {
		w := newWorld(t)
		w.stop()
		live := newSender(t, w.log)
		w.start(live)
		l := newLife(w, seed+100)
		l.crowds = true // so that groups cross what is shown and what is kept, up and down
		for range 260 {
			l.step()
		}
		records := w.records()
		w.must(live.progress.Wait(t.Context(), records[len(records)-1].Position))
		if len(live.sent) < 100 {
			t.Fatalf("only %d messages", len(live.sent))
		}
		truth := newTruth()
		r := rand.New(rand.NewPCG(seed, 5))
		start := func() *projections.Changes {
			c, err := projections.NewChanges(w.log)
			w.must(err)
			return c
		}
		fresh, middle, holes := start(), start(), start()
		from := r.IntN(len(records))
		crossings := map[string]int{}
		for i, rec := range records {
			m, body, err := message(t.Context(), fresh, rec)
			w.must(err)
			same := func(how string, body []byte) {
				t.Helper()
				if !bytes.Equal(body, live.sent[rec.Position]) {
					t.Fatalf("%s at position %s: %s\n%s\nlive it was\n%s", rec.Type, rec.Position, how, body, live.sent[rec.Position])
				}
			}
			same("from the start", body)
			if i >= from {
				_, body, err := message(t.Context(), middle, rec)
				w.must(err)
				same("from the middle", body)
			}
			if r.IntN(3) == 0 {
				holes.Pass(rec)
			} else {
				_, body, err := message(t.Context(), holes, rec)
				w.must(err)
				same("with others passed over", body)
			}
			_, body, err = message(t.Context(), start(), rec)
			w.must(err)
			same("alone", body)
			truth.check(t, rec, m, body != nil, crossings)
		}
		for _, crossing := range []string{"above 100", "to 100", "above 200", "to 200"} {
			if crossings[crossing] == 0 {
				t.Errorf("no group went %s: %v", crossing, crossings)
			}
		}
	})
}

// truth folds the whole log in the simplest way.
type truth struct {
	users  map[string]domain.User
	groups map[string]*group
}

type group struct {
	state   domain.Group
	members []domain.Member // in the order in which they came
}

func newTruth() *truth {
	return &truth{map[string]domain.User{}, map[string]*group{}}
}

func (tr *truth) check(t *testing.T, r eventstore.Record, m projections.Message, sent bool, crossings map[string]int) {
	t.Helper()
	s, err := projections.DecodeRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	kind, id := projections.SplitStream(r.Stream)
	var before, after domain.Attributes
	var members *domain.MembersChange
	switch kind {
	case projections.KindUser:
		u := tr.users[id]
		before = u.Snapshot(id)
		u.Apply(s.Event)
		tr.users[id] = u
		after = u.Snapshot(id)
	case projections.KindGroup:
		g := tr.groups[id]
		if g == nil {
			g = &group{}
			tr.groups[id] = g
		}
		before = g.snapshot(id)
		members = tr.follow(g, s.Event, crossings)
		after = g.snapshot(id)
	default:
		return
	}
	if _, fence := s.Event.(domain.UserClaimRevoked); sent == fence {
		t.Fatalf("%s at %s: sent is %t", r.Type, r.Position, sent)
	}
	if !sent {
		return
	}
	if !reflect.DeepEqual(m.Data.Before, before) || !reflect.DeepEqual(m.Data.After, after) {
		t.Fatalf("%s at %s says\n%v\n%v\nnot\n%v\n%v", r.Type, r.Position, m.Data.Before, m.Data.After, before, after)
	}
	if !reflect.DeepEqual(m.Data.Members, members) {
		t.Fatalf("%s at %s says of members\n%+v\nnot\n%+v", r.Type, r.Position, m.Data.Members, members)
	}
	if m.Type != domain.MessageType(s.Event) || m.Data.Position != r.Position.String() || m.Data.Subject.Version != r.Version || m.Data.Subject.ID != id || m.Data.Directory != s.Meta.Directory {
		t.Fatalf("%s at %s: %+v", r.Type, r.Position, m)
	}
}

func (g *group) snapshot(id string) domain.Attributes {
	s := g.state.Snapshot(id)
	if s == nil || len(g.members) == 0 || len(g.members) > 100 {
		return s
	}
	var list []any
	for _, m := range g.members {
		one := map[string]any{"value": m.ID}
		if m.Type != "" {
			one["type"] = m.Type
		}
		list = append(list, one)
	}
	s["members"] = list
	return s
}

// follow applies an event to a group and tells what it did to its members, by the names that they have at that moment.
func (tr *truth) follow(g *group, e domain.Event, crossings map[string]int) *domain.MembersChange {
	was := len(g.members)
	g.state.Apply(e)
	delta := domain.DeltaOf(e)
	c := &domain.MembersChange{Added: []domain.Member{}, Removed: []domain.Member{}}
	for _, m := range delta.Removed {
		g.members = slices.DeleteFunc(g.members, func(have domain.Member) bool { return have.ID == m.ID })
		c.Removed = append(c.Removed, tr.named(g, m))
	}
	for _, m := range delta.Added {
		g.members = append(g.members, m)
		c.Added = append(c.Added, tr.named(g, m))
	}
	c.Count = len(g.members)
	if _, deleted := e.(domain.GroupDeleted); deleted {
		c.Count = 0
	}
	for _, size := range []int{100, 200} {
		switch {
		case was <= size && len(g.members) > size:
			crossings[fmt.Sprint("above ", size)]++
		case was > size && len(g.members) <= size:
			crossings[fmt.Sprint("to ", size)]++
		}
	}
	return c
}

func (tr *truth) named(g *group, m domain.Member) domain.Member {
	if u := tr.users[m.ID]; m.Type == "" && u.Directory == g.state.Directory {
		m.UserName = u.Attributes.Text("userName")
	}
	return m
}

// An organization tells of its creation, its names and its end.
func TestOrganizationsTell(t *testing.T) {
	w := newWorld(t)
	o, err := w.commands.CreateOrganization(t.Context(), system, "Acme")
	w.must(err)
	_, err = w.commands.RenameOrganization(t.Context(), system, o.ID, "Acme 2")
	w.must(err)
	w.must(w.commands.DeleteOrganization(t.Context(), system, o.ID))
	changes, err := projections.NewChanges(w.log)
	w.must(err)
	var told []string
	for _, r := range w.records() {
		m, body, err := message(t.Context(), changes, r)
		w.must(err)
		if body == nil {
			continue
		}
		told = append(told, fmt.Sprint(m.Type, " ", m.Data.Subject.Type, " ", m.Data.Subject.ID == o.ID, " ", m.Data.Before["name"], " ", m.Data.After["name"], " ", m.Data.Changed))
		if m.Data.Organization != "acme" || bytes.Contains(body, []byte(`"directory"`)) {
			t.Errorf("%s", body)
		}
	}
	want := []string{
		"organization.created organization true <nil> Acme [domain id name]",
		"organization.updated organization true Acme Acme 2 [name]",
		"organization.deleted organization true Acme 2 <nil> [domain id name]",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// The messages of one directory never tell how another one's users are called.
func TestMessagesStayInTheirDirectory(t *testing.T) {
	w := newWorld(t)
	ours, theirs := w.directory("Ours"), w.directory("Theirs")
	u := w.user(theirs, domain.Attributes{"userName": "secret"})
	w.group(ours, "Spies", u.ID)
	w.group(theirs, "Team", u.ID)
	changes, err := projections.NewChanges(w.log)
	w.must(err)
	told := 0
	for _, r := range w.records() {
		m, body, err := message(t.Context(), changes, r)
		w.must(err)
		if bytes.Contains(body, []byte("secret")) {
			if told++; m.Data.Directory != theirs.ID {
				t.Errorf("told to %s: %s", m.Data.Directory, body)
			}
		}
	}
	if told != 2 { // the user, and the member of its own group
		t.Errorf("told %d times", told)
	}
}

// TestAttributesAreShared lets readers look at attributes while commands make the next ones: run with -race. What was
// answered stays as it was.
func TestAttributesAreShared(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	given := domain.Attributes{"userName": "ada", "emails": []any{map[string]any{"value": "a@x.test", "type": "work", "primary": true}}, enterprise: map[string]any{"department": "d"}}
	copied := given.Clone()
	u := w.user(d, given)
	groupGiven := domain.Attributes{"displayName": "Team"}
	g, err := w.commands.CreateGroup(t.Context(), system, d, groupGiven, domain.MembersPlan{})
	w.must(err)
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for i := range 10 {
				_, err := w.commands.PatchUser(t.Context(), system, d, u.ID, []domain.PatchOp{
					{Op: "replace", Path: `emails[type eq "work"].value`, Value: fmt.Sprint(n, i)}, {Op: "add", Path: "emails", Value: map[string]any{"value": fmt.Sprint("more", n, i)}},
					{Op: "replace", Path: enterprise + ":department", Value: fmt.Sprint(n, i)},
				})
				if e := domain.Shown(err); err != nil && e.Code != domain.Conflict {
					t.Error(err)
				}
				if _, err := w.commands.ReplaceGroup(t.Context(), system, d, g.ID, groupGiven, domain.MembersPlan{}); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 10 {
				if !reflect.DeepEqual(given, copied) || !reflect.DeepEqual(u.Attributes(), copied) {
					t.Error("what was given or answered has changed")
				}
			}
		})
	}
	all.Wait()
	if !reflect.DeepEqual(given, copied) || !reflect.DeepEqual(u.Attributes(), copied) || !reflect.DeepEqual(g.Attributes(), domain.Attributes{"displayName": "Team"}) {
		t.Error("what was given or answered has changed")
	}
}
