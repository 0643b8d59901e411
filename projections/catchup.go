package projections

import (
	"context"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// caughtTogether bounds the records that CatchUp applies at once.
const caughtTogether = 256

// CatchUp applies to a projection what stands in the log behind it, and does not wait for more. Nothing else may apply to it meanwhile.
func CatchUp(ctx context.Context, log Past, p Projection) error {
	var b eventstore.Batch
	apply := func() error {
		if len(b.Records) == 0 {
			return nil
		}
		b.Position = b.Records[len(b.Records)-1].Position
		if err := p.Apply(ctx, b); err != nil {
			return err
		}
		p.Progress().reach(b.Position)
		b.Records = nil
		return nil
	}
	for r, err := range log.All(ctx, p.Progress().Position()) {
		if err == nil && len(b.Records) == caughtTogether {
			err = apply()
		}
		if err != nil {
			return err
		}
		b.Records = append(b.Records, r)
	}
	return apply()
}
