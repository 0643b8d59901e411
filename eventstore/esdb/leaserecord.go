package esdb

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// The types of the records on a lease's stream.
const (
	leaseTaken    = "lease.taken"
	leaseRenewed  = "lease.renewed"
	leaseReleased = "lease.released"
)

// A leaseRecord is one record on a lease's stream. The zero value stands for a stream without any.
type leaseRecord struct {
	id      eventstore.ID
	kind    string
	version eventstore.Version

	Holder string `json:"holder"`
	Epoch  uint64 `json:"epoch"`
	TermMS int64  `json:"term_ms"`
}

func (r leaseRecord) term() time.Duration { return time.Duration(r.TermMS) * time.Millisecond }

// next is the epoch of the tenure that would follow this record. Every tenure has a record, so an epoch is never above its
// version: where the stream was deleted, and so the epochs are counted from 1 again, the versions tell what was not used yet.
func (r leaseRecord) next() uint64 {
	if r.kind == leaseTaken && r.Epoch == 1 && r.version > 1 {
		return uint64(r.version) + 1
	}
	return r.Epoch + 1
}

// write is the append that puts the record on its stream.
func (r leaseRecord) write(stream string) (eventstore.Write, error) {
	data, err := json.Marshal(r)
	return eventstore.Write{
		Stream:   stream,
		Expected: r.version - 1,
		Entries:  []eventstore.Entry{{ID: r.id, Type: r.kind, Data: data, Meta: []byte("{}")}},
	}, err
}

// leaseRecordOf reads a record, and refuses what no process of ours has written.
func leaseRecordOf(e *recorded) (leaseRecord, error) {
	stored, err := recordOf(e)
	if err != nil {
		return leaseRecord{}, err
	}
	r := leaseRecord{id: stored.ID, kind: stored.Type, version: stored.Version}
	err = json.Unmarshal(stored.Data, &r)
	switch {
	case err != nil:
	case r.kind != leaseTaken && r.kind != leaseRenewed && r.kind != leaseReleased:
		err = fmt.Errorf("%q is not a type of this stream", r.kind)
	case r.Holder == "" || len(r.Holder) > maxHolder:
		err = fmt.Errorf("its holder has %d bytes", len(r.Holder))
	case r.Epoch == 0 || r.Epoch > uint64(r.version):
		err = fmt.Errorf("its epoch is %d at version %d", r.Epoch, r.version)
	case r.TermMS < minTerm.Milliseconds() || r.TermMS > maxTerm.Milliseconds():
		err = fmt.Errorf("its term is %d ms", r.TermMS)
	}
	if err != nil {
		return leaseRecord{}, fmt.Errorf("the stream %s ends with a record that no lease writes (%w): delete the stream in EventStoreDB, it begins anew", stored.Stream, err)
	}
	return r, nil
}

// A sight is the last record of a lease's stream as this process knows it, and since when: since it first saw a record of
// others, or since before it sent one of its own. Only its own clock says so.
type sight struct {
	leaseRecord
	at time.Time
}

// until is when whoever wrote the record no longer holds the lease by it.
func (s sight) until() time.Time { return s.at.Add(s.term()) }

// free tells whether nobody holds the lease, whatever the holder's clock says. The margin is for clocks that run faster here
// than there.
func (s sight) free(now time.Time) bool {
	return s.version == eventstore.NoStream || s.kind == leaseReleased || !now.Before(s.until().Add(s.term()/10))
}
