package domain

import "testing"

func TestAPIKey(t *testing.T) {
	var k APIKey
	if k.Exists() {
		t.Error("a key before its creation")
	}
	if k.Apply(APIKeyCreated{"CI", "hash"}); !k.Exists() || k.Name != "CI" || k.Hash != "hash" {
		t.Errorf("%+v", k)
	}
	if k.Apply(APIKeyDeleted{}); k.Exists() {
		t.Error("a key after its deletion")
	}
}
