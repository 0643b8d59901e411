package esdb

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
)

// cluster starts nodes over one log, the first of them leading.
func cluster(t *testing.T, n int) []*esdbtest.Server {
	t.Helper()
	log := esdbtest.NewLog()
	var servers []*esdbtest.Server
	for range n {
		servers = append(servers, esdbtest.Start(t, esdbtest.Config{Log: log}))
	}
	esdbtest.Join(servers...)
	return servers
}

// seeds is the connection string of a cluster.
func seeds(servers []*esdbtest.Server) string {
	c := "esdb://"
	for i, s := range servers {
		if i > 0 {
			c += ","
		}
		c += s.Address()
	}
	return c + "?tls=false&gossipTimeout=1"
}

func TestLeaderChange(t *testing.T) {
	servers := cluster(t, 3)
	for _, connection := range []string{seeds(servers), servers[2].ConnectionString()} {
		s := open(t, patient(connection))
		f := follow(t, s)
		stream := fmt.Sprint("s-", len(connection))
		var ids []eventstore.ID
		var p eventstore.Position
		for i := range 90 {
			if i%10 == 0 {
				servers[i/10%3].Lead()
			}
			e := entry()
			p = appended(t, s, write(stream, eventstore.Version(i), e))
			ids = append(ids, e.ID)
		}
		intact(t, "follow", f.until(p), stream, ids)
		intact(t, "all", all(t, s), stream, ids)
	}
}

func TestStaleFollower(t *testing.T) {
	servers := cluster(t, 2)
	servers[1].Freeze(true)
	s := open(t, patient(servers[1].ConnectionString()))
	for i := range 20 {
		p := appended(t, s, write("a", eventstore.Version(i), entry()))
		if head, err := s.Head(t.Context()); err != nil || head.Before(p) {
			t.Fatalf("the head is %s (%v) after %s was acknowledged", head, err, p)
		}
		if got := all(t, s); len(got) != i+1 {
			t.Fatalf("a reader sees %d records, and %d were acknowledged", len(got), i+1)
		}
	}
}

// TestSilentNode leaves a follower on a node that was cut off while another one leads.
func TestSilentNode(t *testing.T) {
	servers := cluster(t, 2)
	s := open(t, patient(seeds(servers)))
	f := follow(t, s)
	ids := fill(t, s, "a", 3)
	servers[0].Freeze(true)
	servers[1].Lead()
	e := entry()
	p := appended(t, s, write("a", 3, e))
	intact(t, "follow", f.until(p), "a", append(ids, e.ID))
}

func TestKilledNode(t *testing.T) {
	servers := cluster(t, 3)
	s := open(t, patient(seeds(servers)))
	f := follow(t, s)
	ids := fill(t, s, "a", 20)
	if n := s.Reconnects(); n != 0 {
		t.Errorf("%d nodes were replaced before one was lost", n)
	}
	for i := range 2 {
		servers[i+1].Lead()
		servers[i].Kill()
		for range 20 {
			e := entry()
			appended(t, s, write("a", eventstore.Version(len(ids)), e))
			ids = append(ids, e.ID)
		}
	}
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	intact(t, "follow", f.until(head), "a", ids)
	if n := s.Reconnects(); n < 2 {
		t.Errorf("%d nodes were replaced, and two were killed", n)
	}
}

// TestContextsWhileSearching does so while nobody can tell who leads.
func TestContextsWhileSearching(t *testing.T) {
	servers := cluster(t, 2)
	s := open(t, patient(strings.Replace(seeds(servers), "gossipTimeout=1", "gossipTimeout=600", 1)))
	for _, server := range servers {
		defer server.Hold()()
	}
	s.nodes.mu.Lock()
	current := s.nodes.current
	s.nodes.mu.Unlock()
	s.nodes.replace(current, "", errors.New("for the test"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := s.Head(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a caller left with %v", err)
			}
		})
	}
	wg.Wait()
}

// TestChaos lets everything go wrong at once, and counts.
func TestChaos(t *testing.T) {
	servers := cluster(t, 3)
	servers[0].Log().AddSystemAfter(5)
	s := open(t, patient(seeds(servers)))
	f := follow(t, s)
	var mu sync.Mutex
	random := mathrand.New(mathrand.NewPCG(1, 2))
	fault := func() {
		mu.Lock()
		defer mu.Unlock()
		server := servers[random.IntN(len(servers))]
		switch random.IntN(4) {
		case 0:
			server.Lead()
		case 1:
			server.LoseAnswers(1)
		case 2:
			server.DropReads(random.IntN(10))
		case 3:
			server.Refuse(1)
		}
	}
	const writers, each, faults = 8, 100, 20
	ids := make([][]eventstore.ID, writers)
	var appenders sync.WaitGroup
	for i := range writers {
		appenders.Go(func() {
			for n := range each {
				if n%(each/faults) == 0 {
					fault()
				}
				e := entry()
				if _, err := s.Append(t.Context(), write(fmt.Sprint("s-", i), eventstore.Version(n), e)); err != nil {
					t.Errorf("append: %v", err)
					return
				}
				ids[i] = append(ids[i], e.ID)
			}
		})
	}
	appenders.Wait()
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	followed, read := f.until(head), all(t, s)
	var sum counted
	for i := range writers {
		stream := fmt.Sprint("s-", i)
		intact(t, "follow", followed, stream, ids[i])
		intact(t, "all", read, stream, ids[i])
		c := count(followed, stream, ids[i])
		sum = counted{sum.lost + c.lost, sum.repeated + c.repeated, sum.reordered + c.reordered}
	}
	t.Logf("%d records under %d faults: %d lost, %d repeated, %d out of order", writers*each, writers*faults, sum.lost, sum.repeated, sum.reordered)
}
