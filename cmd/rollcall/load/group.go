package load

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// filling is how many members a group gets in one PATCH while it is prepared.
const filling = 1000

// group changes the membership of single users in one large group, and reads the group without its members as Entra does: it makes a
// group of so many members, and as many more users as Users says, who then come and go.
func (r *run) group(ctx context.Context) error {
	if err := r.populate(ctx, r.Members+r.Users); err != nil {
		return err
	}
	inside, outside := r.world.people[:r.Members], r.world.people[r.Members:]
	t := r.world.found(1, 0)[0]
	err := r.all(ctx, "preparing the group", 1, func(int) error {
		if err := r.establish(ctx, t, entra); err != nil {
			return err
		}
		for members := range slices.Chunk(inside, filling) {
			if err := r.join(ctx, t, members, entra); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := r.prepared(ctx); err != nil {
		return err
	}
	items := min(r.Requests, len(outside))
	for _, adding := range []bool{true, false} {
		name := "remove one member"
		if adding {
			name = "add one member"
		}
		err := r.phase(ctx, name, items, r.Duration, func(i int, due time.Time) {
			r.timed(name, due, func() error { return r.move(ctx, t, outside[i], adding) })
		})
		if err != nil {
			return err
		}
		items /= 2 // some stay
	}
	t.settle(outside)
	return r.phase(ctx, "read", r.Requests, r.Duration, func(_ int, due time.Time) {
		r.timed("get group without members", due, func() error {
			return r.client.send(ctx, "GET", "/Groups/"+t.id+"?excludedAttributes=members", "", &resource{}, http.StatusOK)
		})
	})
}

// move lets one person join or leave a team. Others do the same meanwhile, so that it is noted with the person.
func (r *run) move(ctx context.Context, t *team, p *person, join bool) error {
	body := removeAsEntra(p)
	if join {
		body = addAsEntra([]*person{p})
	}
	err := r.client.send(ctx, "PATCH", "/Groups/"+t.id, body, nil, http.StatusNoContent, http.StatusOK)
	p.team, p.unsure = join, p.unsure || err != nil
	return err
}

// settle takes over who came and went.
func (t *team) settle(people []*person) {
	for _, p := range people {
		t.unsure = t.unsure || p.unsure
		if p.team {
			t.members[p.id] = true
		}
	}
}
