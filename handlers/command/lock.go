package command

import (
	"context"
	"errors"
	"hash/maphash"

	"golang.org/x/sync/semaphore"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// stripes is how many locks there are. Two streams that share one wait for each other without need, and no worse.
const stripes = 256

// locks let the writers of this process take turns on a stream, so that they do not refuse each other: without them all who change
// one group at once decide on the same version, and one of them wins. They are for speed alone; what is right is settled by the
// version that an append expects, as it is with writers of other processes.
//
// Nobody holds two of them at once, so nobody waits in a circle.
//
// doors are another matter, and for what is right: who joins a group is looked up before the group's append, and the groups that somebody leaves
// before the append that deletes it, so one could pass the other, and who is deleted would stay a member for ever. In one directory either
// members join or somebody is deleted. One process writes an embedded log, so that this is all there is to it; in a shared one departures see
// who passed. A door is taken before any lock.
type locks struct {
	seed  maphash.Seed
	held  [stripes]chan struct{} // of one place: who has put something in holds the lock
	doors [stripes]*semaphore.Weighted
}

// crowd is more than will ever join at once: whoever deletes waits until all of them are out.
const crowd = 1 << 30

// joining waits until members may join groups of a directory, or for the end of the context.
func (l *locks) joining(ctx context.Context, directory string) (done func(), err error) {
	return l.enter(ctx, directory, 1)
}

// deleting waits until a user or a group of a directory may be deleted, and leave its groups, or for the end of the context.
func (l *locks) deleting(ctx context.Context, directory string) (done func(), err error) {
	return l.enter(ctx, directory, crowd)
}

func (l *locks) enter(ctx context.Context, directory string, weight int64) (done func(), err error) {
	door := l.doors[maphash.String(l.seed, directory)%stripes]
	if err := door.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	return func() { door.Release(weight) }, nil
}

func newLocks() *locks {
	l := &locks{seed: maphash.MakeSeed()}
	for i := range l.held {
		l.held[i], l.doors[i] = make(chan struct{}, 1), semaphore.NewWeighted(crowd)
	}
	return l
}

// lock waits for its turn on a stream, or for the end of the context.
func (l *locks) lock(ctx context.Context, stream string) (unlock func(), err error) {
	held := l.held[maphash.String(l.seed, stream)%stripes]
	select {
	case held <- struct{}{}:
		return func() { <-held }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// decideTries is how often a decision is taken again because another writer was faster: one of another process, or one of this that
// holds another stream's lock, as the deletion of a user that leaves many groups.
const decideTries = 10

// decide runs load-decide-append, alone on the subject's stream, until no other writer comes between. After a conflict it takes its
// turn where the conflict was: on the group that a deleted user leaves, say, whose writers would otherwise be faster every time.
func decide[T any](ctx context.Context, s *Service, stream string, attempt func() (T, error)) (T, error) {
	var none T
	var conflict *eventstore.ConflictError
	for range decideTries {
		out, err := alone(ctx, s, stream, attempt)
		if !errors.As(err, &conflict) {
			return out, err
		}
		stream = conflict.Stream
	}
	e := domain.Refuse(domain.Conflict, "others are changing the same thing; try again")
	e.Cause = conflict
	return none, e
}

func alone[T any](ctx context.Context, s *Service, stream string, attempt func() (T, error)) (T, error) {
	unlock, err := s.locks.lock(ctx, stream)
	if err != nil {
		var none T
		return none, err
	}
	defer unlock()
	return attempt()
}
