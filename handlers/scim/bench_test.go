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

	"github.com/rollcall-sync/rollcall/domain"
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

// The benchmarks write to the durable log, as serve does.

func BenchmarkCreateUser(b *testing.B) {
	n := newDurableWorld(b).tenant("Acme", domain.Okta)
	parallel(b, func(i int64) { n.serve(http.StatusCreated, "POST", "/Users", benchUser(i)) })
}

func BenchmarkUsers(b *testing.B) {
	const users = 10_000
	n := newDurableWorld(b).tenant("Acme", domain.Okta)
	ids := n.fill(users)
	id := func(i int64) string { return ids[i%users] }
	b.Run("Get", func(b *testing.B) {
		parallel(b, func(i int64) { n.serve(http.StatusOK, "GET", "/Users/"+id(i), "") })
	})
	b.Run("FilterUserName", func(b *testing.B) {
		parallel(b, func(i int64) {
			n.serve(http.StatusOK, "GET", "/Users?filter="+url.QueryEscape(fmt.Sprintf(`userName eq "user-%d@acme.test"`, i%users)), "")
		})
	})
	b.Run("ListFirst100", func(b *testing.B) {
		parallel(b, func(int64) { n.serve(http.StatusOK, "GET", "/Users?count=100", "") })
	})
	b.Run("ListLast100", func(b *testing.B) {
		parallel(b, func(int64) { n.serve(http.StatusOK, "GET", "/Users?count=100&startIndex="+strconv.Itoa(users-100), "") })
	})
	b.Run("PatchActive", func(b *testing.B) {
		parallel(b, func(i int64) {
			n.serve(http.StatusOK, "PATCH", "/Users/"+id(i), patchOf(`[{"op":"replace","value":{"active":`+strconv.FormatBool(i/users%2 == 1)+`}}]`))
		})
	})
	b.Run("PatchEntra", func(b *testing.B) {
		parallel(b, func(i int64) {
			n.serve(http.StatusOK, "PATCH", "/Users/"+id(i), patchOf(fmt.Sprintf(`[{"op":"Replace","path":"displayName","value":"D %d"},{"op":"Replace","path":"emails[type eq \"work\"].value","value":"u-%d@acme.test"},{"op":"Add","path":"nickName","value":"N %d"},{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber","value":"%d"}]`, i, i, i, i)))
		})
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
