// Package handlers is what the doors share: how routes are mounted, how a handler's error is shown, how a request is
// logged, measured and bounded, and who is asking. The doors are its sub-packages; they never import each other, for the log
// is the only bus between them.
package handlers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
)

// Func handles a request, or returns an error that the door shows in its own form. A handler that returns an error has
// written nothing.
type Func func(w http.ResponseWriter, r *http.Request) error

// Route is a method and a path pattern of net/http's ServeMux, with its handler.
type Route struct {
	Method, Path string
	Handler      Func
}

// Show writes an error in a door's own form.
type Show func(w http.ResponseWriter, r *http.Request, e *domain.Error)

// Mount adds a door's routes below a prefix such as /api/v2/. Whatever else is asked for there is a not-found or a
// method-not-allowed error, in the door's own form; OPTIONS is answered with what a path takes.
func Mount(mux *http.ServeMux, prefix string, show Show, routes []Route) {
	methods := map[string][]string{}
	for _, route := range routes {
		mux.Handle(route.Method+" "+route.Path, shown(route.Handler, show))
		methods[route.Path] = append(methods[route.Path], route.Method)
	}
	for path, allowed := range methods {
		slices.Sort(allowed)
		allow := strings.Join(allowed, ", ")
		mux.Handle("OPTIONS "+path, shown(options(allow), show))
		refuse := shown(notAllowed(allow), show)
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} { // each by itself: a literal path may stand beside one with a wildcard
			if !slices.Contains(allowed, method) {
				mux.Handle(method+" "+path, refuse)
			}
		}
	}
	mux.Handle(prefix, shown(func(http.ResponseWriter, *http.Request) error {
		return domain.Refuse(domain.NotFound, "there is nothing at this path")
	}, show))
}

func shown(h Func, show Show) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := lineOf(r)
		line.route = r.Pattern
		if err := caught(h, w, r); err != nil {
			line.err = err
			if errors.Is(r.Context().Err(), context.Canceled) {
				w.WriteHeader(statusGone)
				return
			}
			e := domain.Shown(err)
			if (e.Code == domain.Unavailable || e.Code == domain.RateLimited) && w.Header().Get("Retry-After") == "" {
				w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(e.After.Seconds())))))
			}
			show(w, r, e)
		}
	})
}

// statusGone is what is logged and counted for a client that left before its answer: nobody reads it, and it is no fault of ours. The number is nginx's.
const statusGone = 499

// caught turns a handler's panic into an error, which is internal and logged with its stack. One that has begun its answer
// cannot be shown any more: the panic goes on, and so does one that only ends the connection.
func caught(h Func, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case p == http.ErrAbortHandler || begun(w):
			panic(p)
		default:
			err = panicked(p)
		}
	}()
	return h(w, r)
}

func panicked(p any) error { return fmt.Errorf("panic: %v\n%s", p, debug.Stack()) }

// options answers what a path takes (RFC 9110 §9.3.7), which openly stands in each door's description. Nothing in it lets a page of another origin ask (CORS).
func options(allow string) Func {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", allow)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

func notAllowed(allow string) Func {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", allow)
		return domain.Refuse(domain.MethodNotAllowed, "this path takes %s only", allow)
	}
}

// Status is the HTTP status of an error.
func Status(e *domain.Error) int {
	switch e.Code {
	case domain.Invalid:
		return http.StatusBadRequest
	case domain.Unauthorized:
		return http.StatusUnauthorized
	case domain.Forbidden:
		return http.StatusForbidden
	case domain.NotFound:
		return http.StatusNotFound
	case domain.MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case domain.Conflict:
		return http.StatusConflict
	case domain.Gone:
		return http.StatusGone
	case domain.PreconditionFailed:
		return http.StatusPreconditionFailed
	case domain.TooLarge:
		return http.StatusRequestEntityTooLarge
	case domain.RateLimited:
		return http.StatusTooManyRequests
	case domain.WrongMediaType:
		return http.StatusUnsupportedMediaType
	case domain.Unavailable:
		return http.StatusServiceUnavailable
	case domain.Unsupported:
		return http.StatusNotImplemented
	}
	return http.StatusInternalServerError
}
