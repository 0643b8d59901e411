package main

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb"
	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
	"github.com/rollcall-sync/rollcall/eventstore/keys"
	"github.com/rollcall-sync/rollcall/eventstore/local"
	"github.com/rollcall-sync/rollcall/projections"
)

// moves runs the command, and wants it to succeed.
func moves(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := runIn(t, environment(), append([]string{"move"}, args...)...)
	if code != 0 {
		t.Fatalf("move %q: status %d, %s\n%s", args, code, out, errs)
	}
	return out
}

// differs is what is another one in each log, or at each time.
var differs = regexp.MustCompile(`"(position|last_used_at)":"[^"]*"`)

// answers is what the API tells of everything, but for what differs.
func (h *household) answers(users ...string) (all []string) {
	h.t.Helper()
	paths := []string{"org", "org/acme/users", "org/acme/groups", "webhooks", "webhook-events?state=pending", "api-keys"}
	for _, id := range users {
		paths = append(paths, "org/acme/users/"+id+"/history")
	}
	for _, path := range paths {
		status, text := h.admin.send("GET", "/api/v2/"+path, "")
		all = append(all, fmt.Sprintf("%s answers %d %s", path, status, differs.ReplaceAll(text, nil)))
	}
	return append(all, h.holds())
}

func sameAnswers(t *testing.T, where string, want, got []string) {
	t.Helper()
	for i := range want {
		if want[i] != got[i] {
			t.Errorf("%s:\n%s\nand was\n%s", where, got[i], want[i])
		}
	}
}

// inhabit starts a server for the household where its log is now.
func (h *household) inhabit(dir string, env ...string) *household {
	there := &household{victim: &victim{t: h.t, dir: dir, env: env}, base: h.base}
	there.start()
	there.admin, there.provider = client{victim: there.victim, token: h.admin.token}, client{victim: there.victim, token: h.provider.token}
	return there
}

// A log is moved to EventStoreDB and back: the same is answered, what was not delivered is, nothing else is, and life goes on.
func TestMoveThereAndBack(t *testing.T) {
	h := newHousehold(t)
	works, paused := newInbox(t), newInbox(t)
	h.hook(works, "")
	slow := h.hook(paused, "")
	ada, eve := h.user("ada", 5), h.user("eve", 1)
	paused.messages(t, 6)
	h.admin.must("POST", "/api/v2/webhooks/"+slow.ID+"/disable", "", nil)
	h.provider.must("POST", h.base+"/Groups", fmt.Sprintf(`{"displayName":"all","members":[{"value":%q}]}`, ada), nil)
	for n := 6; n <= 10; n++ {
		h.title(ada, n)
	}
	sent := len(works.messages(t, 11))
	eventually(h, "/api/v2/webhook-events?state=pending", func(l struct{ Total int }) bool { return l.Total == 5 })
	want := h.answers(ada, eve)
	h.stop()
	folder := filepath.Join(h.dir, "rollcall-data")
	key, err := os.ReadFile(filepath.Join(folder, keys.FileName))
	if err != nil {
		t.Fatal(err)
	}
	store, _ := startCluster(t)

	out := moves(t, "--from", folder, "--to", store)
	if !strings.Contains(out, "5 deliveries are still to be made") || !strings.Contains(out, filepath.Join(folder, keys.FileName)) || strings.Contains(out, strings.TrimSpace(string(key))) {
		t.Errorf("it says %s", out)
	}
	there := h.inhabit(t.TempDir(), "ROLLCALL_STORE="+store, "ROLLCALL_MASTER_KEY="+strings.TrimSpace(string(key)))
	sameAnswers(t, "in EventStoreDB", want, there.answers(ada, eve))
	there.title(eve, 2)
	came := works.messages(t, sent+1)
	if last := came[sent].message.Data; last.Subject.ID != eve || last.Subject.Version != 2 {
		t.Errorf("the new message is of %+v", last.Subject)
	}
	eventually(there, "/api/v2/webhook-events?state=pending", func(l struct{ Total int }) bool { return l.Total == 6 })
	want = there.answers(ada, eve)
	there.stop()

	back := filepath.Join(t.TempDir(), "data")
	moves(t, "--from", store, "--to", back)
	if err := os.WriteFile(filepath.Join(back, keys.FileName), key, 0o600); err != nil {
		t.Fatal(err)
	}
	again := h.inhabit(t.TempDir(), "ROLLCALL_DATA="+back)
	sameAnswers(t, "back in a folder", want, again.answers(ada, eve))
	again.title(ada, 11)
	works.messages(t, sent+2)
	again.admin.must("POST", "/api/v2/webhooks/"+slow.ID+"/enable", "", nil)
	versions := ""
	for _, a := range paused.messages(t, 13) {
		versions += fmt.Sprint(a.message.Data.After.Text("userName"), a.message.Data.Subject.Version, " ")
	}
	for _, user := range []string{"ada1 ada2 ada3 ada4 ada5 ada6 ada7 ada8 ada9 ada10 ada11 ", "eve1 eve2 "} {
		only := ""
		for v := range strings.FieldsSeq(versions) {
			if v[:3] == user[:3] {
				only += v + " "
			}
		}
		if only != user {
			t.Errorf("of %q came %q", user, only)
		}
	}
	again.stop()
	// A message that came again would have come before the last one of its subject.
	for name, b := range map[string]*inbox{"works": works, "paused": paused} {
		if all, once := len(b.until(t, "", func([]arrival) bool { return true })), len(b.messages(t, 0)); all != once {
			t.Errorf("%s: %d messages came %d times", name, once, all)
		}
	}
}

// filled is a folder with a log of n records in a few streams, whose deliveries are lost.
func filled(t *testing.T, n int) (folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "data")
	log, err := local.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var batch []eventstore.Write
	versions := map[string]eventstore.Version{}
	for i := range n {
		stream := fmt.Sprint("user-", rand.IntN(20))
		e := eventstore.Entry{ID: eventstore.RandomID(), Type: "user.updated", Data: fmt.Appendf(nil, `{"n":%d}`, i), Meta: []byte(`{"actor":"test"}`)}
		batch = append(batch, eventstore.Write{Stream: stream, Expected: versions[stream], Entries: []eventstore.Entry{e}})
		versions[stream]++
	}
	if _, err := log.Append(t.Context(), batch...); err != nil {
		t.Fatal(err)
	}
	return folder
}

// killed runs the program until a condition holds, and kills it; it tells whether that was before its end.
func killed(t *testing.T, when func() bool, args ...string) bool {
	t.Helper()
	path, err := exec.LookPath("rollcall")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%q ended with %v", args, err)
			}
			return false
		default:
		}
		if when() {
			_ = cmd.Process.Kill()
			return <-ended != nil
		}
	}
}

// A move that is killed again and again goes on where it was, both ways, and no server begins before it is complete.
func TestMoveIsKilled(t *testing.T) {
	const records = 3000
	folder := filled(t, records)
	server := esdbtest.Start(t, esdbtest.Config{})
	args := []string{"move", "--from", folder, "--to", server.ConnectionString(), "--deliveries-from", "head"}
	kills := 0
	for goal := rand.IntN(600); ; goal += 300 + rand.IntN(600) {
		if !killed(t, func() bool { return server.Appends() > goal }, args...) {
			break
		}
		if kills++; kills == 1 {
			p, err := startProcess(t.TempDir(), []string{"ROLLCALL_MASTER_KEY=" + sharedKey, "ROLLCALL_STORE=" + server.ConnectionString()})
			if err == nil {
				p.kill()
			}
			if err == nil || !strings.Contains(err.Error(), "still being moved here") {
				t.Errorf("a server there starts with %v", err)
			}
		}
	}
	if kills == 0 {
		t.Error("it was at its end before it was killed")
	}
	appends := server.Appends()
	moves(t, args[1:]...) // once more, there is nothing to do
	if n := server.Appends() - appends; n != 0 {
		t.Errorf("%d appends though all was there", n)
	}

	back := filepath.Join(t.TempDir(), "data")
	args = []string{"move", "--from", server.ConnectionString(), "--to", back}
	for goal := uint64(0); ; goal += 700 {
		if !killed(t, func() bool {
			log, err := local.OpenReader(back + movingSuffix)
			if err != nil {
				return false
			}
			defer log.Close()
			head, err := log.Head(t.Context())
			n, _ := head.Numbers()
			return err == nil && n > goal
		}, args...) {
			break
		}
		if _, err := os.Stat(back); err == nil {
			break // killed after its last deed
		}
	}
	want, got := logOf(t, folder), logOf(t, back)
	if len(want) != records || !slices.Equal(got[:records], want) {
		t.Errorf("%d records are back as %d", len(want), len(got))
	}
	for _, line := range got[records:] {
		if !strings.Contains(line, " deliveries.moved ") {
			t.Errorf("and %s", line)
		}
	}
	if rest, _ := filepath.Glob(back + "*"); len(rest) != 1 {
		t.Errorf("there are %q", rest)
	}
}

// logOf is the log in a folder, but for positions.
func logOf(t *testing.T, folder string) (lines []string) {
	t.Helper()
	log, err := local.OpenReader(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for r, err := range log.All(t.Context(), eventstore.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %d %s %s %s %s", r.Stream, r.Version, r.ID, r.Type, r.Data, r.Meta))
	}
	return lines
}

// What cannot be moved whole is refused before anything is written, and with what to do.
func TestMoveRefuses(t *testing.T) {
	folder := filled(t, 10)
	refused := func(what, want string, args ...string) {
		t.Helper()
		code, out, errs := runIn(t, environment(), append([]string{"move"}, args...)...)
		if code != 1 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: status %d, %q, %q lacks %q", what, code, out, errs, want)
		}
	}
	server := esdbtest.Start(t, esdbtest.Config{})
	store := server.ConnectionString()

	refused("no log", "there is none in", "--from", t.TempDir(), "--to", store)
	refused("lost deliveries", "start with --deliveries-from", "--from", folder, "--to", store)
	running, err := local.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	refused("a server runs", "stop that one", "--from", folder, "--to", store, "--deliveries-from", "head")
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a folder with something in it", "holds something already", "--from", store, "--to", full)
	refused("the same log", "are the same log", "--from", store, "--to", store)

	large := filled(t, 3)
	log, err := local.Open(large)
	if err != nil {
		t.Fatal(err)
	}
	e := eventstore.Entry{ID: eventstore.RandomID(), Type: "user.updated", Data: []byte(`"` + strings.Repeat("x", 1<<20) + `"`), Meta: []byte(`{}`)}
	if _, err := log.Append(t.Context(), eventstore.Write{Stream: "user-large", Entries: []eventstore.Entry{e}}); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	refused("a record that is too large", "position 4 has 1048", "--from", large, "--to", store, "--deliveries-from", "head")

	if server.Appends() != 1 { // its id
		t.Errorf("%d appends came of what was refused", server.Appends())
	}
	moves(t, "--from", folder, "--to", store, "--deliveries-from", "head")
	appends := server.Appends()
	refused("another log is there", "holds something else, and nothing was written", "--from", filled(t, 20), "--to", store, "--deliveries-from", "head")
	there, err := esdb.Open(t.Context(), esdb.Config{ConnectionString: store})
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	e.Data = []byte(`{}`)
	if _, err := there.Append(t.Context(), eventstore.Write{Stream: "user-new", Entries: []eventstore.Entry{e}}); err != nil {
		t.Fatal(err)
	}
	refused("a server has begun there", "servers may have begun there", "--from", folder, "--to", store, "--deliveries-from", "head")
	if n := server.Appends() - appends; n != 1 {
		t.Errorf("%d appends came of what was refused", n-1)
	}
	if _, err := esdb.Open(t.Context(), esdb.Config{ConnectionString: store}); err != nil {
		t.Errorf("what serves is closed: %v", err)
	}
}

// growing is a log to which a record comes when it is read for the nth time.
type growing struct {
	eventLog
	reads, at int
	grow      func()
}

func (g *growing) All(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Record, error] {
	if g.reads++; g.reads == g.at {
		g.grow()
	}
	return g.eventLog.All(ctx, after)
}

// What comes to the source while it is moved is moved too; a source that does not stand still at the end is told of.
func TestMoveOfALogThatGrows(t *testing.T) {
	// It is read to compare, for what is missing, to copy, for deliveries, to verify, to copy what came, and to see that nothing did.
	const came = "1 records came to esdb://"
	for at, want := range map[int]string{1: "", 2: "", 3: "", 4: came, 5: came, 6: came, 7: "user.updated came to esdb://", 8: ""} {
		from, to := esdbtest.Start(t, esdbtest.Config{}), esdbtest.Start(t, esdbtest.Config{})
		moves(t, "--from", filled(t, 10), "--to", from.ConnectionString(), "--deliveries-from", "head")
		m := &move{meter: newMeter(t.Output()), from: placeOf(secret(from.ConnectionString())), to: placeOf(secret(to.ConnectionString()))}
		defer m.close()
		if err := m.open(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		source := &growing{eventLog: m.source, at: at}
		source.grow = func() {
			e := eventstore.Entry{ID: eventstore.RandomID(), Type: "user.updated", Data: []byte(`{}`), Meta: []byte(`{}`)}
			if _, err := source.Append(t.Context(), eventstore.Write{Stream: "user-new", Entries: []eventstore.Entry{e}}); err != nil {
				t.Error(err)
			}
		}
		m.source = source
		_, _, err := m.run(t.Context())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "stop all servers")) {
			t.Errorf("it grew at the %dth time: %v", at, err)
		}
	}
}

// What brokers have is known after a move, where servers share the log and in a folder.
func TestMoveKnowsWhatBrokersHave(t *testing.T) {
	folder := filled(t, 10)
	log, err := local.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	f, err := projections.OpenRelayFile(t.Context(), folder, "publish-nats-1", log, log.ID(), eventstore.At(7, 7))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	store, back := esdbtest.Start(t, esdbtest.Config{}).ConnectionString(), filepath.Join(t.TempDir(), "data")
	moves(t, "--from", folder, "--to", store, "--deliveries-from", "head")
	there, err := esdb.Open(t.Context(), esdb.Config{ConnectionString: store})
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	for r, err := range there.Read(t.Context(), "deliveries-1", 1) {
		s, decoding := projections.DecodeRecord(r)
		if err != nil || decoding != nil {
			t.Fatal(err, decoding)
		}
		if e, is := s.Event.(domain.DeliveriesRelayed); !is || e.Relay != "publish-nats-1" || e.Reached == "7" {
			t.Errorf("it tells %+v", s.Event)
		}
	}
	moves(t, "--from", store, "--to", back)
	if log, err = local.Open(back); err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if f, err = projections.OpenRelayFile(t.Context(), back, "publish-nats-1", log, log.ID(), eventstore.Position{}); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Begun() != eventstore.At(7, 7) {
		t.Errorf("it has all up to %s", f.Begun())
	}
}
