// Package keys holds the master key and what is made with it: sealed secrets, which must be read again, and keyed hashes
// of names, so that no name stands in the log's stream names. It also makes tokens, of which only a hash is kept.
//
// Without the master key sealed secrets cannot be opened and claims of names cannot be found: it belongs into a backup,
// apart from the log.
package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Master is the master key. It is safe for concurrent use and never prints itself.
type Master struct {
	aead         cipher.AEAD
	names, links []byte
	check        string
}

// Size is the length of a master key in bytes.
const Size = 32

// New makes a Master from 32 random bytes. Each use has a key of its own, derived from it (RFC 5869).
func New(key []byte) (*Master, error) {
	if len(key) != Size {
		return nil, fmt.Errorf("a master key has %d bytes, not %d", Size, len(key))
	}
	sealing, err := hkdf.Key(sha256.New, key, nil, "rollcall seal v1", Size)
	if err != nil {
		return nil, fmt.Errorf("derive the sealing key: %w", err)
	}
	names, err := hkdf.Key(sha256.New, key, nil, "rollcall names v1", Size)
	if err != nil {
		return nil, fmt.Errorf("derive the names key: %w", err)
	}
	links, err := hkdf.Key(sha256.New, key, nil, "rollcall links v1", Size)
	if err != nil {
		return nil, fmt.Errorf("derive the links key: %w", err)
	}
	check, err := hkdf.Key(sha256.New, key, nil, "rollcall check v1", 8)
	if err != nil {
		return nil, fmt.Errorf("derive the check: %w", err)
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	return &Master{aead, names, links, hex.EncodeToString(check)}, nil
}

// Parse reads a master key in base64, as `openssl rand -base64 32` prints it.
func Parse(text string) (*Master, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != Size {
		return nil, errors.New("the master key is not 32 bytes in base64; make one with: openssl rand -base64 32")
	}
	return New(key)
}

// Check is a short text that tells one master key from another and says nothing about it.
func (m *Master) Check() string { return m.check }

// String keeps the key out of logs.
func (m *Master) String() string { return "master key (set)" }

const sealedPrefix = "v1."

// Seal encrypts a secret (AES-256-GCM) bound to its place: it opens only under the same one.
func (m *Master) Seal(place string, secret []byte) string {
	nonce := make([]byte, m.aead.NonceSize())
	rand.Read(nonce)
	return sealedPrefix + base64.RawURLEncoding.EncodeToString(m.aead.Seal(nonce, nonce, secret, []byte(place)))
}

// Open decrypts what Seal made for this place.
func (m *Master) Open(place, sealed string) ([]byte, error) {
	text, ok := strings.CutPrefix(sealed, sealedPrefix)
	data, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil || len(data) < m.aead.NonceSize() {
		return nil, fmt.Errorf("the sealed secret of %s is damaged", place)
	}
	secret, err := m.aead.Open(nil, data[:m.aead.NonceSize()], data[m.aead.NonceSize():], []byte(place))
	if err != nil {
		return nil, fmt.Errorf("the sealed secret of %s was made under another master key, or is damaged", place)
	}
	return secret, nil
}

// Name is the keyed hash of a unique name: an attribute's key within a scope (a directory's id, or a name for all).
func (m *Master) Name(scope, attribute, key string) string {
	mac := hmac.New(sha256.New, m.names)
	for _, part := range []string{scope, attribute, key} {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(mac.Sum(nil)[:20])
}
