package projections

import (
	"context"
	"sync"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// freshness bounds how long a query waits for the read model to reach what was acknowledged.
const freshness = 5 * time.Second

// scope is what a query is about, and waits for: a directory's users and groups, by the directory's id, or all the rest.
type scope string

// rest is the scope of organizations, directories, endpoints, connections, applications, mails and API keys: few, and changed by hand.
const rest scope = ""

// grouping is the scope of who is in which group of a directory. Its users' own changes leave that as it is.
func grouping(directory string) scope { return scope("groups of " + directory) }

// scopesKept bounds how many scopes are remembered that the model has yet to reach.
const scopesKept = 1024

// expectations are the positions that queries wait for. They are kept by scope, so that the push of one large directory lets
// nobody else wait. Safe for concurrent use.
type expectations struct {
	mu     sync.Mutex
	floor  eventstore.Position // what every query waits for
	scopes map[scope]eventstore.Position
}

// all makes every query wait for a position.
func (x *expectations) all(position eventstore.Position) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.floor = later(x.floor, position)
}

// in makes the queries of a scope wait for a position; reached is how far the model is.
func (x *expectations) in(s scope, position, reached eventstore.Position) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, known := x.scopes[s]; !known && len(x.scopes) >= scopesKept {
		x.forget(reached)
	}
	if x.scopes == nil {
		x.scopes = map[scope]eventstore.Position{}
	}
	x.scopes[s] = later(x.scopes[s], position)
}

// forget makes room: scopes that are reached wait for nothing. If none is, all are behind, and all wait for the furthest.
func (x *expectations) forget(reached eventstore.Position) {
	furthest := x.floor
	for s, position := range x.scopes {
		furthest = later(furthest, position)
		if !reached.Before(position) {
			delete(x.scopes, s)
		}
	}
	if len(x.scopes) >= scopesKept {
		x.floor = furthest
		clear(x.scopes)
	}
}

func (x *expectations) of(s scope) eventstore.Position {
	x.mu.Lock()
	defer x.mu.Unlock()
	return later(x.floor, x.scopes[s])
}

func later(a, b eventstore.Position) eventstore.Position {
	if a.Before(b) {
		return b
	}
	return a
}

// Expect makes every later query wait for the position: what was acknowledged is shown.
func (m *ReadModel) Expect(position eventstore.Position) { m.expected.all(position) }

// ExpectRest makes those later queries wait for the position that are about neither users nor groups.
func (m *ReadModel) ExpectRest(position eventstore.Position) {
	m.expected.in(rest, position, m.progress.Position())
}

// ExpectOf makes those later queries wait for the position that may show an event which stands there: the stream's, in the directory
// that the event's meta names. Queries that name another directory go on.
func (m *ReadModel) ExpectOf(stream, directory string, position eventstore.Position) {
	in := func(s scope) { m.expected.in(s, position, m.progress.Position()) }
	switch kind, id := SplitStream(stream); {
	case kind == KindName: // nothing is shown of names
	case kind == KindDirectory: // the end of a directory is the end of all that is in it
		in(scope(id))
		in(grouping(id))
		in(rest)
	case kind != KindUser && kind != KindGroup:
		in(rest)
	case directory == "": // by whom, nobody knows
		m.Expect(position)
	default:
		in(scope(directory))
		if kind == KindGroup {
			in(grouping(directory))
		}
	}
}

// fresh waits until the model shows all that is expected of it in a scope.
func (m *ReadModel) fresh(ctx context.Context, s scope) error {
	goal, err := m.goal(ctx, s)
	if err != nil {
		return err
	}
	return fresh(ctx, m.progress, goal)
}

// goal is the position that a query of a scope waits for.
func (m *ReadModel) goal(ctx context.Context, s scope) (eventstore.Position, error) {
	expected := m.expected.of(s)
	if m.heads == nil {
		return expected, nil
	}
	bounded, cancel := context.WithTimeout(ctx, freshness)
	defer cancel()
	head, err := m.heads.head(bounded)
	switch {
	case ctx.Err() != nil:
		return expected, ctx.Err()
	case err != nil:
		e := domain.Refuse(domain.Unavailable, "the log cannot be reached now; try again in a moment")
		e.Cause = err
		return expected, e
	}
	return later(expected, head), nil
}

// ShareLog tells that other processes write the log too: every later query asks for its head and waits for that, so that it shows what was
// acknowledged before, whoever did. To be called before the first query.
func (m *ReadModel) ShareLog(log Headed) { m.heads = &heads{log: log} }

// Acknowledged is the position up to which what is no user and no group was acknowledged: endpoints, and what was asked of their deliveries.
func (m *ReadModel) Acknowledged(ctx context.Context) (eventstore.Position, error) {
	return m.goal(ctx, rest)
}

// Fresh waits until the outbox has seen the position, or answers an Unavailable error after five seconds.
func (o *Outbox) Fresh(ctx context.Context, position eventstore.Position) error {
	return fresh(ctx, o.progress, position)
}

// fresh waits, within a bound, until a position is reached.
func fresh(ctx context.Context, p *Progress, goal eventstore.Position) error {
	if !p.Position().Before(goal) {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, freshness)
	defer cancel()
	if err := p.Wait(bounded, goal); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		message := "the directory is catching up with its log; try again in a moment"
		if _, _, failure := p.now(); failure != nil { // waiting does not help
			message = "this part of the server has stopped and does not come back by itself; its operator finds at /readyz what has stopped"
		}
		e := domain.Refuse(domain.Unavailable, "%s", message)
		e.Cause = err
		return e
	}
	return nil
}
