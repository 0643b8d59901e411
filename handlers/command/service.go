// Package command is what may be asked to happen: one method of Service for each intent.
//
// A method loads the subject from the log, lets the domain decide, and appends what it decided at the version that it
// decided on. Writers of one process take turns on a subject; if another writer was faster nevertheless it begins again, ten
// times, and then answers a conflict. When a method returns without error, its events are durable, and every query of the read
// model that they change waits until it shows them.
//
// Several processes may write one log (Config.Shared). A batch then stands in it piece by piece, and may end in the middle: claims go first, so
// that what is left behind is harmless, and Departures finish what a deletion leaves to do. What the process does that delivers for all,
// a Tenure tells the others.
//
// It knows no HTTP: who asks, and through which door, comes as a Caller.
package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/projections"
)

// Config is what a Service needs; Log, Read and Keys are required.
type Config struct {
	Log       eventstore.Store
	Read      *projections.ReadModel
	Keys      *keys.Master
	Invite    time.Duration    // how long an invitation's link is good; a week if 0
	Shared    bool             // other processes write the log too, and a batch may stand in it in part
	MailsKept bool             // no mail server is known: who reads a mail hands its link on
	Now       func() time.Time // time.Now if nil
}

// Service carries out commands. Its methods may be called concurrently.
type Service struct {
	Config
	folds *lru.Cache[string, any] // the last subjects folded, by stream
	locks *locks
}

// Caller is who asks, and through what; it becomes the meta of the events.
type Caller struct {
	Actor   string // token:<id>, apikey:<id>, invitation:<id> or system
	Source  domain.Source
	Request string // the id of the request

	// If tells whether a user or group may be changed at the version at which it stands (If-Match); nil for any.
	If func(version uint64) bool
}

// allows holds a caller's condition against a version.
func (c Caller) allows(version eventstore.Version) error {
	if c.If != nil && !c.If(uint64(version)) {
		return domain.Refuse(domain.PreconditionFailed, "it was changed meanwhile; read it again")
	}
	return nil
}

// foldsKept bounds how many folded subjects are remembered; one takes about 2 KB.
const foldsKept = 4096

// New makes a Service.
func New(c Config) (*Service, error) {
	var missing []error
	if c.Log == nil {
		missing = append(missing, errors.New("command: Log is required"))
	}
	if c.Read == nil {
		missing = append(missing, errors.New("command: Read is required"))
	}
	if c.Keys == nil {
		missing = append(missing, errors.New("command: Keys is required"))
	}
	if len(missing) > 0 {
		return nil, errors.Join(missing...)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Invite == 0 {
		c.Invite = 7 * 24 * time.Hour
	}
	folds, err := lru.New[string, any](foldsKept)
	if err != nil {
		return nil, fmt.Errorf("make the memo of subjects: %w", err)
	}
	return &Service{c, folds, newLocks()}, nil
}

// meta is the meta of events about an organization.
func (s *Service) meta(c Caller, organization string) domain.Meta {
	return domain.Meta{
		CorrelationID: c.Request, Actor: c.Actor, Source: c.Source, Request: c.Request,
		Organization: organization, RecordedAt: s.Now(),
	}
}

// metaIn is the meta of events in a directory.
func (s *Service) metaIn(c Caller, d projections.Directory) domain.Meta {
	m := s.meta(c, d.Organization)
	m.Directory, m.Provider = d.ID, d.Provider
	return m
}

// newID is a UUIDv7: in the order of time, so that indexes grow at their end.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// write makes the Write of events to a stream.
func write(stream string, at eventstore.Version, meta domain.Meta, events ...domain.Event) (eventstore.Write, error) {
	encoded, err := domain.EncodeMeta(meta)
	if err != nil {
		return eventstore.Write{}, fmt.Errorf("encode the meta: %w", err)
	}
	w := eventstore.Write{Stream: stream, Expected: at}
	for _, e := range events {
		name, data, err := domain.Encode(e)
		if err != nil {
			return eventstore.Write{}, err
		}
		w.Entries = append(w.Entries, eventstore.Entry{ID: eventstore.ID(uuid.Must(uuid.NewV7())), Type: name, Data: data, Meta: encoded})
	}
	return w, nil
}

// draft gathers the writes of one append.
type draft struct {
	writes      []eventstore.Write
	directories []string // of each write, "" outside of all
	hopeful     bool     // names are taken for such as nobody ever claimed, and not looked up: where one is not, the log refuses the draft
	ends        []end    // the releases at its end, without which it is as good as written
	err         error
}

// end is a write that may end a draft.
type end struct {
	stream string
	at     eventstore.Version
}

func (d *draft) add(stream string, at eventstore.Version, meta domain.Meta, events ...domain.Event) {
	w, err := write(stream, at, meta, events...)
	if err != nil {
		d.err = errors.Join(d.err, err)
		return
	}
	d.writes, d.directories, d.ends = append(d.writes, w), append(d.directories, meta.Directory), nil
}

// join adds the writes of another draft.
func (d *draft) join(more draft) {
	if len(more.writes) > 0 {
		d.ends = more.ends
	}
	d.writes, d.directories, d.err = append(d.writes, more.writes...), append(d.directories, more.directories...), errors.Join(d.err, more.err)
}

// part is some of the writes of a draft.
func (d *draft) part(from, to int) draft {
	return draft{writes: d.writes[from:to], directories: d.directories[from:to]}
}

// appendTries is how often a batch is appended whose outcome is unknown; the same ids make that harmless.
const appendTries = 3

// append writes a draft and makes the read model show it before it answers again.
func (s *Service) append(ctx context.Context, d draft) error {
	if d.err != nil {
		return d.err
	}
	writes := d.writes
	if s.Shared {
		writes = apart(writes)
	}
	var err error
	for range appendTries {
		var at eventstore.Position
		if at, err = s.Log.Append(ctx, writes...); err == nil {
			for i, w := range d.writes {
				s.Read.ExpectOf(w.Stream, d.directories[i], at)
			}
			return nil
		}
		if !errors.Is(err, eventstore.ErrUnavailable) || ctx.Err() != nil {
			break
		}
	}
	var conflict *eventstore.ConflictError
	if errors.As(err, &conflict) {
		if s.Shared && slices.Contains(d.ends, end{conflict.Stream, conflict.Expected}) { // all the rest is written, and whoever has the name now took it over
			return nil
		}
		return err
	}
	e := domain.Refuse(domain.Unavailable, "the change could not be stored now; send it again")
	if errors.Is(err, eventstore.ErrTooLarge) {
		e = domain.Refuse(domain.TooLarge, "the change is larger than the log takes at once; send it in smaller parts")
	}
	e.Cause = fmt.Errorf("append: %w", err)
	return e
}

// apart has each event of a group stand in a write of its own, for a shared log takes less at once than a large group needs.
func apart(writes []eventstore.Write) (out []eventstore.Write) {
	for _, w := range writes {
		if kind, _ := projections.SplitStream(w.Stream); kind != projections.KindGroup {
			out = append(out, w)
			continue
		}
		for i := range w.Entries {
			out = append(out, eventstore.Write{Stream: w.Stream, Expected: w.Expected + eventstore.Version(i), Entries: w.Entries[i : i+1]})
		}
	}
	return out
}
