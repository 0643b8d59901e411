package command_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// An organization sends so many invitations within an hour and no more, whatever they are for, also after a restart and by all at once. Others go on.
func TestInvitationsAreBounded(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		ctx, now := t.Context(), time.Now().Truncate(time.Millisecond)
		over := func(read *projections.ReadModel) *command.Service {
			s, err := command.New(command.Config{Log: w.log, Read: read, Keys: w.keys, Now: func() time.Time { return now }})
			w.must(err)
			return s
		}
		s := over(w.read)
		o, err := w.read.Organization(ctx, "acme")
		w.must(err)
		c, err := s.CreateConnection(ctx, caller, o, command.NewConnection{Service: "rollcall", Email: "it@acme.test", Invite: true})
		w.must(err)
		inviteTo := func(s *command.Service, i int) error {
			switch i % 3 {
			case 0:
				_, err := s.InviteDirectoryAdmin(ctx, caller, w.d, "it@acme.test")
				return err
			case 1:
				_, err := s.InviteAdmin(ctx, caller, c.ID)
				return err
			}
			_, err := s.CreateConnection(ctx, caller, o, command.NewConnection{Service: "rollcall", Email: "it@acme.test", Invite: true})
			return err
		}
		began := now
		for i := 1; i < domain.MaxInvitations-5; i++ {
			w.must(inviteTo(s, i))
		}
		now = now.Add(10 * time.Minute)
		var in atomic.Int64
		var inviting sync.WaitGroup
		for i := range 30 {
			inviting.Go(func() {
				var e *domain.Error
				switch err := inviteTo(s, i); {
				case err == nil:
					in.Add(1)
				case !errors.As(err, &e) || e.Code != domain.RateLimited:
					t.Error(err)
				}
			})
		}
		inviting.Wait()
		if in.Load() != 5 {
			t.Errorf("%d more were sent, not 5", in.Load())
		}

		again, err := projections.OpenReadModel(t.TempDir(), "a log", eventstore.Position{})
		w.must(err)
		w.follow(again)
		head, err := w.log.Head(ctx)
		w.must(err)
		again.Expect(head)
		for _, s := range []*command.Service{s, over(again)} {
			for i := range 3 {
				err := inviteTo(s, i)
				w.refused(err, "rate_limited")
				if after := domain.Shown(err).After; after != 50*time.Minute {
					t.Errorf("to be sent again in %s", after)
				}
			}
		}
		if _, err := s.CreateConnection(ctx, caller, o, command.NewConnection{Service: "rollcall", Email: "it@acme.test"}); err != nil {
			t.Errorf("a connection to which nobody is invited: %v", err)
		}
		if _, err := s.InviteDirectoryAdmin(ctx, caller, w.directory("Globex"), "it@globex.test"); err != nil {
			t.Errorf("another organization's: %v", err)
		}
		now = began.Add(domain.InvitationsWithin)
		for i := range 3 {
			w.must(inviteTo(s, i))
		}
	})
}
