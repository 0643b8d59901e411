package projections

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// Message is a change as it is sent (Standard Webhooks: type, timestamp, data). It is a pure function of the log.
type Message struct {
	Type      string      `json:"type"`
	Timestamp string      `json:"timestamp"`
	Data      MessageData `json:"data"`
}

// MessageData is what happened: the subject before and after, and who caused it.
type MessageData struct {
	Organization string                `json:"organization"`
	Directory    string                `json:"directory,omitempty"` // absent outside of all directories, and so is the provider
	Provider     domain.Provider       `json:"provider,omitempty"`
	Subject      MessageSubject        `json:"subject"`
	Position     string                `json:"position"`
	Before       domain.Attributes     `json:"before"`
	After        domain.Attributes     `json:"after"`
	Changed      []string              `json:"changed"`
	Changes      MessageChanges        `json:"changes"`
	Members      *domain.MembersChange `json:"members,omitempty"`
	Cause        MessageCause          `json:"cause"`
	Test         bool                  `json:"test,omitempty"` // nothing of it happened
}

// MessageSubject is what changed.
type MessageSubject struct {
	Type       string             `json:"type"`
	ID         string             `json:"id"`
	ExternalID string             `json:"externalId,omitempty"`
	Version    eventstore.Version `json:"version"`
}

// MessageChanges are the values that changed, by SCIM path.
type MessageChanges struct {
	Previous map[string]any `json:"previous_values"`
	New      map[string]any `json:"new_values"`
}

// MessageCause is who asked for it, through which door, when.
type MessageCause struct {
	Actor      string        `json:"actor"`
	Source     domain.Source `json:"source"`
	Request    string        `json:"request"`
	RecordedAt string        `json:"recorded_at"`
}

// WebhookID is the webhook-id of an event's message to an endpoint: the same at each attempt and in each lane.
func WebhookID(event eventstore.ID, endpoint string) string {
	sum := sha256.Sum256(append(event[:], endpoint...))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// Body is the message as it is sent and signed.
func (m Message) Body() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("encode the message: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// ChangeOf is what one event did to its subject, given the subject before and after it.
func ChangeOf(ctx context.Context, s Stored, before, after *Subject, names Names) (domain.Change, error) {
	b, a := before.Snapshot(), after.Snapshot()
	members := before.Kind == KindGroup
	if !members {
		return domain.ChangeBetween(domain.MessageType(s.Event), b, a), nil
	}
	c := domain.ChangeBetween(domain.MessageType(s.Event), before.group.Snapshot(before.ID), after.group.Snapshot(after.ID))
	c.Before, c.After = b, a
	delta := domain.DeltaOf(s.Event)
	c.Members = &domain.MembersChange{Added: []domain.Member{}, Removed: []domain.Member{}, Count: after.Count()}
	if !after.Exists() {
		c.Members.Count = 0
	}
	var err error
	if c.Members.Added, err = named(ctx, c.Members.Added, delta.Added, s.Position, names); err != nil {
		return domain.Change{}, err
	}
	if c.Members.Removed, err = named(ctx, c.Members.Removed, delta.Removed, s.Position, names); err != nil {
		return domain.Change{}, err
	}
	if len(delta.Added)+len(delta.Removed) > 0 {
		c.Changed = append(c.Changed, "members")
	}
	return c, nil
}

// Names finds the userName that a user of the group's directory had at a position, "" if there was none.
type Names func(ctx context.Context, user string, at eventstore.Position) (string, error)

func named(ctx context.Context, out, members []domain.Member, at eventstore.Position, names Names) ([]domain.Member, error) {
	for _, m := range members {
		if m.Type == "" {
			name, err := names(ctx, m.ID, at)
			if err != nil {
				return nil, err
			}
			m.UserName = name
		}
		out = append(out, m)
	}
	return out, nil
}

// MessageOf is the message that tells of a change.
func MessageOf(s Stored, after *Subject, c domain.Change) Message {
	at := formatTime(s.Meta.RecordedAt)
	return Message{
		Type: c.Type, Timestamp: at,
		Data: MessageData{
			Organization: s.Meta.Organization, Directory: s.Meta.Directory, Provider: s.Meta.Provider,
			Subject:  MessageSubject{string(after.Kind), after.ID, after.ExternalID(), s.Version},
			Position: s.Position.String(),
			Before:   c.Before, After: c.After, Changed: c.Changed,
			Changes: MessageChanges{c.Previous, c.New},
			Members: c.Members,
			Cause:   MessageCause{s.Meta.Actor, s.Meta.Source, s.Meta.Request, at},
		},
	}
}
