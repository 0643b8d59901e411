package domain

import "testing"

func TestCreateAPIKey(t *testing.T) {
	acme := Rights{[]Permission{PermissionRead}, "acme"}
	create := func(name string) func(*APIKey) ([]Event, error) {
		return func(*APIKey) ([]Event, error) {
			e, err := CreateAPIKey(name, "hash", acme)
			return one(e, err)
		}
	}
	decide(t, []decision[APIKey]{
		{"create", nil, create(" CI "), []Event{APIKeyCreated{"CI", "hash", acme}}, ""},
		{"create without a name", nil, create(" "), nil, "invalid invalidValue"},
		{"create with a control character", nil, create("C\nI"), nil, "invalid invalidValue"},
	})
}

func TestAPIKey(t *testing.T) {
	var k APIKey
	if k.Exists() {
		t.Error("a key before its creation")
	}
	if k.Apply(APIKeyCreated{"CI", "hash", Rights{[]Permission{PermissionRead}, "acme"}}); !k.Exists() || k.Name != "CI" || k.Hash != "hash" ||
		!k.Rights.May(PermissionRead) || k.Rights.May(PermissionWrite) || k.Rights.Sees("globex") {
		t.Errorf("%+v", k)
	}
	if k.Apply(APIKeyDeleted{}); k.Exists() {
		t.Error("a key after its deletion")
	}
}

func TestAPIKeyThatActed(t *testing.T) {
	for actor, want := range map[string]string{"apikey:k": "k", "apikey:": "", "token:k": "", "system": "", "": ""} {
		if got := (Meta{Actor: actor}).APIKey(); got != want {
			t.Errorf("%q is the key %q", actor, got)
		}
	}
}

// A key that was created before there were permissions may do everything everywhere.
func TestAPIKeyWithoutPermissions(t *testing.T) {
	var k APIKey
	if k.Apply(APIKeyCreated{Name: "CI", Hash: "hash"}); !k.Rights.Cover(AllRights()) {
		t.Errorf("%+v", k)
	}
}
