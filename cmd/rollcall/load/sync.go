package load

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// dialect is how a provider writes.
type dialect struct {
	person   func(*person) string
	extended bool // with the enterprise extension
	team     func(*team) string
	match    string // what follows the filter where it looks for a group
	add      func([]*person) string
	batch    int // members in one PATCH at most
}

var (
	okta  = dialect{person: (*person).asOkta, team: (*team).asOkta, match: "&startIndex=1&count=100", add: addAsOkta, batch: 256}
	entra = dialect{person: (*person).asEntra, extended: true, team: (*team).asEntra, match: "&excludedAttributes=members", add: addAsEntra, batch: 100}
)

// sync is a provider's first sync: it looks for each user and creates it, then for each group, and then adds the members.
func (r *run) sync(ctx context.Context, d dialect) error {
	people := r.world.hire(r.Users)
	err := r.phase(ctx, "users", len(people), 0, func(i int, due time.Time) {
		p := people[i]
		if r.timed("match user", due, func() error { return r.match(ctx, "/Users", p.filter(), "", "") }) {
			r.timed("create user", time.Now(), func() error { return r.create(ctx, p, d) })
		}
	})
	if err != nil || r.Groups == 0 {
		return err
	}
	teams := r.world.found(r.Groups, r.Members)
	return r.phase(ctx, "groups", len(teams), 0, func(i int, due time.Time) {
		t := teams[i]
		ok := r.timed("match group", due, func() error {
			return r.match(ctx, "/Groups", fmt.Sprintf("displayName eq %q", t.name), d.match, "")
		}) && r.timed("create group", time.Now(), func() error { return r.establish(ctx, t, d) })
		for members := range slices.Chunk(there(t.plan), d.batch) {
			ok = ok && r.timed("add members", time.Now(), func() error { return r.join(ctx, t, members, d) })
		}
	})
}

// there are those who were created.
func there(people []*person) []*person {
	return slices.DeleteFunc(slices.Clone(people), func(p *person) bool { return p.id == "" })
}
