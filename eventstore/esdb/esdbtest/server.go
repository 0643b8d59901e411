// Package esdbtest is a server of the EventStoreDB protocol for tests: in this process, in memory, on 127.0.0.1.
//
// It serves what Rollcall and the official client's basics need: appends, reads of streams and of $all, subscriptions
// to $all with checkpoints, soft and hard deletion, gossip and server features. It is faithful where clients go wrong:
// exact revisions and ids make an append idempotent, positions have gaps, reads include their start and subscriptions do not,
// checkpoints come before caught-up, refusals are a status with trailers, and a node that does not lead says who does.
//
// Faults are asked for by methods of a Server: lost answers, reads that break off, a node that shows old data, that
// answers nothing, that cannot write, that denies writing or is killed. It is our reading of the real server; storetest runs against
// a real one too.
package esdbtest

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Config says what a server is. The zero value is a single open node with a log of its own.
type Config struct {
	// Log is shared by the nodes of a cluster.
	Log *Log
	// TLS, if set, holds the certificate.
	TLS *tls.Config
	// User and Password are asked of every call where User is set.
	User, Password string
	// MaxAppend bounds one append in bytes; 1 MiB as in EventStoreDB up to 24.10.
	MaxAppend int
	// Version is what the server calls itself; 24.6.0 by default.
	Version string
}

// A Server is one node. All methods may be called concurrently.
type Server struct {
	streams.UnimplementedStreamsServer
	config  Config
	log     *Log
	grpc    *grpc.Server
	address *net.TCPAddr
	faults  faults

	mu      sync.Mutex
	cluster *cluster
}

// cluster is the nodes that know of each other. The first leads until somebody else is elected.
type cluster struct {
	mu     sync.Mutex
	nodes  []*Server
	leader *Server
}

// Start runs a server until the test ends.
func Start(tb testing.TB, c Config) *Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("listen: %v", err)
	}
	if c.Log == nil {
		c.Log = NewLog()
	}
	if c.MaxAppend == 0 {
		c.MaxAppend = 1 << 20
	}
	if c.Version == "" {
		c.Version = "24.6.0"
	}
	s := &Server{config: c, log: c.Log, address: l.Addr().(*net.TCPAddr)}
	s.cluster = &cluster{nodes: []*Server{s}, leader: s}
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(16 << 20),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if err := s.admit(ctx); err != nil {
				return nil, err
			}
			return next(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			if err := s.admit(stream.Context()); err != nil {
				return err
			}
			if trailer, err := s.redirect(stream.Context()); err != nil {
				stream.SetTrailer(trailer)
				return err
			}
			return next(srv, stream)
		}),
	}
	if c.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(c.TLS)))
	}
	s.grpc = grpc.NewServer(options...)
	streams.RegisterStreamsServer(s.grpc, s)
	gossip.RegisterGossipServer(s.grpc, &members{server: s})
	serverfeatures.RegisterServerFeaturesServer(s.grpc, &features{server: s})
	go s.grpc.Serve(l)
	tb.Cleanup(s.Kill)
	return s
}

// Join makes a cluster of the servers, which share a log. The first one leads.
func Join(servers ...*Server) {
	c := &cluster{nodes: servers, leader: servers[0]}
	for _, s := range servers {
		s.mu.Lock()
		s.cluster = c
		s.mu.Unlock()
	}
}

// Lead makes this node the leader of its cluster.
func (s *Server) Lead() {
	c := s.party()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leader = s
}

// Kill ends the node at once, as a crash does. Twice is harmless.
func (s *Server) Kill() {
	s.faults.kill()
	s.grpc.Stop()
}

// Address is host and port.
func (s *Server) Address() string { return s.address.String() }

// ConnectionString reaches this node alone, without TLS or credentials.
func (s *Server) ConnectionString() string { return "esdb://" + s.Address() + "?tls=false" }

// Log is what the server keeps.
func (s *Server) Log() *Log { return s.log }

func (s *Server) party() *cluster {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cluster
}

// admit is the door of every call.
func (s *Server) admit(ctx context.Context) error {
	if err := s.faults.admit(ctx); err != nil {
		return err
	}
	if s.config.User != "" {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(s.config.User+":"+s.config.Password))
		if got := metadata.ValueFromIncomingContext(ctx, "authorization"); len(got) != 1 || got[0] != want {
			return status.Error(codes.Unauthenticated, "Unauthenticated")
		}
	}
	return nil
}

// redirect refuses a call that needs the leader where this node is not it.
func (s *Server) redirect(ctx context.Context) (metadata.MD, error) {
	if got := metadata.ValueFromIncomingContext(ctx, "requires-leader"); len(got) == 0 || got[0] != "true" {
		return nil, nil
	}
	c := s.party()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leader == s {
		return nil, nil
	}
	return metadata.Pairs(
		"exception", "not-leader",
		"leader-endpoint-host", c.leader.address.IP.String(),
		"leader-endpoint-port", strconv.Itoa(c.leader.address.Port),
	), status.Error(codes.NotFound, fmt.Sprintf("Leader info available at %s", c.leader.Address()))
}
