package projections

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/rollcall-sync/rollcall/domain"
)

// Target is an endpoint as deliveries need it.
type Target struct {
	ID    string
	State domain.Endpoint // deleted if there is no such endpoint any more
	Made  uint64          // how often there was more to send to it in this process
}

// wants are the messages that are kept for the endpoint.
func (t Target) wants() (all []want) {
	for _, kind := range domain.MessageTypes {
		if t.State.Wants(kind, t.State.Organization) {
			all = append(all, want{kind, t.State.Organization})
		}
	}
	return all
}

// want is a type of messages of one organization, of any if that is "".
type want struct{ kind, organization string }

// targets are endpoints by their id, and by what they want: who wants a message is found at the same cost however many others there are.
type targets struct {
	byID   map[string]Target
	byWant map[want][]string // ids in order
}

func newTargets() targets { return targets{map[string]Target{}, map[want][]string{}} }

// put adds an endpoint or changes it.
func (ts targets) put(t Target) {
	before, after := ts.byID[t.ID].wants(), t.wants()
	ts.byID[t.ID] = t
	if slices.Equal(before, after) {
		return
	}
	for _, w := range before {
		at, _ := slices.BinarySearch(ts.byWant[w], t.ID)
		if ts.byWant[w] = slices.Delete(ts.byWant[w], at, at+1); len(ts.byWant[w]) == 0 {
			delete(ts.byWant, w)
		}
	}
	for _, w := range after {
		at, _ := slices.BinarySearch(ts.byWant[w], t.ID)
		ts.byWant[w] = slices.Insert(ts.byWant[w], at, t.ID)
	}
}

func (ts targets) remove(id string) {
	ts.put(Target{ID: id})
	delete(ts.byID, id)
}

// wanting are those that want messages of a type from an organization, in no order.
func (ts targets) wanting(kind, organization string) []string {
	ids := slices.Clone(ts.byWant[want{kind, ""}])
	if organization != "" {
		ids = append(ids, ts.byWant[want{kind, organization}]...)
	}
	return ids
}

// roster is the endpoints as they stand in the file. It tells its followers which of them have news. Safe for concurrent use.
type roster struct {
	mu        sync.Mutex
	all       targets
	followers map[*follower]bool
}

// follower is somebody who is told of news. The roster's lock guards it.
type follower struct {
	news map[string]bool // by id
	wake chan struct{}
}

func newRoster() *roster { return &roster{all: newTargets(), followers: map[*follower]bool{}} }

func (r *roster) target(id string) (Target, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, there := r.all.byID[id]
	return t, there
}

// more shows that there is more to send to endpoints.
func (r *roster) more(ids ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if t, there := r.all.byID[id]; there {
			t.Made++
			r.all.byID[id] = t
		}
	}
	r.tell(ids)
}

// tell lets the followers know of endpoints that have news. The lock is held.
func (r *roster) tell(ids []string) {
	for f := range r.followers {
		for _, id := range ids {
			f.news[id] = true
		}
		signal(f.wake)
	}
}

// follow yields all endpoints, and then, until the context ends, those that have news, once there are some.
func (r *roster) follow(ctx context.Context) iter.Seq[[]Target] {
	return func(yield func([]Target) bool) {
		f := r.join()
		defer r.leave(f)
		for {
			if news := r.newsOf(f); len(news) > 0 && !yield(news) {
				return
			}
			select {
			case <-f.wake:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (r *roster) join() *follower {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &follower{map[string]bool{}, make(chan struct{}, 1)}
	for id := range r.all.byID {
		f.news[id] = true
	}
	r.followers[f] = true
	return f
}

func (r *roster) leave(f *follower) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.followers, f)
}

// newsOf are the endpoints that have news since the follower was told last, in the order of their ids.
func (r *roster) newsOf(f *follower) []Target {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Target, 0, len(f.news))
	for id := range f.news {
		t, there := r.all.byID[id]
		if !there {
			t = Target{ID: id, State: domain.Endpoint{Deleted: true}}
		}
		out = append(out, t)
	}
	f.news = map[string]bool{} // a map keeps the size that it once had
	slices.SortFunc(out, func(a, b Target) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
