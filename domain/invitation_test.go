package domain

import (
	"strings"
	"testing"
	"time"
)

// invitee is what a connection and a directory have in common for those who are invited to set them up.
type invitee interface {
	Apply(Event)
	AcceptInvitation(id string, now time.Time) (Event, error)
	InvitationSent(id string, at time.Time) Event
}

// The link of an invitation leads somewhere once, until it expires, is superseded, its administrator is removed, or its onboarding is reset, is another one's, or ends.
func TestInvitationLeadsOnce(t *testing.T) {
	soon, expires := noon.Add(time.Hour), noon.AddDate(0, 0, 7)
	to := func(id string) Invitation { return Invitation{ID: id, Email: "it@acme.test", ExpiresAt: expires} }
	directory := DirectoryActivated{OrganizationID: "org", Provider: Okta}
	dir := func(id string) Event { return DirectoryAdminInvited{to(id)} }
	con := func(id string) Event { return ConnectionAdminInvited{to(id)} }
	at := connected
	first := to("i")
	at.Invitation = &first
	for _, c := range []struct {
		name   string
		of     invitee
		given  []Event
		at     time.Time
		leads  bool
		admits bool // who used it before
	}{
		{"a directory's", &Directory{}, []Event{directory, dir("i")}, soon, true, false},
		{"to another one", &Directory{}, []Event{directory, dir("h"), DirectoryAdminInvited{Invitation{ID: "i", Email: "new@acme.test", ExpiresAt: expires}}}, soon, true, false},
		{"at the end", &Directory{}, []Event{directory, dir("i")}, expires.Add(-1), true, false},
		{"after the end", &Directory{}, []Event{directory, dir("i")}, expires, false, false},
		{"used", &Directory{}, []Event{directory, dir("i"), DirectoryInvitationAccepted{InvitationAccepted{"i"}}}, soon, false, true},
		{"superseded", &Directory{}, []Event{directory, dir("i"), dir("j")}, soon, false, false},
		{"used and superseded", &Directory{}, []Event{directory, dir("i"), DirectoryInvitationAccepted{InvitationAccepted{"i"}}, dir("j")}, soon, false, false},
		{"used and superseded by one that is used", &Directory{}, []Event{directory, dir("i"), dir("j"), DirectoryInvitationAccepted{InvitationAccepted{"j"}}}, soon, false, false},
		{"reset", &Directory{}, []Event{directory, dir("i"), DirectoryOnboardingReset{}}, soon, false, false},
		{"used and reset", &Directory{}, []Event{directory, dir("i"), DirectoryInvitationAccepted{InvitationAccepted{"i"}}, DirectoryOnboardingReset{}}, soon, false, false},
		{"of what is deleted", &Directory{}, []Event{directory, dir("i"), DirectoryDeleted{}}, soon, false, false},
		{"nobody's", &Directory{}, []Event{directory}, soon, false, false},
		{"a connection's", &Connection{}, after(con("i")), soon, true, false},
		{"a new connection's", &Connection{}, []Event{at}, soon, true, false},
		{"sent", &Connection{}, after(con("i"), ConnectionInvitationSent{InvitationSent{"i", noon}}), soon, true, false},
		{"from before there were links", &Connection{}, after(ConnectionAdminInvited{Invitation{ID: "i", Email: "it@acme.test"}}), soon, false, false},
		{"a connection's that is used", &Connection{}, after(con("i"), ConnectionInvitationAccepted{InvitationAccepted{"i"}}), soon, false, true},
		{"a connection's that is superseded", &Connection{}, after(con("i"), con("j")), soon, false, false},
		{"of one who is not in charge any more", &Connection{}, after(con("i"), ConnectionOnboardingUpdated{Email: "new@acme.test"}), soon, false, false},
		{"of an onboarding that was replaced", &Connection{}, after(con("i"), ConnectionOnboardingStarted{Onboarding: Onboarding{"p", "it@acme.test"}}), soon, false, false},
		{"of an onboarding that was reset", &Connection{}, after(con("i"), ConnectionOnboardingReset{}), soon, false, false},
		{"of one whose provider was chosen meanwhile", &Connection{}, after(con("i"), ConnectionOnboardingUpdated{Provider: Okta}), soon, true, false},
		{"of one who was removed", &Connection{}, after(con("i"), ConnectionAdminRemoved{}), soon, false, false},
		{"used by one who was removed", &Connection{}, after(con("i"), ConnectionInvitationAccepted{InvitationAccepted{"i"}}, ConnectionAdminRemoved{}), soon, false, false},
		{"of one who was removed and named again", &Connection{}, after(con("i"), ConnectionAdminRemoved{}, ConnectionOnboardingUpdated{Email: "it@acme.test"}), soon, false, false},
		{"a directory's of one who was removed", &Directory{}, []Event{directory, dir("i"), DirectoryAdminRemoved{}}, soon, false, false},
		{"a directory's used by one who was removed", &Directory{}, []Event{directory, dir("i"), DirectoryInvitationAccepted{InvitationAccepted{"i"}}, DirectoryAdminRemoved{}}, soon, false, false},
		{"a directory's of one who was removed and invited again", &Directory{}, []Event{directory, dir("i"), DirectoryAdminRemoved{}, dir("j")}, soon, false, false},
		{"of a connection that is deleted", &Connection{}, after(con("i"), ConnectionDeleted{}), soon, false, false},
	} {
		for _, e := range c.given {
			c.of.Apply(e)
		}
		e, err := c.of.AcceptInvitation("i", c.at)
		if leads := err == nil; leads != c.leads || !leads && (err != ErrDeadLink || e != nil) {
			t.Errorf("%s: %v, %v", c.name, e, err)
		}
		if e, err := c.of.AcceptInvitation("", c.at); err == nil {
			t.Errorf("%s: %v for no invitation at all", c.name, e)
		}
		invited := func() Invited {
			if d, is := c.of.(*Directory); is {
				return d.Onboarding.Invited
			}
			return c.of.(*Connection).Invited
		}
		if invited().Admits("i") != c.admits || invited().Admits("") {
			t.Errorf("%s: admits %v", c.name, !c.admits)
		}
		if c.leads {
			if c.of.Apply(e); !invited().Admits("i") || invited().Leads("i", c.at) {
				t.Errorf("%s: used, it leads on", c.name)
			}
		}
	}
}

func TestDirectoryOnboarding(t *testing.T) {
	open := []Event{DirectoryActivated{OrganizationID: "org", Provider: Okta, Token: Token{"t1", "h1"}}}
	with := func(events ...Event) []Event { return append(open[:1:1], events...) }
	expires := noon.AddDate(0, 0, 7)
	invited := DirectoryAdminInvited{Invitation{ID: "i", Email: "it@acme.test", ExpiresAt: expires}}
	invite := func(email string) func(*Directory) ([]Event, error) {
		return func(d *Directory) ([]Event, error) {
			return one(d.InviteAdmin(Invitation{ID: "i", ExpiresAt: expires.In(time.FixedZone("CET", 3600)).Add(999)}, email))
		}
	}
	reset := func(d *Directory) ([]Event, error) { return one(d.ResetOnboarding()) }
	went := func(d *Directory) ([]Event, error) { return one(d.InvitationSent("i", noon.Add(999)), nil) }
	remove := func(email string) func(*Directory) ([]Event, error) {
		return func(d *Directory) ([]Event, error) { return one(d.RemoveAdmin(email), nil) }
	}
	removed := DirectoryAdminRemoved{}
	gone := with(invited, DirectoryDeleted{})
	told := DirectoryInvitationSent{InvitationSent{"i", noon}}
	decide(t, []decision[Directory]{
		{"invite", open, invite("it@acme.test"), []Event{invited}, ""},
		{"invite nobody", open, invite(""), nil, "invalid invalidValue"},
		{"invite with a second header", open, invite("it@acme.test\r\nBcc: x@y.z"), nil, "invalid invalidValue"},
		{"invite the same again", with(invited), invite(""), []Event{invited}, ""},
		{"invite the same after a reset", with(invited, DirectoryOnboardingReset{}), invite(""), []Event{invited}, ""},
		{"invite to what is deleted", gone, invite("it@acme.test"), nil, "not_found"},
		{"reset", with(invited), reset, []Event{DirectoryOnboardingReset{}}, ""},
		{"reset what is reset", with(invited, DirectoryOnboardingReset{}), reset, nil, ""},
		{"reset what is deleted", gone, reset, nil, "not_found"},
		{"it went", with(invited), went, []Event{told}, ""},
		{"it went, and was told", with(invited, told), went, nil, ""},
		{"it went after a reset", with(invited, DirectoryOnboardingReset{}), went, nil, ""},
		{"it went for what is deleted", gone, went, nil, ""},
		{"it went to one who was removed", with(invited, removed), went, nil, ""},
		{"remove the administrator", with(invited), remove("IT@acme.test"), []Event{removed}, ""},
		{"remove another one", with(invited), remove("ada@acme.test"), nil, ""},
		{"remove where nobody was invited", open, remove("it@acme.test"), nil, ""},
		{"remove one who is removed", with(invited, removed), remove("it@acme.test"), nil, ""},
		{"remove from what is deleted", gone, remove("it@acme.test"), nil, ""},
		{"invite one who was removed", with(invited, removed), invite(""), nil, "invalid invalidValue"},
		{"name one again who was removed", with(invited, removed), invite("it@acme.test"), []Event{invited}, ""},
	})
	var d Directory
	for _, e := range with(invited, told, DirectoryAdminInvited{Invitation{ID: "j", Email: "it@acme.test", ExpiresAt: expires}}) {
		d.Apply(e)
	}
	if d.Onboarding.Invited.SentAt != noon {
		t.Errorf("to one who has a mail already: %+v", d.Onboarding)
	}
	if d.Apply(DirectoryAdminInvited{Invitation{ID: "k", Email: "new@acme.test", ExpiresAt: expires}}); !d.Onboarding.Invited.SentAt.IsZero() || d.Onboarding.Email != "new@acme.test" {
		t.Errorf("to another one: %+v", d.Onboarding)
	}
}

func TestMail(t *testing.T) {
	failed := func(why string, retry time.Time) func(*Mail) ([]Event, error) {
		return func(m *Mail) ([]Event, error) { return one(m.Failed(noon.Add(999), why, retry), nil) }
	}
	went := func(m *Mail) ([]Event, error) { return one(m.Went(noon.Add(999)), nil) }
	later := noon.Add(time.Minute)
	up := MailGivenUp{noon, "no"}
	decide(t, []decision[Mail]{
		{"it went", nil, went, []Event{MailSent{noon}}, ""},
		{"it went twice", []Event{MailSent{noon}}, went, nil, ""},
		{"it went after all", []Event{up}, went, []Event{MailSent{noon}}, ""},
		{"it failed", nil, failed("no", later), []Event{MailAttempted{noon, "no", later}}, ""},
		{"it failed for good", []Event{MailAttempted{noon, "no", later}}, failed("no", time.Time{}), []Event{up}, ""},
		{"it failed when it had gone", []Event{MailSent{noon}}, failed("no", later), nil, ""},
		{"it failed when it was given up", []Event{up}, failed("no", time.Time{}), nil, ""},
		{"an error of several lines", nil, failed("550-a\r\n550  b\x00\x1b[31mc\u200b\xff", later), []Event{MailAttempted{noon, "550-a 550 b [31mc \uFFFD", later}}, ""},
		{"an error that is long", nil, failed(strings.Repeat("é", 300), later), []Event{MailAttempted{noon, strings.Repeat("é", 256), later}}, ""},
		{"an error whose cut would split a letter", nil, failed("a"+strings.Repeat("é", 300), later), []Event{MailAttempted{noon, "a" + strings.Repeat("é", 255), later}}, ""},
	})
	for _, e := range []Event{MailSent{noon}, up} {
		var m Mail
		if m.Apply(MailAttempted{noon, "no", later}); !m.Waits() {
			t.Error("an attempt ends the waiting")
		}
		if m.Apply(e); m.Waits() {
			t.Errorf("%T does not end the waiting", e)
		}
	}
}

// Proves Directory Sync §administrator.
func TestAdministrators(t *testing.T) {
	acme := OrganizationCreated{Name: "Acme", Domain: "acme"}
	it := OrganizationAdministratorAdded{Administrator{"a", "IT@acme.test"}}
	add := func(id, email string) func(*Organization) ([]Event, error) {
		return func(o *Organization) ([]Event, error) { return one(o.AddAdministrator(Administrator{id, email})) }
	}
	remove := func(id string) func(*Organization) ([]Event, error) {
		return func(o *Organization) ([]Event, error) { return one(o.RemoveAdministrator(id)) }
	}
	many := []Event{acme}
	for range MaxAdministrators {
		many = append(many, it)
	}
	removed := OrganizationAdministratorRemoved{"a"}
	decide(t, []decision[Organization]{
		{"add", []Event{acme}, add("a", "IT@acme.test"), []Event{it}, ""},
		{"add the same address", []Event{acme, it}, add("b", "it@ACME.test"), nil, "conflict uniqueness"},
		{"add it again once it is free", []Event{acme, it, removed}, add("b", "it@acme.test"), []Event{OrganizationAdministratorAdded{Administrator{"b", "it@acme.test"}}}, ""},
		{"add no address", []Event{acme}, add("a", ""), nil, "invalid invalidValue"},
		{"add one too many", many, add("b", "b@acme.test"), nil, "conflict"},
		{"add to what is deleted", []Event{acme, OrganizationDeleted{}}, add("a", "it@acme.test"), nil, "not_found"},
		{"remove", []Event{acme, it}, remove("a"), []Event{removed}, ""},
		{"remove what is removed", []Event{acme, it, removed}, remove("a"), nil, "not_found"},
		{"remove from what is deleted", []Event{acme, it, OrganizationDeleted{}}, remove("a"), nil, "not_found"},
	})
}

// Another invitation is refused until the oldest of so many is an hour old.
func TestCheckInvitations(t *testing.T) {
	for _, c := range []struct {
		name  string
		began time.Time
		wait  time.Duration
	}{
		{"fewer", time.Time{}, 0},
		{"an hour old", noon.Add(-InvitationsWithin), 0},
		{"almost an hour old", noon.Add(time.Millisecond - InvitationsWithin), time.Millisecond},
		{"new", noon, InvitationsWithin},
	} {
		err := CheckInvitations(c.began, noon)
		if refused := err != nil; refused != (c.wait > 0) || refused && (Shown(err).Code != RateLimited || Shown(err).After != c.wait) {
			t.Errorf("%s: %v, to be sent again in %s", c.name, err, Shown(err).After)
		}
	}
}
