package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/driver"

	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
	"github.com/rollcall-sync/rollcall/projections"
)

// sharedKey is the master key of servers that share a log.
const sharedKey = "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlLi4="

// nodes are servers that share one log in EventStoreDB, each a process with a folder of its own, and one organization.
type nodes []*household

// startCluster starts three nodes of EventStoreDB, and answers what reaches them.
func startCluster(t *testing.T) (store string, cluster []*esdbtest.Server) {
	t.Helper()
	log := esdbtest.NewLog()
	var addresses []string
	for range 3 {
		node := esdbtest.Start(t, esdbtest.Config{Log: log})
		cluster, addresses = append(cluster, node), append(addresses, node.Address())
	}
	esdbtest.Join(cluster...)
	return "esdb://" + strings.Join(addresses, ",") + "?tls=false", cluster
}

// startNodes starts so many servers.
func startNodes(t *testing.T, count int, args ...string) (n nodes, cluster []*esdbtest.Server) {
	t.Helper()
	store, cluster := startCluster(t)
	env := []string{"ROLLCALL_STORE=" + store, "ROLLCALL_MASTER_KEY=" + sharedKey}
	var starting sync.WaitGroup
	for range count {
		h := &household{victim: &victim{t: t, dir: t.TempDir(), args: args, env: env}}
		n = append(n, h)
		starting.Go(h.start)
	}
	starting.Wait()
	n[0].settle()
	for _, h := range n[1:] {
		h.base, h.admin, h.provider = n[0].base, client{victim: h.victim, token: n[0].admin.token}, client{victim: h.victim, token: n[0].provider.token}
	}
	return n, cluster
}

// holder is the one that delivers, in its own view, once there is one besides those to be passed over.
func (n nodes) holder(but ...int) int {
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond) // between two looks
		for i, h := range n {
			if !slices.Contains(but, i) && strings.Contains(h.metrics(), "\nrollcall_delivering 1\n") {
				return i
			}
		}
	}
	n[0].t.Fatal("nobody delivers")
	return 0
}

// others are the numbers of the other two of three.
func others(i int) []int { return []int{(i + 1) % 3, (i + 2) % 3} }

func (n nodes) stop() {
	for _, h := range n {
		h.stop()
	}
}

// metrics is what /metrics tells.
func (v *victim) metrics() string {
	answer, err := http.Get(v.url() + "/metrics")
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return string(text)
}

func (v *victim) signal(s syscall.Signal) {
	if err := v.running().cmd.Process.Signal(s); err != nil {
		v.t.Fatal(err)
	}
}

// Any server of a log takes any request, and shows at once what another has acknowledged; a name is given once, however many ask for it. Who leads
// EventStoreDB may change at any time.
func TestNodesAnswerAsOne(t *testing.T) {
	t.Parallel()
	n, cluster := startNodes(t, 3)
	base := n[0].base
	var group struct{ ID string }
	n[2].provider.must("POST", base+"/Groups", `{"displayName":"all"}`, &group)
	for i := range 30 {
		if i%5 == 4 {
			cluster[i%3].Lead()
		}
		a, b, c := n[i%3].provider, n[(i+1)%3].provider, n[(i+2)%3].provider
		var user struct{ ID string }
		a.must("POST", base+"/Users", fmt.Sprintf(`{"userName":"u%d"}`, i), &user)
		b.must("PATCH", base+"/Groups/"+group.ID, fmt.Sprintf(`{"Operations":[{"op":"add","path":"members","value":[{"value":%q}]}]}`, user.ID), nil)
		var shown struct{ Groups []struct{ Value string } }
		if c.must("GET", base+"/Users/"+user.ID, "", &shown); len(shown.Groups) != 1 {
			t.Fatalf("user %d is shown in %d groups", i, len(shown.Groups))
		}
		if i%3 > 0 {
			continue
		}
		if status, text := c.send("DELETE", base+"/Users/"+user.ID, ""); status != http.StatusNoContent {
			t.Fatalf("DELETE answered %d: %s", status, text)
		}
		var members struct{ Members []struct{ Value string } }
		if a.must("GET", base+"/Groups/"+group.ID, "", &members); len(members.Members) != i-i/3 {
			t.Fatalf("after user %d was deleted %d members are shown", i, len(members.Members))
		}
	}
	// It was created, 30 joined, and each of the 10 who were deleted has left by an event of its own.
	eventually(n[0], "/api/v2/org/acme/groups/"+group.ID+"/history?per_page=1", func(l struct{ Total int }) bool { return l.Total == 1+30+10 })
	for round := range 3 {
		var mu sync.Mutex
		statuses := map[int]int{}
		var asking sync.WaitGroup
		for i := range 50 {
			asking.Go(func() {
				status, _ := n[i%3].provider.send("POST", base+"/Users", fmt.Sprintf(`{"userName":"One%d"}`, round))
				mu.Lock()
				defer mu.Unlock()
				statuses[status]++
			})
		}
		asking.Wait()
		if statuses[http.StatusCreated] != 1 || statuses[http.StatusConflict] != 49 {
			t.Errorf("50 creations of one name are answered %v", statuses)
		}
	}
	for i, h := range n {
		told := h.metrics()
		for _, want := range []string{`rollcall_eventstore_append_seconds_count [1-9]`, `rollcall_eventstore_conflicts_total \d`, `rollcall_eventstore_reconnects_total \d`,
			`rollcall_projection_lag{projection="readmodel"} \d`, `rollcall_projection_lag{projection="outbox"} \d`, `rollcall_delivering [01]`} {
			if !regexp.MustCompile(`(?m)^` + want).MatchString(told) {
				t.Errorf("server %d tells no %s", i, want)
			}
		}
	}
	n.stop()
}

// One server of several delivers. When it is killed, and when it stands still for longer than its lease lasts, another goes on: nothing is lost, and
// each subject's messages stay in order but for what was under way.
func TestNodesDeliverInTurn(t *testing.T) {
	t.Parallel()
	const users, changes = 6, 30
	n, _ := startNodes(t, 3)
	application := newApplication(t)
	var made hook
	n[1].admin.must("POST", "/api/v2/webhooks", fmt.Sprintf(`{"name":"application","target_url":%q,"event_codes":["directory.user.*"]}`, application.URL), &made)
	application.trust(made.Key)
	ids := make([]string, users)
	for i := range ids {
		ids[i] = n[i%3].user(fmt.Sprint("user-", i), 1)
	}
	// amid lets something happen while changes are made and delivered.
	amid := func(from, until int, through []int, happens func()) {
		var changing sync.WaitGroup
		for i, id := range ids {
			changing.Go(func() {
				for v := from; v <= until; v++ {
					n[through[i%len(through)]].title(id, v)
				}
			})
		}
		application.wait(t, ids[0], fmt.Sprint(from+1))
		happens()
		changing.Wait()
	}
	arrived := func(title int) {
		for _, id := range ids {
			application.wait(t, id, fmt.Sprint(title))
		}
	}

	first := n.holder()
	amid(2, 10, others(first), func() {
		n[first].mu.Lock() // until it runs again
		n[first].p.kill()
	})
	second := n.holder(first)
	arrived(10)
	n[first].start()
	n[first].mu.Unlock()

	amid(11, 20, others(second), func() { n[second].signal(syscall.SIGSTOP) })
	n.holder(second)
	arrived(20)
	amid(21, changes, others(second), func() { n[second].signal(syscall.SIGCONT) })
	arrived(changes)
	application.verify(t, users*changes)
	// An endpoint is sent eight messages at a time, and four times as many before their outcome is kept. A busy machine may take the lease from
	// whoever gets no time to renew it, so that there may be other changes of hands than these two.
	if most := 4 * 4 * 8; application.repeated > most {
		t.Errorf("%d messages came again, more than %d", application.repeated, most)
	}

	// Who stops gives the lease back.
	last := n.holder()
	n[last].stop()
	n.holder(last)
	n[last].start()

	// Whoever is asked knows what was delivered, by whichever server; one in a new folder knows that nothing is left.
	n[first].stop()
	n[first].dir = t.TempDir()
	n[first].start()
	for i, h := range n {
		var log struct {
			Total int
			Data  []struct{ Attempts []json.RawMessage }
		}
		path := "/api/v2/webhook-events?per_page=1&webhook_id=" + made.ID + "&state="
		if h.admin.must("GET", path+"pending", "", &log); log.Total != 0 {
			t.Errorf("server %d would send %d messages", i, log.Total)
		}
		if i == first {
			continue
		}
		if h.admin.must("GET", path+"delivered", "", &log); log.Total != users*changes || len(log.Data) != 1 || len(log.Data[0].Attempts) == 0 {
			t.Errorf("server %d shows %d deliveries", i, log.Total)
		}
	}
	n.stop()
}

// While EventStoreDB does not answer nothing is acknowledged and nothing is shown that may be old; when it does again, all
// goes on by itself.
func TestNodesWithoutTheLog(t *testing.T) {
	t.Parallel()
	n, cluster := startNodes(t, 1)
	h := n[0]
	id := h.user("ada", 1)
	b := newInbox(t)
	h.hook(b, "")
	var release []func()
	for _, node := range cluster {
		release = append(release, node.Hold())
	}
	if status, text := h.provider.once("GET", h.base+"/Users/"+id, ""); status != http.StatusServiceUnavailable || !strings.Contains(string(text), "try again") {
		t.Errorf("without the log a GET answers %d: %s", status, text)
	}
	changed := make(chan struct{})
	go func() {
		defer close(changed)
		h.title(id, 2) // is sent again until it is answered
	}()
	for _, r := range release {
		r()
	}
	<-changed
	if got := b.messages(t, 1); got[0].message.Data.After.Text("title") != "2" {
		t.Errorf("the first message is %s", got[0].body)
	}
	h.stop()
}

// A server whose disk does not let it keep what it delivers gives the lease back, and another delivers.
func TestNodesWithoutAFile(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for SQLite to give up")
	}
	t.Parallel()
	n, _ := startNodes(t, 2)
	b := newInbox(t)
	n[0].hook(b, "")
	id := n[0].user("ada", 1)
	b.messages(t, 1)
	first := n.holder()
	db, err := driver.Open("file:" + filepath.Join(n[first].dir, "rollcall-data", projections.OutboxFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	locked, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close()
	if _, err := locked.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	n[1-first].title(id, 2)
	if got := b.messages(t, 2); got[1].message.Data.After.Text("title") != "2" {
		t.Errorf("what came is %s", got[1].body)
	}
	if _, err := locked.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	n.stop()
}

// A replay, and what is published to a broker, go on with the next server too.
func TestNodesReplayAndPublishInTurn(t *testing.T) {
	t.Parallel()
	const changes = 60
	broker := startNATS(t, 0)
	n, _ := startNodes(t, 2, "--publish", broker.url)
	id := n[0].user("ada", changes)
	b := newInbox(t)
	made := n[1].hook(b, "")
	var replay replayShown
	n[0].admin.must("POST", "/api/v2/webhooks/"+made.ID+"/replay", `{"from":"0","rate_limit":40}`, &replay)
	b.messages(t, 10)
	first := n.holder()
	rest := n[1-first]
	var known replayShown
	if rest.admin.must("GET", "/api/v2/replays/"+replay.ID, "", &known); known.Progress.Messages < 10 {
		t.Errorf("the other server knows of %d messages of the replay", known.Progress.Messages)
	}
	n[first].p.kill()
	b.messages(t, changes)
	done := eventually(rest, "/api/v2/replays/"+replay.ID, func(r replayShown) bool { return r.State == "done" })
	if done.Progress.Messages != changes || done.Progress.Pending != 0 {
		t.Errorf("the replay ends with %+v", done.Progress)
	}
	rest.title(id, changes+1)
	came := b.messages(t, changes+1)
	for i, a := range came {
		if a.message.Data.After.Text("title") != fmt.Sprint(i+1) {
			t.Errorf("message %d has the title %s", i, a.message.Data.After.Text("title"))
		}
	}
	want := bodies(came)
	if got := broker.published(t, len(want)); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%d messages were published, and %d were sent", len(got), len(want))
	}
	rest.stop()
}

// The demo runs on a log in EventStoreDB, if that is empty, and the log can be read from the command line.
func TestDemoInEventStoreDB(t *testing.T) {
	store, _ := startCluster(t)
	code, out, errs := runIn(t, environment(), "demo", "--store", store)
	if code != 0 || !strings.Contains(out, "every signature verified") {
		t.Fatalf("status %d, %s\n%s", code, out, errs)
	}
	if code, _, errs := runIn(t, environment(), "demo", "--store", store); code != 1 || !strings.Contains(errs, "needs one that is empty") {
		t.Errorf("status %d, %s", code, errs)
	}
	for _, command := range []string{"export", "replay"} {
		if code, out, errs := runIn(t, environment("ROLLCALL_STORE", store), command); code != 0 || !strings.Contains(out, `ada@acme.test`) {
			t.Errorf("%s: status %d, %.300s\n%s", command, code, out, errs)
		}
	}
}

// What is wrong about --store is told before anybody is asked, without the credentials in it.
func TestStoreIsChecked(t *testing.T) {
	for args, want := range map[string]string{
		"serve --store esdb://localhost":                                   "ROLLCALL_MASTER_KEY",
		"serve --store http://localhost --master-key " + sharedKey:         "--store",
		"export --store esdb://ada:s3cret@localhost?tls=false":             "credentials",
		"replay --store esdb://ada:s3cret@localhost?nodePreference=random": "leader",
	} {
		code, _, errs := runIn(t, environment(), strings.Fields(args)...)
		if code != 2 || !strings.Contains(errs, want) || strings.Contains(errs, "s3cret") {
			t.Errorf("%s: status %d, %s", args, code, errs)
		}
	}
}
