package command_test

import (
	"slices"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

// A webhook of an organization that is deleted receives nothing of the next one of that domain; those of all and of others go on.
func TestWebhooksDoNotOutliveTheirOrganization(t *testing.T) {
	w := newWorld(t)
	globex, err := w.commands.CreateOrganization(t.Context(), caller, "Globex")
	w.must(err)
	initech, err := w.commands.CreateOrganization(t.Context(), caller, "Initech")
	w.must(err)
	hook := func(organization string) projections.Endpoint {
		p, err := w.commands.CreateEndpoint(t.Context(), caller, domain.EndpointSettings{Name: "Hook", URL: "https://example.com", EventCodes: []string{"all"}, Organization: organization}, nil, keys.NewSigning(false))
		w.must(err)
		return p
	}
	own, others, all := hook(globex.Domain), hook(initech.Domain), hook("")
	w.must(w.commands.DeleteOrganization(t.Context(), caller, globex.ID))
	deleted := w.head()
	again, err := w.commands.CreateOrganization(t.Context(), caller, "Globex")
	w.must(err)
	if got, want := w.since(deleted), []string{"name 3 name.claimed", "endpoint 2 endpoint.disabled", "organization 1 organization.created"}; !slices.Equal(got, want) {
		t.Errorf("in the log stand %q, not %q: the webhook would hear of the new organization", got, want)
	}
	if again.Domain != globex.Domain {
		t.Fatalf("the domain is %s, not %s", again.Domain, globex.Domain)
	}
	for p, active := range map[string]bool{own.ID: false, others.ID: true, all.ID: true} {
		shown, err := w.read.Endpoint(t.Context(), p)
		w.must(err)
		if shown.Active() != active {
			t.Errorf("the webhook of %q is active: %v", shown.Organization, shown.Active())
		}
	}
}
