package projections

import (
	"cmp"
	"crypto/sha256"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// samplesFor are the test messages that an endpoint asks for: of each type one that looks as a real one does, marked as a test.
func samplesFor(s Stored, t Target, e domain.EndpointTested) ([]outgoing, error) {
	if len(e.Types) == 0 {
		m := MessageOf(s, &Subject{Kind: KindEndpoint, ID: t.ID}, domain.ChangeBetween(domain.TypeWebhookTest, nil, domain.Attributes{"id": t.ID, "name": t.State.Name}))
		m.Data.Subject.Type = "webhook"
		m.Data.Test = true
		out, err := outgoingOf(s, m)
		return []outgoing{out}, err
	}
	var all []outgoing
	for _, kind := range e.Types {
		m := sample(s, t, kind)
		out, err := outgoingOf(s, m)
		if err != nil {
			return nil, err
		}
		// Several messages come of one event: each is told apart by its type, the same at each attempt.
		sum := sha256.Sum256(append(s.ID[:], kind...))
		out.event = eventstore.ID(sum[:len(out.event)])
		all = append(all, out)
	}
	return all, nil
}

// The subjects of samples, which are nobody's.
const (
	sampleDirectory    = "00000000-0000-7000-8000-000000000001"
	sampleUser         = "00000000-0000-7000-8000-000000000002"
	sampleGroup        = "00000000-0000-7000-8000-000000000003"
	sampleOrganization = "00000000-0000-7000-8000-000000000004"
	sampleConnection   = "example_22RYkQ4vmT6PrtCmDhCXLc"
	sampleDomain       = "example"
)

var (
	sampleIDs         = map[Kind]string{KindOrganization: sampleOrganization, KindDirectory: sampleDirectory, KindUser: sampleUser, KindGroup: sampleGroup, KindConnection: sampleConnection}
	sampleExternalIDs = map[Kind]string{KindUser: "00u1ada", KindGroup: "00g1eng"}
)

// sample is a message of a type as it would tell of Ada, her group, their directory, their organization or its connection.
func sample(s Stored, t Target, kind string) Message {
	subject := &Subject{Kind: kindOf(kind), ID: sampleIDs[kindOf(kind)], Version: 2}
	var before, after domain.Attributes
	var members *domain.MembersChange
	switch kind {
	case domain.TypeOrganizationCreated:
		subject.Version, after = 1, organizationCalled("Example")
	case domain.TypeOrganizationUpdated:
		before, after = organizationCalled("Example"), organizationCalled("Example Group")
	case domain.TypeOrganizationDeleted:
		before = organizationCalled("Example")
	case domain.TypeConnectionCreated:
		subject.Version, after = 1, connectionAfter()
	case domain.TypeConnectionUpdated:
		before, after = connectionAfter(), connectionAfter(domain.ConnectionOnboardingUpdated{Provider: domain.Okta})
	case domain.TypeConnectionInvited:
		before, after = connectionAfter(), connectionAfter(domain.ConnectionInvitationSent{InvitationSent: domain.InvitationSent{SentAt: s.Meta.RecordedAt}})
	case domain.TypeConnectionActivated:
		before, after = connectionAfter(domain.ConnectionDisabled{}), connectionAfter()
	case domain.TypeConnectionDisabled:
		before, after = connectionAfter(), connectionAfter(domain.ConnectionDisabled{})
	case domain.TypeConnectionDeleted:
		before = connectionAfter()
	case domain.TypeUserCreated:
		subject.Version, after = 1, ada("Ada Lovelace", true)
	case domain.TypeUserUpdated:
		before, after = ada("Ada Lovelace", true), ada("Ada King", true)
	case domain.TypeUserDeactivated:
		before, after = ada("Ada Lovelace", true), ada("Ada Lovelace", false)
	case domain.TypeUserReactivated:
		before, after = ada("Ada Lovelace", false), ada("Ada Lovelace", true)
	case domain.TypeUserDeleted:
		before = ada("Ada Lovelace", true)
	case domain.TypeGroupCreated:
		subject.Version, after = 1, engineers("Engineers")
		members = delta([]domain.Member{}, 0)
	case domain.TypeGroupUpdated:
		before, after = engineers("Engineers"), engineers("Analysts")
		members = delta([]domain.Member{}, 0)
	case domain.TypeGroupMembersChanged:
		before, after = engineers("Engineers"), engineers("Engineers", sampleUser)
		members = delta([]domain.Member{{ID: sampleUser, UserName: "ada@example.com"}}, 1)
	case domain.TypeGroupDeleted:
		before = engineers("Engineers")
		members = delta([]domain.Member{}, 0)
	default:
		before, after = directoryIn(false), directoryIn(true)
		switch kind {
		case domain.TypeDirectoryDeactivated:
			before, after = after, before
		case domain.TypeDirectoryDeleted:
			before, after = after, nil
		case domain.TypeDirectoryUpdated:
			before = directoryIn(true)
			before["provider"] = string(domain.AzureAD)
		}
	}
	m := MessageOf(s, subject, domain.ChangeBetween(kind, before, after))
	m.Data.Organization = cmp.Or(t.State.Organization, sampleDomain)
	if domain.Wanted([]string{"directory.*"}, kind) {
		m.Data.Directory, m.Data.Provider = sampleDirectory, domain.Okta
	}
	m.Data.Subject.ExternalID = sampleExternalIDs[subject.Kind]
	m.Data.Subject.Version, m.Data.Members, m.Data.Test = subject.Version, members, true
	return m
}

func kindOf(messageType string) Kind {
	switch {
	case domain.Wanted([]string{"organization.*"}, messageType):
		return KindOrganization
	case domain.Wanted([]string{"connection.*"}, messageType):
		return KindConnection
	case domain.Wanted([]string{"directory.user.*"}, messageType):
		return KindUser
	case domain.Wanted([]string{"directory.group.*"}, messageType):
		return KindGroup
	}
	return KindDirectory
}

func organizationCalled(name string) domain.Attributes {
	return domain.Attributes{"id": sampleOrganization, "domain": sampleDomain, "name": name}
}

// connectionAfter is a new connection to which something happened.
func connectionAfter(events ...domain.Event) domain.Attributes {
	var c domain.Connection
	c.Apply(domain.ConnectionCreated{
		OrganizationID: sampleOrganization, ServiceProvider: "rollcall_AcJR5DAH65rLs8iDKsajeR",
		Onboarding: domain.Onboarding{ID: "00000000-0000-7000-8000-000000000005", Email: "it@example.com"},
	})
	for _, e := range events {
		c.Apply(e)
	}
	return c.Snapshot(sampleConnection)
}

func ada(name string, active bool) domain.Attributes {
	return domain.Attributes{
		"id": sampleUser, "externalId": "00u1ada", "userName": "ada@example.com", "displayName": name, "active": active,
		"emails": []any{map[string]any{"value": "ada@example.com", "type": "work", "primary": true}},
	}
}

func engineers(name string, members ...string) domain.Attributes {
	a := domain.Attributes{"id": sampleGroup, "externalId": "00g1eng", "displayName": name}
	if len(members) > 0 {
		list := []any{}
		for _, m := range members {
			list = append(list, map[string]any{"value": m})
		}
		a["members"] = list
	}
	return a
}

func delta(added []domain.Member, count int) *domain.MembersChange {
	return &domain.MembersChange{Added: added, Removed: []domain.Member{}, Count: count}
}

func directoryIn(active bool) domain.Attributes {
	return domain.Attributes{"id": sampleDirectory, "provider": string(domain.Okta), "active": active}
}
