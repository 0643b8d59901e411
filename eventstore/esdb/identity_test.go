package esdb

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
)

// foreign appends as another program does that writes to the same database.
func foreign(t *testing.T, server *esdbtest.Server, w eventstore.Write) {
	t.Helper()
	conn, err := grpc.NewClient(server.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if answer, _, err := send(t.Context(), streams.NewStreamsClient(conn), w); err != nil || answer.GetSuccess() == nil {
		t.Fatalf("append to %s: %v, %v", w.Stream, answer, err)
	}
}

func TestIdentity(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	server.LoseAnswers(3)
	ids := make([]string, 8)
	var openers sync.WaitGroup
	for i := range ids {
		openers.Go(func() {
			s, err := Open(t.Context(), patient(server.ConnectionString()))
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = s.ID()
			s.Close()
		})
	}
	openers.Wait()
	server.Deny("")
	again := open(t, patient(server.ConnectionString())).ID()
	if len(again) != 36 {
		t.Errorf("the id is %q", again)
	}
	for i, id := range ids {
		if id != again {
			t.Errorf("process %d takes the log for %q, a later one for %q", i, id, again)
		}
	}
	other := open(t, patient(esdbtest.Start(t, esdbtest.Config{}).ConnectionString()))
	if other.ID() == again {
		t.Errorf("two logs have the id %s", again)
	}
}

func TestIdentityNeedsTheRightToWriteOnce(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	server.Deny("")
	s, err := Open(t.Context(), patient(server.ConnectionString()))
	if err == nil {
		s.Close()
		t.Fatal("a log without an id was opened")
	}
	if errors.Is(err, eventstore.ErrUnavailable) || !strings.Contains(err.Error(), "who may write") {
		t.Errorf("the error is %v", err)
	}
}

func TestIdentityThatIsNone(t *testing.T) {
	record := func(kind, data string) func(*testing.T, *esdbtest.Server) {
		return func(t *testing.T, server *esdbtest.Server) {
			e := entry()
			e.Type, e.Data = kind, []byte(data)
			foreign(t, server, write(logStream, 0, e))
		}
	}
	for what, spoil := range map[string]func(*testing.T, *esdbtest.Server){
		"another type":   record("test.written", `{"id":"5f0d2f2c-7a0b-4b57-9c9c-6f1f4d6f7a10"}`),
		"no JSON":        record(logCreated, `{"id":`),
		"no id":          record(logCreated, `{}`),
		"a short id":     record(logCreated, `{"id":"5f0d2f2c"}`),
		"an odd id":      record(logCreated, `{"id":"5F0D2F2C7A0B4B579C9C6F1F4D6F7A10"}`),
		"a number":       record(logCreated, `{"id":7}`),
		"nothing at all": record(logCreated, ``),
		"a truncated stream": func(t *testing.T, server *esdbtest.Server) {
			open(t, patient(server.ConnectionString()))
			e := entry()
			e.Type, e.Data = "$metadata", []byte(`{"$tb":1}`)
			foreign(t, server, write("$$"+logStream, 0, e))
		},
		"a stream that was deleted and begun again": func(t *testing.T, server *esdbtest.Server) {
			open(t, patient(server.ConnectionString()))
			server.Log().Delete(logStream)
			foreign(t, server, write(logStream, 0, entry()))
		},
	} {
		t.Run(what, func(t *testing.T) {
			server := esdbtest.Start(t, esdbtest.Config{})
			spoil(t, server)
			var damaged *eventstore.DamagedError
			s, err := Open(t.Context(), patient(server.ConnectionString()))
			if err == nil {
				s.Close()
			}
			if !errors.As(err, &damaged) {
				t.Errorf("opening answers %v", err)
			}
		})
	}
}

// TestDeletedIdentity opens a log whose id somebody deleted: it must not become another log.
func TestDeletedIdentity(t *testing.T) {
	server := esdbtest.Start(t, esdbtest.Config{})
	open(t, patient(server.ConnectionString()))
	server.Log().Delete(logStream)
	for range 2 {
		if s, err := Open(t.Context(), patient(server.ConnectionString())); err == nil {
			s.Close()
			t.Error("a log was opened whose id was deleted")
		}
	}
}
