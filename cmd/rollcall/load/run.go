package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// preparing is how many connections, at least, make what a profile needs to be there and look at the end state, which is not measured.
const preparing = 8

// phase does measured items, as the Config says.
func (r *run) phase(ctx context.Context, what string, items int, limit time.Duration, item func(i int, due time.Time)) error {
	took, unsent := r.stage.each(ctx, what, items, pace{r.Concurrency, r.Rate, limit}, item)
	r.measures.phase(what, took, unsent)
	r.seconds += took
	return ctx.Err()
}

// all does items that are not measured, as fast as they go. The first that fails ends the run.
func (r *run) all(ctx context.Context, what string, items int, item func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.stage.each(ctx, what, items, pace{connections: max(r.Concurrency, preparing)}, func(i int, _ time.Time) {
		if err := item(i); err != nil {
			cancel(fmt.Errorf("%s: %w", what, err))
		}
	})
	return context.Cause(ctx)
}

// prepared ends the preparations: webhooks of these are not measured.
func (r *run) prepared(ctx context.Context) error {
	if r.sink == nil {
		return nil
	}
	if err := r.sink.wait(ctx, r.stage, r.client.changes.Load()); err != nil {
		return err
	}
	r.sink.forget()
	return nil
}

// timed measures a request from a time on, and tells whether it did what it should.
func (r *run) timed(operation string, from time.Time, request func() error) bool {
	err := request()
	r.measures.add(operation, time.Since(from), err)
	return err == nil
}

// kind is what a failed request is counted by.
func kind(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return f.kind
	}
	return "other"
}

// listed is a page of a list.
type listed struct {
	TotalResults int
	Resources    []resource
}

// resource is as much of a user or a group as is looked at.
type resource struct {
	ID          string
	UserName    string
	ExternalID  string
	DisplayName string
	NickName    string
	Active      *bool
	Name        struct{ GivenName, FamilyName string }
	Emails      []struct{ Type, Value string }
	Members     []struct{ Value string }
	Enterprise  struct{ Department, EmployeeNumber string } `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
}

// match finds by a filter, as providers do before they create, and wants just the resource of that id, or none if it is "".
func (r *run) match(ctx context.Context, path, filter, more, id string) error {
	var found listed
	if err := r.client.send(ctx, "GET", path+"?filter="+url.QueryEscape(filter)+more, "", &found, http.StatusOK); err != nil {
		return err
	}
	switch {
	case id == "" && found.TotalResults == 0 && len(found.Resources) == 0:
		return nil
	case id != "" && found.TotalResults == 1 && len(found.Resources) == 1 && found.Resources[0].ID == id:
		return nil
	}
	return untrue("%s where %s: it finds %d, and not %q alone", path, filter, found.TotalResults, id)
}

func (p *person) filter() string { return fmt.Sprintf("userName eq %q", p.userName) }

// create creates a person.
func (r *run) create(ctx context.Context, p *person, d dialect) error {
	var made resource
	err := r.client.send(ctx, "POST", "/Users", d.person(p), &made, http.StatusCreated)
	if err == nil && made.ID == "" {
		err = untrue("POST /Users answered no id")
	}
	p.id, p.extended, p.unsure = made.ID, d.extended, err != nil
	return err
}

// establish creates a team, empty.
func (r *run) establish(ctx context.Context, t *team, d dialect) error {
	var made resource
	err := r.client.send(ctx, "POST", "/Groups", d.team(t), &made, http.StatusCreated)
	if err == nil && made.ID == "" {
		err = untrue("POST /Groups answered no id")
	}
	t.id, t.unsure, t.members = made.ID, err != nil, map[string]bool{}
	return err
}

// join adds members to a team.
func (r *run) join(ctx context.Context, t *team, members []*person, d dialect) error {
	err := r.client.send(ctx, "PATCH", "/Groups/"+t.id, d.add(members), nil, http.StatusNoContent, http.StatusOK)
	if err != nil {
		t.unsure = true
		return err
	}
	for _, p := range members {
		t.members[p.id] = true
	}
	return nil
}
