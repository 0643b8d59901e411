package scim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// TestLargeGroup: in a group of 100,000 members one may come and go, a thousand at once are one change, and the group is read without them.
//
// Proves RFC 7643 §4.2, groups at size.
func TestLargeGroup(t *testing.T) {
	const size = 100_000
	n := newWorld(t).tenant("Acme", domain.AzureAD)
	users := make([]string, 3)
	for i := range users {
		users[i] = idOf(t, n.must(201, "POST", "/Users", fmt.Sprintf(`{"userName":"user-%d"}`, i)))
	}
	var members strings.Builder
	for i := range size {
		fmt.Fprintf(&members, `{"value":"00000000-0000-7000-8000-%012d"},`, i)
	}
	group := "/Groups/" + idOf(t, n.must(201, "POST", "/Groups?excludedAttributes=members", `{"displayName":"All","members":[`+strings.TrimSuffix(members.String(), ",")+`]}`))
	// A page of groups is cut short before its members are too many; the next one goes on.
	n.must(201, "POST", "/Groups", `{"displayName":"Few","members":["`+users[2]+`"]}`)
	first := n.list("/Groups", "cursor", "", "attributes", "displayName,members")
	if first.TotalResults != 2 || len(first.Resources) != 1 || first.NextCursor == "" {
		t.Fatalf("the first page holds %d of %d, then %q", len(first.Resources), first.TotalResults, first.NextCursor)
	}
	second := n.list("/Groups", "cursor", first.NextCursor, "attributes", "displayName,members")
	if got := second.texts("displayName"); len(got) != 1 || got[0] != "Few" || second.NextCursor != "" {
		t.Errorf("the second page holds %v, then %q", got, second.NextCursor)
	}
	if p := n.list("/Groups", "attributes", "displayName"); len(p.Resources) != 2 {
		t.Errorf("without members %d groups are on a page", len(p.Resources))
	}
	changes := func(operations string) uint64 {
		t.Helper()
		before, _ := n.head().Numbers()
		n.must(204, "PATCH", group, patchOf(operations))
		after, _ := n.head().Numbers()
		return after - before
	}
	if got := changes(`[{"op":"Add","path":"members","value":[{"value":"` + users[0] + `"}]}]`); got != 1 {
		t.Errorf("adding one is %d events", got)
	}
	if got := changes(`[{"op":"Add","path":"members","value":[{"value":"` + users[0] + `"}]}]`); got != 0 {
		t.Errorf("adding one again is %d events", got)
	}
	if got := changes(`[{"op":"remove","path":"members[value eq \"00000000-0000-7000-8000-000000000007\"]"}]`); got != 1 {
		t.Errorf("removing one is %d events", got)
	}
	var single, all []string
	for i := range 1000 {
		single = append(single, fmt.Sprintf(`{"op":"remove","path":"members[value eq \"00000000-0000-7000-8000-%012d\"]"}`, 1000+i))
		all = append(all, fmt.Sprintf(`{"value":"new-%d"}`, i))
	}
	if got := changes("[" + strings.Join(single, ",") + "]"); got != 1 {
		t.Errorf("a thousand operations of one member are %d events", got)
	}
	if got := changes(`[{"op":"add","path":"members","value":[` + strings.Join(all, ",") + `]}]`); got != 1 {
		t.Errorf("adding a thousand is %d events", got)
	}
	if a := n.must(200, "GET", group+"?excludedAttributes=members", ""); len(a.body) > 1000 || strings.Contains(a.body, `"members"`) {
		t.Errorf("without its members the group has %d bytes", len(a.body))
	}
	if a := n.must(200, "GET", group, ""); !strings.Contains(a.body, users[0]) || strings.Contains(a.body, "new-7") {
		t.Errorf("the group shows %.300s", a.body)
	}
	if a := n.must(200, "GET", `/Groups?filter=members%20eq%20%22`+users[0]+`%22&excludedAttributes=members`, ""); !strings.Contains(a.body, `"totalResults":1`) {
		t.Errorf("found by its member: %s", a.body)
	}
	// Replacing all of them by two leaves two.
	n.must(204, "PATCH", group, patchOf(`[{"op":"replace","path":"members","value":[{"value":"`+users[1]+`"},{"value":"`+users[2]+`"}]}]`))
	if a := n.must(200, "GET", group, ""); strings.Contains(a.body, users[0]) || !strings.Contains(a.body, users[1]) || !strings.Contains(a.body, users[2]) {
		t.Errorf("the group shows %.300s", a.body)
	}
}
