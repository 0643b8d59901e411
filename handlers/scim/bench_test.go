package scim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// serve hands a request to the door without a network between, and wants a status.
func (n *tenant) serve(status int, method, path, body string) string {
	r := httptest.NewRequest(method, "/scim/v2/"+n.directory.ID+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+n.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json")
	}
	w := httptest.NewRecorder()
	n.server.Config.Handler.ServeHTTP(w, r)
	if w.Code != status {
		panic(fmt.Sprintf("%s %s = %d: %s", method, path, w.Code, w.Body))
	}
	return w.Body.String()
}

func benchUser(i int64) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"userName":"user-%d@acme.test","name":{"givenName":"Ada","familyName":"Lovelace"},"emails":[{"primary":true,"value":"user-%d@acme.test","type":"work"}],"displayName":"Ada Lovelace","externalId":"00u%d","active":true,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Engines","employeeNumber":"%d"}}`, i, i, i, i)
}

// fill makes users and answers their ids.
func (n *tenant) fill(users int) []string {
	ids := make([]string, users)
	const writers = 32 // so that they share fsyncs
	together(writers, func(w int) {
		for i := w; i < users; i += writers {
			_, rest, _ := strings.Cut(n.serve(http.StatusCreated, "POST", "/Users", benchUser(int64(i))), `"id":"`)
			ids[i], _, _ = strings.Cut(rest, `"`)
		}
	})
	return ids
}

// parallel runs the operation from 8 clients.
func parallel(b *testing.B, operation func(i int64)) {
	var i atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(4)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			operation(i.Add(1))
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// provisioned writes users to the log in large batches, as no command does, and returns their ids.
func (n *tenant) provisioned(users int) []string {
	n.t.Helper()
	ids := make([]string, users)
	meta, err := domain.EncodeMeta(domain.Meta{Directory: n.directory.ID, Organization: n.directory.Organization, Provider: n.directory.Provider})
	if err != nil {
		n.t.Fatal(err)
	}
	var batch []eventstore.Write
	for i := range ids {
		object, err := domain.ReadObject([]byte(benchUser(int64(i))), 16)
		if err != nil {
			n.t.Fatal(err)
		}
		attributes, err := domain.UserType.Canonical(object)
		if err != nil {
			n.t.Fatal(err)
		}
		name, data, err := domain.Encode(domain.UserProvisioned{Directory: n.directory.ID, Attributes: attributes})
		if err != nil {
			n.t.Fatal(err)
		}
		id := uuid.Must(uuid.NewV7())
		ids[i] = id.String()
		batch = append(batch, eventstore.Write{Stream: projections.KindUser.Stream(ids[i]), Entries: []eventstore.Entry{{ID: eventstore.ID(id), Type: name, Data: data, Meta: meta}}})
		if len(batch) < 1000 && i < users-1 {
			continue
		}
		at, err := n.log.Append(n.t.Context(), batch...)
		if err != nil {
			n.t.Fatal(err)
		}
		if err := n.read.Progress().Wait(n.t.Context(), at); err != nil {
			n.t.Fatal(err)
		}
		batch = nil
	}
	return ids
}

// The benchmarks write to the durable log, as serve does.

// BenchmarkUsers is what providers ask for, with so many users present: the cost must not follow their number.
func BenchmarkUsers(b *testing.B) {
	for _, users := range []int{10, 1_000, 100_000} {
		b.Run(strconv.Itoa(users), func(b *testing.B) { benchmarkUsers(b, users) })
	}
}

func benchmarkUsers(b *testing.B, users int) {
	n := newDurableWorld(b).tenant("Acme", domain.Okta)
	ids := n.provisioned(users)
	id := func(i int64) string { return ids[i%int64(users)] }
	b.Run("Get", func(b *testing.B) {
		parallel(b, func(i int64) { n.serve(http.StatusOK, "GET", "/Users/"+id(i), "") })
	})
	b.Run("FilterUserName", func(b *testing.B) {
		parallel(b, func(i int64) {
			n.serve(http.StatusOK, "GET", "/Users?filter="+url.QueryEscape(fmt.Sprintf(`userName eq "user-%d@acme.test"`, i%int64(users))), "")
		})
	})
	b.Run("ListFirst100", func(b *testing.B) {
		parallel(b, func(int64) { n.serve(http.StatusOK, "GET", "/Users?count=100", "") })
	})
	b.Run("ListLast100", func(b *testing.B) {
		parallel(b, func(int64) {
			n.serve(http.StatusOK, "GET", "/Users?count=100&startIndex="+strconv.Itoa(max(1, users-100)), "")
		})
	})
	b.Run("PatchActive", func(b *testing.B) {
		parallel(b, func(i int64) {
			n.serve(http.StatusOK, "PATCH", "/Users/"+id(i), patchOf(`[{"op":"replace","value":{"active":`+strconv.FormatBool(i/int64(users)%2 == 1)+`}}]`))
		})
	})
	b.Run("PatchEntra", func(b *testing.B) {
		parallel(b, func(i int64) {
			n.serve(http.StatusOK, "PATCH", "/Users/"+id(i), patchOf(fmt.Sprintf(`[{"op":"Replace","path":"displayName","value":"D %d"},{"op":"Replace","path":"emails[type eq \"work\"].value","value":"u-%d@acme.test"},{"op":"Add","path":"nickName","value":"N %d"},{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber","value":"%d"}]`, i, i, i, i)))
		})
	})
	created := int64(users) // also by the runs before: the last of all, as it makes more
	b.Run("Create", func(b *testing.B) {
		from := created
		parallel(b, func(i int64) { n.serve(http.StatusCreated, "POST", "/Users", benchUser(from+i)) })
		created += int64(b.N)
	})
}

// BenchmarkAddMember adds one member to groups of three sizes: the cost must not follow the size.
func BenchmarkAddMember(b *testing.B) {
	for _, size := range []int{10, 1_000, 100_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			n := newDurableWorld(b).tenant("Acme", domain.AzureAD)
			var members strings.Builder
			for i := range size {
				fmt.Fprintf(&members, `,{"value":"member-%06d"}`, i)
			}
			_, rest, _ := strings.Cut(n.serve(http.StatusCreated, "POST", "/Groups?excludedAttributes=members", `{"displayName":"G","members":[`+members.String()[1:]+`]}`), `"id":"`)
			group, _, _ := strings.Cut(rest, `"`)
			n.serve(http.StatusOK, "GET", "/Groups/"+group+"?excludedAttributes=members", "") // waits for the read model
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				n.serve(http.StatusNoContent, "PATCH", "/Groups/"+group, patchOf(fmt.Sprintf(`[{"op":"Add","path":"members","value":[{"value":"new-%d"}]}]`, i)))
			}
		})
	}
}
