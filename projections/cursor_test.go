package projections

import (
	"errors"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// FuzzCursor: what is read as a cursor is one, and is written as it was read.
func FuzzCursor(f *testing.F) {
	f.Add(Cursor{"a log", eventstore.At(7, 7), time.UnixMilli(1795428000000)}.String())
	f.Add(Cursor{"a log", eventstore.At(7, 8), time.Time{}}.String())
	f.Add("0")
	f.Add("fHx8")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCursor(text)
		if err != nil {
			if !errors.Is(err, ErrNoCursor) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		again, err := ParseCursor(c.String())
		if err != nil || again != c || c.Log == "" {
			t.Errorf("%q is %+v, and then %+v, %v", text, c, again, err)
		}
	})
}
