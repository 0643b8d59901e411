package broker_test

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// rabbit is a real RabbitMQ.
type rabbit struct{ program }

func newRabbit(t testing.TB) *rabbit {
	s := &rabbit{program{TB: t, path: installed(t, "/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"), port: freePort(t)}}
	folder, names := t.TempDir(), freePort(t)
	s.env = []string{
		"HOME=" + folder, "RABBITMQ_NODENAME=rollcall" + s.port + "@localhost", "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_NODE_PORT=" + s.port, "RABBITMQ_DIST_PORT=" + freePort(t),
		"RABBITMQ_MNESIA_BASE=" + folder, "RABBITMQ_LOG_BASE=" + folder, "RABBITMQ_ENABLED_PLUGINS_FILE=" + folder + "/plugins", "RABBITMQ_PID_FILE=" + folder + "/pid", "ERL_EPMD_PORT=" + names,
	}
	s.answers = func() error {
		c, err := amqp.Dial(fmt.Sprintf("amqp://guest:guest@127.0.0.1:%s/", s.port))
		if err == nil {
			err = c.Close()
		}
		return err
	}
	s.start()
	t.Cleanup(func() {
		s.stop()
		_ = exec.Command("epmd", "-port", names, "-kill").Run() // Erlang's directory of nodes, which outlives them
	})
	return s
}

func (s *rabbit) url() string { return "amqp://guest:guest@127.0.0.1:" + s.port + "/changes" }

func (s *rabbit) received(n int) (out []received) {
	s.Helper()
	c, err := amqp.Dial(fmt.Sprintf("amqp://guest:guest@127.0.0.1:%s/", s.port))
	if err != nil {
		s.Fatal(err)
	}
	defer c.Close()
	channel, err := c.Channel()
	if err != nil {
		s.Fatal(err)
	}
	messages, err := channel.ConsumeWithContext(s.Context(), "changes", "", true, false, false, false, nil)
	if err != nil {
		s.Fatal(err)
	}
	for len(out) < n {
		var m amqp.Delivery
		select {
		case m = <-messages:
		case <-time.After(time.Minute):
			s.Fatalf("only %d of %d messages came", len(out), n)
		}
		text := func(name string) string { v, _ := m.Headers[name].(string); return v }
		out = append(out, received{text("id"), text("key"), text("type"), text("position"), string(m.Body)})
	}
	return out
}

func TestRabbitMQ(t *testing.T) { holds(t, newRabbit(t), 1) }

// A message that no queue takes, for somebody deleted it, is not taken for published: the queue is made again.
func TestRabbitMQLosesItsQueue(t *testing.T) {
	s := newRabbit(t)
	r := newRelayed(t)
	r.run(s.url())
	r.change(1, 1)
	r.caughtUp()
	c, err := amqp.Dial(fmt.Sprintf("amqp://guest:guest@127.0.0.1:%s/", s.port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	channel, err := c.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := channel.QueueDelete("changes", false, false, false); err != nil {
		t.Fatal(err)
	}
	r.change(1, 1)
	r.caughtUp()
	if m := s.received(1)[0]; m.kind != "directory.user.updated" {
		t.Errorf("then came %+v", m)
	}
	r.end()
}
