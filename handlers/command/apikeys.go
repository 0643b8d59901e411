package command

import (
	"context"
	"errors"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

// makingAPIKeys is whose turn a process takes to make a key, so that keys are counted one after another. Where several processes write the log, each may make one
// too many at the same time.
const makingAPIKeys = "apikeys"

// CreateAPIKey makes a key of the management API and answers it; it is not shown again. The key knows the organization given only, all if that is
// the zero one. Whether the caller may give it these rights is for the caller's door to decide.
func (s *Service) CreateAPIKey(ctx context.Context, c Caller, keyName string, permissions []domain.Permission, o projections.Organization) (projections.APIKey, string, error) {
	id, secret := newID(), keys.NewSecret()
	event, err := domain.CreateAPIKey(keyName, keys.Hash(secret), domain.Rights{Permissions: permissions, OrganizationID: o.ID})
	if err != nil {
		return projections.APIKey{}, "", err
	}
	k, err := alone(ctx, s, makingAPIKeys, func() (projections.APIKey, error) {
		if err := s.roomForAPIKey(ctx, o); err != nil {
			return projections.APIKey{}, err
		}
		return s.addAPIKey(ctx, c, id, event, o.Domain)
	})
	return k, id + "." + secret, err
}

// roomForAPIKey refuses a key that would be one too many.
func (s *Service) roomForAPIKey(ctx context.Context, o projections.Organization) error {
	if o.ID != "" {
		_, standing, err := s.Read.APIKeys(ctx, o.ID, "", 1, 0)
		if err != nil {
			return err
		}
		if standing >= domain.MaxAPIKeysOfOrganization {
			return domain.Refuse(domain.Invalid, "the organization has %d API keys already; delete one first", domain.MaxAPIKeysOfOrganization)
		}
	}
	_, standing, err := s.Read.APIKeys(ctx, "", "", 1, 0)
	if err == nil && standing >= domain.MaxAPIKeys {
		err = domain.Refuse(domain.Invalid, "there are %d API keys already; delete one first", domain.MaxAPIKeys)
	}
	return err
}

// PresetAPIKey makes sure that the key id.secret exists, with all rights. The same again is fine; another secret for the id, or an id that was
// deleted, is a conflict.
func (s *Service) PresetAPIKey(ctx context.Context, c Caller, keyName, id, secret string) error {
	stream := projections.KindAPIKey.Stream(id)
	_, err := decide(ctx, s, stream, func() (projections.APIKey, error) {
		f, err := load[domain.APIKey](ctx, s, stream)
		if err != nil {
			return projections.APIKey{}, err
		}
		if f.Version != eventstore.NoStream {
			k, err := s.Read.APIKey(ctx, id) // which knows whether it went with another one, or with its organization
			if !errors.Is(err, projections.ErrNotFound) && (err != nil || keys.Matches(k.Hash, secret)) {
				return projections.APIKey{}, err
			}
			return projections.APIKey{}, domain.Refuse(domain.Conflict, "the API key %s was made with another secret, or deleted; preset another id", id)
		}
		return s.addAPIKey(ctx, c, id, domain.APIKeyCreated{Name: keyName, Hash: keys.Hash(secret), Rights: domain.AllRights()}, "")
	})
	return err
}

func (s *Service) addAPIKey(ctx context.Context, c Caller, id string, event domain.APIKeyCreated, organization string) (projections.APIKey, error) {
	var draft draft
	meta, stream := s.meta(c, organization), projections.KindAPIKey.Stream(id)
	draft.add(stream, eventstore.NoStream, meta, event)
	if err := s.append(ctx, draft); err != nil {
		return projections.APIKey{}, err
	}
	f := keep(s, stream, folded[domain.APIKey]{}, meta.RecordedAt, domain.Event(event))
	return projections.APIKey{ID: id, Name: f.State.Name, Hash: f.State.Hash, Rights: f.State.Rights, Organization: organization, CreatedBy: meta.APIKey(), Created: f.Created}, nil
}

// DeleteAPIKey deletes a key, and with descendants all that it made and that those made; they and every token made for them let nobody in from then on. It is one
// event, however many they are, and one that is made meanwhile is among them. The descendants of a key that was deleted without them can still be deleted by it.
func (s *Service) DeleteAPIKey(ctx context.Context, c Caller, id string, descendants bool) error {
	stream := projections.KindAPIKey.Stream(id)
	_, err := decide(ctx, s, stream, func() (struct{}, error) {
		f, err := load[domain.APIKey](ctx, s, stream)
		if err != nil {
			return struct{}{}, err
		}
		if !f.State.Exists() {
			_, err := s.Read.EndedAPIKey(ctx, id)
			if errors.Is(err, projections.ErrNotFound) || err == nil && !descendants {
				err = domain.Refuse(domain.NotFound, "there is no such API key")
			}
			if err != nil {
				return struct{}{}, err
			}
		}
		var draft draft
		draft.add(stream, f.Version, s.meta(c, ""), domain.APIKeyDeleted{Descendants: descendants})
		return struct{}{}, s.append(ctx, draft)
	})
	return err
}
