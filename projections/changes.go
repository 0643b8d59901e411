package projections

import (
	"context"
	"errors"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// Changes turns records into messages. It remembers the subjects that changed last, so that following the log reads no stream twice; what it
// does not remember it folds from the log. Records must come in the log's order, each to Message or to Pass. For one goroutine.
type Changes struct {
	log  Streams
	memo *lru.Cache[string, *Subject]
}

// memoSize bounds how many subjects are remembered; one takes 2 to 20 KB.
const memoSize = 4096

// NewChanges makes one that reads from the log.
func NewChanges(log Streams) (*Changes, error) {
	memo, err := lru.New[string, *Subject](memoSize)
	if err != nil {
		return nil, fmt.Errorf("make the memo of subjects: %w", err)
	}
	return &Changes{log, memo}, nil
}

// Message is what a record tells the world; ok is false for records that send nothing.
func (c *Changes) Message(ctx context.Context, s Stored) (m Message, ok bool, err error) {
	kind, id := SplitStream(s.Stream)
	if !kind.Tells() {
		return Message{}, false, nil
	}
	before, err := c.at(ctx, kind, id, s.Version-1)
	if err != nil {
		return Message{}, false, err
	}
	after, err := before.Next(s.Event)
	if errors.Is(err, errMembersUnknown) {
		after, err = Fold(ctx, c.log, kind, id, s.Version)
	}
	if err != nil {
		return Message{}, false, err
	}
	c.memo.Add(s.Stream, after)
	if domain.MessageType(s.Event) == "" {
		return Message{}, false, nil
	}
	change, err := ChangeOf(ctx, s, before, after, func(ctx context.Context, user string, at eventstore.Position) (string, error) {
		return c.userName(ctx, after.Directory(), user, at)
	})
	if err != nil {
		return Message{}, false, err
	}
	return MessageOf(s, after, change), true, nil
}

// Told is what a record tells the world, nil if that is nothing or nobody wants it.
func (c *Changes) Told(ctx context.Context, r eventstore.Record, wants Wants) (*Message, error) {
	if !tells(r) {
		return nil, nil
	}
	s, err := DecodeRecord(r)
	if err != nil {
		return nil, err
	}
	if kind := domain.MessageType(s.Event); kind == "" || !wants(kind, s.Meta.Organization) {
		c.Pass(r)
		return nil, nil
	}
	m, ok, err := c.Message(ctx, s)
	if err != nil || !ok {
		return nil, err
	}
	return &m, nil
}

// at is the subject at a version.
func (c *Changes) at(ctx context.Context, kind Kind, id string, version eventstore.Version) (*Subject, error) {
	if version == 0 {
		return &Subject{Kind: kind, ID: id}, nil
	}
	if s, ok := c.memo.Get(kind.Stream(id)); ok && s.Version == version {
		return s, nil
	}
	return Fold(ctx, c.log, kind, id, version)
}

// userName is the name of a user of the directory. Records come in order, so what is remembered is the user at the position asked for.
func (c *Changes) userName(ctx context.Context, directory, id string, at eventstore.Position) (string, error) {
	s, ok := c.memo.Get(KindUser.Stream(id))
	if !ok {
		var err error
		if s, err = FoldAt(ctx, c.log, KindUser, id, at); err != nil {
			return "", err
		}
		c.memo.Add(KindUser.Stream(id), s)
	}
	if s.Directory() != directory { // a group may name any id; whose it is stays untold
		return "", nil
	}
	return s.UserName(), nil
}

// Pass tells that a record was not asked for: its subject is not remembered any more.
func (c *Changes) Pass(r eventstore.Record) { c.memo.Remove(r.Stream) }

// Forget forgets all subjects: records that were asked for may be asked for again.
func (c *Changes) Forget() { c.memo.Purge() }
