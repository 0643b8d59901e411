package domain

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestEndpoint(t *testing.T) {
	key := SigningKey{Secret: "sealed"}
	create := func(url string, codes ...string) func(*Endpoint) ([]Event, error) {
		return func(*Endpoint) ([]Event, error) {
			return one(CreateEndpoint(EndpointSettings{Name: " App ", URL: url, EventCodes: codes}, key))
		}
	}
	created := func(url string, codes ...string) []Event {
		return []Event{EndpointCreated{EndpointSettings{Name: "App", URL: url, EventCodes: codes}, key}}
	}
	disable := func(p *Endpoint) ([]Event, error) { return one(p.Disable("gone"), nil) }
	settings := func(s EndpointSettings) func(*Endpoint) ([]Event, error) {
		return func(*Endpoint) ([]Event, error) { return one(CreateEndpoint(s, key)) }
	}
	when := func(f func(*Endpoint) (Event, error)) func(*Endpoint) ([]Event, error) {
		return func(p *Endpoint) ([]Event, error) { return one(f(p)) }
	}
	update := func(s EndpointSettings) func(*Endpoint) ([]Event, error) {
		return when(func(p *Endpoint) (Event, error) { return p.Update(s) })
	}
	rotate := func(overlap time.Duration) func(*Endpoint) ([]Event, error) {
		return when(func(p *Endpoint) (Event, error) { return p.RotateKey(SigningKey{Secret: "next"}, noon, overlap) })
	}
	test := func(codes ...string) func(*Endpoint) ([]Event, error) {
		return when(func(p *Endpoint) (Event, error) { return p.Test(codes) })
	}
	replay := func(wanted EndpointReplayRequested) func(*Endpoint) ([]Event, error) {
		return when(func(p *Endpoint) (Event, error) { return p.Replay(wanted) })
	}
	const u = "https://app.example/hooks"
	decide(t, []decision[Endpoint]{
		{"create", nil, create(u), created(u, "all"), ""},
		{"create for some", nil, create(u, "directory.user.*", TypeGroupDeleted), created(u, "directory.user.*", TypeGroupDeleted), ""},
		{"create by http", nil, create("http://127.0.0.1:9000"), created("http://127.0.0.1:9000", "all"), ""},
		{"a code that nothing matches", nil, create(u, "directory.users.*"), nil, "invalid invalidValue"},
		{"an empty code", nil, create(u, ""), nil, "invalid invalidValue"},
		{"not a URL", nil, create("::"), nil, "invalid invalidValue"},
		{"another scheme", nil, create("ftp://app.example"), nil, "invalid invalidValue"},
		{"no host", nil, create("https:///hooks"), nil, "invalid invalidValue"},
		{"a port only", nil, create("https://:80/"), nil, "invalid invalidValue"},
		{"opaque", nil, create("https:app.example"), nil, "invalid invalidValue"},
		{"credentials", nil, create("https://a:b@app.example"), nil, "invalid invalidValue"},
		{"a fragment", nil, create(u + "#x"), nil, "invalid invalidValue"},
		{"too long", nil, create(u + strings.Repeat("x", 2048)), nil, "invalid invalidValue"},
		{"no name", nil, func(*Endpoint) ([]Event, error) { return one(CreateEndpoint(EndpointSettings{URL: u}, key)) }, nil, "invalid invalidValue"},
		{"disable", created(u, "all"), disable, []Event{EndpointDisabled{"gone"}}, ""},
		{"disable without a reason", created(u, "all"), func(p *Endpoint) ([]Event, error) { return one(p.Disable(""), nil) }, []Event{EndpointDisabled{"unknown"}}, ""},
		{"disable what is disabled", append(created(u, "all"), EndpointDisabled{"slow"}), disable, nil, ""},
		{"disable what is deleted", append(created(u, "all"), EndpointDeleted{}), disable, nil, ""},
		{"disable what never was", nil, disable, nil, ""},

		{"no rate below none", nil, settings(EndpointSettings{Name: "a", URL: u, RateLimit: -1}), nil, "invalid invalidValue"},
		{"no rate beyond", nil, settings(EndpointSettings{Name: "a", URL: u, RateLimit: MaxRateLimit + 1}), nil, "invalid invalidValue"},
		{"no concurrency beyond", nil, settings(EndpointSettings{Name: "a", URL: u, Concurrency: MaxConcurrency + 1}), nil, "invalid invalidValue"},
		{"no timeout beyond", nil, settings(EndpointSettings{Name: "a", URL: u, Timeout: MaxTimeout + 1}), nil, "invalid invalidValue"},
		{"update", created(u, "all"), update(EndpointSettings{Name: "B", URL: u, RateLimit: 5}), []Event{EndpointUpdated{EndpointSettings{Name: "B", URL: u, EventCodes: []string{"all"}, RateLimit: 5}}}, ""},
		{"update to the same", created(u, "all"), update(EndpointSettings{Name: "App", URL: u, EventCodes: []string{"all"}}), nil, ""},
		{"update to what is none", created(u, "all"), update(EndpointSettings{Name: "App", URL: "ftp://x"}), nil, "invalid invalidValue"},
		{"update to another organization", created(u, "all"), update(EndpointSettings{Name: "App", URL: u, Organization: "acme", OrganizationID: "1"}), nil, "invalid invalidValue"},
		{"update to the next organization of a domain", created(u, "all"), update(EndpointSettings{Name: "App", URL: u, OrganizationID: "1"}), nil, "invalid invalidValue"},
		{"update what is deleted", append(created(u, "all"), EndpointDeleted{}), update(EndpointSettings{Name: "B", URL: u}), nil, "not_found"},
		{"pause", created(u, "all"), when((*Endpoint).Pause), []Event{EndpointPaused{}}, ""},
		{"pause what is paused", append(created(u, "all"), EndpointPaused{}), when((*Endpoint).Pause), nil, ""},
		{"pause what is disabled", append(created(u, "all"), EndpointDisabled{"gone"}), when((*Endpoint).Pause), nil, ""},
		{"enable what is paused", append(created(u, "all"), EndpointPaused{}), when((*Endpoint).Enable), []Event{EndpointEnabled{}}, ""},
		{"enable what is disabled", append(created(u, "all"), EndpointDisabled{"gone"}), when((*Endpoint).Enable), []Event{EndpointEnabled{}}, ""},
		{"enable what is active", append(created(u, "all"), EndpointPaused{}, EndpointEnabled{}), when((*Endpoint).Enable), nil, ""},
		{"disable what is paused", append(created(u, "all"), EndpointPaused{}), disable, []Event{EndpointDisabled{"gone"}}, ""},
		{"rotate", created(u, "all"), rotate(time.Hour), []Event{EndpointKeyRotated{SigningKey{Secret: "next"}, noon.Add(time.Hour)}}, ""},
		{"rotate into the past", created(u, "all"), rotate(-time.Hour), nil, "invalid invalidValue"},
		{"rotate for too long", created(u, "all"), rotate(MaxKeyOverlap + 1), nil, "invalid invalidValue"},
		{"rotate while the key before is valid", append(created(u, "all"), EndpointKeyRotated{SigningKey{Secret: "two"}, noon.Add(1)}), rotate(time.Hour), nil, "conflict"},
		{"rotate when it is not any more", append(created(u, "all"), EndpointKeyRotated{SigningKey{Secret: "two"}, noon}), rotate(time.Hour), []Event{EndpointKeyRotated{SigningKey{Secret: "next"}, noon.Add(time.Hour)}}, ""},
		{"rotate and end all before", append(created(u, "all"), EndpointKeyRotated{SigningKey{Secret: "two"}, noon.Add(1)}), rotate(0), []Event{EndpointKeyRotated{SigningKey{Secret: "next"}, noon}}, ""},
		{"test", created(u, "all"), test(), []Event{EndpointTested{}}, ""},
		{"test types", created(u, "all"), test("directory.group.*", TypeUserCreated), []Event{EndpointTested{[]string{TypeUserCreated, TypeGroupCreated, TypeGroupUpdated, TypeGroupMembersChanged, TypeGroupDeleted}}}, ""},
		{"test a type that is none", created(u, "all"), test("robots"), nil, "invalid invalidValue"},
		{"test what is paused", append(created(u, "all"), EndpointPaused{}), test(), nil, "conflict"},
		{"test what is disabled", append(created(u, "all"), EndpointDisabled{"gone"}), test(), nil, "conflict"},
		{"replay", created(u, "all"), replay(EndpointReplayRequested{Replay: "r", From: "1", Until: "2"}), []Event{EndpointReplayRequested{"r", "1", "2", []string{"all"}, DefaultReplayRate}}, ""},
		{"replay too fast", created(u, "all"), replay(EndpointReplayRequested{RateLimit: MaxRateLimit + 1}), nil, "invalid invalidValue"},
		{"replay to what is paused", append(created(u, "all"), EndpointPaused{}), replay(EndpointReplayRequested{}), nil, "conflict"},
		{"recover", created(u, "all"), func(p *Endpoint) ([]Event, error) { return one(p.Recover(noon)) }, []Event{EndpointRecoveryRequested{noon}}, ""},
		{"recover what is disabled", append(created(u, "all"), EndpointDisabled{"gone"}), func(p *Endpoint) ([]Event, error) { return one(p.Recover(noon)) }, nil, "conflict"},
		{"resend", created(u, "all"), func(p *Endpoint) ([]Event, error) { return one(p.Resend("d")) }, []Event{EndpointResendRequested{"d"}}, ""},
	})
}

// Messages are signed with the key, and with the one before until its time is over.
func TestEndpointKeys(t *testing.T) {
	var p Endpoint
	p.Apply(EndpointCreated{EndpointSettings{URL: "https://app.example"}, SigningKey{Secret: "one"}})
	p.Apply(EndpointKeyRotated{SigningKey{Secret: "two"}, noon})
	if keys := p.Keys(noon.Add(-1)); len(keys) != 2 || keys[0].Secret != "two" || keys[1].Secret != "one" {
		t.Errorf("before noon %v", keys)
	}
	if keys := p.Keys(noon); len(keys) != 1 || keys[0].Secret != "two" {
		t.Errorf("at noon %v", keys)
	}
	p.Apply(EndpointKeyRotated{SigningKey{Secret: "three"}, noon.Add(1)})
	if keys := p.Keys(noon); len(keys) != 2 || keys[1].Secret != "two" {
		t.Errorf("rotated again %v", keys)
	}
}

func TestCheckHeaders(t *testing.T) {
	many := map[string]string{}
	for i := range MaxHeaders + 1 {
		many[fmt.Sprint("X-", i)] = "v"
	}
	for _, c := range []struct {
		headers map[string]string
		ok      bool
	}{
		{nil, true}, {map[string]string{"Authorization": "Bearer x", "X_Key-1": "~ !"}, true},
		{map[string]string{"": "x"}, false}, {map[string]string{"X Y": "x"}, false}, {map[string]string{"X:": "x"}, false}, {map[string]string{"Ä": "x"}, false}, {map[string]string{strings.Repeat("x", 65): "x"}, false},
		{map[string]string{"X": "a\nb"}, false}, {map[string]string{"X": "ä"}, false}, {map[string]string{"X": strings.Repeat("x", 1025)}, false},
		{map[string]string{"HOST": "x"}, false}, {map[string]string{"Webhook-Signature": "x"}, false}, {map[string]string{"x": "1", "X": "2"}, false}, {many, false},
	} {
		if err := CheckHeaders(c.headers); (err == nil) != c.ok || err != nil && refusal(err) != "invalid invalidValue" {
			t.Errorf("%v: %v", c.headers, err)
		}
	}
}

func TestEndpointWants(t *testing.T) {
	made := func(organization string, codes ...string) Endpoint {
		var p Endpoint
		p.Apply(EndpointCreated{EndpointSettings: EndpointSettings{Name: "App", URL: "https://app.example", EventCodes: codes, Organization: organization}})
		return p
	}
	all, users, one := made("", "all"), made("acme", "directory.user.*"), made("", TypeGroupDeleted, TypeUserCreated)
	for _, c := range []struct {
		p                  Endpoint
		kind, organization string
		want               bool
	}{
		{all, TypeUserCreated, "acme", true},
		{all, TypeDirectoryDeleted, "other", true},
		{users, TypeUserDeactivated, "acme", true},
		{users, TypeUserDeactivated, "other", false},
		{users, TypeGroupCreated, "acme", false},
		{users, TypeDirectoryUpdated, "acme", false},
		{one, TypeUserCreated, "x", true},
		{one, TypeUserUpdated, "x", false},
		{Endpoint{}, TypeUserCreated, "acme", false},
	} {
		if got := c.p.Wants(c.kind, c.organization); got != c.want {
			t.Errorf("%v of %q wants %s of %s: %v", c.p.EventCodes, c.p.Organization, c.kind, c.organization, got)
		}
	}
	if all.Apply(EndpointDisabled{"slow"}); all.Wants(TypeUserCreated, "acme") {
		t.Error("a disabled endpoint wants messages")
	}
	if one.Apply(EndpointDeleted{}); one.Wants(TypeUserCreated, "acme") {
		t.Error("a deleted endpoint wants messages")
	}
}

// Every event either becomes a message or is known to become none: who adds an event decides it here.
func TestMessageTypeOfEveryEvent(t *testing.T) {
	silent := map[string]bool{
		"installation.created": true, "name.claimed": true, "name.released": true, "user.claim_revoked": true,
		"import.begun": true, "import.completed": true, "import.withdrawn": true, "import.taken_back": true,
		"directory.token_reset": true, "apikey.created": true, "apikey.deleted": true,
		"application.created": true, "application.updated": true, "application.deleted": true,
		"connection.seat_taken": true, "connection.invitation_accepted": true, "directory.admin_invited": true, "directory.invitation_sent": true, "directory.invitation_accepted": true, "directory.onboarding_reset": true, "directory.admin_removed": true,
		"organization.administrator_added": true, "organization.administrator_removed": true, "mail.attempted": true, "mail.sent": true, "mail.given_up": true,
		"endpoint.created": true, "endpoint.updated": true, "endpoint.key_rotated": true, "endpoint.paused": true, "endpoint.disabled": true,
		"endpoint.enabled": true, "endpoint.deleted": true, "endpoint.replay_requested": true, "endpoint.replay_cancelled": true,
		"endpoint.recovery_requested": true, "endpoint.resend_requested": true, "endpoint.delivery_cancelled": true,
		"deliveries.attempted": true, "deliveries.replayed": true, "deliveries.recovered": true, "deliveries.relayed": true, "deliveries.moved": true,
	}
	sent := map[string]bool{TypeWebhookTest: false}
	for _, kind := range MessageTypes {
		sent[kind] = false
	}
	for name, read := range eventTypes {
		e, err := read([]byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		kind := MessageType(e)
		if (kind == "") != silent[name] {
			t.Errorf("%s becomes the message %q", name, kind)
		}
		if _, known := sent[kind]; kind != "" && !known {
			t.Errorf("%s becomes %s, which no endpoint may ask for", name, kind)
		}
		sent[kind] = true
	}
	for kind, made := range sent {
		if !made {
			t.Errorf("no event becomes %s", kind)
		}
	}
}
