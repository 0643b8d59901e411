package command_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// leadsNowhere fails if a connection leads to an application that is gone.
func (w *world) leadsNowhere(read *projections.ReadModel) {
	w.Helper()
	connections, _, err := read.Connections(w.Context(), "", 1, 100)
	w.must(err)
	for _, c := range connections {
		if c.Default.ID == "" {
			continue
		}
		if _, err := read.Application(w.Context(), c.Default.Application); err != nil {
			w.Errorf("connection %s leads to an application: %v", c.ID, err)
		}
	}
}

// redirecting are the ways in which a connection comes to lead to an application: what is to be there before, and the command.
var redirecting = map[string]func(w *world, o projections.Organization, a projections.Application) func(*command.Service) error{
	"create": func(w *world, o projections.Organization, a projections.Application) func(*command.Service) error {
		return func(s *command.Service) error {
			_, err := s.CreateConnection(w.Context(), caller, o, command.NewConnection{Service: "rollcall", Application: a.ID})
			return err
		}
	},
	"add": func(w *world, o projections.Organization, a projections.Application) func(*command.Service) error {
		c := w.connection(o, command.NewConnection{})
		return func(s *command.Service) error {
			_, err := s.AddRedirection(w.Context(), caller, c.ID, a.ID, "")
			return err
		}
	},
	"select": func(w *world, o projections.Organization, a projections.Application) func(*command.Service) error {
		c := w.connection(o, command.NewConnection{Application: a.ID})
		_, err := w.commands.AddRedirection(w.Context(), caller, c.ID, w.application("https://b.example").ID, "")
		w.must(err)
		return func(s *command.Service) error {
			_, err := s.UpdateConnection(w.Context(), caller, c.ID, command.ConnectionChange{ConnectionEdit: domain.ConnectionEdit{DefaultRedirection: c.Default.ID}})
			return err
		}
	},
}

// An application is deleted by another process in the moment in which a connection comes to lead to it, and the other way round: one of both is refused.
func TestNobodyLeadsToADeletedApplication(t *testing.T) {
	for how, prepare := range redirecting {
		t.Run(how, func(t *testing.T) {
			onStores(t, func(t *testing.T, w *world) {
				other, o := w.service(), w.organization("Globex")
				a := w.application("https://a.example")
				redirect := prepare(w, o, a)
				w.log.before = func([]eventstore.Write) error {
					w.log.before = nil
					return other.DeleteApplication(t.Context(), caller, a.ID)
				}
				w.refused(redirect(w.commands), "invalid invalidValue")
				w.leadsNowhere(w.read)

				a = w.application("https://a.example")
				redirect = prepare(w, o, a)
				w.log.before = func([]eventstore.Write) error {
					w.log.before = nil
					return redirect(other)
				}
				w.refused(w.commands.DeleteApplication(t.Context(), caller, a.ID), "conflict")
				w.leadsNowhere(w.read)
			})
		})
	}
}

// The same where the redirection stands in the log and nobody was told so yet.
func TestWhatIsNotAcknowledgedYetIsSeen(t *testing.T) {
	tries := 30
	race := func(t *testing.T, first func(w *world, o projections.Organization) func(*command.Service) error, second func(*command.Service, projections.Organization) error, check func(w *world)) {
		onStores(t, func(t *testing.T, w *world) {
			other := w.service()
			for i := range tries {
				o := w.organization(fmt.Sprint("Organization ", i))
				do := first(w, o)
				w.log.after = func() error {
					w.log.after = nil
					_ = second(other, o)
					return nil
				}
				w.must(do(w.commands))
				check(w)
			}
		})
	}
	for how, prepare := range redirecting {
		t.Run(how, func(t *testing.T) {
			var a projections.Application
			race(t, func(w *world, o projections.Organization) func(*command.Service) error {
				a = w.application("https://a.example")
				return prepare(w, o, a)
			}, func(s *command.Service, _ projections.Organization) error {
				return s.DeleteApplication(t.Context(), caller, a.ID)
			},
				func(w *world) { w.leadsNowhere(w.read) })
		})
	}
	t.Run("an organization is deleted", func(t *testing.T) {
		race(t, func(w *world, o projections.Organization) func(*command.Service) error {
			return func(s *command.Service) error {
				_, err := s.CreateConnection(t.Context(), caller, o, command.NewConnection{Service: "rollcall"})
				return err
			}
		}, func(s *command.Service, o projections.Organization) error {
			return s.DeleteOrganization(t.Context(), caller, o.ID)
		}, func(w *world) {
			if standing, total, err := w.read.Connections(t.Context(), "", 1, 100); err != nil || total > 0 {
				t.Errorf("%d connections of no organization: %v, %v", total, standing, err)
			}
		})
	})
}

// The same where a batch stands in the log piece by piece: whoever comes between waits for the other one, or is refused.
func TestNobodyLeadsToADeletedApplicationInASharedLog(t *testing.T) {
	for how, prepare := range redirecting {
		t.Run(how, func(t *testing.T) {
			w, log, all := sharedWorld(t, 3)
			o := w.organization("Globex")
			log.between = func(eventstore.Write) error { runtime.Gosched(); return nil }
			for range 10 {
				a := w.application("https://a.example")
				ways := []func(*command.Service) error{prepare(w, o, a), func(s *command.Service) error { return s.DeleteApplication(t.Context(), caller, a.ID) }, prepare(w, o, a)}
				errs := make([]error, len(ways))
				together(len(ways), func(i int) { errs[i] = ways[i](all[i].commands) })
				_, gone := all[0].read.Application(t.Context(), a.ID)
				if (errs[1] == nil) != (gone != nil) {
					t.Errorf("the deletion answers %v, and then %v", errs[1], gone)
				}
				for _, i := range []int{0, 2} {
					if (errs[i] == nil) != (errs[1] != nil) {
						t.Errorf("a redirection answers %v, and the deletion %v", errs[i], errs[1])
					}
				}
				w.leadsNowhere(all[0].read)
			}
		})
	}
}

// A process is slow after its claim, or dies before its release: whoever comes next goes on, and what the slow one decided is decided again.
func TestApplicationWhoseClaimWasLeft(t *testing.T) {
	slow := func(log *piecemeal, meanwhile func()) { // after its claim
		log.between = func(written eventstore.Write) error {
			if kind, _ := projections.SplitStream(written.Stream); kind == projections.KindName {
				log.between = nil
				meanwhile()
			}
			return nil
		}
	}
	t.Run("the deletion is slow", func(t *testing.T) {
		w, log, all := sharedWorld(t, 2)
		o, a := w.organization("Globex"), w.application("https://a.example")
		slow(log, func() {
			_, err := all[1].commands.CreateConnection(t.Context(), caller, o, command.NewConnection{Service: "rollcall", Application: a.ID})
			w.must(err)
		})
		w.refused(all[0].commands.DeleteApplication(t.Context(), caller, a.ID), "conflict")
		w.leadsNowhere(all[1].read)
	})
	t.Run("the connection is slow", func(t *testing.T) {
		w, log, all := sharedWorld(t, 2)
		o, a := w.organization("Globex"), w.application("https://a.example")
		c := w.connection(o, command.NewConnection{})
		slow(log, func() { w.must(all[1].commands.DeleteApplication(t.Context(), caller, a.ID)) })
		_, err := all[0].commands.AddRedirection(t.Context(), caller, c.ID, a.ID, "")
		w.refused(err, "invalid invalidValue")
		w.leadsNowhere(all[1].read)
		w.caughtUp() // the fence stops no reader
		_, err = all[0].commands.AddRedirection(t.Context(), caller, c.ID, w.application("https://b.example").ID, "")
		w.must(err)
	})
	t.Run("the creation is slow", func(t *testing.T) {
		w, log, all := sharedWorld(t, 2)
		o, a, b := w.organization("Globex"), w.application("https://a.example"), w.application("https://b.example")
		c := w.connection(o, command.NewConnection{})
		log.between = func(written eventstore.Write) error { // the claim of the application, not that of the organization's connections
			if kind, _ := projections.SplitStream(written.Stream); kind == projections.KindName && len(written.Entries) == 1 {
				log.between = nil
				_, err := all[1].commands.AddRedirection(t.Context(), caller, c.ID, a.ID, "")
				w.must(err)
			}
			return nil
		}
		made, err := all[0].commands.CreateConnection(t.Context(), caller, o, command.NewConnection{Service: "rollcall", Application: a.ID})
		w.must(err)
		if shown, err := all[1].read.Connection(t.Context(), made.ID); err != nil || shown.Default.Application != a.ID {
			t.Errorf("it is %+v, %v", shown, err)
		}
		w.must(all[1].commands.DeleteApplication(t.Context(), caller, b.ID))
	})
	t.Run("the release is lost", func(t *testing.T) {
		w, log, all := sharedWorld(t, 2)
		o, a := w.organization("Globex"), w.application("https://a.example")
		ctx, end := context.WithCancel(t.Context())
		log.between = func(written eventstore.Write) error {
			if kind, _ := projections.SplitStream(written.Stream); kind != projections.KindConnection {
				return nil
			}
			end()
			return fmt.Errorf("the process was killed: %w", eventstore.ErrUnavailable)
		}
		_, err := all[0].commands.CreateConnection(ctx, caller, o, command.NewConnection{Service: "rollcall", Application: a.ID})
		w.refused(err, "unavailable")
		log.between = nil
		w.refused(all[1].commands.DeleteApplication(t.Context(), caller, a.ID), "conflict")
		made, _, err := all[1].read.Connections(t.Context(), o.ID, 1, 10)
		w.must(err)
		w.must(all[1].commands.DeleteConnection(t.Context(), caller, made[0].ID))
		w.must(all[1].commands.DeleteApplication(t.Context(), caller, a.ID))
	})
}
