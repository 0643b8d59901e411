package scim

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
)

// bulkDepth is how deep a bulk request nests around the data of an operation.
const bulkDepth = 3

// done is what became of an operation (RFC 7644 §3.7.3).
type done struct {
	Location string          `json:"location,omitempty"`
	Method   string          `json:"method"`
	BulkID   string          `json:"bulkId,omitempty"`
	Version  string          `json:"version,omitempty"`
	Status   string          `json:"status"`
	Response json.RawMessage `json:"response,omitempty"` // the error; what was written is not repeated
}

// bulk runs many operations (RFC 7644 §3.7), one after the other, each by itself: one that fails undoes none before it. The answer has them in the
// order of the request, without those that failOnErrors left undone.
func (s *SCIM) bulk(w http.ResponseWriter, r *request) error {
	object, err := readObject(w, r, maxDepth+bulkDepth)
	if err != nil {
		return err
	}
	asked, err := readBulk(object, maxOperations)
	if err != nil {
		return err
	}
	run := &run{SCIM: s, plan: planOf(asked.operations), operations: asked.operations, ids: make([]string, len(asked.operations))}
	all, failed := make([]*done, len(asked.operations)), 0
	for _, i := range run.order {
		if err := r.Context().Err(); err != nil {
			return err // nobody waits for the rest
		}
		var ok bool
		if all[i], ok, err = run.one(r, i); err != nil {
			return err
		}
		if !ok {
			failed++
		}
		if failed > 0 && failed == asked.failOnErrors {
			break
		}
	}
	handlers.Note(r.Request, slog.Int("operations", len(all)), slog.Int("failed", failed))
	shown := make([]*done, 0, len(all))
	for _, d := range all {
		if d != nil {
			shown = append(shown, d)
		}
	}
	body, err := encode(map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:BulkResponse"}, "Operations": shown})
	if err != nil {
		return err
	}
	write(w, r.Request, http.StatusOK, body)
	return nil
}

// run is a bulk request under way.
type run struct {
	*SCIM
	plan
	operations []operation
	ids        []string // of what operations created
}

// one runs one operation and tells whether it succeeded.
func (run *run) one(r *request, i int) (*done, bool, error) {
	o := &run.operations[i]
	d := &done{Method: o.method, BulkID: o.bulkID}
	answered, err := run.try(r, i)
	if o.wrong == nil && o.id != "" && !strings.HasPrefix(o.id, bulkIDPrefix) { // wanted also where it failed
		d.Location = run.location(o.kind, r.directory.ID, url.PathEscape(o.id))
	}
	if err != nil {
		e := domain.Shown(err)
		if e.Code == domain.Internal || e.Code == domain.Unavailable {
			handlers.NoteFault(r.Request, err)
		}
		d.Status = strconv.Itoa(handlers.Status(e))
		d.Response, err = errorBody(e)
		return d, false, err
	}
	if created := answered.header.Get("Location"); created != "" {
		d.Location, run.ids[i] = created, path.Base(created)
	}
	d.Version, d.Status = answered.header.Get("ETag"), strconv.Itoa(answered.status)
	return d, true, nil
}

// try hands an operation to the handler that the same request by itself would have.
func (run *run) try(r *request, i int) (*head, error) {
	o := &run.operations[i]
	if o.wrong != nil {
		return nil, o.wrong
	}
	if run.wrong[i] != nil {
		return nil, run.wrong[i]
	}
	for _, needed := range run.needs[i] {
		if run.ids[needed] == "" {
			return nil, domain.Refuse(domain.Conflict, "it refers to bulkId %q, whose operation failed", run.operations[needed].bulkID)
		}
	}
	made := make(map[string]string, len(run.needs[i]))
	for _, needed := range run.needs[i] {
		made[run.operations[needed].bulkID] = run.ids[needed]
	}
	o.resolve(func(bulkID string) string { return made[bulkID] })
	h := run.resources(o.kind)
	handle := map[string]inDirectory{http.MethodPost: h.create, http.MethodPut: h.replace, http.MethodPatch: h.patch, http.MethodDelete: h.delete}[o.method]
	answered := &head{header: http.Header{}}
	return answered, handle(answered, r.alone(o))
}

// alone is the request that an operation would be by itself. What its answer would show of members is not wanted, and so not read.
func (r *request) alone(o *operation) *request {
	q := r.WithContext(r.Context())
	q.Method, q.Header, q.Body = o.method, http.Header{}, http.NoBody
	if o.version != "" && o.method != http.MethodPost {
		q.Header.Set("If-Match", o.version)
	}
	q.SetPathValue("id", o.id)
	return &request{Request: q, directory: r.directory, token: r.token, params: url.Values{}, object: o.data, wanted: selection{except: [][]string{{"members"}}}}
}

// head is an answer of which only the head matters.
type head struct {
	header http.Header
	status int
}

func (h *head) Header() http.Header         { return h.header }
func (h *head) WriteHeader(status int)      { h.status = status }
func (h *head) Write(b []byte) (int, error) { return len(b), nil }
