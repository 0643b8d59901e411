package webhook

import (
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/rollcall-sync/rollcall/eventstore/keys"
)

func TestSignatureIsThatOfStandardWebhooks(t *testing.T) {
	// The example of the specification's reference libraries.
	secret, err := keys.ParseSigning("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), secret)
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Fatalf("signed %s, want %s", got, want)
	}
}

func TestEachSecretOfARotationVerifies(t *testing.T) {
	old, next := keys.NewSigning(false), keys.NewSigning(false)
	now, body := time.Now(), []byte(`{"a":"ü"}`)
	header := http.Header{}
	header.Set(HeaderID, "msg_1")
	header.Set(HeaderTimestamp, timestamp(now))
	header.Set(HeaderSignature, Sign("msg_1", now, body, next, old))
	for name, secret := range map[string]keys.Signing{"old": old, "next": next} {
		verifier, err := standardwebhooks.NewWebhook(secret.Shared())
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
