package keys

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// The forms in which Standard Webhooks writes keys.
const (
	secretPrefix  = "whsec_" // shared by both sides
	privatePrefix = "whsk_"  // ed25519
	publicPrefix  = "whpk_"
)

const sharedSize = 32 // Standard Webhooks takes 24 to 64 bytes

// Signing is a key that messages are signed with, as Standard Webhooks has them: a secret that both sides know (v1), or an ed25519 key of which
// the receivers know the public half (v1a). It never prints itself.
type Signing struct {
	shared  []byte
	private ed25519.PrivateKey // nil for a shared secret
}

// NewSigning makes a key, an ed25519 one if it is to be asymmetric.
func NewSigning(asymmetric bool) Signing {
	size := sharedSize
	if asymmetric {
		size = ed25519.SeedSize
	}
	secret := make([]byte, size)
	rand.Read(secret) // never fails
	if asymmetric {
		return Signing{private: ed25519.NewKeyFromSeed(secret)}
	}
	return Signing{shared: secret}
}

// SigningFrom is the key that a Secret belongs to.
func SigningFrom(secret []byte, asymmetric bool) (Signing, error) {
	switch {
	case asymmetric && len(secret) == ed25519.SeedSize:
		return Signing{private: ed25519.NewKeyFromSeed(secret)}, nil
	case asymmetric:
		return Signing{}, fmt.Errorf("a signing seed has %d bytes, not %d", ed25519.SeedSize, len(secret))
	case len(secret) < 24 || len(secret) > 64:
		return Signing{}, fmt.Errorf("a signing secret has 24 to 64 bytes, not %d", len(secret))
	}
	return Signing{shared: secret}, nil
}

// ParseSigning reads a key that signs from the form in which it is written: whsec_… or whsk_….
func ParseSigning(text string) (Signing, error) {
	encoded, shared := strings.CutPrefix(text, secretPrefix)
	if !shared {
		var private bool
		if encoded, private = strings.CutPrefix(text, privatePrefix); !private {
			return Signing{}, errors.New("a signing key begins with " + secretPrefix + " or " + privatePrefix)
		}
	}
	secret, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return Signing{}, errors.New("what follows the prefix of a signing key is not base64") // the cause could quote the secret
	}
	if !shared && len(secret) == ed25519.PrivateKeySize { // the public half behind the seed
		secret = secret[:ed25519.SeedSize]
	}
	return SigningFrom(secret, !shared)
}

// Secret is what the key can be made from again; it is for sealing only.
func (s Signing) Secret() []byte {
	if s.private != nil {
		return s.private.Seed()
	}
	return s.shared
}

// Shared is a shared secret in the form that the libraries of Standard Webhooks take, to be shown once; "" for an ed25519 key.
func (s Signing) Shared() string {
	if s.private != nil {
		return ""
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(s.shared)
}

// Public is the public half in the form of Standard Webhooks; "" for a shared secret.
func (s Signing) Public() string {
	if s.private == nil {
		return ""
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(s.private.Public().(ed25519.PublicKey))
}

// String keeps the key out of logs.
func (s Signing) String() string { return "signing key (set)" }

// Sign is the signature of a content with its scheme before it, as webhook-signature lists it.
func (s Signing) Sign(content []byte) string {
	if s.private != nil {
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(s.private, content))
	}
	mac := hmac.New(sha256.New, s.shared)
	mac.Write(content)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
