package domain

import (
	"strings"
	"testing"
	"time"
)

// Proves SSO §admin-onboarding.create, §admin-onboarding.update, §invite-admin, §invite-admin.nobody, §reset-onboarding.
func TestOnboarding(t *testing.T) {
	when := func(f func(*Connection) (Event, error)) func(*Connection) ([]Event, error) {
		return func(c *Connection) ([]Event, error) { return one(f(c)) }
	}
	start := func(email string, p Provider) func(*Connection) ([]Event, error) {
		return when(func(c *Connection) (Event, error) { return c.StartOnboarding("p", email, p) })
	}
	update := func(email string, p Provider) func(*Connection) ([]Event, error) {
		return when(func(c *Connection) (Event, error) { return c.UpdateOnboarding(email, p) })
	}
	invite := when(func(c *Connection) (Event, error) {
		return c.InviteAdmin(Invitation{ID: "i", ExpiresAt: noon.AddDate(0, 0, 7)})
	})
	sent := func(id string) func(*Connection) ([]Event, error) {
		return when(func(c *Connection) (Event, error) { return c.InvitationSent(id, noon.Add(999*time.Microsecond)), nil })
	}
	reset := when((*Connection).ResetOnboarding)
	remove := func(email string) func(*Connection) ([]Event, error) {
		return when(func(c *Connection) (Event, error) { return c.RemoveAdmin(email), nil })
	}
	removed := ConnectionAdminRemoved{}
	bare := connected
	bare.Onboarding.Email = ""
	chosen, gone := ConnectionOnboardingUpdated{Provider: Okta}, after(ConnectionDeleted{})
	to := Invitation{ID: "i", Email: "it@acme.test", ExpiresAt: noon.AddDate(0, 0, 7)}
	invited := ConnectionAdminInvited{to}
	at := connected
	at.Invitation = &to
	decide(t, []decision[Connection]{
		{"start", after(), start("new@acme.test", Okta), []Event{ConnectionOnboardingStarted{Onboarding{"p", "new@acme.test"}, Okta}}, ""},
		{"start without an address", after(), start("", Okta), nil, "invalid invalidValue"},
		{"start for what is deleted", gone, start("new@acme.test", ""), nil, "not_found"},
		{"another address", after(), update("new@acme.test", ""), []Event{ConnectionOnboardingUpdated{Email: "new@acme.test"}}, ""},
		{"another provider", after(chosen), update("", AzureAD), []Event{ConnectionOnboardingUpdated{Provider: AzureAD}}, ""},
		{"only what is new", after(chosen), update("new@acme.test", Okta), []Event{ConnectionOnboardingUpdated{Email: "new@acme.test"}}, ""},
		{"the same", after(chosen), update("it@acme.test", Okta), nil, ""},
		{"an address that is none", after(), update("it@", ""), nil, "invalid invalidValue"},
		{"update what is deleted", gone, update("new@acme.test", ""), nil, "not_found"},
		{"reset", after(chosen), reset, []Event{ConnectionOnboardingReset{}}, ""},
		{"reset after the metadata", after(ConnectionUpdated{ConnectionEdit{Metadata: okta1}}), reset, []Event{ConnectionOnboardingReset{}}, ""},
		{"reset what has not begun", after(), reset, nil, ""},
		{"reset when nothing has begun but an invitation", after(invited), reset, []Event{ConnectionOnboardingReset{}}, ""},
		{"reset what is deleted", gone, reset, nil, "not_found"},
		{"invite", after(), invite, []Event{invited}, ""},
		{"invite again", after(ConnectionAdminInvited{Invitation{ID: "h", Email: "it@acme.test"}}), invite, []Event{invited}, ""},
		{"invite nobody", []Event{bare}, invite, nil, "invalid invalidValue"},
		{"invite of what is deleted", gone, invite, nil, "not_found"},
		{"it went", after(invited), sent("i"), []Event{ConnectionInvitationSent{InvitationSent{"i", noon}}}, ""},
		{"the first one went", []Event{at}, sent("i"), []Event{ConnectionInvitationSent{InvitationSent{"i", noon}}}, ""},
		{"it went, and was told", after(invited, ConnectionInvitationSent{InvitationSent{"i", noon}}), sent("i"), nil, ""},
		{"after a reset", after(invited, ConnectionOnboardingReset{}), sent("i"), nil, ""},
		{"one before it went", after(invited), sent("h"), nil, ""},
		{"none was asked for", after(), sent(""), nil, ""},
		{"to one who is not in charge any more", after(invited, ConnectionOnboardingUpdated{Email: "new@acme.test"}), sent("i"), nil, ""},
		{"into an onboarding that was replaced", after(invited, ConnectionOnboardingStarted{Onboarding: Onboarding{"p", "it@acme.test"}}), sent("i"), nil, ""},
		{"for what is deleted", after(invited, ConnectionDeleted{}), sent("i"), nil, ""},
		{"to one who was removed", after(invited, removed), sent("i"), nil, ""},
		{"remove the administrator", after(invited), remove("IT@acme.test"), []Event{removed}, ""},
		{"remove another one", after(invited), remove("ada@acme.test"), nil, ""},
		{"remove one who is removed", after(invited, removed), remove("it@acme.test"), nil, ""},
		{"remove from what is deleted", gone, remove("it@acme.test"), nil, ""},
		{"invite one who was removed", after(invited, removed), invite, nil, "invalid invalidValue"},
		{"name one again who was removed", after(invited, removed), update("it@acme.test", ""), []Event{ConnectionOnboardingUpdated{Email: "it@acme.test"}}, ""},
	})
}

// Proves SSO §onboarding.sso_admin_email, §admin-onboarding.sso_admin_email.
func TestCheckEmail(t *testing.T) {
	for _, ok := range []string{"it_sso_person@sso.client.com", "Mathew_Murazik92@yahoo.com", "a+b@localhost", "jörg@münchen.example", "o'neil@a.example", strings.Repeat("a", 64) + "@a.example"} {
		if err := CheckEmail("email", ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for _, bad := range []string{
		"", "it", "@", "it@", "@acme.test", "a@b@c", "it @acme.test", "it@acme.test\r\nBcc: x@y.z", "It <it@acme.test>", "it@acme.test,x@y.z", `"it"@acme.test`, "it@.test", "it@acme.", "it@acme..test",
		"it@acme.test\u200b", "it\u00a0@acme.test", "it@ac\u2028me.test", "it@\xff", strings.Repeat("a", 65) + "@a.example", "it@" + strings.Repeat("a", 252),
	} {
		if err := CheckEmail("email", bad); refusal(err) != "invalid invalidValue" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
