package storetest

import (
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// BenchmarkAll reads all that stands in a store, again and again.
func BenchmarkAll(b *testing.B, s eventstore.Store) {
	b.ResetTimer()
	n := 0
	for range b.N {
		for _, err := range s.All(b.Context(), eventstore.Position{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}
