package projections_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/projections"
)

// TestRebuild lives through a random history, deletes the file, and finds the same.
func TestRebuild(t *testing.T) {
	lives(t, 3, func(t *testing.T, seed uint64) {
		w := newWorld(t)
		l := newLife(w, seed)
		for range 200 {
			l.step()
		}
		answers, tables := l.answers(), w.read.Tables(t)
		w.stop()
		removeAll(t, w.folder)
		w.start()
		if again := l.answers(); again != answers {
			t.Errorf("rebuilt, the model answers otherwise: %s", firstDifference(answers, again))
		}
		if again := w.read.Tables(t); again != tables {
			t.Errorf("rebuilt, the model holds something else: %s", firstDifference(tables, again))
		}
		for range 30 { // and it lives on
			l.step()
		}
		answers, tables = l.answers(), w.read.Tables(t)
		w.stop()
		w.start() // from its checkpoint
		if again := l.answers(); again != answers {
			t.Errorf("opened again, the model answers otherwise: %s", firstDifference(answers, again))
		}

		records, batches := w.records(), rand.New(rand.NewPCG(seed, 2))
		other, err := projections.OpenReadModel(t.TempDir(), "a log", eventstore.Position{})
		w.must(err)
		defer other.Close()
		for len(records) > 0 {
			n := 1 + batches.IntN(min(len(records), 40))
			w.must(other.Apply(t.Context(), eventstore.Batch{Records: records[:n], Position: records[n-1].Position}))
			records = records[n:]
		}
		if again := other.Tables(t); again != tables {
			t.Errorf("from other batches the model holds something else: %s", firstDifference(tables, again))
		}
	})
}

func removeAll(t testing.TB, folder string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if err := os.Remove(filepath.Join(folder, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadYourWrites(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	ctx := t.Context()
	var all sync.WaitGroup
	for n := range 64 {
		all.Go(func() {
			name := fmt.Sprint("User", n, "@acme.test")
			u, err := w.commands.CreateUser(ctx, system, d, domain.Attributes{"userName": name})
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := w.read.User(ctx, d.ID, u.ID); err != nil || got.Attributes().Text("userName") != name {
				t.Errorf("%s by its id: %v, %v", name, got, err)
			}
			f, err := domain.UserType.ParseFilter(fmt.Sprintf("userName eq %q", strings.ToUpper(name)))
			if err != nil {
				t.Error(err)
				return
			}
			if page, err := w.read.Users(ctx, d.ID, projections.Query{Filter: f, Start: 1, Count: 100}); err != nil || page.Total != 1 || len(page.Items) != 1 || page.Items[0].ID != u.ID {
				t.Errorf("%s by its name: %+v, %v", name, page, err)
			}
			page, err := w.read.Users(ctx, d.ID, projections.Query{Start: 1, Count: 100})
			if err != nil || page.Total != len(page.Items) || !slices.ContainsFunc(page.Items, func(of projections.User) bool { return of.ID == u.ID }) {
				t.Errorf("%s in a list of %d of %d, %v", name, len(page.Items), page.Total, err)
			}
		})
	}
	all.Wait()
	if page, err := w.read.Users(ctx, d.ID, projections.Query{Start: 1}); err != nil || page.Total != 64 || len(page.Items) != 0 {
		t.Errorf("in the end %+v, %v", page, err)
	}
}

func isUnavailable(err error) bool {
	var e *domain.Error
	return errors.As(err, &e) && e.Code == domain.Unavailable
}

// A model that cannot catch up answers at once, and never with the past.
func TestStoppedModelIsUnavailable(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	u := w.user(d, domain.Attributes{"userName": "ada"})
	if _, err := w.read.User(t.Context(), d.ID, u.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.log.Append(t.Context(), eventstore.Write{Stream: "user-x", Entries: []eventstore.Entry{{ID: eventstore.ID{1}, Type: "user.from_the_future", Data: []byte("{}"), Meta: []byte("{}")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.read.User(t.Context(), d.ID, u.ID); err != nil {
		t.Errorf("what it has reached it shows: %v", err)
	}
	bob, err := w.commands.CreateUser(t.Context(), system, d, domain.Attributes{"userName": "bob"})
	if err != nil {
		t.Fatal(err) // it is in the log
	}
	if _, err := w.commands.CreateGroup(t.Context(), system, d, domain.Attributes{"displayName": "Team"}, domain.MembersPlan{}); err != nil {
		t.Fatal(err)
	}
	for what, ask := range map[string]func() error{
		"User":       func() error { _, err := w.read.User(t.Context(), d.ID, bob.ID); return err },
		"Users":      func() error { _, err := w.read.Users(t.Context(), d.ID, projections.Query{Start: 1}); return err },
		"Standing":   func() error { _, err := w.read.Standing(t.Context(), d.ID, "g", nil); return err },
		"DeleteUser": func() error { return w.commands.DeleteUser(t.Context(), system, d, bob.ID) },
	} {
		if err := ask(); !isUnavailable(err) || !strings.Contains(err.Error(), "no such event") {
			t.Errorf("%s answered %v", what, err)
		} else if says := domain.Shown(err).Message; !strings.Contains(says, "has stopped") || !strings.Contains(says, "/readyz") || strings.Contains(says, "try again") {
			t.Errorf("%s tells its caller %q", what, says)
		}
	}
}

// A model that is only slow is waited for: for five seconds, or as long as the caller has.
func TestSlowModelIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, err := projections.OpenReadModel(t.TempDir(), "a log", at(1)) // nobody brings it to 1
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		began := time.Now()
		if _, err := read.User(t.Context(), "d", "u"); !isUnavailable(err) || time.Since(began) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		} else if says := domain.Shown(err).Message; !strings.Contains(says, "catching up") || !strings.Contains(says, "try again") {
			t.Errorf("it tells its caller %q", says)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := read.User(short, "d", "u"); !errors.Is(err, context.DeadlineExceeded) || isUnavailable(err) {
			t.Errorf("got %v", err)
		}
	})
}

// After a restart nothing that was acknowledged before is missing, though the model has yet to be built.
func TestRestartShowsWhatWasAcknowledged(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	u := w.user(d, domain.Attributes{"userName": "ada"})
	w.stop()
	removeAll(t, w.folder)
	head, err := w.log.Head(t.Context())
	w.must(err)
	w.read, err = projections.OpenReadModel(w.folder, "a log", head)
	w.must(err)
	defer w.read.Close()
	answered := make(chan error, 1)
	go func() {
		_, err := w.read.User(t.Context(), d.ID, u.ID)
		answered <- err
	}()
	run(t, w.log, w.read)
	if err := <-answered; err != nil {
		t.Errorf("got %v", err)
	}
}

func TestModelAheadOfTheLogIsMadeAnew(t *testing.T) {
	w := newWorld(t)
	d := w.directory("Acme")
	records := w.records()
	w.user(d, domain.Attributes{"userName": "ada"})
	w.stop()
	backup := eventstore.NewMemory()
	for _, r := range records {
		if _, err := backup.Append(t.Context(), eventstore.Write{Stream: r.Stream, Expected: r.Version - 1, Entries: []eventstore.Entry{r.Entry}}); err != nil {
			t.Fatal(err)
		}
	}
	w.log = backup
	w.start()
	page, err := w.read.Users(t.Context(), d.ID, projections.Query{Start: 1, Count: 10})
	if err != nil || page.Total != 0 || len(page.Items) != 0 {
		t.Errorf("shows %+v, %v", page, err)
	}
	w.user(d, domain.Attributes{"userName": "ada"})
}

func TestOldModelsStayUntilRemoved(t *testing.T) {
	w := newWorld(t)
	ours, err := os.ReadDir(w.folder)
	w.must(err)
	for _, name := range []string{"readmodel-0a1b2c3d.db", "readmodel-0a1b2c3d.db-wal", "readmodel-0a1b2c3d.db-shm", "readmodel.db", "notes.txt", "readmodel-0a1b2c3d.db.bak"} {
		w.must(os.WriteFile(filepath.Join(w.folder, name), []byte("another schema"), 0o600))
	}
	w.directory("Acme")
	w.stop()
	w.start()
	if _, err := os.Stat(filepath.Join(w.folder, "readmodel-0a1b2c3d.db")); err != nil {
		t.Errorf("gone before it was removed: %v", err)
	}
	w.must(w.read.RemoveOld())
	left, err := os.ReadDir(w.folder)
	w.must(err)
	want := []string{"notes.txt", "readmodel-0a1b2c3d.db.bak", "readmodel.db"}
	for _, f := range ours {
		want = append(want, f.Name())
	}
	slices.Sort(want)
	var got []string
	for _, f := range left {
		got = append(got, f.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("left %v, want %v", got, want)
	}
	if _, err := w.read.Users(t.Context(), "x", projections.Query{Start: 1}); err != nil {
		t.Error(err)
	}
}

// A folder may have any name.
func TestFolderNames(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a b?c%41#d[e]&f+g;h=i")
	for range 2 {
		read, err := projections.OpenReadModel(folder, "a log", eventstore.Position{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(read.RemoveOld(), read.Close()); err != nil {
			t.Error(err)
		}
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}
