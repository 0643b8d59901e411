package command_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

func (w *world) organization(name string) projections.Organization {
	w.Helper()
	o, err := w.commands.CreateOrganization(w.Context(), caller, name)
	w.must(err)
	return o
}

func (w *world) application(urls ...string) projections.Application {
	w.Helper()
	a, err := w.commands.CreateApplication(w.Context(), caller, domain.ApplicationSettings{Name: "App", AllowedRedirects: urls})
	w.must(err)
	return a
}

func (w *world) connection(o projections.Organization, wanted command.NewConnection) projections.Connection {
	w.Helper()
	wanted.Service = "rollcall"
	c, err := w.commands.CreateConnection(w.Context(), caller, o, wanted)
	w.must(err)
	return c
}

// kinds are the types of a connection's events.
func (w *world) kinds(connection string) (out []string) {
	w.Helper()
	for r := range all(w, w.log.Read(w.Context(), projections.KindConnection.Stream(connection), 0)) {
		out = append(out, r.Type)
	}
	return out
}

// Each command is one event, none if nothing changes, and answers what the read model shows.
func TestConnection(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		o, a := w.organization("Bank of Lille"), w.application("https://a.example", "https://b.example")
		c := w.connection(o, command.NewConnection{Application: a.ID, Email: "it@lille.test", Invite: true})
		if !regexp.MustCompile(`^bank_of_lille_[A-Z2-7]{22}$`).MatchString(c.ID) || !regexp.MustCompile(`^rollcall_[A-Z2-7]{22}$`).MatchString(c.ServiceProvider) {
			t.Errorf("it is called %s, and we are called %s", c.ID, c.ServiceProvider)
		}
		if c.Default.URI != "https://a.example" || c.Default.Application != a.ID {
			t.Errorf("it leads to %v", c.Default)
		}
		ctx, first := t.Context(), w.mail(c.Invited.Last.ID)
		went := func() (projections.Connection, error) {
			w.must(w.commands.MailSent(ctx, first, time.Now()))
			return w.read.Connection(ctx, c.ID)
		}
		update := func(e domain.ConnectionEdit) func() (projections.Connection, error) {
			return func() (projections.Connection, error) {
				return w.commands.UpdateConnection(ctx, caller, c.ID, command.ConnectionChange{ConnectionEdit: e})
			}
		}
		active := func(active bool) func() (projections.Connection, error) {
			return func() (projections.Connection, error) {
				return w.commands.UpdateConnection(ctx, caller, c.ID, command.ConnectionChange{Active: &active})
			}
		}
		want := []string{"connection.created"}
		for _, step := range []struct {
			event string // "" for none
			do    func() (projections.Connection, error)
		}{
			{"connection.invitation_sent", went},
			{"", went},
			{"connection.updated", update(domain.ConnectionEdit{SeatsLimit: new(12)})},
			{"", update(domain.ConnectionEdit{SeatsLimit: new(12)})},
			{"connection.disabled", active(false)},
			{"", active(false)},
			{"connection.activated", active(true)},
			{"connection.redirection_added", func() (projections.Connection, error) {
				return w.commands.AddRedirection(ctx, caller, c.ID, a.ID, "https://b.example")
			}},
			{"connection.updated", update(domain.ConnectionEdit{DefaultRedirection: c.Default.ID})},
			{"connection.onboarding_started", func() (projections.Connection, error) {
				return w.commands.StartOnboarding(ctx, caller, c.ID, "it@lille.test", "")
			}},
			{"", went},
			{"connection.onboarding_updated", func() (projections.Connection, error) {
				return w.commands.UpdateOnboarding(ctx, caller, c.ID, "", domain.ADFS)
			}},
			{"connection.onboarding_reset", func() (projections.Connection, error) { return w.commands.ResetOnboarding(ctx, caller, c.ID) }},
			{"", func() (projections.Connection, error) { return w.commands.ResetOnboarding(ctx, caller, c.ID) }},
			{"connection.admin_invited", func() (projections.Connection, error) { return w.commands.InviteAdmin(ctx, caller, c.ID) }},
		} {
			answered, err := step.do()
			w.must(err)
			if step.event != "" {
				want = append(want, step.event)
			}
			if got := w.kinds(c.ID); !slices.Equal(got, want) {
				t.Fatalf("its events are %q, not %q", got, want)
			}
			shown, err := w.read.Connection(ctx, c.ID)
			w.must(err)
			if fmt.Sprintf("%+v", shown) != fmt.Sprintf("%+v", answered) {
				t.Fatalf("%s answered\n%+v\nthe read model shows\n%+v", step.event, answered, shown)
			}
		}
		w.must(w.commands.DeleteConnection(ctx, caller, c.ID))
		_, err := w.commands.InviteAdmin(ctx, caller, c.ID)
		w.refused(err, "not_found")
		if _, err := w.read.Connection(ctx, c.ID); !errors.Is(err, projections.ErrNotFound) {
			t.Errorf("the deleted connection: %v", err)
		}
	})
}

func TestConnectionRefusals(t *testing.T) {
	w := newWorld(t)
	o, a := w.organization("Globex"), w.application("https://a.example")
	for _, c := range []struct {
		wanted command.NewConnection
		want   string
	}{
		{command.NewConnection{Application: "none"}, "invalid invalidValue"},
		{command.NewConnection{Application: w.application().ID}, "invalid invalidValue"},
		{command.NewConnection{Application: a.ID, URI: "https://b.example"}, "invalid invalidValue"},
		{command.NewConnection{Email: "it"}, "invalid invalidValue"},
		{command.NewConnection{Invite: true}, "invalid invalidValue"},
	} {
		_, err := w.commands.CreateConnection(t.Context(), caller, o, c.wanted)
		w.refused(err, c.want)
	}
	_, err := w.commands.CreateConnection(t.Context(), caller, projections.Organization{ID: "none", Domain: "none"}, command.NewConnection{})
	w.refused(err, "not_found")
	for range domain.MaxConnections {
		w.connection(o, command.NewConnection{})
	}
	_, err = w.commands.CreateConnection(t.Context(), caller, o, command.NewConnection{})
	w.refused(err, "conflict")
	w.connection(w.organization("Initech"), command.NewConnection{}) // another's do not count
}

// An application stays as long as users are sent to it.
func TestApplicationsStayWhileTheyAreUsed(t *testing.T) {
	w := newWorld(t)
	a, b := w.application("https://a.example"), w.application("https://b.example")
	c := w.connection(w.organization("Globex"), command.NewConnection{Application: a.ID})
	w.refused(w.commands.DeleteApplication(t.Context(), caller, a.ID), "conflict")
	_, err := w.commands.AddRedirection(t.Context(), caller, c.ID, b.ID, "")
	w.must(err)
	w.must(w.commands.DeleteApplication(t.Context(), caller, a.ID))
	w.refused(w.commands.DeleteApplication(t.Context(), caller, b.ID), "conflict")
	w.must(w.commands.DeleteConnection(t.Context(), caller, c.ID))
	w.must(w.commands.DeleteApplication(t.Context(), caller, b.ID))
	w.refused(w.commands.DeleteApplication(t.Context(), caller, b.ID), "not_found")
	_, err = w.commands.UpdateApplication(t.Context(), caller, b.ID, func(*domain.ApplicationSettings) error { return nil })
	w.refused(err, "not_found")
}

// A deleted organization has no connections, also none that was made meanwhile by another process, whichever of the two is first.
func TestNoConnectionOutlivesItsOrganization(t *testing.T) {
	w := newWorld(t)
	other := w.service()
	o := w.organization("Globex")
	first, second := w.connection(o, command.NewConnection{}), w.connection(o, command.NewConnection{})
	foreign := w.connection(w.organization("Initech"), command.NewConnection{})
	w.log.before = func([]eventstore.Write) error {
		w.log.before = nil
		_, err := other.CreateConnection(t.Context(), caller, o, command.NewConnection{})
		return err
	}
	w.must(w.commands.DeleteOrganization(t.Context(), caller, o.ID))
	made := 0
	for r := range all(w, w.log.All(t.Context(), eventstore.Position{})) {
		switch r.Type {
		case (domain.ConnectionCreated{}).EventName():
			made++
		case (domain.ConnectionDeleted{}).EventName():
			made--
		}
	}
	if made != 1 {
		t.Errorf("%d connections are left", made)
	}
	for id, there := range map[string]bool{first.ID: false, second.ID: false, foreign.ID: true} {
		if _, err := w.read.Connection(t.Context(), id); (err == nil) != there {
			t.Errorf("connection %s: %v", id, err)
		}
	}

	o = w.organization("Globex")
	w.log.before = func([]eventstore.Write) error {
		w.log.before = nil
		return other.DeleteOrganization(t.Context(), caller, o.ID)
	}
	_, err := w.commands.CreateConnection(t.Context(), caller, o, command.NewConnection{})
	w.refused(err, "not_found")
}
