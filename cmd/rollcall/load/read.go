package load

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const pageSize = 100

// read asks for users in each way that providers and administrators do, with so many of them there.
func (r *run) read(ctx context.Context) error {
	if err := r.populate(ctx, r.Users); err != nil {
		return err
	}
	if err := r.prepared(ctx); err != nil {
		return err
	}
	people := r.world.people
	err := r.phase(ctx, "filter", r.Requests, r.Duration, func(i int, due time.Time) {
		p := people[i%len(people)]
		r.timed("find by userName", due, func() error { return r.match(ctx, "/Users", p.filter(), "", p.id) })
	})
	if err != nil {
		return err
	}
	err = r.phase(ctx, "get", r.Requests, r.Duration, func(i int, due time.Time) {
		r.timed("get by id", due, func() error { return r.get(ctx, people[i%len(people)]) })
	})
	if err != nil {
		return err
	}
	for _, p := range []struct {
		name  string
		start int
	}{{"list first page of 100", 1}, {"list last page of 100", max(len(people)-pageSize, 0) + 1}} {
		err := r.phase(ctx, p.name, r.Requests, r.Duration, func(_ int, due time.Time) {
			r.timed(p.name, due, func() error { return r.page(ctx, p.start, min(pageSize, len(people))) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) get(ctx context.Context, p *person) error {
	var got resource
	if err := r.client.send(ctx, "GET", "/Users/"+p.id, "", &got, http.StatusOK); err != nil {
		return err
	}
	if got.ID != p.id || got.UserName != p.userName {
		return untrue("GET /Users/%s answered %q, who is %q", p.id, got.ID, got.UserName)
	}
	return nil
}

func (r *run) page(ctx context.Context, start, want int) error {
	var got struct {
		Resources []struct{ ID string }
	}
	if err := r.client.send(ctx, "GET", fmt.Sprintf("/Users?startIndex=%d&count=%d", start, pageSize), "", &got, http.StatusOK); err != nil {
		return err
	}
	if len(got.Resources) < want {
		return untrue("a page of %d from %d on has %d users", pageSize, start, len(got.Resources))
	}
	return nil
}

// ping asks for the smallest thing that a SCIM server shows: what HTTP and authentication cost alone.
func (r *run) ping(ctx context.Context) error {
	return r.phase(ctx, "ping", r.Requests, r.Duration, func(_ int, due time.Time) {
		r.timed("get ServiceProviderConfig", due, func() error {
			return r.client.send(ctx, "GET", "/ServiceProviderConfig", "", nil, http.StatusOK)
		})
	})
}
