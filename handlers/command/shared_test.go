package command_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// piecemeal is a store that writes a batch stream by stream, as a log that several processes share does.
type piecemeal struct {
	eventstore.Store
	between func(written eventstore.Write) error // what a write of a batch is followed by; an error ends the batch there
}

func (p *piecemeal) Append(ctx context.Context, batch ...eventstore.Write) (at eventstore.Position, err error) {
	for i, w := range batch {
		if at, err = p.Store.Append(ctx, w); err != nil {
			return at, err
		}
		if p.between != nil && i < len(batch)-1 {
			if err := p.between(w); err != nil {
				return at, err
			}
		}
	}
	return at, nil
}

// process is one of several that write a log, with a read model of its own.
type process struct {
	read     *projections.ReadModel
	commands *command.Service
}

// sharedWorld is a log that so many processes share.
func sharedWorld(t *testing.T, processes int) (*world, *piecemeal, []process) {
	t.Helper()
	log := &piecemeal{Store: eventstore.NewMemory()}
	w := newWorldOn(t, log)
	var all []process
	for range processes {
		read, err := projections.OpenReadModel(t.TempDir(), "a log", eventstore.Position{})
		w.must(err)
		read.ShareLog(log)
		w.follow(read)
		commands, err := command.New(command.Config{Log: log, Read: read, Keys: w.keys, Shared: true})
		w.must(err)
		all = append(all, process{read, commands})
	}
	return w, log, all
}

// follow keeps a read model up with the log until the test ends.
func (w *world) follow(read *projections.ReadModel) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	runner := projections.NewRunner(w.log, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), read)
	go func() { ended <- runner.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		w.must(errors.Join(<-ended, read.Close()))
	})
}

// departing runs a process's departures until the test ends.
func (w *world) departing(p process) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.commands.Departures(ctx, slog.New(slog.DiscardHandler)) }()
	w.Cleanup(func() {
		cancel()
		w.must(<-ended)
	})
}

// left waits until a group's count is this, in a process's eyes.
func (w *world) left(p process, group string, count int) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	for {
		g, err := p.read.Group(ctx, w.d.ID, group)
		w.must(err)
		if g.Count == count {
			return
		}
		runtime.Gosched()
	}
}

// removals are the records of a group that take a member out.
func (w *world) removals(group, member string) (out []projections.Stored) {
	w.Helper()
	for r := range all(w, w.log.Read(w.Context(), projections.KindGroup.Stream(group), 0)) {
		s, err := projections.DecodeRecord(r)
		w.must(err)
		if slices.ContainsFunc(domain.DeltaOf(s.Event).Removed, func(m domain.Member) bool { return m.ID == member }) {
			out = append(out, s)
		}
	}
	return out
}

// What is acknowledged by one process, every other shows at once.
func TestProcessesSeeEachOther(t *testing.T) {
	w, _, all := sharedWorld(t, 3)
	for i := range 60 {
		u, err := all[i%3].commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": fmt.Sprint("u", i)})
		w.must(err)
		if _, err := all[(i+1)%3].read.User(t.Context(), w.d.ID, u.ID); err != nil {
			t.Fatalf("user %d: %v", i, err)
		}
	}
}

// Who is deleted leaves his groups though the deletion stands alone, whichever processes see to it, by one event that names who asked.
func TestDeparture(t *testing.T) {
	w, _, all := sharedWorld(t, 3)
	u := w.user("ada")
	groups := []projections.Group{w.group("a", u.ID), w.group("b", u.ID, w.user("bob").ID)}
	by := command.Caller{Actor: "token:z", Source: domain.SourceSCIM, Request: "r9"}
	w.must(all[0].commands.DeleteUser(t.Context(), by, w.d, u.ID))
	for _, g := range groups {
		if got := w.removals(g.ID, u.ID); len(got) != 0 {
			t.Fatalf("the deletion itself took the user out of a group")
		}
		members, err := all[1].read.Members(t.Context(), w.d.ID, g.ID)
		w.must(err)
		if slices.ContainsFunc(members, func(m projections.Member) bool { return m.ID == u.ID }) {
			t.Error("who is deleted is shown as a member")
		}
	}
	for _, p := range all {
		w.departing(p)
	}
	for i, g := range groups {
		w.left(all[1], g.ID, i)
		got := w.removals(g.ID, u.ID)
		if len(got) != 1 || got[0].Meta.Actor != by.Actor || got[0].Meta.Request != by.Request || got[0].Meta.CausationID == "" || got[0].Meta.Directory != w.d.ID {
			t.Errorf("the departures are %+v", got)
		}
	}
}

// Whoever joins while another process deletes him does not stay.
func TestJoiningWhileDeleted(t *testing.T) {
	for _, kind := range []string{"user", "group"} {
		t.Run(kind, func(t *testing.T) {
			w, log, all := sharedWorld(t, 2)
			g := w.group("a")
			member := w.group("b").ID
			remove := func() error { return all[0].commands.DeleteGroup(t.Context(), caller, w.d, member) }
			if kind == "user" {
				member = w.user("ada").ID
				remove = func() error { return all[0].commands.DeleteUser(t.Context(), caller, w.d, member) }
			}
			slow := &eventful{Store: log, before: func([]eventstore.Write) error { return remove() }}
			joiner, err := command.New(command.Config{Log: slow, Read: all[1].read, Keys: w.keys, Shared: true})
			w.must(err)
			joined, err := joiner.PatchGroup(t.Context(), caller, w.d, g.ID, members("add", member))
			w.must(err)
			if joined.Count != 1 {
				t.Fatal("nobody joined, so that nothing is shown")
			}
			w.departing(all[1])
			w.left(all[0], g.ID, 0)
			if got := w.removals(g.ID, member); len(got) != 1 {
				t.Errorf("%d removals", len(got))
			}
			// Again, now that it is known: it is passed over.
			if joined, err = joiner.PatchGroup(t.Context(), caller, w.d, g.ID, members("add", member)); err != nil || joined.Count != 0 {
				t.Errorf("%d members, %v", joined.Count, err)
			}
		})
	}
}

// Of many processes that create one name at once exactly one succeeds, and all others are told that it is taken.
func TestUniqueAcrossProcesses(t *testing.T) {
	w, log, all := sharedWorld(t, 3)
	log.between = func(eventstore.Write) error { runtime.Gosched(); return nil }
	for round := range 5 {
		var made atomic.Int64
		together(50, func(i int) {
			_, err := all[i%3].commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": fmt.Sprint("U", round)})
			if err == nil {
				made.Add(1)
				return
			}
			w.refused(err, "conflict uniqueness")
		})
		if made.Load() != 1 {
			t.Errorf("%d users of one name", made.Load())
		}
	}
}

// A claim whose owner never came is taken over; an owner that was only slow finds that it was.
func TestClaimWithoutOwner(t *testing.T) {
	w, log, all := sharedWorld(t, 2)
	ctx, end := context.WithCancel(t.Context())
	log.between = func(eventstore.Write) error {
		end()
		return fmt.Errorf("the process was killed: %w", eventstore.ErrUnavailable)
	}
	if _, err := all[0].commands.CreateUser(ctx, caller, w.d, domain.Attributes{"userName": "ada"}); err == nil {
		t.Fatal("the creation was acknowledged")
	}
	log.between = nil
	u, err := all[1].commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": "ada"})
	w.must(err)
	_, err = all[0].commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": "ada"})
	w.refused(err, "conflict uniqueness")
	page, err := all[0].read.Users(t.Context(), w.d.ID, projections.Query{Start: 1, Count: 10})
	w.must(err)
	if len(page.Items) != 1 || page.Items[0].ID != u.ID {
		t.Errorf("there are %+v", page.Items)
	}
}

// An organization has one directory, though its deletion ends after the first of its writes while the directory is being activated.
func TestOneDirectoryAcrossProcesses(t *testing.T) {
	w, log, all := sharedWorld(t, 3)
	o, err := w.commands.CreateOrganization(t.Context(), caller, "Globex")
	w.must(err)
	ctx, end := context.WithCancel(t.Context())
	dying := &piecemeal{Store: log.Store, between: func(eventstore.Write) error {
		end()
		return fmt.Errorf("the process was killed: %w", eventstore.ErrUnavailable)
	}}
	victim, err := command.New(command.Config{Log: dying, Read: all[0].read, Keys: w.keys, Shared: true})
	w.must(err)
	log.between = func(eventstore.Write) error { // the claim of the activation stands
		log.between = nil
		if err := victim.DeleteOrganization(ctx, caller, o.ID); err == nil {
			t.Error("the deletion was acknowledged")
		}
		return nil
	}
	made := 0
	for _, p := range all[1:] {
		if _, _, err := p.commands.ActivateDirectory(t.Context(), caller, o, domain.Okta, domain.Dialect{}); err == nil {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d directories were activated", made)
	}
	w.must(all[0].read.Progress().Wait(t.Context(), w.head()))
}

// A webhook of a deleted organization is disabled before another of that domain is there, whatever the creation is interrupted by.
func TestOrphansAcrossProcesses(t *testing.T) {
	for _, how := range []string{"killed", "conflict"} {
		t.Run(how, func(t *testing.T) {
			w, log, all := sharedWorld(t, 2)
			globex, err := w.commands.CreateOrganization(t.Context(), caller, "Globex")
			w.must(err)
			own, err := w.commands.CreateEndpoint(t.Context(), caller, domain.EndpointSettings{Name: "Hook", URL: "https://example.com", EventCodes: []string{"all"}, Organization: globex.Domain}, nil, keys.NewSigning(false))
			w.must(err)
			w.must(all[0].commands.DeleteOrganization(t.Context(), caller, globex.ID))
			ctx, end := context.WithCancel(t.Context())
			log.between = func(written eventstore.Write) error {
				if kind, _ := projections.SplitStream(written.Stream); kind != projections.KindName {
					return nil
				}
				log.between = nil
				if how == "killed" {
					end()
					return fmt.Errorf("the process was killed: %w", eventstore.ErrUnavailable)
				}
				_, err := all[1].commands.UpdateEndpoint(t.Context(), caller, own.ID, func(s *domain.EndpointSettings, h map[string]string) (map[string]string, error) {
					s.Name = "Other"
					return h, nil
				})
				return err
			}
			if _, err := all[0].commands.CreateOrganization(ctx, caller, "Globex"); (err == nil) != (how == "conflict") {
				t.Errorf("the creation answers %v", err)
			}
			if how == "killed" {
				_, err := all[1].commands.CreateOrganization(t.Context(), caller, "Globex")
				w.must(err)
			}
			if shown, err := all[1].read.Endpoint(t.Context(), own.ID); err != nil || shown.Active() {
				t.Errorf("the webhook is active beside another organization, %v", err)
			}
		})
	}
}

// Whose name is taken over in the moment in which it is given up has changed, or gone, all the same.
func TestReleaseThatComesTooLate(t *testing.T) {
	w, log, all := sharedWorld(t, 2)
	takenOver := func(name string) {
		log.between = func(written eventstore.Write) error {
			if kind, _ := projections.SplitStream(written.Stream); kind != projections.KindUser {
				return nil
			}
			log.between = nil
			_, err := all[1].commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": name})
			return err
		}
	}
	u, v := w.user("ada"), w.user("cleo")
	takenOver("ada")
	by := caller
	by.If = func(version uint64) bool { return version == uint64(u.Version) }
	if _, err := all[0].commands.PatchUser(t.Context(), by, w.d, u.ID, replace("userName", "bea")); err != nil {
		t.Errorf("a rename that was made is answered %v", err)
	}
	takenOver("cleo")
	if err := all[0].commands.DeleteUser(t.Context(), caller, w.d, v.ID); err != nil {
		t.Errorf("a deletion that was made is answered %v", err)
	}
	if log.between != nil {
		t.Error("nobody took the names over")
	}
}

// A group that is larger than a shared log takes at once is made of several writes.
func TestLargeGroupInASharedLog(t *testing.T) {
	w, log, all := sharedWorld(t, 1)
	ids := make([]string, 12_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("018f0000-0000-7000-8000-%012d", i)
	}
	largest := 0
	log.between = func(written eventstore.Write) error {
		largest = max(largest, len(written.Entries))
		return nil
	}
	g, err := all[0].commands.CreateGroup(t.Context(), caller, w.d, domain.Attributes{"displayName": "All"}, w.plan(ids...))
	w.must(err)
	if shown, err := all[0].read.Group(t.Context(), w.d.ID, g.ID); err != nil || shown.Count != len(ids) || g.Count != len(ids) || largest != 1 {
		t.Errorf("%d members of %d, with up to %d events in a write, %v", shown.Count, len(ids), largest, err)
	}
}
