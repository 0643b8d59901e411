package projections

import "strings"

// Kind is what a stream is about: the part of its name before the first hyphen.
type Kind string

// The kinds of streams.
const (
	KindOrganization Kind = "organization"
	KindDirectory    Kind = "directory"
	KindUser         Kind = "user"
	KindGroup        Kind = "group"
	KindEndpoint     Kind = "endpoint"
	KindAPIKey       Kind = "apikey"
	KindApplication  Kind = "application"
	KindConnection   Kind = "connection"
	KindMail         Kind = "mail"       // of an invitation, whose id it has
	KindImport       Kind = "import"     // of all or nothing, where a batch may be written in part
	KindName         Kind = "name"       // the claim of a unique value
	KindDeliveries   Kind = "deliveries" // what one server did, while it was the one that delivers
)

// Stream is the name of a subject's stream.
func (k Kind) Stream(id string) string { return string(k) + "-" + id }

// Tells tells whether events of such streams may become messages about their subject.
func (k Kind) Tells() bool {
	return k == KindOrganization || k == KindDirectory || k == KindUser || k == KindGroup || k == KindConnection
}

// SplitStream takes a stream's name apart.
func SplitStream(name string) (Kind, string) {
	kind, id, _ := strings.Cut(name, "-")
	return Kind(kind), id
}
