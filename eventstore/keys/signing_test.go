package keys

import (
	"bytes"
	"testing"
)

func TestSigningSecretsAreReadAsShown(t *testing.T) {
	secret := NewSigningSecret()
	read, err := ParseSigningSecret(FormatSigningSecret(secret))
	if err != nil || !bytes.Equal(read, secret) || len(secret) != 32 {
		t.Fatalf("read %d bytes back from %d, %v", len(read), len(secret), err)
	}
	for _, text := range []string{"", "whsec_", "whsec_%%", FormatSigningSecret(secret[:23]), FormatSigningSecret(make([]byte, 65)), FormatSigningSecret(secret)[6:], FormatSigningSecret(secret) + "\n\n="} {
		if _, err := ParseSigningSecret(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
