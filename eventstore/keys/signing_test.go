package keys

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

func TestSigningKeysAreReadAsShown(t *testing.T) {
	key := NewSigning(false)
	read, err := ParseSigning(key.Shared())
	if err != nil || !bytes.Equal(read.Secret(), key.Secret()) || len(key.Secret()) != 32 || key.Public() != "" {
		t.Fatalf("read %d bytes back from %d, %v", len(read.Secret()), len(key.Secret()), err)
	}
	short := func(n int) string {
		return "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, n))
	}
	for _, text := range []string{"", "whsec_", "whsec_%%", short(23), short(65), key.Shared()[6:], key.Shared() + "\n\n=", "whsk_", "whsk_" + key.Shared()[6:20]} {
		if _, err := ParseSigning(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// A receiver that knows the public key alone can tell what was signed with the private one.
func TestAsymmetricKeys(t *testing.T) {
	key := NewSigning(true)
	again, err := SigningFrom(key.Secret(), true)
	if err != nil || again.Public() != key.Public() || key.Shared() != "" {
		t.Fatalf("made again it is %s, not %s: %v", again.Public(), key.Public(), err)
	}
	written, err := ParseSigning("whsk_" + base64.StdEncoding.EncodeToString(key.Secret()))
	if err != nil || written.Public() != key.Public() {
		t.Fatalf("written it is %s: %v", written.Public(), err)
	}
	encoded, _ := strings.CutPrefix(key.Public(), "whpk_")
	public, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	scheme, text, _ := strings.Cut(key.Sign([]byte("content")), ",")
	signature, err := base64.StdEncoding.DecodeString(text)
	if err != nil || scheme != "v1a" || !ed25519.Verify(public, []byte("content"), signature) || ed25519.Verify(public, []byte("other"), signature) {
		t.Errorf("%s, %v", scheme, err)
	}
	if _, err := SigningFrom(key.Secret()[:31], true); err == nil {
		t.Error("a seed of 31 bytes was taken")
	}
}

func TestSigningKeysDoNotPrint(t *testing.T) {
	for _, key := range []Signing{NewSigning(false), NewSigning(true)} {
		if printed := fmt.Sprintf("%v %s", key, key); strings.Contains(printed, fmt.Sprint(key.Secret()[0], key.Secret()[1])) || !strings.Contains(printed, "(set)") {
			t.Errorf("it prints as %s", printed)
		}
	}
}
