package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A broker that is not there yet keeps nobody from the server; once it is, it gets all, and what the webhooks carry.
func TestPublish(t *testing.T) {
	spare, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := spare.Addr().(*net.TCPAddr).Port
	spare.Close()
	h := &household{victim: &victim{t: t, dir: t.TempDir(), args: []string{"--publish", fmt.Sprintf("nats://ada:s3cret@127.0.0.1:%d/changes", port)}}}
	h.begin()
	b := newInbox(t)
	h.hook(b, "")
	h.user("ada", 3)
	want := bodies(b.messages(t, 3))
	for told := false; !told; { // the first try has failed
		answer, err := http.Get(h.url() + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("/readyz answers %d %s, %v", answer.StatusCode, text, err)
		}
		told = strings.Contains(string(text), "publish-nats-") && strings.Contains(string(text), "tries again")
	}
	if got := startNATS(t, port).published(t, 3); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("published are\n%s\nand sent\n%s", got, want)
	}
	h.stop()
	if strings.Contains(h.p.log(), "s3cret") {
		t.Error("the log tells credentials")
	}
}

// natsBroker is a NATS server with what is published to it.
type natsBroker struct {
	url     string
	streams jetstream.JetStream
}

// startNATS starts a server on a port, 0 for any.
func startNATS(t *testing.T, port int) *natsBroker {
	t.Helper()
	if port == 0 {
		port = natsserver.RANDOM_PORT
	}
	running, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: port, Username: "ada", Password: "s3cret", JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	running.Start()
	t.Cleanup(running.Shutdown)
	if !running.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server does not start")
	}
	connection, err := nats.Connect(running.ClientURL(), nats.UserInfo("ada", "s3cret"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.Close)
	streams, err := jetstream.New(connection)
	if err != nil {
		t.Fatal(err)
	}
	return &natsBroker{"nats://ada:s3cret@" + running.Addr().String() + "/changes", streams}
}

// published waits for so many messages about users, and answers them in order.
func (b *natsBroker) published(t *testing.T, n int) (got []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(got) < n {
		consumer, err := b.streams.OrderedConsumer(ctx, "changes", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"changes"}})
		if err != nil && ctx.Err() == nil {
			continue // the stream is made with the first message
		}
		if err != nil {
			t.Fatal(err)
		}
		m, err := consumer.Fetch(10*n, jetstream.FetchMaxWait(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		got = nil
		for one := range m.Messages() {
			if strings.HasPrefix(one.Headers().Get("type"), "directory.user.") { // the others were before there was a webhook
				got = append(got, string(one.Data()))
			}
		}
	}
	return got
}
