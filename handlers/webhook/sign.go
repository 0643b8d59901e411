package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

const (
	secretPrefix = "whsec_"
	secretSize   = 32 // Standard Webhooks takes 24 to 64 bytes
)

// NewSecret makes an endpoint's signing secret.
func NewSecret() []byte {
	secret := make([]byte, secretSize)
	rand.Read(secret) // never fails
	return secret
}

// FormatSecret is a signing secret as it is shown, in the form that the libraries of Standard Webhooks take.
func FormatSecret(secret []byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(secret)
}

// ParseSecret reads a signing secret from the form in which it is shown.
func ParseSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return nil, errors.New("a signing secret begins with " + secretPrefix)
	}
	secret, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, errors.New("what follows " + secretPrefix + " in a signing secret is not base64") // the cause could quote the secret
	}
	if len(secret) < 24 || len(secret) > 64 {
		return nil, fmt.Errorf("a signing secret has 24 to 64 bytes, not %d", len(secret))
	}
	return secret, nil
}

// Sign is the webhook-signature of a body that is sent under an id at a time: one signature for each secret that is valid,
// two during a rotation.
func Sign(id string, at time.Time, body []byte, secrets ...[]byte) string {
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(id + "." + timestamp(at) + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}

func timestamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
