package domain

import (
	"strings"
	"testing"
)

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
	})
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
		"organization.created": true, "organization.updated": true, "organization.deleted": true,
		"directory.token_reset": true, "apikey.created": true, "apikey.deleted": true,
		"endpoint.created": true, "endpoint.updated": true, "endpoint.key_rotated": true, "endpoint.paused": true, "endpoint.disabled": true,
		"endpoint.enabled": true, "endpoint.deleted": true, "endpoint.replay_requested": true, "endpoint.replay_cancelled": true,
		"endpoint.recovery_requested": true, "endpoint.resend_requested": true, "endpoint.delivery_cancelled": true,
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
