package domain

import (
	"strings"
	"testing"
)

// Proves SSO §profile.
func TestSignIn(t *testing.T) {
	ada := tree(t, `{"userName":"ada@x.test","nickName":"Countess","name":{"givenName":"Ada","familyName":"Byron"},"title":"Lady",
		"emails":[{"value":"ada@x.test"}],"photos":[{"value":"https://x.test/thumb","type":"thumbnail"},{"value":"https://x.test/old","primary":true}]}`)
	given := []Event{UserProvisioned{"dir", ada}}
	signIn := func(each bool, said Roots) func(*User) ([]Event, error) {
		return func(u *User) ([]Event, error) { return one(u.SignIn(said, each)) }
	}
	set := func(text string) []Event { return []Event{UserUpdated{Edit{Set: tree(t, text)}}} }
	all := Roots{"name": "Ada King", "nickname": "Ada", "given_name": "Augusta", "family_name": "King", "picture": "https://x.test/new", "email": "king@x.test"}
	decide(t, []decision[User]{
		{"each time, all root attributes but the address are the provider's", given, signIn(true, all), set(`{"name":{"formatted":"Ada King","givenName":"Augusta","familyName":"King"},"nickName":"Ada",
			"photos":[{"value":"https://x.test/thumb","type":"thumbnail"},{"value":"https://x.test/new","primary":true}]}`), ""},
		{"only at creation, none is", given, signIn(false, all), nil, ""},
		{"what is not said stays", given, signIn(true, Roots{"family_name": "King"}), set(`{"name":{"familyName":"King"}}`), ""},
		{"what is said empty stays", given, signIn(true, Roots{"nickname": "", "picture": "", "given_name": "Augusta"}), set(`{"name":{"givenName":"Augusta"}}`), ""},
		{"nothing said", given, signIn(true, nil), nil, ""},
		{"the same said", given, signIn(true, Roots{"given_name": "Ada", "picture": "https://x.test/old"}), nil, ""},
		{"what is no root attribute", given, signIn(true, Roots{"title": "Dr", "userName": "eve", "": "x"}), nil, ""},
		{"what no user could keep is passed over", given, signIn(true, Roots{"nickname": "a\x00b", "name": strings.Repeat("a", maxRoot+1), "picture": "javascript:alert(1)", "given_name": "Augusta"}), set(`{"name":{"givenName":"Augusta"}}`), ""},
		{"a suspended user stays so", append(given[:1:1], UserDeactivated{Edit{Set: tree(t, `{"active":false}`)}}), signIn(true, Roots{"nickname": "A"}), set(`{"nickName":"A"}`), ""},
		{"one that is deleted", append(given[:1:1], UserDeleted{}), signIn(true, all), nil, "not_found"},
		{"one that never was", nil, signIn(false, all), nil, "not_found"},
	})
}

func TestPrimaryEmail(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                                       "",
		`{"emails":[]}`:                            "",
		`{"emails":[{"value":"a"}]}`:               "a",
		`{"emails":[{"type":"work"}]}`:             "",
		`{"emails":["a",{"value":"b"}]}`:           "",
		`{"emails":[{"value":"a"},{"value":"b"}]}`: "a",
		`{"emails":[{"value":"a","primary":false},{"value":"b","primary":true}]}`: "b",
		`{"emails":[{"value":"a","primary":"true"},{"value":"b"}]}`:               "a",
		`{"emails":{"value":"a","primary":true}}`:                                 "",
	} {
		if got := tree(t, in).PrimaryEmail(); got != want {
			t.Errorf("%s has the address %q, want %q", in, got, want)
		}
	}
}
