package projections_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/local"
	"github.com/rollcall-sync/rollcall/projections"
)

// BenchmarkRebuild makes the read model of a directory anew from a log on disk, and then inserts the same rows, ready made, into the same tables.
func BenchmarkRebuild(b *testing.B) {
	const users, groups, members = 20_000, 200, 100
	log, err := local.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	directory := "01900000-0000-7000-8000-000000000000"
	meta, err := domain.EncodeMeta(domain.Meta{Directory: directory, Organization: "acme", RecordedAt: time.Now()})
	if err != nil {
		b.Fatal(err)
	}
	var batch []eventstore.Write
	add := func(stream string, e domain.Event) {
		name, data, err := domain.Encode(e)
		if err != nil {
			b.Fatal(err)
		}
		entry := eventstore.Entry{ID: eventstore.ID(uuid.New()), Type: name, Data: data, Meta: meta}
		if batch = append(batch, eventstore.Write{Stream: stream, Entries: []eventstore.Entry{entry}}); len(batch) >= 500 {
			flush(b, log, &batch)
		}
	}
	ids := make([]string, users)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7()).String()
		add(fmt.Sprintf("name-%064d", i), domain.NameClaimed{Owner: "user-" + ids[i]})
		add("user-"+ids[i], domain.UserProvisioned{Directory: directory, Attributes: domain.Attributes{
			"userName": fmt.Sprintf("user-%d@acme.test", i), "externalId": fmt.Sprint("00u", i), "displayName": "Ada Lovelace", "active": true,
			"name":     map[string]any{"givenName": "Ada", "familyName": "Lovelace"},
			"emails":   []any{map[string]any{"value": fmt.Sprintf("user-%d@acme.test", i), "type": "work", "primary": true}},
			enterprise: map[string]any{"department": "Engines", "employeeNumber": fmt.Sprint(i)},
		}})
	}
	for i := range groups {
		g := domain.GroupCreated{Directory: directory, Attributes: domain.Attributes{"displayName": fmt.Sprint("Group ", i)}}
		for n := range members {
			g.Members = append(g.Members, domain.Member{ID: ids[(i*members+n)%users], Type: "User"})
		}
		add("group-"+uuid.Must(uuid.NewV7()).String(), g)
	}
	flush(b, log, &batch)
	head, err := log.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		read, err := projections.OpenReadModel(b.TempDir(), "a log", eventstore.Position{})
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		_, end := run(b, log, read)
		if err := read.Progress().Wait(b.Context(), head); err != nil {
			b.Fatal(err)
		}
		rebuilt := time.Since(began)
		end()
		rows, inserted := read.InsertAgain(b)
		if err := read.Close(); err != nil {
			b.Fatal(err)
		}
		number, _ := head.Numbers()
		b.ReportMetric(float64(number)/rebuilt.Seconds(), "events/s")
		b.ReportMetric(float64(rows)/inserted.Seconds(), "rows/s")
		b.ReportMetric(inserted.Seconds()/rebuilt.Seconds(), "of-bare-inserts")
	}
}

func flush(b *testing.B, log eventstore.Store, batch *[]eventstore.Write) {
	if _, err := log.Append(b.Context(), *batch...); err != nil {
		b.Fatal(err)
	}
	*batch = nil
}
