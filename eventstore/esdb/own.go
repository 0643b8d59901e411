package esdb

import "strings"

// own begins the names of the streams that the store keeps for itself, beside the log.
const own = "rollcall-"

// reserved tells whether a stream is not the log's: EventStoreDB's own, or the store's.
func reserved(stream string) bool {
	return strings.HasPrefix(stream, "$") || strings.HasPrefix(stream, own)
}
