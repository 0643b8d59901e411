package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/rollcall-sync/rollcall/domain"
)

// household is a server with an organization, and who talks to it.
type household struct {
	*victim
	admin, provider client
	base            string // of SCIM
}

func newHousehold(t *testing.T) *household {
	h := &household{victim: &victim{t: t, dir: t.TempDir()}}
	h.begin()
	return h
}

// begin starts the server and settles in it.
func (h *household) begin() {
	h.start()
	h.settle()
}

// settle makes an organization and its directory.
func (h *household) settle() {
	h.admin = client{victim: h.victim, token: storyKey}
	h.admin.must("POST", "/api/v2/org", `{"name":"Acme"}`, nil)
	var directory struct {
		ID    string
		Token struct{ Value string } `json:"auth_secret_token"`
	}
	h.admin.must("POST", "/api/v2/org/acme/directory-sync?provider=okta", ``, &directory)
	h.provider, h.base = client{victim: h.victim, token: directory.Token.Value}, "/scim/v2/"+directory.ID
}

// user makes a user with so many changes, and answers its id.
func (h *household) user(name string, changes int) string {
	var user struct{ ID string }
	h.provider.create(h.base+"/Users", name, &user)
	for n := 2; n <= changes; n++ {
		h.title(user.ID, n)
	}
	return user.ID
}

func (h *household) title(user string, n int) {
	h.provider.must("PATCH", h.base+"/Users/"+user, fmt.Sprintf(`{"Operations":[{"op":"replace","path":"title","value":"%d"}]}`, n), nil)
}

// hook is a webhook as the API shows it.
type hook struct {
	ID        string
	Key       string `json:"signature_key"`
	PublicKey string `json:"public_key"`
	Active    bool
}

func (h *household) hook(b *inbox, more string) (made hook) {
	h.admin.must("POST", "/api/v2/webhooks", fmt.Sprintf(`{"name":"application","target_url":%q,"event_codes":["directory.user.*"]%s}`, b.URL, more), &made)
	return made
}

// eventually asks again until the answer is as wanted.
func eventually[T any](h *household, path string, wanted func(T) bool) T {
	for {
		var got T
		h.admin.must("GET", path, "", &got)
		if wanted(got) || h.t.Failed() {
			return got
		}
		time.Sleep(20 * time.Millisecond) // between two looks: a key has a pace
	}
}

type replayShown struct {
	ID, State string
	Progress  struct{ Messages, Pending, Failed int }
}

// A replay sends a new webhook what it would have received: the messages of the feed, of the simulation and of the one that was there all along, byte
// for byte, each under the webhook's own ids; the live one is sent nothing twice.
func TestReplayGivesTheSameMessages(t *testing.T) {
	h := newHousehold(t)
	old, fresh := newInbox(t), newInbox(t)
	h.hook(old, "")
	const users, changes = 10, 5
	for i := range users {
		h.user(fmt.Sprint("user", i), changes)
	}
	live := old.messages(t, users*changes)
	late := h.hook(fresh, "")
	var dry struct {
		Total int
		Types map[string]int
	}
	h.admin.must("POST", "/api/v2/webhooks/"+late.ID+"/replay", `{"from":"0","dry_run":true}`, &dry)
	if dry.Total != users*changes || dry.Types["directory.user.created"] != users {
		t.Errorf("it would send %+v", dry)
	}
	var simulated struct{ Data []json.RawMessage }
	h.admin.must("POST", "/api/v2/webhooks/"+late.ID+"/simulate", `{"from":"0","limit":1000}`, &simulated)
	if n := len(fresh.messages(t, 0)); n != 0 {
		t.Fatalf("%d messages came before the replay", n)
	}
	var begun replayShown
	h.admin.must("POST", "/api/v2/webhooks/"+late.ID+"/replay", `{"from":"0","rate_limit":10000}`, &begun)
	again := fresh.messages(t, users*changes)
	ended := eventually(h, "/api/v2/replays/"+begun.ID, func(r replayShown) bool { return r.State == "done" })
	if p := ended.Progress; p.Messages != users*changes || p.Pending != 0 || p.Failed != 0 {
		t.Errorf("it ended with %+v", ended)
	}
	fed := h.feed("0")
	for _, from := range []struct {
		what   string
		bodies []string
	}{{"the replay", bodies(again)}, {"the simulation", raw(simulated.Data)}, {"the feed", fed}} {
		want, got := slices.Sorted(slices.Values(bodies(live))), slices.Sorted(slices.Values(from.bodies))
		if !slices.Equal(want, got) {
			t.Errorf("%s gives %d messages, others than the %d live ones", from.what, len(got), len(want))
		}
	}
	for _, a := range again {
		if a.header.Get("webhook-replay") != "true" || strings.Contains(a.body, `"replay"`) {
			t.Fatalf("a replayed message is not marked in its header alone: %v %s", a.header, a.body)
		}
	}
	for _, a := range live {
		if a.header.Get("webhook-replay") != "" {
			t.Fatalf("a live message is marked as one of a replay: %v", a.header)
		}
	}
	if n := len(old.until(t, "", func([]arrival) bool { return true })); n != users*changes {
		t.Errorf("the other webhook was sent %d messages, not %d", n, users*changes)
	}
	h.stop()
}

// A replay that is killed goes on where it was: nothing is lost, and each subject's messages come in order.
func TestReplayGoesOnAfterARestart(t *testing.T) {
	h := newHousehold(t)
	b := newInbox(t)
	const users, changes = 20, 10
	for i := range users {
		h.user(fmt.Sprint("user", i), changes)
	}
	made := h.hook(b, "")
	var begun replayShown
	h.admin.must("POST", "/api/v2/webhooks/"+made.ID+"/replay", `{"from":"0","rate_limit":200}`, &begun)
	for n := range 3 {
		b.messages(t, 20*(n+1))
		h.restart()
	}
	b.messages(t, users*changes)
	eventually(h, "/api/v2/replays/"+begun.ID, func(r replayShown) bool { return r.State == "done" })
	last := map[string]uint64{}
	for _, a := range b.messages(t, users*changes) {
		s := a.message.Data.Subject
		if uint64(s.Version) != last[s.ID]+1 {
			t.Errorf("version %d of %s follows %d", s.Version, s.ID, last[s.ID])
		}
		last[s.ID] = uint64(s.Version)
	}
	if len(last) != users {
		t.Errorf("%d users", len(last))
	}
	h.stop()
}

// A replay that is cancelled sends no more, and says so.
func TestReplayIsCancelled(t *testing.T) {
	h := newHousehold(t)
	b := newInbox(t)
	for i := range 10 {
		h.user(fmt.Sprint("user", i), 10)
	}
	made := h.hook(b, "")
	var begun, cancelled replayShown
	h.admin.must("POST", "/api/v2/webhooks/"+made.ID+"/replay", `{"from":"0","rate_limit":1}`, &begun)
	b.messages(t, 1)
	h.admin.must("DELETE", "/api/v2/replays/"+begun.ID, "", &cancelled)
	if cancelled.State != "cancelled" || cancelled.Progress.Pending != 0 || cancelled.Progress.Messages == 100 {
		t.Errorf("it is %+v", cancelled)
	}
	h.user("live", 1) // goes on as ever
	b.until(t, "the live one has come", func(came []arrival) bool {
		return slices.ContainsFunc(came, func(a arrival) bool { return a.message.Data.After.Text("userName") == "live" })
	})
	h.stop()
}

// feed reads the feed to its end.
func (h *household) feed(after string) (out []string) {
	for {
		var page struct {
			Data []json.RawMessage
			Next string `json:"next_after"`
		}
		h.admin.must("GET", "/api/v2/events?limit=7&types=directory.user.*&after="+after, "", &page)
		if len(page.Data) == 0 && page.Next == after || h.t.Failed() {
			return out
		}
		out, after = append(out, raw(page.Data)...), page.Next
	}
}

func bodies(came []arrival) (out []string) {
	for _, a := range came {
		out = append(out, a.body)
	}
	return out
}

func raw(messages []json.RawMessage) (out []string) {
	for _, m := range messages {
		out = append(out, string(m))
	}
	return out
}

// What happens while a webhook is paused comes once it is enabled, in order.
func TestPausedWebhooksLoseNothing(t *testing.T) {
	h := newHousehold(t)
	b := newInbox(t)
	made := h.hook(b, "")
	id := h.user("ada", 1)
	b.messages(t, 1)
	var paused hook
	h.admin.must("POST", "/api/v2/webhooks/"+made.ID+"/disable", "", &paused)
	if paused.Active {
		t.Error("it is active")
	}
	for n := 2; n <= 20; n++ {
		h.title(id, n)
	}
	pending := eventually(h, "/api/v2/webhook-events?state=pending&webhook_id="+made.ID, func(l struct{ Total int }) bool { return l.Total == 19 })
	h.restart()
	if n := len(b.messages(t, 0)); n != 1 || pending.Total != 19 {
		t.Errorf("%d came while it was paused", n)
	}
	h.admin.must("POST", "/api/v2/webhooks/"+made.ID+"/enable", "", nil)
	for i, a := range b.messages(t, 20) {
		if int(a.message.Data.Subject.Version) != i+1 {
			t.Errorf("version %d came as number %d", a.message.Data.Subject.Version, i+1)
		}
	}
	h.stop()
}

// During a rotation messages carry two signatures, and receivers with either key take them; an asymmetric key is verified by what the API shows.
func TestKeysAreRotated(t *testing.T) {
	h := newHousehold(t)
	b, c := newInbox(t), newInbox(t)
	made, pair := h.hook(b, ""), h.hook(c, `,"signature_type":"v1a"`)
	var rotated hook
	h.admin.must("POST", "/api/v2/webhooks/"+made.ID+"/rotate?overlap=1h", "", &rotated)
	h.user("ada", 1)
	came := b.messages(t, 1)[0]
	for name, key := range map[string]string{"old": made.Key, "new": rotated.Key} {
		verifier, err := standardwebhooks.NewWebhook(key)
		if err == nil {
			err = verifier.Verify([]byte(came.body), came.header)
		}
		if err != nil || made.Key == rotated.Key {
			t.Errorf("with the %s key: %v", name, err)
		}
	}
	h.admin.must("POST", "/api/v2/webhooks/"+made.ID+"/rotate?overlap=0s", "", &rotated)
	h.user("bob", 1)
	came = b.messages(t, 2)[1]
	if n := len(strings.Fields(came.header.Get("webhook-signature"))); n != 1 {
		t.Errorf("%d signatures after a rotation without overlap", n)
	}
	signed := c.messages(t, 1)[0]
	scheme, text, _ := strings.Cut(signed.header.Get("webhook-signature"), ",")
	public, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(pair.PublicKey, "whpk_"))
	if err != nil || scheme != "v1a" || pair.Key != "" {
		t.Fatalf("%s, %+v: %v", scheme, pair, err)
	}
	signature, err := base64.StdEncoding.DecodeString(text)
	content := signed.header.Get("webhook-id") + "." + signed.header.Get("webhook-timestamp") + "." + signed.body
	if err != nil || !ed25519.Verify(public, []byte(content), signature) {
		t.Errorf("the public key does not verify %s: %v", text, err)
	}
	h.stop()
}

// Headers of an endpoint's own come with each message, and their values are not shown.
func TestOwnHeaders(t *testing.T) {
	h := newHousehold(t)
	b := newInbox(t)
	made := h.hook(b, `,"headers":{"Authorization":"Bearer s3cret","X-Tenant":"acme"}`)
	h.user("ada", 1)
	if a := b.messages(t, 1)[0]; a.header.Get("Authorization") != "Bearer s3cret" || a.header.Get("X-Tenant") != "acme" {
		t.Errorf("it came with %v", a.header)
	}
	var shown struct{ Headers map[string]string }
	h.admin.must("PUT", "/api/v2/webhooks/"+made.ID, `{"headers":{"authorization":"hidden"}}`, &shown)
	if !maps.Equal(shown.Headers, map[string]string{"authorization": "hidden"}) {
		t.Errorf("it shows %v", shown.Headers)
	}
	h.user("bob", 1)
	if a := b.messages(t, 2)[1]; a.header.Get("Authorization") != "Bearer s3cret" || a.header.Get("X-Tenant") != "" {
		t.Errorf("it came with %v", a.header)
	}
	h.stop()
	if strings.Contains(h.p.log(), "s3cret") {
		t.Error("the log tells a header")
	}
}

// A sample of each type looks as a real message does, and is marked as a test.
//
// Proves Directory Sync §webhook.test.
func TestSamples(t *testing.T) {
	h := newHousehold(t)
	b := newInbox(t)
	made := h.hook(b, "")
	h.admin.must("POST", "/api/v2/webhooks/"+made.ID+"/test", `{"event_codes":["all"]}`, nil)
	types := map[string]bool{}
	all := len(domain.MessageTypes)
	for _, a := range b.messages(t, all) {
		d := a.message.Data
		if types[a.message.Type] = true; !d.Test || d.Before == nil && d.After == nil || d.Subject.ID == "" || len(d.Changed) == 0 && d.Members == nil {
			t.Errorf("a sample is %s", a.body)
		}
	}
	if len(types) != all {
		t.Errorf("samples of %v", slices.Sorted(maps.Keys(types)))
	}
	h.admin.must("POST", "/api/v2/webhooks/"+made.ID+"/test", ``, nil)
	if a := b.messages(t, all+1)[all]; a.message.Type != "webhook.test" || !a.message.Data.Test {
		t.Errorf("a test is %s", a.body)
	}
	h.stop()
}

// Who waits for news is answered with the first of them, or with none when its time is over; either way it goes on from there.
func TestFeedWaits(t *testing.T) {
	h := newHousehold(t)
	h.user("ada", 1)
	type page struct {
		Data []json.RawMessage
		Next string `json:"next_after"`
	}
	var head, none page
	h.admin.must("GET", "/api/v2/events?after=head", "", &head)
	h.admin.must("GET", "/api/v2/events?wait=1&after="+head.Next, "", &none)
	if len(none.Data) != 0 || none.Next == "" {
		t.Errorf("without news it is answered %+v", none)
	}
	came := make(chan page)
	go func() {
		var news page
		h.admin.must("GET", "/api/v2/events?wait=60&types=directory.user.*&after="+none.Next, "", &news)
		came <- news
	}()
	h.user("bob", 1)
	if news := <-came; len(news.Data) != 1 || !strings.Contains(string(news.Data[0]), `"bob"`) {
		t.Errorf("then it is answered %+v", news)
	}
	h.stop()
}

// The feed is tailed as server-sent events; who comes back goes on behind the last one, and the server stops although somebody listens.
func TestFeedIsTailed(t *testing.T) {
	h := newHousehold(t)
	h.user("ada", 2)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	listen := func(last string) *bufio.Scanner {
		r, err := http.NewRequestWithContext(ctx, "GET", h.url()+"/api/v2/events?types=directory.user.*", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+storyKey)
		r.Header.Set("Accept", "text/event-stream")
		if last != "" {
			r.Header.Set("Last-Event-ID", last)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil || answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%v, %v", answer, err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		return bufio.NewScanner(answer.Body)
	}
	next := func(s *bufio.Scanner) (id, kind, data string) {
		for s.Scan() {
			switch name, value, _ := strings.Cut(s.Text(), ": "); name {
			case "id":
				id = value
			case "event":
				kind = value
			case "data":
				return id, kind, value
			}
		}
		t.Fatalf("the feed ended: %v", s.Err())
		return "", "", ""
	}
	first := listen("")
	id, kind, _ := next(first)
	if kind != "directory.user.created" {
		t.Errorf("it begins with %s", kind)
	}
	second := listen(id)
	if _, kind, _ := next(second); kind != "directory.user.updated" {
		t.Errorf("it goes on with %s", kind)
	}
	h.user("bob", 1)
	if _, kind, data := next(second); kind != "directory.user.created" || !strings.Contains(data, `"bob"`) {
		t.Errorf("then comes %s %s", kind, data)
	}
	h.stop()
}

// The command sends a range to any URL, beside the running server: signed, marked, in order, and under the ids of a webhook if it is named. What ends it
// early tells where to go on, and from there the rest comes.
func TestReplayToAURL(t *testing.T) {
	h := newHousehold(t)
	live, b := newInbox(t), newInbox(t)
	made := h.hook(live, "")
	for i := range 5 {
		h.user(fmt.Sprint("user", i), 4)
	}
	want := live.messages(t, 20)
	args := []string{"replay", "--data", filepath.Join(h.dir, "rollcall-data"), "--to", b.URL, "--types", "directory.user.*", "--webhook", made.ID}
	code, out, errs := runIn(t, environment("ROLLCALL_SIGNING_KEY", made.Key), args...)
	if code != 0 || !strings.Contains(out, "sent 20 changes") || strings.Contains(out, "signing key") {
		t.Fatalf("%d: %s%s", code, out, errs)
	}
	verifier, err := standardwebhooks.NewWebhook(made.Key)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, a := range want {
		ids[a.header.Get("webhook-id")] = a.body
	}
	last := ""
	for _, a := range b.messages(t, 20) {
		if err := verifier.Verify([]byte(a.body), a.header); err != nil || a.header.Get("webhook-replay") != "true" || ids[a.header.Get("webhook-id")] != a.body {
			t.Fatalf("%v: %v %s", err, a.header, a.body)
		}
		if p := fmt.Sprintf("%20s", a.message.Data.Position); p <= last {
			t.Errorf("position %s comes behind %s", p, last)
		} else {
			last = p
		}
	}
	b.answer(http.StatusGone)
	code, out, errs = runIn(t, environment(), args...)
	if code != 1 || !strings.Contains(errs, "0 of 20 changes were sent; go on with --from ") || !strings.Contains(errs, "410") || !strings.Contains(out, "signing key (shown once): whsec_") {
		t.Errorf("%d: %s%s", code, out, errs)
	}
	h.stop()
}
