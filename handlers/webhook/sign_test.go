package webhook

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func TestSignatureIsThatOfStandardWebhooks(t *testing.T) {
	// The example of the specification's reference libraries.
	secret, err := ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), secret)
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Fatalf("signed %s, want %s", got, want)
	}
}

func TestEachSecretOfARotationVerifies(t *testing.T) {
	old, next := NewSecret(), NewSecret()
	now, body := time.Now(), []byte(`{"a":"ü"}`)
	header := http.Header{}
	header.Set(HeaderID, "msg_1")
	header.Set(HeaderTimestamp, timestamp(now))
	header.Set(HeaderSignature, Sign("msg_1", now, body, next, old))
	for name, secret := range map[string][]byte{"old": old, "next": next} {
		verifier, err := standardwebhooks.NewWebhook(FormatSecret(secret))
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify(body, header); err != nil {
			t.Errorf("with the %s secret: %v", name, err)
		}
		if err := verifier.Verify(append(body, ' '), header); err == nil {
			t.Errorf("with the %s secret another body verifies too", name)
		}
	}
	if n := len(strings.Fields(header.Get(HeaderSignature))); n != 2 {
		t.Errorf("%d signatures, want 2", n)
	}
}

func TestSecretsAreReadAsShown(t *testing.T) {
	secret := NewSecret()
	read, err := ParseSecret(FormatSecret(secret))
	if err != nil || !bytes.Equal(read, secret) || len(secret) != 32 {
		t.Fatalf("read %d bytes back from %d, %v", len(read), len(secret), err)
	}
	for _, text := range []string{"", "whsec_", "whsec_%%", FormatSecret(secret[:23]), FormatSecret(make([]byte, 65)), FormatSecret(secret)[6:], FormatSecret(secret) + "\n\n="} {
		if _, err := ParseSecret(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
