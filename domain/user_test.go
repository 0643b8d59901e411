package domain

import (
	"strings"
	"testing"
)

func TestUser(t *testing.T) {
	ada := tree(t, `{"userName":"ada","active":true,"name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"a@x","type":"work"}]}`)
	given := []Event{UserProvisioned{"dir", ada}}
	suspended := append(given[:1:1], UserDeactivated{Edit{Set: tree(t, `{"active":false}`)}})
	become := func(next string) func(*User) ([]Event, error) {
		return func(u *User) ([]Event, error) { return one(u.Become(tree(t, next))) }
	}
	provision := func(a string) func(*User) ([]Event, error) {
		return func(*User) ([]Event, error) { return one(ProvisionUser("dir", tree(t, a))) }
	}
	const same = `{"userName":"ada","active":true,"name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"a@x","type":"work"}]}`
	values := func(n int, attribute string) string {
		return `{"userName":"ada","active":true,` + attribute + `:[1` + strings.Repeat(",1", n-1) + `]}`
	}
	name := func(n int) string { return `{"userName":"` + strings.Repeat("ä", n) + `"}` }
	huge := []Event{UserProvisioned{"dir", tree(t, name(maxUserName+1))}}
	large := func(n int, more string) string {
		return `{"userName":"ada","urn:x:y":{"` + strings.Repeat("n", n/2) + `":"` + strings.Repeat("v", n/2) + `"}` + more + `}`
	}
	full := []Event{UserProvisioned{"dir", tree(t, large(maxSize, ""))}}
	silent := []Event{UserProvisioned{"dir", tree(t, `{"userName":"ada"}`)}}
	crowded := []Event{UserProvisioned{"dir", tree(t, values(maxValues+1, `"emails"`))}}
	decide(t, []decision[User]{
		{"provision with a long userName", nil, provision(name(maxUserName + 1)), nil, "invalid invalidValue"},
		{"provision with one that is just not", nil, provision(name(maxUserName)), []Event{UserProvisioned{"dir", tree(t, name(maxUserName))}}, ""},
		{"rename to a long userName", given, become(name(maxUserName + 1)), nil, "invalid invalidValue"},
		{"a long userName that it has", huge, become(strings.Replace(name(maxUserName+1), "}", `,"title":"Dr"}`, 1)), []Event{UserUpdated{Edit{Set: tree(t, `{"title":"Dr"}`)}}}, ""},
		{"provision with many values", nil, provision(values(maxValues+1, `"emails"`)), nil, "too_large tooMany"},
		{"provision with just not too many", nil, provision(values(maxValues, `"emails"`)), []Event{UserProvisioned{"dir", tree(t, values(maxValues, `"emails"`))}}, ""},
		{"many values in an extension", given, become(strings.Replace(values(maxValues+1, `"urn:x:y":{"z"`), "]}", "]}}", 1)), nil, "too_large tooMany"},
		{"many values that it has", crowded, become(strings.Replace(values(maxValues+1, `"emails"`), "{", `{"title":"Dr",`, 1)), []Event{UserUpdated{Edit{Set: tree(t, `{"title":"Dr"}`)}}}, ""},
		{"provision with very large values", nil, provision(large(maxSize, "")), nil, "too_large tooMany"},
		{"provision with just not too large ones", nil, provision(large(maxSize-100, "")), []Event{UserProvisioned{"dir", tree(t, large(maxSize-100, ""))}}, ""},
		{"more than it may hold", full, become(large(maxSize, `,"title":"Dr"`)), nil, "too_large tooMany"},
		{"less, though still more than it may hold", full, become(large(maxSize-2, "")), []Event{UserUpdated{EditOf(Diff(tree(t, large(maxSize, "")), tree(t, large(maxSize-2, ""))))}}, ""},
		{"provision", nil, provision(`{"userName":"bob"}`), []Event{UserProvisioned{"dir", tree(t, `{"userName":"bob"}`)}}, ""},
		{"provision without userName", nil, provision(`{"displayName":"Bob"}`), nil, "invalid invalidValue"},
		{"provision with an empty userName", nil, provision(`{"userName":""}`), nil, "invalid invalidValue"},
		{"nothing new", given, become(same), nil, ""},
		{"another name", given, become(`{"userName":"ada","active":true,"name":{"givenName":"Ada","familyName":"Lovelace"},"emails":[{"value":"a@x","type":"work"}]}`),
			[]Event{UserUpdated{Edit{Set: tree(t, `{"name":{"familyName":"Lovelace"}}`)}}}, ""},
		{"less", given, become(`{"userName":"ada","active":true,"name":{"givenName":"Ada"}}`),
			[]Event{UserUpdated{Edit{Unset: [][]string{{"emails"}, {"name", "familyName"}}}}}, ""},
		{"e-mails as a whole", given, become(`{"userName":"ada","active":true,"name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"b@x","type":"work"}]}`),
			[]Event{UserUpdated{Edit{Set: tree(t, `{"emails":[{"type":"work","value":"b@x"}]}`)}}}, ""},
		{"suspend and rename is one event", given, become(`{"userName":"ada2","active":false,"name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"a@x","type":"work"}]}`),
			[]Event{UserDeactivated{Edit{Set: tree(t, `{"active":false,"userName":"ada2"}`)}}}, ""},
		{"active need not be said", given, become(`{"userName":"ada","name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"a@x","type":"work"}]}`),
			[]Event{UserUpdated{Edit{Unset: [][]string{{"active"}}}}}, ""},
		{"active as it is without being said", silent, become(`{"userName":"ada","active":true}`), nil, ""},
		{"inactive where nothing was said", silent, become(`{"userName":"ada","active":false}`), []Event{UserDeactivated{Edit{Set: tree(t, `{"active":false}`)}}}, ""},
		{"reactivate", suspended, become(same), []Event{UserReactivated{Edit{Set: tree(t, `{"active":true}`)}}}, ""},
		{"reactivate by leaving active out", suspended, become(`{"userName":"ada","name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"a@x","type":"work"}]}`),
			[]Event{UserReactivated{Edit{Unset: [][]string{{"active"}}}}}, ""},
		{"update while suspended", suspended, become(`{"userName":"ada","active":false}`),
			[]Event{UserUpdated{Edit{Unset: [][]string{{"emails"}, {"name", "familyName"}, {"name", "givenName"}}}}}, ""},
		{"without userName", given, become(`{"active":true}`), nil, "invalid invalidValue"},
		{"one that never was", nil, become(same), nil, "not_found"},
		{"one that is deleted", append(given[:1:1], UserDeleted{}), become(`{"userName":"x"}`), nil, "not_found"},
	})
}

func TestUserFold(t *testing.T) {
	var u User
	u.Apply(UserClaimRevoked{"name-1"})
	if u.Exists() || u.Snapshot("u") != nil {
		t.Error("a fence alone makes no user")
	}
	u.Apply(UserProvisioned{"dir", tree(t, `{"userName":"ada","title":"Countess"}`)})
	first := u.Snapshot("u")
	u.Apply(UserUpdated{Edit{Set: tree(t, `{"title":"Lady"}`)}})
	u.Apply(UserClaimRevoked{"name-1"})
	if got, want := text(u.Snapshot("u")), `{"id":"u","title":"Lady","userName":"ada"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := text(first), `{"id":"u","title":"Countess","userName":"ada"}`; got != want {
		t.Errorf("an earlier snapshot became %s, want %s", got, want)
	}
	u.Apply(UserDeleted{})
	if u.Exists() || u.Snapshot("u") != nil || u.Attributes.Text("userName") != "ada" {
		t.Errorf("after the deletion: %+v", u)
	}
}

func TestSnapshotLeavesTheStateAlone(t *testing.T) {
	u := User{Directory: "dir", Attributes: tree(t, `{"userName":"ada"}`)}
	u.Snapshot("u")["userName"] = "eve"
	if got := text(u.Attributes); got != `{"userName":"ada"}` {
		t.Errorf("the state became %s", got)
	}
}
