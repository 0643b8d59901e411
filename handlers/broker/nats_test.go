package broker_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsServer is a real NATS server with JetStream, in this process.
type natsServer struct {
	testing.TB
	options *server.Options
	running *server.Server
}

func newNATS(t testing.TB) *natsServer {
	s := &natsServer{TB: t, options: &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *natsServer) start() {
	s.Helper()
	running, err := server.NewServer(s.options)
	if err != nil {
		s.Fatal(err)
	}
	running.Start()
	if !running.ReadyForConnections(time.Minute) {
		s.Fatal("the NATS server does not start")
	}
	s.running = running
	s.options.Port = running.Addr().(*net.TCPAddr).Port // also after a restart
}

func (s *natsServer) stop() {
	s.running.Shutdown()
	s.running.WaitForShutdown()
}

func (s *natsServer) url() string { return "nats://" + s.running.Addr().String() + "/changes" }

func (s *natsServer) received(n int) []received {
	s.Helper()
	connection, err := nats.Connect(s.running.ClientURL())
	if err != nil {
		s.Fatal(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	stream, err := jetstream.New(connection)
	if err != nil {
		s.Fatal(err)
	}
	consumer, err := stream.OrderedConsumer(ctx, "changes", jetstream.OrderedConsumerConfig{})
	if err != nil {
		s.Fatal(err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		s.Fatal(err)
	}
	defer messages.Stop()
	var out []received
	for len(out) < n {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			s.Fatalf("after %d messages: %v", len(out), err)
		}
		h := m.Headers()
		out = append(out, received{h.Get("id"), h.Get("key"), h.Get("type"), h.Get("position"), string(m.Data())})
	}
	return out
}

func TestNATS(t *testing.T) { holds(t, newNATS(t), 0) }
