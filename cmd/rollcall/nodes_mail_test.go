package main

import (
	"fmt"
	"strings"
	"testing"
)

// One server of several sends the mails that any of them is asked for, each once. When it is killed after it has sent one and before that stands in the
// log, another sends that one again, with the same Message-ID and the same link, and it alone.
func TestNodesMailInTurn(t *testing.T) {
	t.Parallel()
	const before, after = 9, 6
	box, flags := startMailbox(t)
	n, cluster := startNodes(t, 3, flags...)
	invited := 0
	invite := func(through int) {
		invited++
		name := fmt.Sprint("customer-", invited)
		n[through].admin.must("POST", "/api/v2/org", fmt.Sprintf(`{"name":%q}`, name), nil)
		n[through].admin.must("POST", "/api/v2/sso-connections", fmt.Sprintf(`{"organization_id":%q,"sso_admin_email":"it@%s.test","send_email":true}`, name, name), nil)
	}
	arrived := map[string]int{} // by To
	take := func() (to, id, link string) {
		mail := box.take(t)
		to = mail.Header.Get("To")
		arrived[to]++
		return to, mail.Header.Get("Message-Id"), linkIn(t, mail).Path
	}
	// sent waits until the log tells that so many mails went.
	sent := func(h *household, want int) {
		eventually(h, "/api/v2/mails?per_page=100", func(l struct{ Data []struct{ State string } }) bool {
			went := 0
			for _, m := range l.Data {
				if m.State == "sent" {
					went++
				}
			}
			return went == want
		})
	}
	for i := range before {
		invite(i % 3)
	}
	for range before {
		take()
	}
	sent(n[0], before)

	for _, node := range cluster {
		node.Deny("mail-")
	}
	invite(0)
	to, id, link := take()
	first := n.holder()
	n[first].mu.Lock() // until it runs again
	n[first].p.kill()
	for _, node := range cluster {
		node.Deny()
	}
	if again, sameID, sameLink := take(); again != to || sameID != id || sameLink != link {
		t.Errorf("%s was sent to %s, and then %s to %s; the link %s became %s", id, to, sameID, again, link, sameLink)
	}
	sent(n[others(first)[0]], before+1)
	n[first].start()
	n[first].mu.Unlock()
	for i := range after {
		invite(i % 3)
	}
	for range after {
		take()
	}
	sent(n[first], before+1+after)
	n.stop()
	if len(box) > 0 {
		t.Errorf("%d more mails came", len(box))
	}
	for who, times := range arrived {
		if want := 1 + strings.Count(who, to); times != want {
			t.Errorf("%d mails came to %s, not %d", times, who, want)
		}
	}
}
