// Command bench measures a Rollcall beside yardsticks, all in one run and on one machine, so that the ratios mean something where the figures do
// not: the disk's own appends, an HTTP server that answers a constant, and a minimal SCIM server in memory on the library whose schemas Rollcall
// uses. scripts/bench.sh builds both programs and starts it; BENCH.md says how to read what it prints.
//
//	bench <path of rollcall> <folder for data>     the whole run; BENCH_SCALE=full for its full size
//	bench constant | library                       a yardstick alone, on a port that it prints
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "constant":
		return serve(ctx, constant(), out)
	case len(args) == 1 && args[0] == "library":
		handler, err := newLibrary()
		if err != nil {
			return err
		}
		return serve(ctx, handler, out)
	case len(args) == 2:
		s := short
		if os.Getenv("BENCH_SCALE") == "full" {
			s = full
		}
		return measure(ctx, bench{scale: s, rollcall: args[0], folder: args[1], progress: progress}, out)
	}
	return fmt.Errorf("it takes the path of rollcall and a folder, or the name of a yardstick: constant or library")
}

// constant answers everything with what a SCIM server answers to the smallest request.
func constant() http.Handler {
	body := []byte(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],"patch":{"supported":true}}`)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/scim+json")
		_, _ = w.Write(body)
	})
}

// serve serves until the context ends, and says where in the words of `rollcall serve`.
func serve(ctx context.Context, handler http.Handler, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintf(out, "bench%shttp://%s\n", readyWords, listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
