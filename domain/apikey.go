package domain

import "strings"

// APIKeyCreated begins a key of the management API. Its secret is kept as a SHA-256 in hexadecimal. One that was created before keys had
// permissions has all rights.
type APIKeyCreated struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
	Rights
}

// APIKeyDeleted ends it.
type APIKeyDeleted struct{}

func (APIKeyCreated) EventName() string { return "apikey.created" }
func (APIKeyDeleted) EventName() string { return "apikey.deleted" }

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
