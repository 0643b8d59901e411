package load

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// steady is a directory in its everyday life, with so many users there: some join, some are changed by Entra's PATCH, some are deactivated and
// reactivated by Okta's.
func (r *run) steady(ctx context.Context) error {
	if err := r.populate(ctx, r.Users); err != nil {
		return err
	}
	there := r.world.people
	if err := r.prepared(ctx); err != nil {
		return err
	}
	joiners := r.world.hire(r.Requests)
	err := r.phase(ctx, "create", len(joiners), r.Duration, func(i int, due time.Time) {
		r.timed("create user", due, func() error { return r.create(ctx, joiners[i], entra) })
	})
	if err != nil {
		return err
	}
	err = r.phase(ctx, "update", r.Requests, r.Duration, func(i int, due time.Time) {
		p := there[i%len(there)]
		r.timed("update user, 4 operations", due, func() error { return r.change(ctx, p, i) })
	})
	if err != nil {
		return err
	}
	return r.phase(ctx, "deactivate", r.Requests, r.Duration, func(i int, due time.Time) {
		p := there[i%len(there)]
		p.mu.Lock()
		defer p.mu.Unlock()
		name := "reactivate user"
		if p.active {
			name = "deactivate user"
		}
		r.timed(name, due, func() error { return r.activate(ctx, p, !p.active) })
	})
}

// populate makes users that a profile needs to be there.
func (r *run) populate(ctx context.Context, users int) error {
	people := r.world.hire(users)
	return r.all(ctx, "preparing users", users, func(i int) error { return r.create(ctx, people[i], entra) })
}

// change gives a person other values.
func (r *run) change(ctx context.Context, p *person, turn int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.display, p.nick = fmt.Sprint("Ada King ", turn), fmt.Sprint("Countess ", turn)
	p.email, p.employee = fmt.Sprintf("ada-%d@%s.example", turn, r.world.name), fmt.Sprint("K", turn)
	return r.acknowledged(ctx, p, p.update())
}

func (r *run) activate(ctx context.Context, p *person, active bool) error {
	p.active = active
	return r.acknowledged(ctx, p, activation(active))
}

// acknowledged sends a PATCH of a person; what stands is not known if it fails.
func (r *run) acknowledged(ctx context.Context, p *person, body string) error {
	err := r.client.send(ctx, "PATCH", "/Users/"+p.id, body, nil, http.StatusOK, http.StatusNoContent)
	p.unsure = p.unsure || err != nil
	return err
}
