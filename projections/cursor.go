package projections

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// Cursor is a place in a log that a consumer of the feed keeps. It knows which log it is of, for positions of one log mean nothing in another, and the
// time at which it stood there, to go on by in another one.
type Cursor struct {
	Log      string
	Position eventstore.Position
	At       time.Time // of the last event before it, to the millisecond; zero at the start
}

// String is the cursor as consumers keep it.
func (c Cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.Log + "|" + c.Position.String() + "|" + strconv.FormatInt(millis(c.At), 10)))
}

// maxCursor bounds what is read as a cursor.
const maxCursor = 256

// ErrNoCursor tells that a text is no cursor.
var ErrNoCursor = errors.New("not a cursor")

// ParseCursor reads what String wrote.
func ParseCursor(text string) (Cursor, error) {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	parts := strings.Split(string(plain), "|")
	if err != nil || len(text) > maxCursor || len(parts) != 3 || parts[0] == "" {
		return Cursor{}, ErrNoCursor
	}
	at, err := eventstore.ParsePosition(parts[1])
	if err != nil {
		return Cursor{}, ErrNoCursor
	}
	when, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || when < 0 {
		return Cursor{}, ErrNoCursor
	}
	return Cursor{parts[0], at, fromMillis(when)}, nil
}
