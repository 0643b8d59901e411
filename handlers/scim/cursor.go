package scim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// Reasons of RFC 9865 §2.1.
const (
	invalidCursor domain.Reason = "invalidCursor"
	invalidCount  domain.Reason = "invalidCount"
)

// maxPlace is beyond all places and indexes of a directory, and small enough to count on from there.
const maxPlace = 1 << 48

// A cursor is where the next page begins: a place in the order of creation, which no change moves, or an index if the list is sorted. It is bound
// to the query that it came from, and never expires.
func cursorOf(params url.Values, t *domain.ResourceType, at int64) string {
	b := binary.AppendVarint(nil, at)
	return base64.RawURLEncoding.EncodeToString(append(b, queryHash(params, t)...))
}

const hashSize = 8

func queryHash(params url.Values, t *domain.ResourceType) []byte {
	sum := sha256.New()
	for _, part := range []string{t.Name, params.Get("filter"), params.Get("sortBy"), params.Get("sortOrder")} {
		sum.Write(binary.AppendUvarint(nil, uint64(len(part))))
		sum.Write([]byte(part))
	}
	return sum.Sum(nil)[:hashSize]
}

// readCursor reads what cursorOf made for the same query; the empty cursor begins the list.
func readCursor(params url.Values, t *domain.ResourceType) (int64, error) {
	text := params.Get("cursor")
	if text == "" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(text) > 64 {
		return 0, domain.RefuseFor(domain.Invalid, invalidCursor, "the cursor is not one of ours; begin with an empty one")
	}
	at, n := binary.Varint(b)
	if n <= 0 || at < 0 || at > maxPlace || string(b[n:]) != string(queryHash(params, t)) {
		return 0, domain.RefuseFor(domain.Invalid, invalidCursor, "the cursor belongs to another query; begin with an empty one")
	}
	return at, nil
}

// listedByCursor reads one row more than it shows, to know whether there is a next page.
func listedByCursor(w http.ResponseWriter, r *request, t *domain.ResourceType, q projections.Query, read pages) error {
	if r.params.Has("startIndex") {
		return domain.RefuseFor(domain.Invalid, domain.InvalidValue, "give startIndex or cursor, not both")
	}
	at, err := readCursor(r.params, t)
	if err != nil {
		return err
	}
	if q.Sort == nil {
		q.After = at
	} else {
		q.Start = int(at) + 1
	}
	count := q.Count
	q.Count++
	page, err := read(r, q)
	if err != nil {
		return err
	}
	more := page.cut
	if page.count > count {
		page.count, page.last, more = count, page.last-1, count > 0
	}
	return answerList(w, r, func(head *writer) {
		if !more {
			return
		}
		next := page.last
		if q.Sort != nil {
			next = at + int64(page.count)
		}
		head.member("nextCursor", cursorOf(r.params, t, next))
	}, page)
}
