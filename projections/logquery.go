package projections

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// LogQuery selects deliveries; what is empty selects all.
type LogQuery struct {
	Endpoint      string
	Among         []string // only what is sent to these endpoints, nil for any; for queries without an Endpoint
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
// state do together; otherwise those are passed over that the most selective condition lets through. One without a Before skips those before it on the index. Among
// several endpoints each is read like that.
func (o *Outbox) Log(ctx context.Context, q LogQuery) (Page[Logged], error) {
	page := Page[Logged]{Items: []Logged{}}
	parts, err := o.parts(ctx, q)
	if err != nil {
		return page, err
	}
	for _, p := range parts {
		n, err := o.total(ctx, p)
		if err != nil {
			return page, err
		}
		page.Total += n
	}
	before := q.Before
	if before == 0 {
		if before, err = o.lastBefore(ctx, q, parts); err != nil {
			return page, err
		}
	}
	for _, p := range parts {
		query, args := p.list()
		items, err := rowsOf(ctx, o.db.read, scanLogged, query, append(args, before, q.PerPage)...)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, items...)
	}
	slices.SortFunc(page.Items, func(a, b Logged) int { return cmp.Compare(b.Seq, a.Seq) })
	page.Items = page.Items[:min(len(page.Items), q.PerPage)]
	if n := len(page.Items); n > 0 {
		page.Last = page.Items[n-1].Seq
	}
	return page, o.addAttempts(ctx, page.Items)
}

// Counted tells whether no tally tells how many deliveries there are, so that they are counted, as far as MaxCounted to each endpoint.
func (q LogQuery) Counted() bool {
	return q.Subject != "" || (q.Endpoint != "" || q.Among != nil) && q.Type != ""
}

// logPart is a query with the index to read it from.
type logPart struct {
	LogQuery
	index string
}

// parts are what a query is read in: the whole, or what is sent to each of the endpoints that it is among.
func (o *Outbox) parts(ctx context.Context, q LogQuery) ([]logPart, error) {
	queries := []LogQuery{q}
	if q.Among != nil {
		queries = make([]LogQuery, len(q.Among))
		for i, endpoint := range q.Among {
			queries[i], queries[i].Endpoint = q, endpoint
		}
	}
	parts := make([]logPart, len(queries))
	for i, q := range queries {
		index, err := o.logIndex(ctx, q)
		if err != nil {
			return nil, err
		}
		parts[i] = logPart{q, index}
	}
	return parts, nil
}

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
func (p logPart) list() (string, []any) {
	where, args := p.where()
	return loggedColumns + `FROM deliveries d ` + p.index + ` CROSS JOIN messages m ON m.event = d.event ` + where + ` AND d.seq < ? ORDER BY d.seq DESC LIMIT ?`, args
}

// skip finds deliveries to be skipped; the last arguments are how many, and how many are before them.
func (p logPart) skip() (string, []any) {
	where, args := p.where()
	return `SELECT d.seq FROM deliveries d ` + p.index + ` ` + where + ` ORDER BY d.seq DESC LIMIT ? OFFSET ?`, args
}

// count counts; the last argument is how far.
func (p logPart) count() (string, []any) {
	where, args := p.where()
	return `SELECT count(*) FROM (SELECT 1 FROM deliveries d ` + p.index + ` ` + where + ` LIMIT ?)`, args
}

// lastBefore is the Seq before which a page begins that is found by its number; 0 if it is behind the last one. Of one part only the last one is read that is
// skipped; of several it may be any.
func (o *Outbox) lastBefore(ctx context.Context, q LogQuery, parts []logPart) (int64, error) {
	skipped := (q.Page - 1) * q.PerPage
	if skipped == 0 {
		return math.MaxInt64, nil
	}
	known := 0
	if len(parts) == 1 {
		known = skipped - 1
	}
	var last []int
	for _, p := range parts {
		query, args := p.skip()
		found, err := rowsOf(ctx, o.db.read, number, query, append(args, skipped-known, known)...)
		if err != nil {
			return 0, err
		}
		last = append(last, found...)
	}
	if len(last) < skipped-known {
		return 0, nil
	}
	slices.SortFunc(last, func(a, b int) int { return cmp.Compare(b, a) })
	return int64(last[skipped-known-1]), nil
}

// total is how many deliveries a part selects: from the tallies where they tell.
func (o *Outbox) total(ctx context.Context, p logPart) (int, error) {
	switch {
	case p.Counted():
		query, args := p.count()
		return counted(ctx, o.db.read, query, append(args, MaxCounted)...)
	case p.Endpoint != "":
		return o.tallied(ctx, p.Endpoint, p.State)
	}
	return o.totalled(ctx, p.Type, p.State)
}

// tallied is how many deliveries an endpoint has in a state, in all if that is "".
func (o *Outbox) tallied(ctx context.Context, endpoint string, s DeliveryState) (int, error) {
	return counted(ctx, o.db.read, `SELECT coalesce(sum(n), 0) FROM tallies WHERE endpoint = ?1 AND (?2 = '' OR `+standing+` = ?2)`, endpoint, s.stands())
}

// totalled is how many deliveries there are of a type and in a state, of which "" is any.
func (o *Outbox) totalled(ctx context.Context, kind string, s DeliveryState) (int, error) {
	return counted(ctx, o.db.read, `SELECT coalesce(sum(n), 0) FROM totals WHERE (?1 = '' OR type = ?1) AND (?2 = '' OR `+standing+` = ?2)`, kind, s.stands())
}
