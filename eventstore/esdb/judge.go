package esdb

import (
	"context"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// unavailable marks an error after which the same exchange may succeed.
func unavailable(err error) error {
	if errors.Is(err, eventstore.ErrClosed) {
		return err
	}
	return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
}

// judge tells what the end of an exchange means: nothing, a refusal, or unavailability, after which the outcome is
// unknown. A node that does not lead or does not answer is replaced.
func (s *Store) judge(ctx context.Context, n *node, trailer metadata.MD, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return unavailable(err) // which is not the node's fault
	}
	switch exception := one(trailer, "exception"); exception {
	case "not-leader":
		leader := ""
		if host, port := one(trailer, "leader-endpoint-host"), one(trailer, "leader-endpoint-port"); host != "" && port != "" {
			leader = net.JoinHostPort(host, port)
		}
		s.nodes.replace(n, leader, err)
		return unavailable(err)
	case "maximum-append-size-exceeded":
		return fmt.Errorf("the server takes at most %s bytes in one write: %w", one(trailer, "maximum-append-size"), err)
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded:
		s.nodes.replace(n, "", err)
		return unavailable(err)
	case codes.Aborted, codes.Canceled, codes.Internal, codes.Unknown:
		// A timeout within the cluster, a connection that was closed under the call, a server that stumbled: nobody knows
		// what it did.
		return unavailable(err)
	case codes.Unauthenticated, codes.PermissionDenied:
		return fmt.Errorf("the server refuses the user: %w", err)
	}
	return err
}

// one is the first value of a trailer, or nothing.
func one(trailer metadata.MD, key string) string {
	if values := trailer.Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}
