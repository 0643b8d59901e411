package webhook

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore/keys"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// HeaderReplay is true on messages of a replay; live ones do not have it.
const HeaderReplay = "webhook-replay"

// Sign is the webhook-signature of a body that is sent under an id at a time: one signature for each key that is valid,
// two during a rotation.
func Sign(id string, at time.Time, body []byte, by ...keys.Signing) string {
	content := slices.Concat([]byte(id+"."+timestamp(at)+"."), body)
	signatures := make([]string, len(by))
	for i, key := range by {
		signatures[i] = key.Sign(content)
	}
	return strings.Join(signatures, " ")
}

func timestamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
