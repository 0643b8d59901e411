package domain

import (
	"testing"
	"time"
)

func TestDirectory(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 123456789, time.FixedZone("CET", 3600))
	open := []Event{DirectoryActivated{OrganizationID: "org", Provider: Okta, Token: Token{"t1", "h1"}}}
	closed := append(open[:1:1], DirectoryDeactivated{})
	gone := append(open[:1:1], DirectoryDeleted{})
	set := func(active bool) func(*Directory) ([]Event, error) {
		return func(d *Directory) ([]Event, error) { return one(d.SetActive(active), nil) }
	}
	reset := func(overlap time.Duration) func(*Directory) ([]Event, error) {
		return func(d *Directory) ([]Event, error) { return one(d.ResetToken(Token{"t2", "h2"}, now, overlap)) }
	}
	update := func(provider Provider, dialect *Dialect) func(*Directory) ([]Event, error) {
		return func(d *Directory) ([]Event, error) { return one(d.Update(provider, Token{"t2", "h2"}, dialect)) }
	}
	strictly, leniently := &Dialect{Strict: true}, &Dialect{}
	held := []Event{DirectoryActivated{OrganizationID: "org", Provider: Okta, Token: Token{"t1", "h1"}, Strict: true}}
	until := time.Date(2026, 11, 24, 9, 0, 0, 123000000, time.UTC)
	decide(t, []decision[Directory]{
		{"close", open, set(false), []Event{DirectoryDeactivated{}}, ""},
		{"close what is closed", closed, set(false), nil, ""},
		{"open again", closed, set(true), []Event{DirectoryReactivated{}}, ""},
		{"open what is open", open, set(true), nil, ""},
		{"open what was never activated", nil, set(true), nil, ""},
		{"close what is deleted", gone, set(false), nil, ""},
		{"new token at once", open, reset(0), []Event{DirectoryTokenReset{Token: Token{"t2", "h2"}}}, ""},
		{"new token with overlap", open, reset(24 * time.Hour), []Event{DirectoryTokenReset{Token{"t2", "h2"}, until}}, ""},
		{"overlap of the past", open, reset(-1), nil, "invalid invalidValue"},
		{"longest overlap", open, reset(MaxTokenOverlap), []Event{DirectoryTokenReset{Token{"t2", "h2"}, until.Add(29 * 24 * time.Hour)}}, ""},
		{"overlap too long", open, reset(MaxTokenOverlap + 1), nil, "invalid invalidValue"},
		{"another overlap within one", append(open[:1:1], DirectoryTokenReset{Token{"t3", "h3"}, now.Add(time.Millisecond)}), reset(time.Hour), nil, "conflict"},
		{"another overlap after one", append(open[:1:1], DirectoryTokenReset{Token{"t3", "h3"}, now}), reset(24 * time.Hour), []Event{DirectoryTokenReset{Token{"t2", "h2"}, until}}, ""},
		{"new token at once within an overlap", append(open[:1:1], DirectoryTokenReset{Token{"t3", "h3"}, until}), reset(0), []Event{DirectoryTokenReset{Token: Token{"t2", "h2"}}}, ""},
		{"token of what is deleted", gone, reset(0), nil, "not_found"},
		{"another provider", held, update(AzureAD, nil), []Event{DirectoryUpdated{AzureAD, Token{"t2", "h2"}, true}}, ""},
		{"the same provider again has a token of its own", open, update(Okta, nil), []Event{DirectoryUpdated{Okta, Token{"t2", "h2"}, false}}, ""},
		{"another provider, read otherwise", held, update(AzureAD, leniently), []Event{DirectoryUpdated{AzureAD, Token{"t2", "h2"}, false}}, ""},
		{"read strictly, by the same token", open, update("", strictly), []Event{DirectoryUpdated{Okta, Token{"t1", "h1"}, true}}, ""},
		{"read leniently again", held, update("", leniently), []Event{DirectoryUpdated{Okta, Token{"t1", "h1"}, false}}, ""},
		{"read as before", held, update("", strictly), nil, ""},
		{"nothing said", open, update("", nil), nil, ""},
		{"another provider of what is deleted", gone, update(AzureAD, nil), nil, "not_found"},
	})
}

func TestDirectoryTokens(t *testing.T) {
	var d Directory
	until := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d.Apply(DirectoryActivated{OrganizationID: "org", Provider: Okta, Token: Token{"t1", "h1"}})
	d.Apply(DirectoryTokenReset{Token{"t2", "h2"}, until})
	if d.Token.ID != "t2" || d.Previous.ID != "t1" || d.PreviousUntil != until {
		t.Errorf("after an overlapping reset: %+v", d)
	}
	d.Apply(DirectoryTokenReset{Token: Token{"t3", "h3"}})
	if d.Token.ID != "t3" || d.Previous != (Token{}) || !d.PreviousUntil.IsZero() {
		t.Errorf("after a reset at once: %+v", d)
	}
	d.Apply(DirectoryTokenReset{Token{"t4", "h4"}, until})
	d.Apply(DirectoryUpdated{Provider: AzureAD, Token: Token{"t5", "h5"}})
	if d.Provider != AzureAD || d.Token.ID != "t5" || d.Previous != (Token{}) || !d.PreviousUntil.IsZero() {
		t.Errorf("after another provider: %+v", d)
	}
	d.Apply(DirectoryTokenReset{Token{"t6", "h6"}, until})
	d.Apply(DirectoryUpdated{AzureAD, Token{"t6", "h6"}, true})
	if !d.Strict || d.Token.ID != "t6" || d.Previous.ID != "t5" || d.PreviousUntil != until {
		t.Errorf("the token before went though only the dialect changed: %+v", d)
	}
	d.Apply(DirectoryUpdated{Okta, Token{"t7", "h7"}, false})
	if d.Strict || d.Previous != (Token{}) {
		t.Errorf("after another provider and dialect: %+v", d)
	}
}

// A directory to which nobody pushes has no token, stored or not.
func TestDirectoryOfAnApplication(t *testing.T) {
	made := DirectoryActivated{OrganizationID: "org", Provider: API}
	if _, data, err := Encode(made); err != nil || string(data) != `{"organization_id":"org","provider":"api"}` {
		t.Errorf("stored as %s, %v", data, err)
	}
	var d Directory
	if d.Apply(made); !d.Exists() || !d.Active || d.Token != (Token{}) || d.Provider.Pushes() {
		t.Errorf("%+v", d)
	}
}

func TestDirectorySnapshot(t *testing.T) {
	var d Directory
	if d.Snapshot("d") != nil {
		t.Error("a directory before its activation")
	}
	d.Apply(DirectoryActivated{OrganizationID: "org", Provider: Okta, Token: Token{"t1", "h1"}})
	d.Apply(DirectoryDeactivated{})
	if got, want := text(d.Snapshot("d")), `{"active":false,"id":"d","provider":"okta"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	d.Apply(DirectoryUpdated{Provider: Okta, Strict: true})
	if got, want := text(d.Snapshot("d")), `{"active":false,"id":"d","interop":"strict","provider":"okta"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	d.Apply(DirectoryReactivated{})
	if !d.Active {
		t.Error("not active again")
	}
	if d.Apply(DirectoryDeleted{}); d.Snapshot("d") != nil || d.Exists() {
		t.Error("a directory after its deletion")
	}
}

// Proves Directory Sync §providers.
func TestParseProvider(t *testing.T) {
	for in, want := range map[string]Provider{"": CustomSCIM, "entra": AzureAD, "azure_ad": AzureAD, "one_login": OneLogin, "okta": Okta, "ping_one": PingOne} {
		if got, err := ParseProvider(in); err != nil || got != want {
			t.Errorf("ParseProvider(%q): %q, %v", in, got, err)
		}
	}
	for _, p := range directoryProviders {
		if got, err := ParseProvider(string(p)); err != nil || got != p || !p.Pushes() {
			t.Errorf("ParseProvider(%q): %q, %v", p, got, err)
		}
	}
	for _, in := range []string{"Okta", "ldap", " okta", "api"} {
		if _, err := ParseProvider(in); refusal(err) != "invalid invalidValue" {
			t.Errorf("ParseProvider(%q): %v", in, err)
		}
	}
}
