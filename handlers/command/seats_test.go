package command_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// ready is a connection of the world's organization with metadata and so many seats.
func (w *world) ready(seats int) projections.Connection {
	w.Helper()
	c := w.connection(projections.Organization{ID: w.d.OrganizationID, Domain: w.d.Organization}, command.NewConnection{})
	return w.edit(c, domain.ConnectionEdit{SeatsLimit: &seats, Metadata: []domain.EntityDescriptor{{EntityID: "idp"}}})
}

func (w *world) edit(c projections.Connection, e domain.ConnectionEdit) projections.Connection {
	w.Helper()
	c, err := w.commands.UpdateConnection(w.Context(), caller, c.ID, command.ConnectionChange{ConnectionEdit: e})
	w.must(err)
	return c
}

// As many users as there are seats get one, however many ask at once.
//
// Proves SSO §none.seats_limit.
func TestSeatsAreExact(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		seatsAreExact(t, w, w.read, w.commands, w.service(), w.service())
	})
}

// Processes that share a log give no more.
//
// Proves SSO §none.seats_limit.
func TestSeatsOfProcessesAreExact(t *testing.T) {
	w, _, all := sharedWorld(t, 3)
	seatsAreExact(t, w, all[0].read, all[0].commands, all[1].commands, all[2].commands)
}

func seatsAreExact(t *testing.T, w *world, read *projections.ReadModel, services ...*command.Service) {
	t.Helper()
	const users, seats = 50, 17
	c := w.ready(seats)
	var ids [users]string
	for i := range users {
		ids[i] = w.user(fmt.Sprint("u", i)).ID
	}
	var in atomic.Int64
	together(2*users, func(i int) { // each asks twice
		for {
			a, err := services[i%len(services)].TakeSeat(t.Context(), caller, w.d, c.ID, ids[i/2])
			if err != nil && domain.Shown(err).Code == domain.Conflict {
				continue // others were faster; who signs in asks again
			}
			if err != nil {
				t.Error(err)
			} else if a.Allowed {
				in.Add(1)
			} else if a.Reason != domain.NoSeatLeft {
				t.Errorf("kept out: %s", a.Reason)
			}
			return
		}
	})
	taken, _, err := read.Seats(t.Context(), c.ID, w.d.ID, "")
	w.must(err)
	given := map[string]bool{}
	for r := range all(w, w.log.Read(t.Context(), projections.KindConnection.Stream(c.ID), 2)) {
		s, err := projections.DecodeRecord(r)
		w.must(err)
		given[s.Event.(domain.ConnectionSeatTaken).User] = true
	}
	if taken != seats || len(given) != seats || in.Load() < seats || in.Load() > 2*seats {
		t.Errorf("%d seats are taken, by %d users, who came in %d times, of %d", taken, len(given), in.Load(), seats)
	}
}

// Proves SSO §update.seats_limit, §none.removed, §none.raised.
func TestSeats(t *testing.T) {
	w := newWorld(t)
	c := w.ready(2)
	other := w.ready(1)
	ada, bob, eve := w.user("ada"), w.user("bob"), w.user("eve")
	take := func(c projections.Connection, u projections.User, want domain.AdmissionReason) {
		t.Helper()
		a, err := w.commands.TakeSeat(t.Context(), caller, w.d, c.ID, u.ID)
		w.must(err)
		if a.Reason != want {
			t.Errorf("let in: %v, for %s, not %s", a.Allowed, a.Reason, want)
		}
	}
	taken := func(c projections.Connection, want int) {
		t.Helper()
		if n, _, err := w.read.Seats(t.Context(), c.ID, w.d.ID, ""); err != nil || n != want {
			t.Errorf("%d seats are taken, not %d: %v", n, want, err)
		}
	}
	take(c, ada, domain.SeatFree)
	take(c, ada, domain.HasSeat)
	take(c, bob, domain.SeatFree)
	take(c, eve, domain.NoSeatLeft)
	take(other, ada, domain.SeatFree) // each connection has its own
	taken(c, 2)

	_, err := w.commands.PatchUser(t.Context(), caller, w.d, ada.ID, replace("active", false))
	w.must(err)
	take(c, ada, domain.IsSuspended)
	take(c, eve, domain.NoSeatLeft) // who is suspended keeps the seat
	w.must(w.commands.DeleteUser(t.Context(), caller, w.d, ada.ID))
	taken(c, 1)
	taken(other, 0)
	take(c, eve, domain.SeatFree)
	_, err = w.commands.TakeSeat(t.Context(), caller, w.d, c.ID, ada.ID)
	w.refused(err, "not_found")

	take(c, w.user("joe"), domain.NoSeatLeft)
	w.edit(c, domain.ConnectionEdit{SeatsLimit: new(3)})
	take(c, w.user("jim"), domain.SeatFree)
	w.edit(c, domain.ConnectionEdit{SeatsLimit: new(1)})
	take(c, eve, domain.HasSeat) // nobody is thrown out
	taken(c, 3)
	w.edit(c, domain.ConnectionEdit{Policy: domain.PolicyProvisioned})
	take(c, w.user("joan"), domain.IsProvisioned)
	taken(c, 3)

	// A seat that was given while its user was deleted is none.
	w.append(w.write(projections.KindConnection.Stream(other.ID), 3, domain.ConnectionSeatTaken{User: ada.ID, Directory: w.d.ID}))
	taken(other, 0)

	// With its directory all its users leave.
	o := projections.Organization{ID: w.d.OrganizationID, Domain: w.d.Organization}
	w.must(w.commands.DeleteDirectory(t.Context(), caller, w.d))
	taken(c, 0)
	_, err = w.commands.TakeSeat(t.Context(), caller, w.d, c.ID, eve.ID)
	w.refused(err, "not_found")
	w.d, _, err = w.commands.ActivateDirectory(t.Context(), caller, o, domain.Okta, domain.Dialect{})
	w.must(err)
	w.edit(c, domain.ConnectionEdit{Policy: domain.PolicyNone})
	take(c, w.user("eve"), domain.SeatFree)
	taken(c, 1)
	foreign := w.directory("Foreign")
	_, err = w.commands.TakeSeat(t.Context(), caller, foreign, c.ID, eve.ID)
	w.refused(err, "not_found")
}

// Who may sign in is told by address, and nothing changes by asking.
func TestEvaluate(t *testing.T) {
	w := newWorld(t)
	c := w.ready(1)
	mail := func(userName, address string, active bool) projections.User {
		t.Helper()
		u, err := w.commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": userName, "active": active, "emails": []any{map[string]any{"value": address}}})
		w.must(err)
		return u
	}
	ada, bob := mail("ada@acme.test", "ada@home.test", true), mail("bob", "bob@acme.test", false)
	left := mail("eve@acme.test", "eve@home.test", false)
	mail("eve2", "eve@acme.test", true)
	_, err := w.commands.TakeSeat(t.Context(), caller, w.d, c.ID, ada.ID)
	w.must(err)
	head := w.head()
	ask := func(email, user string, want domain.AdmissionReason) {
		t.Helper()
		e, err := w.commands.Evaluate(t.Context(), c.ID, email)
		w.must(err)
		if e.User != user || e.Reason != want || e.SeatsTaken != 1 {
			t.Errorf("%s: %+v, want user %q and %s", email, e, user, want)
		}
	}
	ask("ADA@acme.test", ada.ID, domain.HasSeat)
	ask("ada@home.test", ada.ID, domain.HasSeat)
	ask("bob@acme.test", bob.ID, domain.IsSuspended)
	ask("eve@acme.test", left.ID, domain.IsSuspended) // who is suspended does not come in as another one of that address
	ask("eve@home.test", left.ID, domain.IsSuspended)
	ask("nobody@acme.test", "", domain.NoSeatLeft)
	if w.head() != head {
		t.Error("asking has changed something")
	}
	for policy, want := range map[domain.Policy][2]domain.AdmissionReason{
		domain.PolicyRegistered:  {domain.IsRegistered, domain.NotRegistered},
		domain.PolicyProvisioned: {domain.IsProvisioned, domain.NotProvisioned},
	} {
		w.edit(c, domain.ConnectionEdit{Policy: policy})
		ask("ada@home.test", ada.ID, want[0])
		ask("bob@acme.test", bob.ID, domain.IsSuspended)
		ask("nobody@acme.test", "", want[1])
	}
	_, err = w.commands.Evaluate(t.Context(), c.ID, "ada")
	w.refused(err, "invalid invalidValue")
	_, err = w.commands.Evaluate(t.Context(), "none", "ada@acme.test")
	w.refused(err, "not_found")
	bare := w.connection(w.organization("Bare"), command.NewConnection{}) // which has no directory
	e, err := w.commands.Evaluate(t.Context(), bare.ID, "ada@acme.test")
	w.must(err)
	if e.User != "" || e.Reason != domain.ConnectionNotReady {
		t.Errorf("without a directory: %+v", e)
	}
}

// Whose userName or primary e-mail address an address is decides, and not who lists it too, in whichever directory; and where one of those is suspended nobody comes in.
func TestEvaluateWhoseAddressItIs(t *testing.T) {
	w := newWorld(t)
	c := w.ready(0)
	o := projections.Organization{ID: w.d.OrganizationID, Domain: w.d.Organization}
	user := func(userName string, active bool, addresses ...string) projections.User {
		t.Helper()
		var emails []any
		for i, a := range addresses {
			emails = append(emails, map[string]any{"value": a, "primary": i == 0})
		}
		u, err := w.commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": userName, "active": active, "emails": emails})
		w.must(err)
		return u
	}
	left := user("left@acme.test", false, "left@home.test")
	mia := user("mia", true, "mia@acme.test", "left@acme.test", "left@home.test", "made@acme.test", "gone@acme.test", "alias@acme.test")
	made := w.made(o, `{"email":"made@acme.test"}`)
	gone := w.made(o, `{"email":"gone@acme.test","active":false}`)
	for i := range 17 {
		user(fmt.Sprint("u", i), true, fmt.Sprintf("u%d@acme.test", i), "all@acme.test")
	}
	for _, policy := range []domain.Policy{domain.PolicyProvisioned, domain.PolicyRegistered, domain.PolicyNone} {
		w.edit(c, domain.ConnectionEdit{Policy: policy})
		in := map[domain.Policy]domain.AdmissionReason{domain.PolicyProvisioned: domain.IsProvisioned, domain.PolicyRegistered: domain.IsRegistered, domain.PolicyNone: domain.SeatFree}[policy]
		notSynced := in
		if policy == domain.PolicyProvisioned {
			notSynced = domain.NotProvisioned
		}
		for _, s := range []struct {
			email, user string
			want        domain.AdmissionReason
		}{
			{"left@acme.test", left.ID, domain.IsSuspended}, // by the userName
			{"LEFT@home.test", left.ID, domain.IsSuspended}, // by the primary address
			{"gone@acme.test", gone.ID, domain.IsSuspended}, // of the application's own
			{"made@acme.test", made.ID, notSynced},
			{"mia@acme.test", mia.ID, in},
			{"alias@acme.test", mia.ID, in}, // nobody else's
			{"all@acme.test", "", domain.IsAmbiguous},
		} {
			if got, err := w.commands.Evaluate(t.Context(), c.ID, s.email); err != nil || got.Reason != s.want || got.User != s.user {
				t.Errorf("%s by %s: %+v, %v; want %s of %s", s.email, policy, got, err, s.want, s.user)
			}
		}
	}
}

// Users whom the application makes are registered, and not provisioned. Of two of one address the one that directory sync holds counts.
//
// Proves SSO §user_registered.made.
func TestEvaluateUsersOfAnApplication(t *testing.T) {
	w := newWorld(t)
	c := w.ready(1)
	o := projections.Organization{ID: w.d.OrganizationID, Domain: w.d.Organization}
	ada := w.made(o, `{"email":"ada@acme.test"}`)
	both := w.made(o, `{"email":"both@acme.test"}`)
	synced, err := w.commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": "both@acme.test", "active": false})
	w.must(err)
	for _, s := range []struct {
		policy domain.Policy
		email  string
		want   domain.AdmissionReason
		user   string
	}{
		{domain.PolicyRegistered, "ADA@acme.test", domain.IsRegistered, ada.ID},
		{domain.PolicyProvisioned, "ada@acme.test", domain.NotProvisioned, ada.ID},
		{domain.PolicyRegistered, "both@acme.test", domain.IsSuspended, synced.ID},
		{domain.PolicyRegistered, "eve@acme.test", domain.NotRegistered, ""},
	} {
		w.edit(c, domain.ConnectionEdit{Policy: s.policy})
		if got, err := w.commands.Evaluate(t.Context(), c.ID, s.email); err != nil || got.Reason != s.want || got.User != s.user {
			t.Errorf("%s by %s: %+v, %v", s.email, s.policy, got, err)
		}
	}
	d := w.apiDirectory(o)
	for _, s := range []struct {
		policy domain.Policy
		want   domain.AdmissionReason
	}{{domain.PolicyProvisioned, domain.NotProvisioned}, {domain.PolicyNone, domain.SeatFree}} {
		w.edit(c, domain.ConnectionEdit{Policy: s.policy})
		if got, err := w.commands.TakeSeat(t.Context(), caller, d, c.ID, ada.ID); err != nil || got.Reason != s.want {
			t.Errorf("by %s: %+v, %v", s.policy, got, err)
		}
	}
	for email, want := range map[string]domain.AdmissionReason{"ada@acme.test": domain.HasSeat, "eve@acme.test": domain.NoSeatLeft} {
		if got, err := w.commands.Evaluate(t.Context(), c.ID, email); err != nil || got.Reason != want || got.SeatsTaken != 1 {
			t.Errorf("%s: %+v, %v", email, got, err)
		}
	}
	w.must(w.commands.RemoveUser(t.Context(), application, d, both.ID)) // who has no seat frees none
	w.must(w.commands.RemoveUser(t.Context(), application, d, ada.ID))
	if got, err := w.commands.Evaluate(t.Context(), c.ID, "eve@acme.test"); err != nil || got.SeatsTaken != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
