package domain

import (
	"reflect"
	"testing"
)

// Proves RFC 7643 §2.1, §2.4, §2.5.
func TestCanonical(t *testing.T) {
	for _, c := range []struct{ name, in, want, refused string }{
		{"Okta's create", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@x","name":{"givenName":"Ada","familyName":"B"},"emails":[{"primary":true,"value":"ada@x","type":"work"}],"displayName":"Ada","locale":"en-US","externalId":"00u1","groups":[],"password":"s3","active":true}`,
			`{"userName":"ada@x","name":{"givenName":"Ada","familyName":"B"},"emails":[{"primary":true,"value":"ada@x","type":"work"}],"displayName":"Ada","locale":"en-US","externalId":"00u1","active":true}`, ""},
		{"Entra's create", `{"meta":{"resourceType":"User"},"userName":"a","active":"True","roles":[],"title":null,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:user":{"Department":"D","manager":[{"value":"m","displayName":"M"}],"costCenter":null}}`,
			`{"userName":"a","active":true,` + enterprise + `:{"department":"D","manager":{"value":"m"}}}`, ""},
		{"OneLogin's template", `{"id":null,"userName":"a","active":"true","urn:scim:schemas:core:1.0":{"x":1},` + enterprise + `:{"manager":{"managerId":"m"}}}`,
			`{"userName":"a","active":true,"urn:scim:schemas:core:1.0":{"x":1},` + enterprise + `:{"manager":{"value":"m"}}}`, ""},
		{"names in any case", `{"USERNAME":"a","Name":{"GIVENNAME":"Ada"},"EMAILS":[{"VALUE":"x","Type":"work"}]}`, `{"userName":"a","name":{"givenName":"Ada"},"emails":[{"value":"x","type":"work"}]}`, ""},
		{"unknown core attributes", `{"userName":"a","shoe":1,"name":{"nick":"x"},"emails":[{"value":"x","shoe":1}]}`, `{"userName":"a","emails":[{"value":"x"}]}`, ""},
		{"nothing given is nothing kept", `{"name":{},"emails":[],"phoneNumbers":[{},null],"addresses":null,"title":null,"urn:x:y":{"a":null,"b":{},"c":[]},` + enterprise + `:{"manager":"","department":null}}`, `{}`, ""},
		{"an empty text is a value", `{"title":"","emails":[{"value":""}]}`, `{"title":"","emails":[{"value":""}]}`, ""},
		{"one where several stand", `{"emails":{"value":"x"},"roles":"admin","phoneNumbers":41}`, `{"emails":[{"value":"x"}],"roles":[{"value":"admin"}],"phoneNumbers":[{"value":"41"}]}`, ""},
		{"an array where one stands", `{"title":["Dr"],"nickName":[],"name":[{"givenName":"A"}]}`, `{"title":"Dr","name":{"givenName":"A"}}`, ""},
		{"numbers and booleans where texts stand", `{"title":1.50,"nickName":true,"addresses":[{"postalCode":3000}]}`, `{"title":"1.50","nickName":"true","addresses":[{"postalCode":"3000"}]}`, ""},
		{"twice the same value", `{"emails":[{"value":"x","type":"work"},{"value":"y"},{"value":"x","type":"WORK","primary":true}]}`, `{"emails":[{"value":"x","type":"WORK","primary":true},{"value":"y"}]}`, ""},
		{"two are primary: the last", `{"emails":[{"value":"x","primary":true},{"value":"y","primary":"True"},{"value":"z"}]}`, `{"emails":[{"value":"x","primary":false},{"value":"y","primary":true},{"value":"z"}]}`, ""},
		{"an unknown extension is verbatim", `{"urn:X:y":{"N":1e400,"big":123456789012345678901234567890,"a.b":[1,"1",true,{"c":1.0}]}}`, `{"urn:X:y":{"N":1e400,"big":123456789012345678901234567890,"a.b":[1,"1",true,{"c":1.0}]}}`, ""},
		{"an attribute twice", `{"userName":"a","username":"b"}`, ``, "invalid invalidSyntax"},
		{"an attribute twice, once null", `{"userName":"a","username":null}`, `{"userName":"a"}`, ""},
		{"a sub-attribute twice", `{"name":{"givenName":"a","GivenName":"b"}}`, ``, "invalid invalidSyntax"},
		{"an extension twice", `{"urn:x:y":{"a":1},"URN:x:y":{"b":1}}`, ``, "invalid invalidSyntax"},
		{"an attribute of an extension twice", `{` + enterprise + `:{"department":"a","DEPARTMENT":"b"}}`, ``, "invalid invalidSyntax"},
		{"core attributes under their URN", `{"title":"Dr","URN:ietf:params:scim:schemas:core:2.0:user":{"userName":"a","Title":"x","id":"1","name":{"givenName":"A"}},"urn:ietf:params:scim:schemas:core:2.0:User:nickName":"N","urn:ietf:params:scim:schemas:core:2.0:User:name.familyName":"B"}`, `{"userName":"a","title":"Dr","name":{"givenName":"A","familyName":"B"},"nickName":"N"}`, ""},
		{"core attributes under their URN that is null", `{"userName":"a","urn:ietf:params:scim:schemas:core:2.0:User":null}`, `{"userName":"a"}`, ""},
		{"core attributes under their URN that are no object", `{"urn:ietf:params:scim:schemas:core:2.0:User":"a"}`, ``, "invalid invalidValue"},
		{"paths as names", `{"userName":"a","name":{"givenName":"A"},"name.givenName":"x","NAME.familyName":"B","emails[type eq \"work\"].value":"w","emails[type eq \"home\"].value":"h","phoneNumbers":[{"value":"1"}],"phoneNumbers.value":"2","roles.value":"r","title.x":1,"meta.version":"1","password.x":1,"a[":1}`,
			`{"userName":"a","name":{"givenName":"A","familyName":"B"},"emails":[{"type":"home","value":"h"},{"type":"work","value":"w"}],"phoneNumbers":[{"value":"1"}],"roles":[{"value":"r"}]}`, ""},
		{"a path as a name with a wrong value", `{"userName":"a","name.givenName":{"a":1}}`, ``, "invalid invalidValue"},
		{"an extension's paths as names", `{"userName":"a","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"D","urn:ietf:params:scim:schemas:extension:Enterprise:2.0:User:manager":{"value":"m"},"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:badge":[null,1],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:password":"s",` + enterprise + `:{"costCenter":"C","Badge":null}}`,
			`{"userName":"a",` + enterprise + `:{"department":"D","manager":{"value":"m"},"badge":[null,1],"costCenter":"C"}}`, ""},
		{"an extension's path as a name with a wrong value", `{"userName":"a","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager":[1,2]}`, ``, "invalid invalidValue"},
		{"an unknown extension that is no object is an attribute of one", `{"urn:x:y":"z","urn:x:Password":"s","urn:x":"q","urn:x:":1,"urn:a:b":{"c":1},"urn:a:b:c":2,"urn:a:b:d":3,"urn:c:e:1.0:User:x":{"y":1}}`, `{"urn:x":{"y":"z"},"urn:a:b":{"c":1,"d":3},"urn:c:e:1.0:User":{"x":{"y":1}}}`, ""},
		{"booleans as providers write them", `{"active":"0","emails":[{"value":"x","primary":"1"},{"value":"y","primary":""},{"value":"z","primary":0}]}`, `{"active":false,"emails":[{"value":"x","primary":true},{"value":"y"},{"value":"z","primary":false}]}`, ""},
		{"a boolean as a number", `{"active":1}`, `{"active":true}`, ""},
		{"a boolean that is empty", `{"userName":"a","active":""}`, `{"userName":"a"}`, ""},
		{"a certificate", `{"x509Certificates":[{"value":"TUlJ"},{"value":"TUk="},{"value":""}]}`, `{"x509Certificates":[{"value":"TUlJ"},{"value":"TUk="},{"value":""}]}`, ""},
		{"a certificate that is not in base64", `{"x509Certificates":[{"value":"%%%"}]}`, ``, "invalid invalidValue"},
		{"a certificate of several lines", `{"x509Certificates":[{"value":"TUlJ\nTUlJ"}]}`, ``, "invalid invalidValue"},
		{"a certificate that is a number", `{"x509Certificates":[{"value":1234}]}`, ``, "invalid invalidValue"},
		{"a known extension that is no object", `{` + enterprise + `:["z"]}`, ``, "invalid invalidValue"},
		{"a boolean that is none", `{"active":"yes"}`, ``, "invalid invalidValue"},
		{"a boolean that is another number", `{"active":2}`, ``, "invalid invalidValue"},
		{"a text that is an object", `{"title":{"a":1}}`, ``, "invalid invalidValue"},
		{"several where one stands", `{"title":["a","b"]}`, ``, "invalid invalidValue"},
		{"arrays in arrays", `{"emails":[["x"]]}`, ``, "invalid invalidValue"},
		{"a name that is a text", `{"name":"Ada"}`, ``, "invalid invalidValue"},
		{"a bad value in a known extension", `{` + enterprise + `:{"manager":[1,2]}}`, ``, "invalid invalidValue"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, same := tree(t, c.in), tree(t, c.in)
			got, err := UserType.Canonical(in)
			if said := refusal(err); said != c.refused {
				t.Fatalf("refused %q (%v), want %q", said, err, c.refused)
			}
			if !reflect.DeepEqual(in, same) {
				t.Errorf("the input became %s", text(in))
			}
			if c.refused != "" {
				return
			}
			if want := text(tree(t, c.want)); text(got) != want {
				t.Errorf("got  %s\nwant %s", text(got), want)
			}
			if again, err := UserType.Canonical(got); err != nil || text(again) != text(got) {
				t.Errorf("read again it is %s, %v", text(again), err)
			}
			scribble(map[string]any(got))
			if !reflect.DeepEqual(in, same) {
				t.Error("the outcome shares memory with the input")
			}
		})
	}
}

// Proves RFC 7643 §2.3.
func TestCanonicalOfTheOtherTypes(t *testing.T) {
	number, when := Attribute{Name: "n", Type: Integer}, Attribute{Name: "t", Type: DateTime}
	for _, c := range []struct {
		a       *Attribute
		in      string
		refused string
	}{
		{&number, `5`, ""}, {&number, `5.5`, "invalid invalidValue"}, {&number, `"5"`, "invalid invalidValue"}, {&number, `99999999999999999999`, "invalid invalidValue"},
		{&when, `"2026-01-31T12:00:00Z"`, ""}, {&when, `"2026-01-31T12:00:00.123+01:00"`, ""}, {&when, `"2026-01-31T12:00:00.5"`, ""}, {&when, `"2026-01-31T12:00"`, "invalid invalidValue"}, {&when, `"2026-01-31"`, "invalid invalidValue"}, {&when, `5`, "invalid invalidValue"}, {&when, `null`, ""},
	} {
		if _, err := c.a.Canonical(value(t, c.in)); refusal(err) != c.refused {
			t.Errorf("%s of type %s: %v", c.in, c.a.Type, err)
		}
	}
}

func TestReadObject(t *testing.T) {
	for _, c := range []struct{ in, want, refused string }{
		{`{"a":1.50,"b":1e999}`, `{"a":1.50,"b":1e999}`, ""},
		{" {}\r\n\t ", `{}`, ""},
		{`{"a":[[[]]]}`, `{"a":[[[]]]}`, ""},
		{"\uFEFF{}", `{}`, ""},
		{"\uFEFF\uFEFF{}", ``, "invalid invalidSyntax"},
		{`{"a":":","b":[{"a":"\":"},{"a":1}]}`, `{"a":":","b":[{"a":"\":"},{"a":1}]}`, ""},
		{`{"a":1,"a":1}`, ``, "invalid invalidSyntax"},
		{`{"a":[{"b":1,"\u0062":2}]}`, ``, "invalid invalidSyntax"},
		{`{"a":"[[[[[[[[\"[[["}`, `{"a":"[[[[[[[[\"[[["}`, ""},
		{`{"a":[[[[]]]]}`, ``, "invalid invalidSyntax"},
		{``, ``, "invalid invalidSyntax"},
		{`null`, ``, "invalid invalidSyntax"},
		{`[]`, ``, "invalid invalidSyntax"},
		{`"x"`, ``, "invalid invalidSyntax"},
		{`{"a":1`, ``, "invalid invalidSyntax"},
		{`{"a":01}`, ``, "invalid invalidSyntax"},
		{`{} {}`, ``, "invalid invalidSyntax"},
		{`{}]`, ``, "invalid invalidSyntax"},
		{"{}\u00a0", ``, "invalid invalidSyntax"},
		{`]]]]]]{"a":[[[[]]]]}`, ``, "invalid invalidSyntax"},
	} {
		got, err := ReadObject([]byte(c.in), 4)
		if refusal(err) != c.refused || err == nil && text(got) != c.want {
			t.Errorf("%s: %s, %v", c.in, text(got), err)
		}
	}
}

func TestText(t *testing.T) {
	a := tree(t, `{"userName":"ada","name":{"givenName":"Ada"},"active":false}`)
	if a.Text("userName") != "ada" || a.Text("name", "givenName") != "Ada" || a.Text("name") != "" || a.Text("active") != "" || a.Text("userName", "x") != "" || a.Text("x", "y") != "" {
		t.Error("texts")
	}
	if a.Active() || !(Attributes{}).Active() || !(Attributes{"active": true}).Active() {
		t.Error("active")
	}
	if c := Attributes(nil).Clone(); c == nil || len(c) != 0 {
		t.Error("the clone of nothing")
	}
}
