package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-sync/rollcall/projections"
)

// consumer is an application that keeps users and groups by the messages that it gets, in whatever way.
type consumer struct {
	subjects map[string]string          // by kind and id, without members
	members  map[string]map[string]bool // of groups
	versions map[string]uint64
	repeated int
	gaps     []string
}

func newConsumer() *consumer {
	return &consumer{map[string]string{}, map[string]map[string]bool{}, map[string]uint64{}, 0, nil}
}

// take takes a message; one that it has is passed over, and one that is missing before it is a gap.
func (c *consumer) take(m projections.Message) {
	s := m.Data.Subject
	subject, version := s.Type+"-"+s.ID, uint64(s.Version)
	last, known := c.versions[subject]
	switch {
	case version <= last:
		c.repeated++
		return
	case known && version != last+1, !known && version != 1:
		c.gaps = append(c.gaps, fmt.Sprintf("%s: %d follows %d", subject, version, last))
	}
	c.versions[subject] = version
	if m.Data.After == nil {
		delete(c.subjects, subject)
		delete(c.members, subject)
		return
	}
	after := m.Data.After.Clone()
	delete(after, "members")
	text, _ := json.Marshal(after)
	c.subjects[subject] = string(text)
	if m.Data.Members == nil {
		return
	}
	if c.members[subject] == nil {
		c.members[subject] = map[string]bool{}
	}
	for _, gone := range m.Data.Members.Removed {
		delete(c.members[subject], gone.ID)
	}
	for _, come := range m.Data.Members.Added {
		c.members[subject][come.ID] = true
	}
}

// state is all that it knows, as one text.
func (c *consumer) state() string {
	var out []string
	for subject, attributes := range c.subjects {
		out = append(out, subject+" "+attributes+" "+strings.Join(slices.Sorted(maps.Keys(c.members[subject])), " "))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// Two applications, one by webhook and one by the feed, end with the same users and groups after 10,000 random changes, and these are those that the
// directory holds.
func TestConsumersAgree(t *testing.T) {
	const clients, together = 8, 50
	changes := 10_000
	if testing.Short() { // as under the race detector, which slows the server down tenfold
		changes = 2_000
	}
	h := newHousehold(t)
	b := newInbox(t)
	var made hook
	h.admin.must("POST", "/api/v2/webhooks", fmt.Sprintf(`{"name":"all","target_url":%q}`, b.URL), &made)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			r := &randomProvider{household: h, Rand: rand.New(rand.NewPCG(uint64(i), 7)), name: fmt.Sprint("c", i)}
			for n := 0; n < changes/clients && !t.Failed(); n += together {
				r.bulk(together)
			}
		})
	}
	wg.Wait()
	fed := newConsumer()
	total := 0
	for after, end := "0", false; !end && !t.Failed(); {
		var page struct {
			Data []projections.Message
			Next string `json:"next_after"`
		}
		h.admin.must("GET", "/api/v2/events?types=directory.user.*,directory.group.*&limit=1000&after="+after, "", &page)
		for _, m := range page.Data {
			fed.take(m)
		}
		total += len(page.Data)
		end, after = page.Next == after, page.Next
	}
	hooked := newConsumer()
	for _, a := range b.messages(t, total) {
		hooked.take(a.message)
	}
	if total < changes/2 {
		t.Errorf("only %d changes were made", total)
	}
	for name, c := range map[string]*consumer{"the feed": fed, "the webhook": hooked} {
		if len(c.gaps) > 0 || c.repeated > 0 {
			t.Errorf("%s: %d messages twice, %d gaps: %.300q", name, c.repeated, len(c.gaps), c.gaps)
		}
	}
	if fed.state() != hooked.state() {
		t.Error("the two end with different users and groups")
	}
	if held := h.holds(); held != fed.state() {
		t.Errorf("the directory holds others: %d bytes and %d bytes", len(held), len(fed.state()))
	}
	t.Logf("%d changes, %d users and groups in the end", total, len(fed.subjects))
	h.stop()
}

// randomProvider changes users and groups of its own.
type randomProvider struct {
	*household
	*rand.Rand
	name          string
	made          int
	users, groups []string
}

// bulk makes so many random changes by one request.
func (r *randomProvider) bulk(n int) {
	var operations []string
	creates := map[int]*[]string{}
	user := func() string { return r.users[r.IntN(len(r.users))] }
	group := func() string { return r.groups[r.IntN(len(r.groups))] }
	for i := range n {
		switch what := r.IntN(10); {
		case len(r.users) < 20 || what == 0 && len(r.users) < 60:
			r.made++
			operations = append(operations, fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"b%d","data":{"userName":"%s-u%d","externalId":"%s-%d","active":true}}`, i, r.name, r.made, r.name, r.made))
			creates[i] = &r.users
			r.users = append(r.users, fmt.Sprintf("bulkId:b%d", i))
		case len(r.groups) < 4:
			r.made++
			operations = append(operations, fmt.Sprintf(`{"method":"POST","path":"/Groups","bulkId":"b%d","data":{"displayName":"%s-g%d"}}`, i, r.name, r.made))
			creates[i] = &r.groups
			r.groups = append(r.groups, fmt.Sprintf("bulkId:b%d", i))
		case what < 4:
			operations = append(operations, fmt.Sprintf(`{"method":"PATCH","path":"/Users/%s","data":{"Operations":[{"op":"replace","value":{"title":"t%d","active":%t}}]}}`, user(), r.IntN(5), r.IntN(3) > 0))
		case what < 6:
			operations = append(operations, fmt.Sprintf(`{"method":"PATCH","path":"/Groups/%s","data":{"Operations":[{"op":"add","path":"members","value":[{"value":%q},{"value":%q}]}]}}`, group(), user(), user()))
		case what < 8:
			operations = append(operations, fmt.Sprintf(`{"method":"PATCH","path":"/Groups/%s","data":{"Operations":[{"op":"remove","path":"members[value eq \"%s\"]"},{"op":"replace","path":"externalId","value":"e%d"}]}}`, group(), user(), r.IntN(3)))
		default:
			at := r.IntN(len(r.users))
			operations = append(operations, fmt.Sprintf(`{"method":"DELETE","path":"/Users/%s"}`, r.users[at]))
			r.users = slices.Delete(r.users, at, at+1)
		}
	}
	var answer struct {
		Operations []struct{ Method, Location, BulkID, Status string }
	}
	r.provider.must("POST", r.base+"/Bulk", `{"Operations":[`+strings.Join(operations, ",")+`]}`, &answer)
	for _, o := range answer.Operations {
		if o.Method != "POST" {
			continue
		}
		id := o.Location[strings.LastIndex(o.Location, "/")+1:]
		for _, list := range []*[]string{&r.users, &r.groups} {
			if at := slices.Index(*list, "bulkId:"+o.BulkID); at >= 0 {
				(*list)[at] = id
			}
		}
	}
}

// holds is the state of the directory, as consumers write theirs.
func (h *household) holds() string {
	c := newConsumer()
	for _, kind := range []string{"user", "group"} {
		cursor := ""
		for {
			var page struct {
				Resources []map[string]any
				Next      string `json:"nextCursor"`
			}
			h.provider.must("GET", h.base+"/"+strings.ToUpper(kind[:1])+kind[1:]+"s?count=500&cursor="+cursor, "", &page)
			for _, r := range page.Resources {
				subject := kind + "-" + r["id"].(string)
				members, _ := r["members"].([]any)
				for _, name := range []string{"schemas", "meta", "groups", "members"} {
					delete(r, name)
				}
				text, _ := json.Marshal(r)
				c.subjects[subject] = string(text)
				c.members[subject] = map[string]bool{}
				for _, m := range members {
					c.members[subject][m.(map[string]any)["value"].(string)] = true
				}
			}
			if cursor = page.Next; cursor == "" || h.t.Failed() {
				break
			}
		}
	}
	return c.state()
}
