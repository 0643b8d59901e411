package projections_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// signIns makes applications and connections, lets users sign in by them, and ends some of all that.
func (w *world) signIns() (last projections.Connection) {
	w.Helper()
	ctx := w.Context()
	for i := range 3 {
		a, err := w.commands.CreateApplication(ctx, system, domain.ApplicationSettings{Name: fmt.Sprint("App ", i), DefaultRedirectURL: "https://app.example/"})
		w.must(err)
		_, err = w.commands.UpdateApplication(ctx, system, a.ID, func(s *domain.ApplicationSettings) error {
			s.AllowedRedirects = []string{"https://app.example/2"}
			return nil
		})
		w.must(err)
		d := w.directory(fmt.Sprint("Org ", i))
		o := projections.Organization{ID: d.OrganizationID, Domain: d.Organization}
		for range 2 {
			last, err = w.commands.CreateConnection(ctx, system, o, command.NewConnection{Service: "rollcall", Application: a.ID, Email: "it@acme.test"})
			w.must(err)
			last, err = w.commands.InviteAdmin(ctx, system, last.ID)
			w.must(err)
			w.must(w.commands.MailSent(ctx, w.mail(last.Invited.Last.ID), time.Now()))
			_, err = w.commands.AddRedirection(ctx, system, last.ID, a.ID, "https://app.example/2")
			w.must(err)
			last, err = w.commands.UpdateConnection(ctx, system, last.ID, command.ConnectionChange{ConnectionEdit: domain.ConnectionEdit{
				Provider: domain.Okta, SeatsLimit: new(3), Metadata: []domain.EntityDescriptor{{EntityID: "idp", SigningCertificates: []domain.Certificate{{NotAfter: time.Now(), DER: []byte{1}}}}}}})
			w.must(err)
			for n := range 3 {
				u := w.user(d, domain.Attributes{"userName": fmt.Sprint(last.ID, n)})
				_, err := w.commands.TakeSeat(ctx, system, d, last.ID, u.ID)
				w.must(err)
				if n == 0 {
					w.must(w.commands.DeleteUser(ctx, system, d, u.ID))
				}
			}
		}
		switch i {
		case 0:
			w.must(w.commands.DeleteOrganization(ctx, system, o.ID))
			w.must(w.commands.DeleteApplication(ctx, system, a.ID))
		case 1:
			w.must(w.commands.DeleteDirectory(ctx, system, d))
			w.must(w.commands.DeleteConnection(ctx, system, last.ID))
		}
	}
	return last
}

// Rebuilt from the log, the model holds the same connections, applications and seats.
func TestConnectionsAreRebuilt(t *testing.T) {
	w := newWorld(t)
	last := w.signIns()
	taken, _, err := w.read.Seats(t.Context(), last.ID, "", "")
	w.must(err)
	all, total, err := w.read.Connections(t.Context(), "", 1, 100)
	w.must(err)
	apps, _, err := w.read.Applications(t.Context(), 1, 100)
	w.must(err)
	of, err := w.read.ConnectionsOf(t.Context(), last.OrganizationID)
	w.must(err)
	if taken != 2 || total != 3 || len(all) != 3 || len(apps) != 2 || len(of) != 2 || of[1].ID != last.ID {
		t.Errorf("%d seats, %d connections, of which %d of one organization, and %d applications", taken, total, len(of), len(apps))
	}
	tables := w.read.Tables(t)
	w.stop()
	removeAll(t, w.folder)
	w.start()
	if again := w.read.Tables(t); again != tables {
		t.Errorf("rebuilt, the model holds something else: %s", firstDifference(tables, again))
	}
	if !strings.Contains(tables, last.ID) {
		t.Error("the tables that were compared are others")
	}
}

// A connection tells of each of its changes but of sign-ins; its history is the same messages.
func TestConnectionsTell(t *testing.T) {
	w := newWorld(t)
	last := w.signIns()
	changes, err := projections.NewChanges(w.log)
	w.must(err)
	var told, bodies []string
	for _, r := range w.records() {
		m, body, err := message(t.Context(), changes, r)
		w.must(err)
		if m.Data.Subject.Type != "connection" || m.Data.Subject.ID != last.ID {
			continue
		}
		if m.Data.Organization != "org-2" || m.Data.Directory != "" || (m.Data.Before == nil) != (m.Type == domain.TypeConnectionCreated) || m.Data.After == nil {
			t.Errorf("%s", body)
		}
		told = append(told, fmt.Sprint(m.Type, " ", strings.Join(m.Data.Changed, " ")))
		bodies = append(bodies, string(body))
	}
	want := []string{
		"connection.created active default_redirection.app_id default_redirection.id default_redirection.uri id onboarding.id onboarding.sso_admin_email onboarding.state organization_id seats_limit sp_id state update_user_new_connection user_security_type",
		"connection.admin_invited ",
		"connection.admin_invited onboarding.invitation_sent_at state",
		"connection.updated default_redirection.id default_redirection.uri",
		"connection.updated metadata onboarding.state provider_type seats_limit state",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	page, err := projections.History(t.Context(), w.log, last.ID, projections.KindConnection, last.ID, 1, 100)
	w.must(err)
	slices.Reverse(bodies)
	var again []string
	for _, c := range page.Items {
		body, err := c.Body()
		w.must(err)
		again = append(again, string(body))
	}
	if page.Total != len(want) || !slices.Equal(again, bodies) {
		t.Errorf("%d changes are in its history:\n%q\nand told were\n%q", page.Total, again, bodies)
	}
}
