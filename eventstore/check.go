package eventstore

import (
	"errors"
	"fmt"
)

// MaxEntry bounds the data and metadata of one entry together, in bytes.
const MaxEntry = 16 << 20

// Check tells what is wrong with a batch that no store could write: nothing in it, a stream or a type without a name,
// an entry without an id or above MaxEntry. Stores call it before they look at versions.
func Check(batch []Write) error {
	if len(batch) == 0 {
		return errors.New("append: a batch needs at least one write")
	}
	for _, w := range batch {
		if w.Stream == "" {
			return errors.New("append: a write needs the name of its stream")
		}
		if len(w.Entries) == 0 {
			return fmt.Errorf("append to %s: a write needs at least one entry", w.Stream)
		}
		for _, e := range w.Entries {
			switch {
			case e.ID == ID{}:
				return fmt.Errorf("append to %s: an entry needs an id", w.Stream)
			case e.Type == "":
				return fmt.Errorf("append to %s: entry %s needs a type", w.Stream, e.ID)
			case len(e.Data)+len(e.Meta) > MaxEntry:
				return fmt.Errorf("append to %s: %w: entry %s has %d bytes, more than %d", w.Stream, ErrTooLarge, e.ID, len(e.Data)+len(e.Meta), MaxEntry)
			}
		}
	}
	return nil
}
