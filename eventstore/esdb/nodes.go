package esdb

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// maxMessage bounds what is received at once: an entry of the largest size and what stands around it.
const maxMessage = eventstore.MaxEntry + 1<<20

// A node is a connection to the leader, or to whom we take for it.
type node struct {
	address string
	conn    *grpc.ClientConn
	streams streams.StreamsClient

	// Of nodes.mu:
	calls int  // that use the connection
	lost  bool // and to be closed after the last of them
}

// nodes keeps one connection for all calls. It is replaced when a call finds it lost; those that still use it finish there.
type nodes struct {
	seeds   []string
	cluster bool // the seeds are asked who leads
	timeout time.Duration
	options []grpc.DialOption
	log     *slog.Logger
	ctx     context.Context // ends with the store
	stop    context.CancelFunc

	mu       sync.Mutex
	current  *node
	search   *search // under way
	leader   string  // where a node that does not lead sent us
	replaced uint64  // nodes that were found lost
	closed   bool
}

// A search for the leader is shared by all who need it.
type search struct {
	done chan struct{}
	err  error // once done
}

func newNodes(c *client.Configuration, log *slog.Logger) (*nodes, error) {
	options := []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage))}
	if c.DisableTLS {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	} else {
		t := &tls.Config{RootCAs: c.RootCAs, InsecureSkipVerify: c.SkipCertificateVerification}
		if c.UserCertFile != "" {
			certificate, err := tls.LoadX509KeyPair(c.UserCertFile, c.UserKeyFile)
			if err != nil {
				return nil, fmt.Errorf("read the user's certificate: %w", err)
			}
			t.Certificates = []tls.Certificate{certificate}
		}
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(t)))
	}
	if c.Username != "" {
		options = append(options, grpc.WithPerRPCCredentials(newBasic(c.Username, c.Password)))
	}
	if c.KeepAliveInterval >= 0 {
		options = append(options, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: c.KeepAliveInterval, Timeout: c.KeepAliveTimeout, PermitWithoutStream: true,
		}))
	}
	n := &nodes{timeout: time.Duration(c.GossipTimeout) * time.Second, options: options, log: log, cluster: c.DnsDiscover || len(c.GossipSeeds) > 0}
	for _, s := range c.GossipSeeds {
		n.seeds = append(n.seeds, s.String())
	}
	if len(n.seeds) == 0 {
		n.seeds = []string{c.Address}
	}
	n.ctx, n.stop = context.WithCancel(context.Background())
	return n, nil
}

// get answers the connection that is in use, or waits for a new one. The caller releases it.
func (n *nodes) get(ctx context.Context) (*node, error) {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil, eventstore.ErrClosed
	}
	if c := n.current; c != nil {
		c.calls++
		n.mu.Unlock()
		return c, nil
	}
	if n.search == nil {
		n.search = &search{done: make(chan struct{})}
		go n.find(n.search)
	}
	s := n.search
	n.mu.Unlock()
	select {
	case <-s.done:
	case <-ctx.Done():
		return nil, errors.New("nobody said in time who leads")
	}
	if s.err != nil {
		return nil, s.err
	}
	return n.get(ctx)
}

func (n *nodes) release(c *node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.calls--; c.lost && c.calls == 0 {
		c.conn.Close()
	}
}

// replace takes a node out of use, if nobody did so before. leader, if not empty, is who leads instead.
func (n *nodes) replace(c *node, leader string, reason error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.current != c {
		return
	}
	n.current, n.leader, c.lost = nil, leader, true
	n.replaced++
	n.log.Warn("EventStoreDB node lost", slog.String("node", c.address), slog.String("leader", leader), slog.Any("error", reason))
}

// replacements counts the nodes that were taken out of use.
func (n *nodes) replacements() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.replaced
}

// close disconnects. What is still under way fails.
func (n *nodes) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	n.stop()
	if n.current != nil {
		n.current.conn.Close()
		n.current = nil
	}
}

// find goes through the seeds once. Whoever needs more patience calls again.
func (n *nodes) find(s *search) {
	found, err := n.choose()
	n.mu.Lock()
	defer n.mu.Unlock()
	defer close(s.done)
	n.search, s.err = nil, err
	switch {
	case err != nil:
	case n.closed:
		s.err = errors.Join(eventstore.ErrClosed, found.conn.Close())
	default:
		n.current = found
	}
}

func (n *nodes) choose() (*node, error) {
	n.mu.Lock()
	address := n.leader
	n.leader = ""
	n.mu.Unlock()
	if address == "" {
		address = n.seeds[0]
		if n.cluster {
			var err error
			if address, err = n.ask(); err != nil {
				return nil, err
			}
		}
	}
	conn, err := grpc.NewClient(address, n.options...)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return &node{address: address, conn: conn, streams: streams.NewStreamsClient(conn)}, nil
}

// ask has all seeds say who leads, and takes the first answer.
func (n *nodes) ask() (string, error) {
	ctx, cancel := context.WithTimeout(n.ctx, n.timeout)
	defer cancel()
	type answer struct {
		leader string
		err    error
	}
	answers := make(chan answer, len(n.seeds))
	for _, seed := range n.seeds {
		go func() {
			leader, err := n.leaderBy(ctx, seed)
			answers <- answer{leader, err}
		}()
	}
	var errs []error
	for range n.seeds {
		a := <-answers
		if a.err == nil {
			return a.leader, nil
		}
		errs = append(errs, a.err)
	}
	return "", errors.Join(errs...)
}

// leaderBy asks one seed.
func (n *nodes) leaderBy(ctx context.Context, seed string) (leader string, err error) {
	conn, err := grpc.NewClient(seed, n.options...)
	if err != nil {
		return "", fmt.Errorf("connect to %s: %w", seed, err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	info, err := gossip.NewGossipClient(conn).Read(ctx, &shared.Empty{})
	if err != nil {
		return "", fmt.Errorf("ask %s who leads: %w", seed, err)
	}
	for _, m := range info.GetMembers() {
		if m.GetState() == gossip.MemberInfo_Leader && m.GetIsAlive() {
			return net.JoinHostPort(m.GetHttpEndPoint().GetAddress(), strconv.Itoa(int(m.GetHttpEndPoint().GetPort()))), nil
		}
	}
	return "", fmt.Errorf("ask %s who leads: it knows of nobody", seed)
}

// basic is the user and the password on each call. They never travel without TLS.
type basic struct{ header string }

func newBasic(user, password string) basic {
	return basic{"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

func (b basic) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": b.header}, nil
}

func (basic) RequireTransportSecurity() bool { return true }
