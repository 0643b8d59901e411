package domain

import "testing"

func TestCreateAPIKey(t *testing.T) {
	create := func(name string) func(*APIKey) ([]Event, error) {
		return func(*APIKey) ([]Event, error) {
			e, err := CreateAPIKey(name, "hash")
			return one(e, err)
		}
	}
	decide(t, []decision[APIKey]{
		{"create", nil, create(" CI "), []Event{APIKeyCreated{"CI", "hash"}}, ""},
		{"create without a name", nil, create(" "), nil, "invalid invalidValue"},
		{"create with a control character", nil, create("C\nI"), nil, "invalid invalidValue"},
	})
}

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
