package domain

import "strings"

// APIKeyCreated begins a key of the management API. Its secret is kept as a SHA-256 in hexadecimal. One that was created before keys had
// permissions has all rights.
type APIKeyCreated struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
	Rights
}

// APIKeyDeleted ends it, and with Descendants every key that it made, that those made, and so on.
type APIKeyDeleted struct {
	Descendants bool `json:"descendants,omitempty"`
}

func (APIKeyCreated) EventName() string { return "apikey.created" }
func (APIKeyDeleted) EventName() string { return "apikey.deleted" }

// How many keys there may be: so many that a person still sees through them, and that a stolen key which makes others does not fill the server.
const (
	MaxAPIKeysOfOrganization = 100    // that know this organization only
	MaxAPIKeys               = 10_000 // of all kinds
)

// APIKey is a key of the management API.
type APIKey struct {
	Name, Hash string // Hash is "" until it is created
	Rights     Rights
	Deleted    bool
}

// Exists tells whether there is such a key now.
func (k *APIKey) Exists() bool { return k.Hash != "" && !k.Deleted }

// Apply folds an event into the state.
func (k *APIKey) Apply(e Event) {
	switch e := e.(type) {
	case APIKeyCreated:
		k.Name, k.Hash, k.Rights = e.Name, e.Hash, e.Rights
		if len(e.Permissions) == 0 {
			k.Rights = AllRights()
		}
	case APIKeyDeleted:
		k.Deleted = true
	}
}

// CreateAPIKey decides on a new key, of whose secret the hash is given.
func CreateAPIKey(name, hash string, rights Rights) (APIKeyCreated, error) {
	if err := checkName(name); err != nil {
		return APIKeyCreated{}, err
	}
	return APIKeyCreated{strings.TrimSpace(name), hash, rights}, nil
}
