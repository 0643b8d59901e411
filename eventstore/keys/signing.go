package keys

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

const (
	signingPrefix = "whsec_"
	signingSize   = 32 // Standard Webhooks takes 24 to 64 bytes
)

// NewSigningSecret makes an endpoint's signing secret.
func NewSigningSecret() []byte {
	secret := make([]byte, signingSize)
	rand.Read(secret) // never fails
	return secret
}

// FormatSigningSecret is a signing secret as it is shown, in the form that the libraries of Standard Webhooks take.
func FormatSigningSecret(secret []byte) string {
	return signingPrefix + base64.StdEncoding.EncodeToString(secret)
}

// ParseSigningSecret reads a signing secret from the form in which it is shown.
func ParseSigningSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, signingPrefix)
	if !ok {
		return nil, errors.New("a signing secret begins with " + signingPrefix)
	}
	secret, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, errors.New("what follows " + signingPrefix + " in a signing secret is not base64") // the cause could quote the secret
	}
	if len(secret) < 24 || len(secret) > 64 {
		return nil, fmt.Errorf("a signing secret has 24 to 64 bytes, not %d", len(secret))
	}
	return secret, nil
}
