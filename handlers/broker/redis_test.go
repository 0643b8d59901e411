package broker_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// redisServer is a real Redis that syncs each write.
type redisServer struct{ program }

func newRedis(t testing.TB) *redisServer {
	s := &redisServer{program{TB: t, path: installed(t, "redis-server"), port: freePort(t)}}
	s.args = []string{"--port", s.port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--appendonly", "yes", "--appendfsync", "always", "--save", ""}
	s.answers = func() error { c := s.client(); defer c.Close(); return c.Ping(t.Context()).Err() }
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *redisServer) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + s.port, MaxRetries: -1})
}

func (s *redisServer) url() string { return "redis://127.0.0.1:" + s.port + "/changes" }

func (s *redisServer) received(int) (out []received) {
	s.Helper()
	c := s.client()
	defer c.Close()
	entries, err := c.XRange(s.Context(), "changes", "-", "+").Result()
	if err != nil {
		s.Fatal(err)
	}
	for _, e := range entries {
		text := func(name string) string { v, _ := e.Values[name].(string); return v }
		out = append(out, received{text("id"), text("key"), text("type"), text("position"), text("payload")})
	}
	return out
}

func TestRedis(t *testing.T) { holds(t, newRedis(t), 1) }
