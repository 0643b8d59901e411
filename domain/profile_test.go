package domain

import (
	"strings"
	"testing"
)

// TestProfile: what a profile says of a user that is there, and what of one that it makes.
//
// Proves SSO §users.roots.
func TestProfile(t *testing.T) {
	const was = `{"userName":"ada","nickName":"Ada","name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"a@x.test","type":"work","primary":true},{"value":"b@x.test","type":"home"}]}`
	for _, c := range []struct{ profile, of, becomes string }{
		{`{}`, was, was},
		{`{"nickname":null,"emails":null,"userName":null}`, was, was},
		{`{"given_name":"Augusta","family_name":"King","name":"Augusta King","nickname":"A","picture":"https://x.test/a.png","email":"c@x.test"}`, `{"userName":"ada"}`,
			`{"emails":[{"primary":true,"value":"c@x.test"}],"name":{"familyName":"King","formatted":"Augusta King","givenName":"Augusta"},"nickName":"A","photos":[{"primary":true,"value":"https://x.test/a.png"}],"userName":"ada"}`},
		{`{"email":"c@x.test"}`, was, strings.Replace(was, "a@x.test", "c@x.test", 1)},
		{`{"email":"b@x.test"}`, was, strings.NewReplacer(`"primary":true`, `"primary":false`, `"home"`, `"home","primary":true`).Replace(was)},
		{`{"email":"a@x.test"}`, was, was},
		{`{"email":""}`, was, `{"userName":"ada","nickName":"Ada","name":{"givenName":"Ada","familyName":"Byron"}}`},
		{`{"email":"","picture":""}`, `{"userName":"ada","emails":[{"value":"a@x.test"}]}`, `{"userName":"ada"}`},
		{`{"nickname":"","given_name":"","family_name":""}`, was, `{"userName":"ada","emails":[{"value":"a@x.test","type":"work","primary":true},{"value":"b@x.test","type":"home"}]}`},
		{`{"name":{"givenName":"Grace"}}`, was, strings.Replace(was, `{"givenName":"Ada","familyName":"Byron"}`, `{"givenName":"Grace"}`, 1)},
		{`{"name":{},"emails":[],"nickName":""}`, was, `{"userName":"ada"}`},
		{`{"name":{"givenName":"Grace"},"family_name":"Hopper"}`, was, strings.Replace(was, `{"givenName":"Ada","familyName":"Byron"}`, `{"givenName":"Grace","familyName":"Hopper"}`, 1)},
		{`{"nickName":"a","nickname":"b","active":false,"title":"Dr","externalId":"7"}`, `{"userName":"ada"}`, `{"userName":"ada","nickName":"b","active":false,"title":"Dr","externalId":"7"}`},
		{`{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D","manager":{"value":"7"}}}`, `{"userName":"ada"}`,
			`{"userName":"ada","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D","manager":{"value":"7"}}}`},
	} {
		p, err := ReadProfile(tree(t, c.profile))
		if err != nil {
			t.Errorf("%s: %v", c.profile, err)
			continue
		}
		of := tree(t, c.of)
		if got, want := text(p.On(of)), text(tree(t, c.becomes)); got != want {
			t.Errorf("%s makes\n%s of\n%s, want\n%s", c.profile, got, c.of, want)
		}
		if text(of) != text(tree(t, c.of)) {
			t.Errorf("%s changed the attributes that it was given: %s", c.profile, text(of))
		}
	}
	for profile, want := range map[string]string{
		`{"email":"a@x.test"}`:                  `{"emails":[{"primary":true,"value":"a@x.test"}],"userName":"a@x.test"}`,
		`{"email":"a@x.test","userName":"ada"}`: `{"emails":[{"primary":true,"value":"a@x.test"}],"userName":"ada"}`,
		`{"emails":[{"value":"a@x.test"}]}`:     `{"emails":[{"value":"a@x.test"}],"userName":"a@x.test"}`,
		`{"userName":"ada"}`:                    `{"userName":"ada"}`,
	} {
		p, err := ReadProfile(tree(t, profile))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.New(); err != nil || text(got) != want {
			t.Errorf("%s makes %s, %v, want %s", profile, text(got), err, want)
		}
	}
}

func TestProfileRefusals(t *testing.T) {
	for in, fields := range map[string]string{
		`{"surprise":1,"id":"x","userName":""}`: "id surprise userName",
		`{"username":"ada"}`:                    "username",
		`{"USERNAME":"ada"}`:                    "USERNAME",
		`{"id":null}`:                           "id",
		`{"password":"x"}`:                      "password",
		`{"password":null}`:                     "password",
		`{"groups":[]}`:                         "groups",
		`{"schemas":[]}`:                        "schemas",
		`{"meta":{}}`:                           "meta",
		`{"urn:x:y":{"a":1}}`:                   "urn:x:y",
		`{"urn:ietf:params:scim:schemas:core:2.0:User":{}}`:     "urn:ietf:params:scim:schemas:core:2.0:User",
		`{"nickname":1,"given_name":["a"],"email":{},"name":7}`: "email given_name name nickname",
		`{"name":{"first":"Ada"}}`:                              "name",
		`{"name":[]}`:                                           "name",
		`{"emails":"a@x.test"}`:                                 "emails",
		`{"emails":[{}]}`:                                       "emails",
		`{"emails":[null,{"value":"a@x.test"}]}`:                "emails",
		`{"emails":[{"type":"work"}]}`:                          "emails",
		`{"emails":[{"value":"ada"}]}`:                          "emails",
		`{"emails":[{"value":1}]}`:                              "emails",
		`{"phoneNumbers":[{}]}`:                                 "phoneNumbers",
		`{"emails":[{"value":"a@x.test","primary":true},{"value":"b@x.test","primary":true}]}`: "emails",
		`{"active":"true"}`:       "active",
		`{"userName":"a\u200bb"}`: "userName",
		`{"userName":"  "}`:       "userName",
		`{"userName":"` + strings.Repeat("a", maxUserName+1) + `"}`: "userName",
		`{"email":"ada"}`:                                   "email",
		`{"email":"ada@x.test, eve@x.test"}`:                "email",
		`{"picture":"//x.test/a"}`:                          "picture",
		`{"picture":"javascript:alert(1)"}`:                 "picture",
		`{"nickname":"a\u0007b"}`:                           "nickname",
		`{"name":"` + strings.Repeat("a", maxRoot+1) + `"}`: "name",
	} {
		_, err := ReadProfile(tree(t, in))
		if refusal(err) != "invalid invalidValue" {
			t.Errorf("%.80s: %v", in, err)
			continue
		}
		e := mustBeRefusal(t, err)
		for name := range strings.FieldsSeq(fields) {
			if e.Fields[name] == "" || !strings.Contains(e.Message, name+" "+e.Fields[name]) {
				t.Errorf("%.80s does not name %s: %v %q", in, name, e.Fields, e.Message)
			}
		}
		if len(e.Fields) != len(strings.Fields(fields)) {
			t.Errorf("%.80s names %v, want %s", in, e.Fields, fields)
		}
	}
	var silent Profile
	if _, err := silent.New(); refusal(err) != "invalid invalidValue" || mustBeRefusal(t, err).Fields["userName"] == "" {
		t.Errorf("a user of nothing: %v", err)
	}
}
