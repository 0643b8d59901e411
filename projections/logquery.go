package projections

import (
	"context"
	"math"
)

// LogQuery selects deliveries; what is empty selects all.
type LogQuery struct {
	Endpoint      string
	State         DeliveryState
	Type          string
	Subject       string // a stream
	Before        int64  // only what was made before the delivery of this Seq, 0 for all
	Page, PerPage int    // from 1; with Before it is the first page before it, whatever its number
}

const (
	// MaxSkipped is how many deliveries there may be between the newest one and a page that no Before leads to.
	MaxSkipped = 10_000
	// MaxCounted is how far deliveries are counted that are of a subject, or of a type and to an endpoint. Of all others tallies are kept.
	MaxCounted = 10_000
)

// standing is the state of a row as it is shown: what waits is pending, as what is ready is.
const standing = `(CASE state WHEN 'waiting' THEN 'ready' ELSE state END)`

// stands is what standing is of a state.
func (s DeliveryState) stands() string {
	if s == StatePending {
		return "ready"
	}
	return string(s)
}

// Log lists deliveries, the newest first. A page with a Before costs what it holds, where one of the conditions selects it alone or the endpoint and the
// state do together; otherwise those are passed over that the most selective condition lets through. One without a Before skips those before it on the index.
func (o *Outbox) Log(ctx context.Context, q LogQuery) (Page[Logged], error) {
	var page Page[Logged]
	index, err := o.logIndex(ctx, q)
	if err != nil {
		return page, err
	}
	if page.Total, err = o.total(ctx, q, index); err != nil {
		return page, err
	}
	before := q.Before
	if before == 0 {
		if before, err = o.lastBefore(ctx, q, index); err != nil {
			return page, err
		}
	}
	query, args := q.list(index)
	if page.Items, err = rowsOf(ctx, o.db.read, scanLogged, query, append(args, before, q.PerPage)...); err != nil {
		return page, err
	}
	if n := len(page.Items); n > 0 {
		page.Last = page.Items[n-1].Seq
	}
	return page, o.addAttempts(ctx, page.Items)
}

// Counted tells whether no tally tells how many deliveries there are, so that they are counted, as far as MaxCounted.
func (q LogQuery) Counted() bool { return q.Subject != "" || q.Endpoint != "" && q.Type != "" }

// logIndex is the index that has the deliveries in their order of the condition that selects the fewest. Left alone, SQLite knows no numbers, and takes
// an index of other conditions and sorts.
func (o *Outbox) logIndex(ctx context.Context, q LogQuery) (index string, err error) {
	if q.Subject != "" {
		return `INDEXED BY deliveries_about`, nil
	}
	fewest := math.MaxInt
	try := func(given bool, name string, number func() (int, error)) {
		if !given || err != nil {
			return
		}
		var n int
		if n, err = number(); err == nil && n < fewest {
			fewest, index = n, `INDEXED BY `+name
		}
	}
	try(q.Endpoint != "" && q.State == "", `deliveries_to`, func() (int, error) { return o.tallied(ctx, q.Endpoint, "") })
	try(q.Endpoint != "" && q.State != "", `deliveries_standing_to`, func() (int, error) { return o.tallied(ctx, q.Endpoint, q.State) })
	try(q.Endpoint == "" && q.State != "", `deliveries_standing`, func() (int, error) { return o.totalled(ctx, "", q.State) })
	try(q.Type != "", `deliveries_typed`, func() (int, error) { return o.totalled(ctx, q.Type, "") })
	return index, err
}

// where selects the deliveries.
func (q LogQuery) where() (where string, args []any) {
	where = `WHERE true`
	for _, c := range []struct{ column, value string }{{`d.endpoint`, q.Endpoint}, {standing, q.State.stands()}, {`d.type`, q.Type}, {`d.subject`, q.Subject}} {
		if c.value != "" {
			where, args = where+` AND `+c.column+` = ?`, append(args, c.value)
		}
	}
	return where, args
}

// list reads a page; the last arguments are the Before and how many.
func (q LogQuery) list(index string) (string, []any) {
	where, args := q.where()
	return loggedColumns + `FROM deliveries d ` + index + ` CROSS JOIN messages m ON m.event = d.event ` + where + ` AND d.seq < ? ORDER BY d.seq DESC LIMIT ?`, args
}

// skip finds the last delivery of those to be skipped; the last argument is how many are before it.
func (q LogQuery) skip(index string) (string, []any) {
	where, args := q.where()
	return `SELECT d.seq FROM deliveries d ` + index + ` ` + where + ` ORDER BY d.seq DESC LIMIT 1 OFFSET ?`, args
}

// count counts; the last argument is how far.
func (q LogQuery) count(index string) (string, []any) {
	where, args := q.where()
	return `SELECT count(*) FROM (SELECT 1 FROM deliveries d ` + index + ` ` + where + ` LIMIT ?)`, args
}

// lastBefore is the Seq before which a page begins that is found by its number; 0 if it is behind the last one.
func (o *Outbox) lastBefore(ctx context.Context, q LogQuery, index string) (int64, error) {
	skipped := (q.Page - 1) * q.PerPage
	if skipped == 0 {
		return math.MaxInt64, nil
	}
	query, args := q.skip(index)
	last, err := rowsOf(ctx, o.db.read, number, query, append(args, skipped-1)...)
	if err != nil || len(last) == 0 {
		return 0, err
	}
	return int64(last[0]), nil
}

// total is how many deliveries a query selects: from the tallies where they tell.
func (o *Outbox) total(ctx context.Context, q LogQuery, index string) (int, error) {
	switch {
	case q.Counted():
		query, args := q.count(index)
		return counted(ctx, o.db.read, query, append(args, MaxCounted)...)
	case q.Endpoint != "":
		return o.tallied(ctx, q.Endpoint, q.State)
	}
	return o.totalled(ctx, q.Type, q.State)
}

// tallied is how many deliveries an endpoint has in a state, in all if that is "".
func (o *Outbox) tallied(ctx context.Context, endpoint string, s DeliveryState) (int, error) {
	return counted(ctx, o.db.read, `SELECT coalesce(sum(n), 0) FROM tallies WHERE endpoint = ?1 AND (?2 = '' OR `+standing+` = ?2)`, endpoint, s.stands())
}

// totalled is how many deliveries there are of a type and in a state, of which "" is any.
func (o *Outbox) totalled(ctx context.Context, kind string, s DeliveryState) (int, error) {
	return counted(ctx, o.db.read, `SELECT coalesce(sum(n), 0) FROM totals WHERE (?1 = '' OR type = ?1) AND (?2 = '' OR `+standing+` = ?2)`, kind, s.stands())
}
