package projections

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// slowLog answers after a second what its head was when it was asked.
type slowLog struct {
	head, asked atomic.Uint64
	err         error
}

func (l *slowLog) Head(ctx context.Context) (eventstore.Position, error) {
	l.asked.Add(1)
	n := l.head.Load()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return eventstore.Position{}, ctx.Err()
	}
	return eventstore.At(n, n), l.err
}

// Who asks while the log is being asked gets the answer to the next question, which all who wait share.
func TestHeadsAreSharedAndNeverOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &slowLog{}
		h := &heads{log: log}
		ask := func(want uint64) {
			at, err := h.head(t.Context())
			if got, _ := at.Numbers(); err != nil || got < want {
				t.Errorf("the head is %s, %v; it was %d already", at, err, want)
			}
		}
		go ask(0)
		synctest.Wait()
		log.head.Store(1)
		for range 100 {
			go ask(1)
		}
		synctest.Wait()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if n := log.asked.Load(); n != 2 {
			t.Errorf("the log was asked %d times", n)
		}
		ask(1)
		if n := log.asked.Load(); n != 3 {
			t.Errorf("the log was asked %d times", n)
		}
	})
}

// A query of a shared log's model says that it is unavailable while the log is, ends with its caller, and never shows less than the head.
func TestSharedLogIsAsked(t *testing.T) {
	m, err := OpenReadModel(t.TempDir(), "a log", eventstore.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	synctest.Test(t, func(t *testing.T) {
		m.progress = newProgress(eventstore.Position{}) // of this bubble
		log := &slowLog{}
		m.ShareLog(log)
		user := func(ctx context.Context) error { _, err := m.User(ctx, "d", "u"); return err }
		if err := user(t.Context()); !errors.Is(err, ErrNotFound) {
			t.Errorf("of an empty log: %v", err)
		}
		log.head.Store(1)
		var shown *domain.Error
		if err := user(t.Context()); !errors.As(err, &shown) || shown.Code != domain.Unavailable {
			t.Errorf("behind the head: %v", err)
		}
		log.err = eventstore.ErrUnavailable
		if err := user(t.Context()); !errors.As(err, &shown) || shown.Code != domain.Unavailable || !errors.Is(shown.Cause, eventstore.ErrUnavailable) {
			t.Errorf("without the log: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := user(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("without the caller: %v", err)
		}
		time.Sleep(2 * time.Second) // its question is answered all the same
	})
}
