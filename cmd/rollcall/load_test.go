package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-sync/rollcall/cmd/rollcall/load"
	"github.com/rollcall-sync/rollcall/domain"
)

// loadServer is a server that may send webhooks to this machine.
func loadServer(t *testing.T) *server {
	t.Helper()
	s, _ := runServer(t, t.TempDir(), func(c *serverConfig) { c.WebhookAllow = []string{"127.0.0.0/8"} })
	<-s.ready
	return s
}

// small is a load that takes moments.
func small(profile, target string, more ...string) []string {
	return append([]string{"load", profile, "--url", target, "--api-key", storyKey, "--users", "12", "--groups", "3", "--members", "4", "--requests", "20", "--duration", "1m"}, more...)
}

// Every profile does what it says to a real server, finds it right, and leaves nothing behind.
func TestLoad(t *testing.T) {
	s := loadServer(t)
	for _, want := range []struct {
		profile       string
		requests      map[string]int64
		users, groups int
		messages      int64
	}{
		{"okta", map[string]int64{"match user": 12, "create user": 12, "match group": 3, "create group": 3, "add members": 3}, 12, 3, 18},
		{"entra", map[string]int64{"match user": 12, "create user": 12, "match group": 3, "create group": 3, "add members": 3}, 12, 3, 18},
		{"steady", map[string]int64{"create user": 20, "update user, 4 operations": 20, "deactivate user": 12, "reactivate user": 8}, 32, 0, 60},
		{"read", map[string]int64{"find by userName": 20, "get by id": 20, "list first page of 100": 20, "list last page of 100": 20}, 12, 0, 0},
		{"group", map[string]int64{"add one member": 12, "remove one member": 6, "get group without members": 20}, 16, 1, 18},
		{"ping", map[string]int64{"get ServiceProviderConfig": 20}, 0, 0, 0},
	} {
		code, out, errs := runIn(t, environment(), small(want.profile, s.url, "--webhook", "--json")...)
		var got load.Report
		if err := json.Unmarshal([]byte(out), &got); code != 0 || err != nil {
			t.Errorf("%s: status %d, %v: %s%s", want.profile, code, err, out, errs)
			continue
		}
		requests := map[string]int64{}
		for _, o := range got.Operations {
			requests[o.Name] = o.Requests
			if len(o.Errors) > 0 || o.PerSecond <= 0 || o.Latency.P50 <= 0 || o.Latency.P99 < o.Latency.P50 || o.Latency.Max < o.Latency.P99 {
				t.Errorf("%s: %+v", want.profile, o)
			}
		}
		measured := int64(0)
		for _, n := range requests {
			measured += n
		}
		if got.Sent <= measured {
			t.Errorf("%s sent %d requests in all, and measured %d of them", want.profile, got.Sent, measured)
		}
		if fmt.Sprint(requests) != fmt.Sprint(want.requests) {
			t.Errorf("%s sent %v, want %v", want.profile, requests, want.requests)
		}
		if got.Users != want.users || got.Groups != want.groups || got.Wrong != 0 || got.Webhooks == nil || got.Webhooks.Messages != want.messages {
			t.Errorf("%s: %+v, %+v", want.profile, got, got.Webhooks)
		}
	}
	if _, total, err := s.read.Organizations(t.Context(), "", 1, 1); err != nil || total != 0 {
		t.Errorf("%d organizations are left, %v", total, err)
	}
	if _, left, err := s.read.Endpoints(t.Context(), "", 1, 1); err != nil || left != 0 {
		t.Errorf("%d webhooks are left, %v", left, err)
	}
}

// The report is for people unless it is asked for as JSON, and --keep leaves the organization.
func TestLoadPrints(t *testing.T) {
	s := loadServer(t)
	code, out, errs := runIn(t, environment("ROLLCALL_API_KEY", storyKey), "load", "entra", "--url", s.url, "--users", "5", "--groups", "1", "--members", "5", "--keep", "--rate", "1000")
	if code != 0 || errs != "" {
		t.Errorf("status %d: %s", code, errs)
	}
	for _, want := range []string{"operation", "p99 ms", "create user", "The end state is right: 5 users, 1 groups.", "The organization load-"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not print %q:\n%s", want, out)
		}
	}
	if _, total, err := s.read.Organizations(t.Context(), "", 1, 1); err != nil || total != 1 {
		t.Errorf("%d organizations are kept, %v", total, err)
	}
}

// A directory of any server can be loaded by its base URL and token; whoever else is in it does not matter.
func TestLoadOfADirectory(t *testing.T) {
	s := loadServer(t)
	o, err := s.commands.CreateOrganization(t.Context(), system, "Acme")
	if err != nil {
		t.Fatal(err)
	}
	d, token, err := s.commands.ActivateDirectory(t.Context(), system, o, domain.Okta, domain.Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		code, out, errs := runIn(t, environment(), "load", "okta", "--scim-url", s.url+"/scim/v2/"+d.ID+"/", "--token", token, "--users", "120", "--groups", "2")
		if code != 0 || !strings.Contains(out, "The end state is right: 120 users, 2 groups.") {
			t.Errorf("status %d: %s%s", code, out, errs)
		}
	}
	code, _, errs := runIn(t, environment(), "load", "okta", "--scim-url", s.url+"/scim/v2/"+d.ID, "--token", "wrong", "--users", "3", "--groups", "0")
	if code != 1 || !strings.Contains(errs, "3 requests failed") && !strings.Contains(errs, "401") {
		t.Errorf("with a wrong token: status %d, %s", code, errs)
	}
}

// A server that does not do what it answers is found out, whatever it is that it does to a single request.
func TestLoadCatchesAWrongServer(t *testing.T) {
	s := loadServer(t)
	const nobody = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"Resources":[]}`
	for what, c := range map[string]struct {
		profile string
		request request
		does    meddling
		want    string
	}{
		"an update is lost":          {"steady", request{"PATCH", "/Users/", "nickName"}, answers(200, ""), "was acknowledged"},
		"a deactivation is lost":     {"steady", request{"PATCH", "/Users/", "false"}, answers(204, ""), `active is "true", and "false" was`},
		"members are lost":           {"entra", request{"PATCH", "/Groups/", "members"}, answers(204, ""), "lacks the member"},
		"a member stays":             {"group", request{"PATCH", "/Groups/", "Remove"}, answers(204, ""), "who left or never was one"},
		"a creation is lost":         {"okta", request{"POST", "/Users", ""}, answers(201, `{"id":"x"}`), "is listed 0 times"},
		"a user is listed twice":     {"okta", request{"GET", "/Users?startIndex=1", ""}, twice, "is listed 2 times"},
		"an attribute is altered":    {"entra", request{"POST", "/Users", ""}, alters(`"familyName":"Lovelace`, `"familyName":"Byron`), `name.familyName is "Byron`},
		"an extension is altered":    {"entra", request{"POST", "/Users", ""}, alters("Engines", "Looms"), `department is "Looms"`},
		"a group is named otherwise": {"entra", request{"POST", "/Groups", ""}, alters("Team", "Gang"), "is called"},
		"a request fails":            {"okta", request{"POST", "/Users", ""}, answers(503, ""), "1 × 503"},
		"a connection breaks":        {"okta", request{"POST", "/Users", ""}, breaks, "1 × no answer"},
		"an answer has no id":        {"okta", request{"POST", "/Users", ""}, answers(201, "{}"), "1 × untrue"},
		"an answer is garbage":       {"okta", request{"POST", "/Groups", ""}, answers(201, "<html>"), "no JSON object"},
		"a filter finds nobody":      {"read", request{"GET", "/Users?filter", ""}, answers(200, nobody), "1 × untrue"},
		"a filter finds a stranger":  {"okta", request{"GET", "/Users?filter", ""}, answers(200, `{"totalResults":1,"Resources":[{"id":"x"}]}`), "1 × untrue"},
		"another user is answered":   {"read", request{"GET", "/Users/", ""}, answers(200, `{"id":"x"}`), "1 × untrue"},
		"a page is short":            {"read", request{"GET", "/Users?startIndex=1", ""}, answers(200, nobody), "has 0 users"},
	} {
		t.Run(what, func(t *testing.T) {
			meddler := newMeddler(t, s.url, c.request, c.does)
			// Few requests, so that no change hides the one before.
			code, out, errs := runIn(t, environment(), small(c.profile, meddler.URL, "--requests", "10")...)
			if code != 1 || !strings.Contains(out, c.want) || !strings.Contains(errs, "requests failed") || !strings.Contains(out, "is kept") {
				t.Errorf("status %d, lacks %q:\n%s%s", code, c.want, out, errs)
			}
		})
	}
}

// What cannot be prepared is told with what to do.
func TestLoadThatCannotBegin(t *testing.T) {
	s, _ := runServer(t, t.TempDir()) // webhooks may not reach this machine
	<-s.ready
	for want, args := range map[string][]string{
		"make an organization: 401":            small("okta", s.url, "--api-key", "admin.wrong"),
		"the server needs ROLLCALL_WEBHOOK_AL": small("okta", s.url, "--webhook"),
		"make an organization: no answer":      small("okta", "http://127.0.0.1:1"),
	} {
		if code, out, errs := runIn(t, environment(), args...); code != 1 || !strings.Contains(errs, want) || out != "" {
			t.Errorf("status %d, %s%s lacks %q", code, out, errs, want)
		}
	}
	if _, total, err := s.read.Organizations(t.Context(), "", 1, 1); err != nil || total != 0 {
		t.Errorf("%d organizations are left, %v", total, err)
	}
}

// Whoever does not watch on a terminal gets a line a second.
func TestLoadShowsProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := load.New(load.Config{Profile: "ping", URL: "http://127.0.0.1:1", APIKey: storyKey, Users: 1, Requests: 1, Concurrency: 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		var out bytes.Buffer
		showLoad(ctx, l, &out)
		lines := slices.Collect(strings.Lines(out.String()))
		if len(lines) != 3 || !strings.HasSuffix(lines[0], "%\n") {
			t.Errorf("it shows %q", lines)
		}
	})
}
