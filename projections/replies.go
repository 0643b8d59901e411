package projections

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

//go:embed schema/replies.sql
var repliesSchema string

// RepliesFile is the file of the Replies in the data folder.
const RepliesFile = "replies.db"

const (
	// RepliesKept is how long a reply is kept.
	RepliesKept = 24 * time.Hour
	// MaxReplies bounds how many are kept for one caller.
	MaxReplies = 10_000

	repliesSwept = 100       // of those whose time is over, at each new one
	requestLimit = time.Hour // no request takes that long, whatever the clocks of servers say
)

// Replies keeps what requests were answered, so that one that is sent again is not carried out again. It is no projection: what stands in it is in no log.
// It is a file of one server: another one of the same log does not know it. A file of another log, or one that is ahead of its log, which was then restored from
// a backup, is begun anew. All methods are safe for concurrent use.
//
// A request that has begun and has no reply may have been carried out or not: the server was killed, or could not answer. When it is sent again the log tells,
// for every event names the request that it comes from.
type Replies struct {
	db  *database
	log Past

	mu      sync.Mutex
	at      eventstore.Position // how far the log is known to go
	running map[string]string   // what is asked by the requests under way, by id
}

// Asked is a request that may have been sent before.
type Asked struct {
	ID      string // of the caller's key for it; it does not show the key
	Caller  string // who sends it
	What    string // tells it from others with the same key; it does not show what is asked
	Request string // the id that its events name
	At      time.Time
}

// What may be wrong with a request that is sent again.
var (
	ErrAskedOther = errors.New("another request was sent with the same key")
	ErrUnderWay   = errors.New("the request is under way")
	ErrReplyLost  = errors.New("the request was carried out, and its reply is lost")
)

// TooManyRepliesError tells that a caller has as many replies as are kept for one; there is room after a time.
type TooManyRepliesError struct{ After time.Duration }

func (e *TooManyRepliesError) Error() string { return "too many replies are kept for the caller" }

// OpenReplies opens the file in a folder, an empty one if there is none. The id is the log's, and head where it ends.
func OpenReplies(folder string, log Past, id string, head eventstore.Position) (*Replies, error) {
	db, err := openDatabase(filepath.Join(folder, RepliesFile), repliesSchema, id)
	if err != nil {
		return nil, err
	}
	at, err := db.checkpoint()
	if errors.Is(err, ErrOtherLog) || err == nil && head.Before(at) {
		err = db.update(context.Background(), func(b *batch) error {
			return errors.Join(b.exec(`DELETE FROM replies`), b.exec(`DELETE FROM checkpoint`))
		})
	}
	if err != nil {
		return nil, errors.Join(err, db.close())
	}
	return &Replies{db: db, log: log, at: head, running: map[string]string{}}, nil
}

// Close closes the file.
func (p *Replies) Close() error { return p.db.close() }

// Begin answers what the request was answered before; "" if it is to be carried out, and then to be ended by Keep or Leave. That it has begun is durable when Begin
// returns.
func (p *Replies) Begin(ctx context.Context, a Asked) (reply string, err error) {
	if err := p.enter(a); err != nil {
		return "", err
	}
	if reply, err = p.begin(ctx, a); err != nil || reply != "" {
		p.Leave(a)
	}
	return reply, err
}

// enter makes sure that no other request of the same key is under way.
func (p *Replies) enter(a Asked) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch what, is := p.running[a.ID]; {
	case is && what != a.What:
		return ErrAskedOther
	case is:
		return ErrUnderWay
	}
	p.running[a.ID] = a.What
	return nil
}

func (p *Replies) begin(ctx context.Context, a Asked) (string, error) {
	head, err := p.log.Head(ctx)
	if err != nil {
		return "", err
	}
	old := a.At.Add(-RepliesKept)
	before, known, err := p.before(ctx, a, old)
	switch {
	case err != nil:
	case !known:
		err = p.room(ctx, a, old)
	case before.what != a.What:
		err = ErrAskedOther
	case before.reply == "":
		err = p.undone(ctx, before)
	}
	if err != nil {
		return "", err
	}
	if before.reply != "" {
		return before.reply, nil
	}
	return "", p.db.update(ctx, func(b *batch) error {
		if err := b.exec(`DELETE FROM replies WHERE id IN (SELECT id FROM replies WHERE began <= ? LIMIT ?)`, millis(old), repliesSwept); err != nil {
			return err
		}
		if err := b.exec(`INSERT OR REPLACE INTO replies (id, caller, asked, request, position, began) VALUES (?, ?, ?, ?, ?, ?)`,
			a.ID, a.Caller, a.What, a.Request, head.String(), millis(a.At)); err != nil {
			return err
		}
		return b.reached(p.reached(head))
	})
}

// reached is how far the log is known to go.
func (p *Replies) reached(head eventstore.Position) eventstore.Position {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = later(p.at, head)
	return p.at
}

// earlier is what is kept of a request that was sent before.
type earlier struct {
	what, request, reply string
	at                   eventstore.Position
	began                time.Time
}

func scanEarlier(r row) (e earlier, err error) {
	var position string
	var began int64
	if err := r.Scan(&e.what, &e.request, &position, &began, &e.reply); err != nil {
		return e, err
	}
	e.began = fromMillis(began)
	e.at, err = eventstore.ParsePosition(position)
	return e, err
}

func (p *Replies) before(ctx context.Context, a Asked, old time.Time) (e earlier, known bool, err error) {
	found, err := rowsOf(ctx, p.db.read, scanEarlier, `SELECT asked, request, position, began, reply FROM replies WHERE id = ? AND began > ?`, a.ID, millis(old))
	if err != nil || len(found) == 0 {
		return e, false, err
	}
	return found[0], true, nil
}

// undone makes sure that the log has no event of a request. Only what came within its time is read.
func (p *Replies) undone(ctx context.Context, e earlier) error {
	for r, err := range p.log.All(ctx, e.at) {
		if err != nil {
			return fmt.Errorf("look for what a request did: %w", err)
		}
		meta, err := domain.DecodeMeta(r.Meta)
		if err != nil {
			return fmt.Errorf("record at position %s: %w", r.Position, err)
		}
		if meta.Request == e.request {
			return ErrReplyLost
		}
		if meta.RecordedAt.After(e.began.Add(requestLimit)) {
			break
		}
	}
	return nil
}

// room makes sure that there is some for one more reply of the caller.
func (p *Replies) room(ctx context.Context, a Asked, old time.Time) error {
	n, err := counted(ctx, p.db.read, `SELECT count(*) FROM replies WHERE caller = ? AND began > ?`, a.Caller, millis(old))
	if err != nil || n < MaxReplies {
		return err
	}
	oldest, err := counted(ctx, p.db.read, `SELECT min(began) FROM replies WHERE caller = ? AND began > ?`, a.Caller, millis(old))
	if err != nil {
		return err
	}
	return &TooManyRepliesError{fromMillis(int64(oldest)).Sub(old)}
}

// Keep ends a request with its reply, which is durable when Keep returns. A context that ends does not stop it.
func (p *Replies) Keep(ctx context.Context, a Asked, reply string) error {
	defer p.Leave(a)
	head, err := p.log.Head(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	return p.db.update(ctx, func(b *batch) error {
		if err := b.exec(`UPDATE replies SET reply = ? WHERE id = ?`, reply, a.ID); err != nil {
			return err
		}
		return b.reached(p.reached(head))
	})
}

// Leave ends a request without a reply.
func (p *Replies) Leave(a Asked) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, a.ID)
}
