package domain

import (
	"strings"
	"testing"
	"time"
)

var (
	connected = ConnectionCreated{OrganizationID: "org", ServiceProvider: "rollcall_1", Onboarding: Onboarding{ID: "o", Email: "it@acme.test"}, Redirection: &Redirection{"r1", "app", "https://app.example"}}
	okta1     = []EntityDescriptor{{EntityID: "okta-1", SigningCertificates: []Certificate{{Fingerprint: "f", NotBefore: noon, NotAfter: noon.AddDate(1, 0, 0), DER: []byte{1}}}, SingleSignOn: []SAMLEndpoint{{Binding: "b", Location: "https://okta.example"}}}}
	okta2     = []EntityDescriptor{{EntityID: "okta-2", SigningCertificates: okta1[0].SigningCertificates, SingleSignOn: okta1[0].SingleSignOn}}
)

func after(events ...Event) []Event { return append([]Event{connected}, events...) }

// Proves SSO §create.send_email, §update, §update.default_redirection_id, §update.seats_limit.
func TestConnection(t *testing.T) {
	create := func(change func(*ConnectionCreated)) func(*Connection) ([]Event, error) {
		return func(*Connection) ([]Event, error) {
			wanted := connected
			change(&wanted)
			return one(CreateConnection(wanted))
		}
	}
	change := func(active *bool, e ConnectionEdit) func(*Connection) ([]Event, error) {
		return func(c *Connection) ([]Event, error) { return one(c.Change(active, e)) }
	}
	invited := connected
	invited.Invitation = &Invitation{ID: "i", Email: "it@acme.test", ExpiresAt: noon.AddDate(0, 0, 7)}
	bare := connected
	bare.Onboarding.Email, bare.Redirection = "", nil
	second := ConnectionRedirectionAdded{Redirection{"r2", "app", "https://app.example/2"}}
	xml := ConnectionUpdated{ConnectionEdit{Metadata: okta1}}
	decide(t, []decision[Connection]{
		{"create", nil, create(func(*ConnectionCreated) {}), []Event{connected}, ""},
		{"create with an invitation", nil, create(func(e *ConnectionCreated) { e.Invitation = &Invitation{ID: "i", ExpiresAt: noon.AddDate(0, 0, 7)} }), []Event{invited}, ""},
		{"create without an administrator and a redirection", nil, create(func(e *ConnectionCreated) { *e = bare }), []Event{bare}, ""},
		{"create with an invitation to nobody", nil, create(func(e *ConnectionCreated) { *e = bare; e.Invitation = &Invitation{ID: "i"} }), nil, "invalid invalidValue"},
		{"create with an address that is none", nil, create(func(e *ConnectionCreated) { e.Onboarding.Email = "it" }), nil, "invalid invalidValue"},

		{"change nothing", after(), change(nil, ConnectionEdit{}), nil, ""},
		{"change to the same", after(), change(new(true), ConnectionEdit{Policy: PolicyNone, SeatsLimit: new(0), UpdateUsers: new(true), DefaultRedirection: "r1"}), nil, ""},
		{"disable", after(), change(new(false), ConnectionEdit{}), []Event{ConnectionDisabled{}}, ""},
		{"disable what is disabled", after(ConnectionDisabled{}), change(new(false), ConnectionEdit{}), nil, ""},
		{"activate", after(ConnectionDisabled{}), change(new(true), ConnectionEdit{}), []Event{ConnectionActivated{}}, ""},
		{"all at once", after(second), change(new(false), ConnectionEdit{Okta, okta1, PolicyRegistered, new(12), new(false), "r1"}), []Event{ConnectionDisabled{ConnectionEdit{Okta, okta1, PolicyRegistered, new(12), new(false), "r1"}}}, ""},
		{"only what is new", after(xml, ConnectionUpdated{ConnectionEdit{Provider: Okta}}), change(nil, ConnectionEdit{Provider: Okta, Metadata: okta1, SeatsLimit: new(3)}), []Event{ConnectionUpdated{ConnectionEdit{SeatsLimit: new(3)}}}, ""},
		{"other metadata", after(xml), change(nil, ConnectionEdit{Metadata: okta2}), []Event{ConnectionUpdated{ConnectionEdit{Metadata: okta2}}}, ""},
		{"the same metadata for an onboarding that began anew", after(xml, ConnectionOnboardingReset{}), change(nil, ConnectionEdit{Metadata: okta1}), []Event{ConnectionUpdated{ConnectionEdit{Metadata: okta1}}}, ""},
		{"no limit again", after(ConnectionUpdated{ConnectionEdit{SeatsLimit: new(3)}}), change(nil, ConnectionEdit{SeatsLimit: new(0)}), []Event{ConnectionUpdated{ConnectionEdit{SeatsLimit: new(0)}}}, ""},
		{"fewer seats than none", after(), change(nil, ConnectionEdit{SeatsLimit: new(-1)}), nil, "invalid invalidValue"},
		{"too many seats", after(), change(nil, ConnectionEdit{SeatsLimit: new(MaxSeats + 1)}), nil, "invalid invalidValue"},
		{"an earlier redirection", after(second), change(nil, ConnectionEdit{DefaultRedirection: "r1"}), []Event{ConnectionUpdated{ConnectionEdit{DefaultRedirection: "r1"}}}, ""},
		{"a redirection that is none", after(second), change(nil, ConnectionEdit{DefaultRedirection: "r3"}), nil, "invalid invalidValue"},
		{"change what is deleted", after(ConnectionDeleted{}), change(new(false), ConnectionEdit{}), nil, "not_found"},
		{"change what never was", nil, change(nil, ConnectionEdit{}), nil, "not_found"},
	})
}

// Proves SSO §state, §onboarding.state, §reset-onboarding.
func TestConnectionState(t *testing.T) {
	to := Invitation{ID: "i", Email: "it@acme.test", ByHand: true}
	invited, sent := ConnectionAdminInvited{to}, ConnectionInvitationSent{InvitationSent{"i", noon}}
	at := connected
	at.Invitation = &to
	chosen, xml := ConnectionUpdated{ConnectionEdit{Provider: Okta}}, ConnectionUpdated{ConnectionEdit{Metadata: okta1}}
	for _, c := range []struct {
		name       string
		given      []Event
		connection ConnectionState
		onboarding OnboardingState
	}{
		{"new", after(), ConnectionInvitationPending, OnboardingNotInitialized},
		{"invited, but nothing went yet", after(ConnectionAdminInvited{Invitation{ID: "i", Email: "it@acme.test"}}), ConnectionInvitationPending, OnboardingNotInitialized},
		{"invited, and no mail goes", after(invited), ConnectionInvited, OnboardingNotInitialized},
		{"so invited at once", []Event{at}, ConnectionInvited, OnboardingNotInitialized},
		{"invited again by mail, which has not gone yet", after(invited, sent, ConnectionAdminInvited{Invitation{ID: "j", Email: "it@acme.test"}}), ConnectionInvited, OnboardingNotInitialized},
		{"invited by hand, and again by mail, which has not gone yet", after(invited, ConnectionAdminInvited{Invitation{ID: "j", Email: "it@acme.test"}}), ConnectionInvited, OnboardingNotInitialized},
		{"another one by mail after one by hand", after(invited, ConnectionOnboardingUpdated{Email: "new@acme.test"}, ConnectionAdminInvited{Invitation{ID: "j", Email: "new@acme.test"}}), ConnectionInvitationPending, OnboardingNotInitialized},
		{"the mail went", after(invited, sent), ConnectionInvited, OnboardingNotInitialized},
		{"the link was used", after(invited, ConnectionInvitationAccepted{InvitationAccepted{"i"}}), ConnectionInvited, OnboardingNotInitialized},
		{"another administrator", after(invited, ConnectionOnboardingUpdated{Email: "new@acme.test"}), ConnectionInvitationPending, OnboardingNotInitialized},
		{"another onboarding", after(invited, chosen, ConnectionOnboardingStarted{Onboarding: Onboarding{"p", "new@acme.test"}}), ConnectionInvitationPending, OnboardingNotInitialized},
		{"another onboarding with a provider", after(ConnectionOnboardingStarted{Onboarding{"p", "new@acme.test"}, ADFS}), ConnectionConfiguring, OnboardingProviderChosen},
		{"a provider is chosen", after(invited, chosen), ConnectionConfiguring, OnboardingProviderChosen},
		{"chosen in the onboarding", after(ConnectionOnboardingUpdated{Provider: AzureAD}), ConnectionConfiguring, OnboardingProviderChosen},
		{"metadata", after(xml), ConnectionReady, OnboardingXMLProvided},
		{"disabled", after(chosen, xml, ConnectionDisabled{}), ConnectionClosed, OnboardingXMLProvided},
		{"disabled and given metadata at once", after(ConnectionDisabled{ConnectionEdit{Metadata: okta1}}, ConnectionActivated{}), ConnectionReady, OnboardingXMLProvided},
		{"reset, and with it the invitation", after(invited, sent, chosen, ConnectionOnboardingReset{}), ConnectionInvitationPending, OnboardingNotInitialized},
		{"reset with metadata, which stay in force", after(chosen, xml, ConnectionOnboardingReset{}), ConnectionReady, OnboardingNotInitialized},
	} {
		var s Connection
		for _, e := range c.given {
			s.Apply(e)
		}
		if s.State() != c.connection || s.OnboardingState() != c.onboarding {
			t.Errorf("%s: %s and %s, want %s and %s", c.name, s.State(), s.OnboardingState(), c.connection, c.onboarding)
		}
		if s.Onboarding.Email == "" {
			t.Errorf("%s: the address is gone", c.name)
		}
	}
}

func TestConnectionSnapshot(t *testing.T) {
	var c Connection
	if c.Snapshot("c") != nil {
		t.Error("a connection before its creation")
	}
	c.Apply(connected)
	want := `{"active":true,"default_redirection":{"app_id":"app","id":"r1","uri":"https://app.example"},"id":"c","onboarding":{"id":"o","sso_admin_email":"it@acme.test","state":"not_initialized"},` +
		`"organization_id":"org","seats_limit":0,"sp_id":"rollcall_1","state":"it_admin_invitation_in_pending","update_user_new_connection":true,"user_security_type":"none"}`
	if got := text(c.Snapshot("c")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	before := c.Snapshot("c")
	c.Apply(ConnectionUpdated{ConnectionEdit{Provider: Okta, Metadata: okta1, SeatsLimit: new(12)}})
	c.Apply(ConnectionInvitationSent{InvitationSent{"i", noon.Add(5 * time.Millisecond)}})
	var changed []string
	for _, d := range Diff(before, c.Snapshot("c")) {
		changed = append(changed, d.Name())
	}
	if got, want := strings.Join(changed, " "), "metadata onboarding.invitation_sent_at onboarding.state provider_type seats_limit state"; got != want {
		t.Errorf("changed %s, want %s", got, want)
	}
	if got := text(c.Snapshot("c")["metadata"]); !strings.Contains(got, `"entity_id":"okta-1"`) || !strings.Contains(got, `"not_before":"2026-11-23T12:00:00Z","x509":"AQ=="`) {
		t.Errorf("metadata %s", got)
	}
	if c.Apply(ConnectionDeleted{}); c.Snapshot("c") != nil || c.Exists() {
		t.Error("a connection after its deletion")
	}
}

// Proves SSO §providers.
func TestParseConnectionProvider(t *testing.T) {
	for in, want := range map[string]Provider{"entra": AzureAD, "onelogin": OneLoginBySAML, "one_login": OneLoginBySAML, "adfs": ADFS, "auth0": Auth0, "custom_saml": CustomSAML, "google": Google, "okta": Okta, "ping_one": PingOne, "ping_federate": PingFederate, "azure_ad": AzureAD} {
		if got, err := ParseConnectionProvider(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "unset", "Okta", "custom_scim", "jumpcloud", "rippling", " okta"} {
		if _, err := ParseConnectionProvider(in); refusal(err) != "invalid invalidValue" {
			t.Errorf("%q: %v", in, err)
		}
	}
}
