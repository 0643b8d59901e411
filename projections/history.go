package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// PastChange is a change as it was sent to webhooks, or would have been, with the event that made it.
type PastChange struct {
	Event eventstore.ID
	Message
}

// History lists the changes of a user or a group of a directory, or of another subject, whose own id then stands for the directory, the newest first, also of one that is deleted; page counts from 1. It
// is read from the log: the subject's stream, and those of the members that came or went on the page. What never was
// in the directory is ErrNotFound.
func History(ctx context.Context, log Streams, directory string, kind Kind, id string, page, perPage int) (Page[PastChange], error) {
	h := &history{log, directory, kind, id}
	versions, err := h.versions(ctx)
	if err != nil {
		return Page[PastChange]{}, err
	}
	out := Page[PastChange]{Items: []PastChange{}, Total: len(versions)}
	end := len(versions) - (page-1)*perPage
	if end <= 0 {
		return out, nil
	}
	wanted := versions[max(0, end-perPage):end]
	if out.Items, err = h.between(ctx, wanted[0], wanted[len(wanted)-1]); err != nil {
		return Page[PastChange]{}, err
	}
	slices.Reverse(out.Items)
	return out, nil
}

type history struct {
	log       Streams
	directory string
	kind      Kind
	id        string
}

// versions are those at which the subject changed: all of its stream but what sends no message.
func (h *history) versions(ctx context.Context) ([]eventstore.Version, error) {
	var out []eventstore.Version
	for r, err := range h.log.Read(ctx, h.kind.Stream(h.id), 0) {
		if err != nil {
			return nil, fmt.Errorf("read the history of %s: %w", h.kind.Stream(h.id), err)
		}
		if r.Version == 1 {
			if first, err := h.first(r); err != nil {
				return nil, err
			} else if first.Directory() != h.directory {
				return nil, ErrNotFound
			}
		}
		if domain.MessageTypeOf(r.Type) != "" {
			out = append(out, r.Version)
		}
	}
	if len(out) == 0 {
		return nil, ErrNotFound
	}
	return out, nil
}

// first is the subject after its first event, which names its directory.
func (h *history) first(r eventstore.Record) (*Subject, error) {
	s, err := DecodeRecord(r)
	if err != nil {
		return nil, err
	}
	return (&Subject{Kind: h.kind, ID: h.id}).Next(s.Event)
}

// between are the changes from one version to another, the oldest first.
func (h *history) between(ctx context.Context, from, to eventstore.Version) ([]PastChange, error) {
	before := &Subject{Kind: h.kind, ID: h.id}
	var err error
	if from > 1 {
		if before, err = Fold(ctx, h.log, h.kind, h.id, from-1); err != nil {
			return nil, err
		}
	}
	names := pastNames{h.log, h.directory, map[string][]pastName{}}
	var out []PastChange
	for r, err := range h.log.Read(ctx, h.kind.Stream(h.id), from-1) {
		if err != nil {
			return nil, fmt.Errorf("read the history of %s: %w", h.kind.Stream(h.id), err)
		}
		s, err := DecodeRecord(r)
		if err != nil {
			return nil, err
		}
		after, err := before.Next(s.Event)
		if errors.Is(err, errMembersUnknown) {
			after, err = Fold(ctx, h.log, h.kind, h.id, r.Version)
		}
		if err != nil {
			return nil, err
		}
		if domain.MessageType(s.Event) != "" {
			change, err := ChangeOf(ctx, s, before, after, names.at)
			if err != nil {
				return nil, err
			}
			out = append(out, PastChange{r.ID, MessageOf(s, after, change)})
		}
		if before = after; r.Version == to {
			break
		}
	}
	return out, nil
}

// pastNames are the names that users of a directory went by. Each stream is read once.
type pastNames struct {
	log       Streams
	directory string
	known     map[string][]pastName
}

type pastName struct {
	from eventstore.Position
	name string
}

// at implements Names.
func (n *pastNames) at(ctx context.Context, user string, at eventstore.Position) (string, error) {
	names, known := n.known[user]
	if !known {
		var err error
		if names, err = n.read(ctx, user); err != nil {
			return "", err
		}
		n.known[user] = names
	}
	for _, past := range slices.Backward(names) {
		if !at.Before(past.from) {
			return past.name, nil
		}
	}
	return "", nil
}

func (n *pastNames) read(ctx context.Context, user string) ([]pastName, error) {
	s := &Subject{Kind: KindUser, ID: user}
	var out []pastName
	for r, err := range n.log.Read(ctx, KindUser.Stream(user), 0) {
		if err != nil {
			return nil, fmt.Errorf("read the names of %s: %w", KindUser.Stream(user), err)
		}
		e, err := domain.Decode(r.Type, r.Data)
		if err != nil {
			return nil, fmt.Errorf("read the names of %s at position %s: %w", KindUser.Stream(user), r.Position, err)
		}
		if s, err = s.Next(e); err != nil {
			return nil, err
		}
		if s.Directory() != n.directory {
			return nil, nil // a member may be any id: a name of another directory's user is nothing to tell
		}
		if len(out) == 0 || out[len(out)-1].name != s.UserName() {
			out = append(out, pastName{r.Position, s.UserName()})
		}
	}
	return out, nil
}
