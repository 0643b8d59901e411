package esdbtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
)

// connect opens the official client.
func connect(t *testing.T, connection string) *esdb.Client {
	t.Helper()
	c, err := esdb.ParseConnectionString(connection)
	if err != nil {
		t.Fatal(err)
	}
	c.Logger = esdb.NoopLogging()
	client, err := esdb.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func proposal(kind string) esdb.EventData {
	return esdb.EventData{EventID: uuid.New(), EventType: kind, ContentType: esdb.ContentTypeJson, Data: []byte(`{"a":1}`), Metadata: []byte(`{}`)}
}

// put appends with the official client and answers its result.
func put(t *testing.T, c *esdb.Client, stream string, expected esdb.ExpectedRevision, events ...esdb.EventData) *esdb.WriteResult {
	t.Helper()
	r, err := c.AppendToStream(t.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, events...)
	if err != nil {
		t.Fatalf("append to %s: %v", stream, err)
	}
	return r
}

func code(err error) esdb.ErrorCode {
	var e *esdb.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return -1
}

func received(t *testing.T, r *esdb.ReadStream, err error) (events []*esdb.ResolvedEvent) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		e, err := r.Recv()
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
}

func TestAppendWithTheOfficialClient(t *testing.T) {
	s := Start(t, Config{})
	c := connect(t, s.ConnectionString())
	one, two, three := proposal("one"), proposal("two"), proposal("three")
	first := put(t, c, "a", esdb.NoStream{}, one, two)
	if first.NextExpectedVersion != 1 {
		t.Errorf("the stream stands at revision %d, want 1", first.NextExpectedVersion)
	}
	put(t, c, "a", esdb.Revision(1), three)
	if again := put(t, c, "a", esdb.NoStream{}, one, two); *again != *first {
		t.Errorf("the same append again answers %+v, the first %+v", again, first)
	}
	for what, try := range map[string]struct {
		expected esdb.ExpectedRevision
		events   []esdb.EventData
	}{
		"a stale revision":        {esdb.Revision(0), []esdb.EventData{proposal("x")}},
		"a later revision":        {esdb.Revision(7), []esdb.EventData{proposal("x")}},
		"no stream":               {esdb.NoStream{}, []esdb.EventData{proposal("x")}},
		"half the same":           {esdb.NoStream{}, []esdb.EventData{one, proposal("x")}},
		"more than there is":      {esdb.Revision(1), []esdb.EventData{three, proposal("x")}},
		"the same in other order": {esdb.NoStream{}, []esdb.EventData{two, one}},
	} {
		_, err := c.AppendToStream(t.Context(), "a", esdb.AppendToStreamOptions{ExpectedRevision: try.expected}, try.events...)
		if code(err) != esdb.ErrorCodeWrongExpectedVersion {
			t.Errorf("%s: got %v", what, err)
		}
	}
	s.LoseAnswers(1)
	four := proposal("four")
	_, err := c.AppendToStream(t.Context(), "a", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Revision(2)}, four)
	if code(err) != esdb.ErrorUnavailable {
		t.Errorf("a lost answer is %v", err)
	}
	put(t, c, "a", esdb.Revision(2), four)
	r, err := c.ReadStream(t.Context(), "a", esdb.ReadStreamOptions{From: esdb.Revision(1)}, 10)
	events := received(t, r, err)
	if len(events) != 3 || events[0].Event.EventID != two.EventID || events[2].Event.EventID != four.EventID {
		t.Errorf("the stream from revision 1 holds %d events", len(events))
	}
}

func TestDeletionWithTheOfficialClient(t *testing.T) {
	s := Start(t, Config{})
	c := connect(t, s.ConnectionString())
	put(t, c, "a", esdb.NoStream{}, proposal("one"), proposal("two"))
	if _, err := c.DeleteStream(t.Context(), "a", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(1)}); err != nil {
		t.Fatal(err)
	}
	r, err := c.ReadStream(t.Context(), "a", esdb.ReadStreamOptions{}, 10)
	if err == nil {
		_, err = r.Recv()
	}
	if code(err) != esdb.ErrorCodeResourceNotFound {
		t.Errorf("a soft-deleted stream reads as %v", err)
	}
	if r := put(t, c, "a", esdb.NoStream{}, proposal("three")); r.NextExpectedVersion != 2 {
		t.Errorf("after a soft deletion the stream goes on at %d, want 2", r.NextExpectedVersion)
	}
	if _, err := c.TombstoneStream(t.Context(), "a", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	_, err = c.AppendToStream(t.Context(), "a", esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, proposal("x"))
	if code(err) != esdb.ErrorCodeStreamDeleted {
		t.Errorf("an append to a tombstone is %v", err)
	}
}

func TestReadAllWithTheOfficialClient(t *testing.T) {
	s := Start(t, Config{})
	c := connect(t, s.ConnectionString())
	for i := range 10 {
		put(t, c, fmt.Sprint("s-", i), esdb.NoStream{}, proposal("x"))
		s.Log().AddSystem()
	}
	r, err := c.ReadAll(t.Context(), esdb.ReadAllOptions{From: esdb.Start{}}, 100)
	forwards := received(t, r, err)
	r, err = c.ReadAll(t.Context(), esdb.ReadAllOptions{From: esdb.End{}, Direction: esdb.Backwards}, 100)
	backwards := received(t, r, err)
	slices.Reverse(backwards)
	if len(forwards) != 22 || len(backwards) != 22 {
		t.Fatalf("%d events forwards, %d backwards, want 22", len(forwards), len(backwards))
	}
	for i := range forwards {
		if forwards[i].Event.Position != backwards[i].Event.Position {
			t.Errorf("event %d stands at %v and %v", i, forwards[i].Event.Position, backwards[i].Event.Position)
		}
	}
	r, err = c.ReadAll(t.Context(), esdb.ReadAllOptions{From: forwards[7].Event.Position}, 1)
	if e := received(t, r, err); len(e) != 1 || e[0].Event.EventID != forwards[7].Event.EventID {
		t.Errorf("a read does not include its start")
	}
}

func TestSubscriptionWithTheOfficialClient(t *testing.T) {
	s := Start(t, Config{})
	c := connect(t, s.ConnectionString())
	for i := range 20 {
		put(t, c, fmt.Sprint("s-", i), esdb.NoStream{}, proposal("x"))
		put(t, c, fmt.Sprint("t-", i), esdb.NoStream{}, proposal("x"))
	}
	subscribe := func(from esdb.AllPosition) *esdb.Subscription {
		sub, err := c.SubscribeToAll(context.Background(), esdb.SubscribeToAllOptions{
			From:               from,
			Filter:             &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"s-"}},
			MaxSearchWindow:    10,
			CheckpointInterval: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { sub.Close() })
		return sub
	}
	sub := subscribe(esdb.Start{})
	var last esdb.Position
	checkpoints, events := 0, 0
	for caughtUp := false; !caughtUp; {
		e := sub.Recv()
		switch {
		case e.EventAppeared != nil:
			events++
		case e.CheckPointReached != nil:
			checkpoints++
			last = *e.CheckPointReached
		case e.CaughtUp != nil:
			caughtUp = true
		default:
			t.Fatalf("got %+v", e)
		}
	}
	if events != 20 || checkpoints != 5 {
		t.Errorf("%d events and %d checkpoints, want 20 and 5", events, checkpoints)
	}
	put(t, c, "s-live", esdb.NoStream{}, proposal("x"))
	for _, sub := range []*esdb.Subscription{sub, subscribe(last)} {
		e := sub.Recv()
		if e.EventAppeared == nil || e.EventAppeared.Event.StreamID != "s-live" {
			t.Errorf("after the checkpoint comes %+v", e)
		}
	}
}

func TestMetadataHides(t *testing.T) {
	s := Start(t, Config{})
	c := connect(t, s.ConnectionString())
	put(t, c, "a", esdb.NoStream{}, proposal("1"), proposal("2"), proposal("3"))
	data, err := json.Marshal(map[string]int{"$maxCount": 1})
	if err != nil {
		t.Fatal(err)
	}
	put(t, c, "$$a", esdb.NoStream{}, esdb.EventData{EventID: uuid.New(), EventType: "$metadata", ContentType: esdb.ContentTypeJson, Data: data})
	hidden := proposal("x")
	for last := uint64(2); last < 5; last++ {
		for _, direction := range []esdb.Direction{esdb.Forwards, esdb.Backwards} {
			o := esdb.ReadStreamOptions{Direction: direction, From: esdb.Start{}}
			if direction == esdb.Backwards {
				o.From = esdb.End{}
			}
			r, err := c.ReadStream(t.Context(), "a", o, 10)
			if e := received(t, r, err); len(e) != 1 || e[0].Event.EventNumber != last {
				t.Errorf("a stream with $maxCount 1 and last revision %d shows %d events", last, len(e))
			}
		}
		e := hidden
		if last > 2 {
			e = proposal("x")
		}
		put(t, c, "a", esdb.Revision(last), e)
	}
	if r := put(t, c, "a", esdb.Revision(2), hidden); r.NextExpectedVersion != 3 {
		t.Errorf("an append whose event is hidden by now was written again at revision %d", r.NextExpectedVersion)
	}
}

func TestClusterWithTheOfficialClient(t *testing.T) {
	log := NewLog()
	leader, follower := Start(t, Config{Log: log}), Start(t, Config{Log: log})
	Join(leader, follower)
	c := connect(t, fmt.Sprintf("esdb://%s,%s?tls=false", follower.Address(), leader.Address()))
	put(t, c, "a", esdb.NoStream{}, proposal("x"))
	if leader.Appends() != 1 || follower.Appends() != 0 {
		t.Errorf("the leader had %d appends, the follower %d", leader.Appends(), follower.Appends())
	}
}
