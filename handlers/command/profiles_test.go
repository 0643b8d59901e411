package command_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

var application = command.Caller{Actor: "apikey:k", Source: domain.SourceAPI, Request: "r2"}

func (w *world) profile(text string) domain.Profile {
	w.Helper()
	object, err := domain.ReadObject([]byte(text), 8)
	w.must(err)
	p, err := domain.ReadProfile(object)
	w.must(err)
	return p
}

func (w *world) made(o projections.Organization, text string) projections.User {
	w.Helper()
	u, err := w.commands.MakeUser(w.Context(), application, o, w.profile(text))
	w.must(err)
	return u
}

func (w *world) apiDirectory(o projections.Organization) projections.Directory {
	w.Helper()
	d, err := w.read.APIDirectoryOf(w.Context(), o.ID)
	w.must(err)
	return d
}

// The first user begins the API directory, each change is an event like any other, and both names of a user are claims.
func TestUsersOfAnApplication(t *testing.T) {
	w := newWorld(t)
	o := w.organization("Globex")
	var u projections.User
	for _, s := range []struct {
		what string
		do   func()
		want []string
	}{
		{"the first", func() { u = w.made(o, `{"email":"ada@x.test","given_name":"Ada"}`) },
			[]string{"name 1 name.claimed", "directory 1 directory.activated", "name 1 name.claimed", "name 1 name.claimed", "user 1 user.provisioned"}},
		{"another", func() { w.made(o, `{"userName":"bob"}`) }, []string{"name 1 name.claimed", "user 1 user.provisioned"}},
		{"edit", func() { w.editUser(o, u.ID, `{"nickname":"A","active":false}`) }, []string{"user 2 user.deactivated"}},
		{"nothing new", func() { w.editUser(o, u.ID, `{"nickname":"A","email":"ada@x.test"}`) }, nil},
		{"another address", func() { w.editUser(o, u.ID, `{"email":"king@x.test"}`) }, []string{"name 1 name.claimed", "user 3 user.updated", "name 2 name.released"}},
		{"no address", func() { w.editUser(o, u.ID, `{"email":""}`) }, []string{"user 4 user.updated", "name 2 name.released"}},
		{"an address that was its own", func() { w.editUser(o, u.ID, `{"email":"ADA@x.test"}`) }, []string{"name 3 name.claimed", "user 5 user.updated"}},
		{"delete", func() { w.must(w.commands.RemoveUser(t.Context(), application, w.apiDirectory(o), u.ID)) },
			[]string{"user 6 user.deleted", "name 2 name.released", "name 4 name.released"}},
		{"the names are free", func() { w.made(o, `{"email":"ada@x.test"}`) }, []string{"name 3 name.claimed", "name 5 name.claimed", "user 1 user.provisioned"}},
	} {
		before := w.head()
		if s.do(); !slices.Equal(w.since(before), s.want) {
			t.Errorf("%s: %q, want %q", s.what, w.since(before), s.want)
		}
	}
	if _, err := w.read.DirectoryOf(t.Context(), o.ID); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("it is shown as directory sync: %v", err)
	}
	d := w.apiDirectory(o)
	for r := range all(w, w.log.Read(t.Context(), projections.KindUser.Stream(u.ID), 0)) {
		meta, err := domain.DecodeMeta(r.Meta)
		w.must(err)
		if meta.Provider != domain.API || meta.Source != domain.SourceAPI || meta.Actor != "apikey:k" || meta.Directory != d.ID || meta.Organization != "globex" {
			t.Errorf("version %d: %+v", r.Version, meta)
		}
	}
	if d.Token != (domain.Token{}) || d.Provider != domain.API {
		t.Errorf("the directory is %+v", d)
	}
}

func (w *world) editUser(o projections.Organization, id, text string) {
	w.Helper()
	_, err := w.commands.EditUser(w.Context(), application, w.apiDirectory(o), id, w.profile(text))
	w.must(err)
}

// A refusal writes nothing, not even the directory.
func TestRefusedUserMakesNoDirectory(t *testing.T) {
	w := newWorld(t)
	o := w.organization("Globex")
	before := w.head()
	for text, want := range map[string]string{`{"given_name":"Ada"}`: "invalid invalidValue", `{"userName":"ada","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"` + strings.Repeat("a", 2<<20) + `"}}`: "too_large tooMany"} {
		_, err := w.commands.MakeUser(t.Context(), application, o, w.profile(text))
		w.refused(err, want)
	}
	if got := w.since(before); got != nil {
		t.Errorf("refusals made %q", got)
	}
	if _, err := w.read.APIDirectoryOf(t.Context(), o.ID); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("the directory: %v", err)
	}
}

// One directory, and one user of a name or an address, whoever many ask at once; another organization, and directory sync, have names of their own.
func TestOneOfManyIsMade(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		o := w.organization("Globex")
		var made atomic.Int64
		together(40, func(i int) {
			_, err := w.commands.MakeUser(t.Context(), application, o, w.profile(pick(i, `{"email":"ada@x.test"}`, `{"userName":"u","email":"ADA@x.test"}`, `{"userName":"ada@X.test"}`, `{"userName":"ada@x.test","email":"b@x.test"}`)))
			if err == nil {
				made.Add(1)
				return
			}
			w.refused(err, "conflict uniqueness")
		})
		page, err := w.read.Users(t.Context(), w.apiDirectory(o).ID, projections.Query{Start: 1, Count: 10})
		w.must(err)
		if int64(page.Total) != made.Load() || made.Load() < 1 || made.Load() > 2 { // u may go with what has no address, or with another one
			t.Errorf("%d were made, there are %d", made.Load(), page.Total)
		}
		seen := map[string]bool{}
		for _, u := range page.Items {
			for _, n := range []string{"n" + strings.ToLower(u.Attributes().Text("userName")), "e" + strings.ToLower(u.Attributes().PrimaryEmail())} {
				if seen[n] && n != "e" {
					t.Errorf("%s stands twice", n)
				}
				seen[n] = true
			}
		}
		w.made(w.organization("Initech"), `{"email":"ada@x.test"}`)
		acme, err := w.read.Organization(t.Context(), "acme")
		w.must(err)
		w.user("ada@x.test")
		w.made(acme, `{"email":"ada@x.test"}`)
	})
}

// Of two first users that are made at once, by two processes perhaps, both are, in one directory.
func TestTwoFirstUsers(t *testing.T) {
	w := newWorld(t)
	o := w.organization("Globex")
	w.log.before = func(batch []eventstore.Write) error {
		if batch[1].Entries[0].Type == "directory.activated" {
			w.log.before = nil
			_, err := w.service().MakeUser(t.Context(), application, o, w.profile(`{"email":"bob@x.test"}`))
			w.must(err)
		}
		return nil
	}
	w.made(o, `{"email":"ada@x.test"}`)
	if page, err := w.read.Users(t.Context(), w.apiDirectory(o).ID, projections.Query{Start: 1, Count: 1}); err != nil || page.Total != 2 {
		t.Errorf("there are %d, %v", page.Total, err)
	}
}

// An identity provider may give two users one address; their userNames tell them apart.
func TestProvidersMayShareAddresses(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"ada", "bob"} {
		_, err := w.commands.CreateUser(t.Context(), caller, w.d, domain.Attributes{"userName": name, "emails": []any{map[string]any{"value": "team@x.test"}}})
		w.must(err)
	}
}

// What directory sync holds is not the application's to change, and what the application makes no second directory sync.
func TestDirectorySyncIsNotEdited(t *testing.T) {
	w := newWorld(t)
	u := w.user("ada")
	before := w.head()
	_, err := w.commands.EditUser(t.Context(), application, w.d, u.ID, w.profile(`{"nickname":"A"}`))
	w.refused(err, "conflict")
	w.refused(w.commands.RemoveUser(t.Context(), application, w.d, u.ID), "conflict")
	if got := w.since(before); got != nil {
		t.Errorf("it made %q", got)
	}
	acme, err := w.read.Organization(t.Context(), "acme")
	w.must(err)
	made := w.made(acme, `{"email":"eve@x.test"}`)
	d := w.apiDirectory(acme)
	if got, err := w.read.DirectoryOf(t.Context(), acme.ID); err != nil || got.ID != w.d.ID {
		t.Errorf("directory sync is %+v, %v", got, err)
	}
	if got, err := w.read.DirectoriesOf(t.Context(), acme.ID); err != nil || len(got) != 2 || got[0].ID != w.d.ID || got[1].ID != d.ID {
		t.Errorf("the directories are %+v, %v", got, err)
	}
	_, err = w.commands.EditUser(t.Context(), application, d, u.ID, w.profile(`{"nickname":"A"}`))
	w.refused(err, "not_found")
	other := w.organization("Other")
	w.made(other, `{"email":"eve@x.test"}`)
	_, err = w.commands.EditUser(t.Context(), application, w.apiDirectory(other), made.ID, w.profile(`{"nickname":"A"}`))
	w.refused(err, "not_found")
	w.refused(w.commands.RemoveUser(t.Context(), application, w.apiDirectory(other), made.ID), "not_found")
	w.must(w.commands.DeleteDirectory(t.Context(), caller, w.d))
	if _, err := w.read.User(t.Context(), d.ID, made.ID); err != nil {
		t.Errorf("the end of directory sync took the application's user: %v", err)
	}
}

// With the organization its API directory ends, and none begins while it does.
func TestAPIDirectoryEndsWithItsOrganization(t *testing.T) {
	w := newWorld(t)
	o := w.organization("Globex")
	u := w.made(o, `{"email":"ada@x.test"}`)
	d := w.apiDirectory(o)
	before := w.head()
	w.must(w.commands.DeleteOrganization(t.Context(), caller, o.ID))
	// the end of it, the look at directory sync and at connections, and the organization
	want := []string{"directory 2 directory.deleted", "name 2 name.released", "name 1 name.claimed", "name 2 name.released", "name 1 name.claimed", "name 2 name.released", "organization 2 organization.deleted", "name 2 name.released"}
	if got := w.since(before); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := w.read.User(t.Context(), d.ID, u.ID); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("its user: %v", err)
	}
	if there, err := w.read.DirectoriesOf(t.Context(), o.ID); err != nil || len(there) != 0 {
		t.Errorf("its directories: %+v, %v", there, err)
	}
	_, err := w.commands.MakeUser(t.Context(), application, o, w.profile(`{"email":"ada@x.test"}`))
	w.refused(err, "not_found")

	late := w.organization("Late")
	w.log.before = func(batch []eventstore.Write) error {
		if len(batch) > 1 && batch[1].Entries[0].Type == "directory.activated" {
			w.log.before = nil
			w.must(w.commands.DeleteOrganization(t.Context(), caller, late.ID))
		}
		return nil
	}
	_, err = w.commands.MakeUser(t.Context(), application, late, w.profile(`{"email":"ada@x.test"}`))
	w.refused(err, "not_found")
}

// Whose names are both taken over in the moment in which they are given up has gone all the same.
func TestReleasesThatComeTooLate(t *testing.T) {
	w, log, all := sharedWorld(t, 2)
	o := w.organization("Globex")
	u := w.made(o, `{"email":"ada@x.test"}`)
	log.between = func(written eventstore.Write) error {
		if kind, _ := projections.SplitStream(written.Stream); kind != projections.KindUser {
			return nil
		}
		log.between = nil
		_, err := all[1].commands.MakeUser(t.Context(), application, o, w.profile(`{"email":"ada@x.test"}`))
		return err
	}
	if err := all[0].commands.RemoveUser(t.Context(), application, w.apiDirectory(o), u.ID); err != nil || log.between != nil {
		t.Errorf("a deletion that was made is answered %v", err)
	}
	w.made(o, `{"userName":"bob","email":"bob@x.test"}`)
	log.between = func(written eventstore.Write) error {
		if kind, _ := projections.SplitStream(written.Stream); kind != projections.KindUser {
			return nil
		}
		log.between = nil
		_, err := all[1].commands.MakeUser(t.Context(), application, o, w.profile(`{"email":"bob@x.test"}`))
		return err
	}
	got, err := all[0].commands.Import(t.Context(), application, o, w.profiles(`{"userName":"bob","email":"builder@x.test"}`))
	if err != nil || !slices.Equal(described(got), []string{"updated"}) || log.between != nil {
		t.Errorf("an import that was made is answered %q, %v", described(got), err)
	}
}

// A release in the middle that comes too late is another matter: what follows it is not written yet.
func TestOrganizationWhoseDirectoryBeginsAgain(t *testing.T) {
	w, log, all := sharedWorld(t, 2)
	o := w.organization("Globex")
	_, _, err := all[0].commands.ActivateDirectory(t.Context(), caller, o, domain.Okta, domain.Dialect{})
	w.must(err)
	log.between = func(written eventstore.Write) error {
		if kind, _ := projections.SplitStream(written.Stream); kind != projections.KindDirectory {
			return nil
		}
		log.between = nil
		_, _, err := all[1].commands.ActivateDirectory(t.Context(), caller, o, domain.Okta, domain.Dialect{})
		return err
	}
	w.must(all[0].commands.DeleteOrganization(t.Context(), caller, o.ID))
	if _, err := all[1].read.Organization(t.Context(), o.ID); !errors.Is(err, projections.ErrNotFound) || log.between != nil {
		t.Errorf("the organization: %v", err)
	}
}
