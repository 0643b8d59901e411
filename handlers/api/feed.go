package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

const (
	defaultFed = 100
	maxFed     = 1000
	maxWait    = 60

	// maxFollowing is how many consumers may tail the feed or wait for its next message at a time. Each holds a connection, and what it remembers of the
	// subjects that changed last.
	maxFollowing = 32
)

// fed is a page of the feed.
type fed struct {
	Data      []json.RawMessage `json:"data"`
	NextAfter string            `json:"next_after"`
}

// feed shows the messages behind a cursor, in the log's order: a page, one that waits for a first message, or as server-sent events all to come.
func (a *API) feed(w http.ResponseWriter, r *request) error {
	wrong := map[string]string{}
	limit := number(r.params, "limit", defaultFed, maxFed, wrong)
	wait := number(r.params, "wait", 0, maxWait, wrong) // seconds
	if err := refuseFields(wrong); err != nil {
		return err
	}
	codes, err := typesOf(r)
	if err != nil {
		return err
	}
	wants := func(kind, organization string) bool {
		return domain.Wanted(codes, kind) && (r.key.OrganizationID == "" || organization == r.key.Organization)
	}
	tails := strings.Contains(r.Header.Get("Accept"), eventStream)
	if tails || wait > 0 {
		select {
		case a.following <- struct{}{}:
			defer func() { <-a.following }()
		default:
			return domain.Refuse(domain.RateLimited, "%d consumers follow the feed, which is as many as may; try again in a moment, or read it by pages, without wait", maxFollowing)
		}
	}
	if tails {
		return a.tail(w, r, wants)
	}
	after, err := a.after(r, r.params.Get("after"))
	if err != nil {
		return err
	}
	var page []projections.Fed
	if wait == 0 {
		page, after, err = a.Feed.Page(r.Context(), after, limit, wants)
	} else {
		ctx, cancel := a.untilStop(r.Context())
		defer cancel()
		ctx, cancel = context.WithTimeout(ctx, time.Duration(wait)*time.Second)
		defer cancel()
		if page, after, err = a.Feed.Wait(ctx, after, limit, wants); err == nil {
			_, err = a.asking(w, r.Request)
		}
	}
	if err != nil {
		return err
	}
	shown := fed{Data: make([]json.RawMessage, len(page)), NextAfter: after.String()}
	for i, f := range page {
		if shown.Data[i], err = f.Message.Body(); err != nil {
			return err
		}
	}
	return answer(w, http.StatusOK, shown)
}

// after is the place behind which the feed begins, "" for the start.
func (a *API) after(r *request, text string) (projections.Cursor, error) {
	c, err := a.place(r, "after", cmp.Or(text, "0"))
	if err != nil {
		return c, err
	}
	return a.since(r, r.key.OrganizationID, r.key.Organization, c)
}

// since is a place in the log, or where an organization begins if that is later: what stands before was another one's, of the same domain.
func (a *API) since(r *request, organizationID, slug string, c projections.Cursor) (projections.Cursor, error) {
	if organizationID == "" {
		return c, nil
	}
	begins, err := a.Commands.Beginning(r.Context(), organizationID, slug)
	if c.Position.Before(begins) {
		c.Position = begins
	}
	return c, err
}

func typesOf(r *request) ([]string, error) {
	text := r.params.Get("types")
	if text == "" {
		return []string{"all"}, nil
	}
	codes, err := domain.CheckCodes(strings.Split(text, ","))
	if err != nil {
		return nil, domain.RefuseField("types", "name no message; take directory.user.* or a type, with commas between")
	}
	return codes, nil
}

// place is where in the log a field or parameter says. A cursor of another log is gone, and the answer tells the time to go on from.
func (a *API) place(r *request, field, text string) (projections.Cursor, error) {
	at, err := a.Feed.Start(r.Context(), text, a.Commands.Now())
	var other *projections.OtherLogError
	if errors.As(err, &other) {
		e := domain.Refuse(domain.Gone, "the cursor is of another log, which this server no longer reads; go on from the time %s", formatTime(other.At))
		e.Fields = map[string]string{field: "is of another log", "resume_at": formatTime(other.At)}
		return at, e
	}
	if errors.Is(err, projections.ErrNotWhen) {
		return at, domain.RefuseField(field, "is neither a cursor nor an RFC 3339 time; 0 is the start")
	}
	return at, err
}

// untilStop is a context that also ends when the server is about to stop, so that whoever waits lets it.
func (a *API) untilStop(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-a.Stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
