package esdb

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/esdb/esdbtest"
)

func TestLeaseIsFree(t *testing.T) {
	seen := time.Now()
	for what, c := range map[string]struct {
		record leaseRecord
		after  time.Duration
		free   bool
	}{
		"no record":              {leaseRecord{}, 0, true},
		"taken":                  {leaseRecord{version: 1, kind: leaseTaken, TermMS: 1000}, 0, false},
		"its term":               {leaseRecord{version: 1, kind: leaseTaken, TermMS: 1000}, time.Second, false},
		"shortly before its end": {leaseRecord{version: 1, kind: leaseTaken, TermMS: 1000}, 1100*time.Millisecond - 1, false},
		"its term and a tenth":   {leaseRecord{version: 1, kind: leaseTaken, TermMS: 1000}, 1100 * time.Millisecond, true},
		"renewed":                {leaseRecord{version: 2, kind: leaseRenewed, TermMS: 1000}, 1100*time.Millisecond - 1, false},
		"a longer term":          {leaseRecord{version: 2, kind: leaseRenewed, TermMS: 10000}, 1100 * time.Millisecond, false},
		"given back":             {leaseRecord{version: 3, kind: leaseReleased, TermMS: 1000}, 0, true},
	} {
		if free := (sight{c.record, seen}).free(seen.Add(c.after)); free != c.free {
			t.Errorf("%s: free is %v", what, free)
		}
	}
}

func TestNextEpoch(t *testing.T) {
	for _, c := range []struct {
		record leaseRecord
		next   uint64
	}{
		{leaseRecord{}, 1},
		{leaseRecord{version: 1, kind: leaseTaken, Epoch: 1}, 2},
		{leaseRecord{version: 9, kind: leaseRenewed, Epoch: 1}, 2},
		{leaseRecord{version: 9, kind: leaseReleased, Epoch: 1}, 2},
		{leaseRecord{version: 9, kind: leaseTaken, Epoch: 3}, 4},
		{leaseRecord{version: 9, kind: leaseTaken, Epoch: 1}, 10}, // begun anew after eight records that are gone
		{leaseRecord{version: 10, kind: leaseTaken, Epoch: 10}, 11},
	} {
		if next := c.record.next(); next != c.next {
			t.Errorf("after %+v comes epoch %d, want %d", c.record, next, c.next)
		}
	}
}

func TestRecordsThatNoLeaseWrites(t *testing.T) {
	for what, e := range map[string]eventstore.Entry{
		"another type":   {Type: "test.written", Data: []byte(`{"holder":"a","epoch":1,"term_ms":1000}`)},
		"no JSON":        {Type: leaseTaken, Data: []byte(`{"holder":`)},
		"nothing":        {Type: leaseTaken},
		"no holder":      {Type: leaseTaken, Data: []byte(`{"epoch":1,"term_ms":1000}`)},
		"a long holder":  {Type: leaseTaken, Data: fmt.Appendf(nil, `{"holder":"%0201d","epoch":1,"term_ms":1000}`, 0)},
		"no epoch":       {Type: leaseTaken, Data: []byte(`{"holder":"a","term_ms":1000}`)},
		"a high epoch":   {Type: leaseTaken, Data: []byte(`{"holder":"a","epoch":18446744073709551615,"term_ms":1000}`)},
		"no term":        {Type: leaseTaken, Data: []byte(`{"holder":"a","epoch":1}`)},
		"a long term":    {Type: leaseTaken, Data: []byte(`{"holder":"a","epoch":1,"term_ms":9223372036854775807}`)},
		"a term before":  {Type: leaseTaken, Data: []byte(`{"holder":"a","epoch":1,"term_ms":-1000}`)},
		"another number": {Type: leaseTaken, Data: []byte(`{"holder":"a","epoch":1.5,"term_ms":1000}`)},
	} {
		t.Run(what, func(t *testing.T) {
			server := esdbtest.Start(t, esdbtest.Config{})
			l := lease(t, server.ConnectionString(), "a", time.Hour)
			e.ID = eventstore.RandomID()
			foreign(t, server, write(l.stream, 0, e))
			if err := l.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "no lease writes") {
				t.Errorf("the lease ends with %v", err)
			}
		})
	}
}
