package domain

import (
	"reflect"
	"strings"
	"testing"
)

// A row patches a resource with the operations of a PATCH body. refused is code and reason; then want is unused.
type patchRow struct {
	name       string
	resource   string
	operations string
	want       string
	refused    string
}

func operations(t testing.TB, text string) []PatchOp {
	t.Helper()
	var list []PatchOp
	for _, o := range value(t, text).([]any) {
		m := o.(map[string]any)
		op, _ := m["op"].(string)
		path, _ := m["path"].(string)
		list = append(list, PatchOp{op, path, m["value"]})
	}
	return list
}

func patchRows(t *testing.T, kind *ResourceType, rows []patchRow) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			resource, list := tree(t, row.resource), operations(t, row.operations)
			resourceBefore, listBefore := clone(map[string]any(resource)), operations(t, row.operations)
			got, _, err := kind.Patch(resource, list)
			if said := refusal(err); said != row.refused {
				t.Fatalf("refused %q (%v), want %q; got %s", said, err, row.refused, text(got))
			}
			if !reflect.DeepEqual(map[string]any(resource), resourceBefore) {
				t.Errorf("the resource became %s", text(resource))
			}
			if !reflect.DeepEqual(list, listBefore) {
				t.Errorf("the operations became %s", text(list))
			}
			if row.refused != "" {
				if got != nil {
					t.Errorf("refused, and yet %s", text(got))
				}
				return
			}
			if want := text(tree(t, row.want)); text(got) != want {
				t.Errorf("got  %s\nwant %s", text(got), want)
			}
			// What came out shares nothing with what went in.
			scribble(map[string]any(got))
			if !reflect.DeepEqual(map[string]any(resource), resourceBefore) || !reflect.DeepEqual(list, listBefore) {
				t.Error("the outcome shares memory with the resource or the operations")
			}
		})
	}
}

// scribble changes everything below a value.
func scribble(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			scribble(e)
			v[k] = "scribbled"
		}
	case []any:
		for i, e := range v {
			scribble(e)
			v[i] = "scribbled"
		}
	}
}

const enterprise = `"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`

// RFC 7644 §3.5.2.
//
// Proves RFC 7643 §2.2, §2.4, RFC 7644 §3.5.2, §3.5.2.1, §3.5.2.2, §3.5.2.3.
func TestPatch(t *testing.T) {
	const ada = `{"userName":"ada","title":"Dr","name":{"givenName":"Ada","familyName":"Byron"},
		"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"}]}`
	patchRows(t, UserType, []patchRow{
		// §3.5.2.1 add
		{"add without a path", ada, `[{"op":"add","value":{"nickName":"A","emails":[{"value":"o@x","type":"other"}]}}]`,
			`{"userName":"ada","title":"Dr","nickName":"A","name":{"givenName":"Ada","familyName":"Byron"},
			"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"},{"value":"o@x","type":"other"}]}`, ""},
		{"add what is absent", `{"userName":"a"}`, `[{"op":"add","path":"title","value":"Dr"}]`, `{"userName":"a","title":"Dr"}`, ""},
		{"add replaces a single value", `{"userName":"a","title":"Dr"}`, `[{"op":"add","path":"title","value":"Prof"}]`, `{"userName":"a","title":"Prof"}`, ""},
		{"add merges into a complex attribute", `{"userName":"a","name":{"givenName":"Ada"}}`, `[{"op":"add","path":"name","value":{"familyName":"B"}}]`, `{"userName":"a","name":{"givenName":"Ada","familyName":"B"}}`, ""},
		{"add a sub-attribute", `{"userName":"a"}`, `[{"op":"add","path":"name.givenName","value":"Ada"}]`, `{"userName":"a","name":{"givenName":"Ada"}}`, ""},
		{"add to a multi-valued attribute that is absent", `{"userName":"a"}`, `[{"op":"add","path":"emails","value":[{"value":"w@x"}]}]`, `{"userName":"a","emails":[{"value":"w@x"}]}`, ""},
		{"add one value without an array", `{"userName":"a","emails":[{"value":"w@x"}]}`, `[{"op":"add","path":"emails","value":{"value":"h@x"}}]`, `{"userName":"a","emails":[{"value":"w@x"},{"value":"h@x"}]}`, ""},
		{"add what stands already", `{"userName":"a","emails":[{"value":"w@x","type":"work"}]}`, `[{"op":"add","path":"emails","value":[{"value":"w@x","type":"work"}]}]`, `{"userName":"a","emails":[{"value":"w@x","type":"work"}]}`, ""},
		{"add what stands already, with more", `{"userName":"a","emails":[{"value":"w@x","type":"work","primary":true}]}`, `[{"op":"add","path":"emails","value":[{"value":"w@x","type":"Work","display":"W"}]}]`, `{"userName":"a","emails":[{"value":"w@x","type":"Work","primary":true,"display":"W"}]}`, ""},
		{"add one twice", `{"userName":"a"}`, `[{"op":"add","path":"emails","value":[{"value":"w@x"},{"value":"w@x"}]}]`, `{"userName":"a","emails":[{"value":"w@x"}]}`, ""},
		{"the same value of another type is another", `{"userName":"a","emails":[{"value":"w@x","type":"work"}]}`, `[{"op":"add","path":"emails","value":[{"value":"w@x","type":"home"}]}]`, `{"userName":"a","emails":[{"value":"w@x","type":"work"},{"value":"w@x","type":"home"}]}`, ""},
		{"addresses have no value: same by all but primary", `{"userName":"a","addresses":[{"locality":"Bern","type":"work"}]}`, `[{"op":"add","path":"addresses","value":[{"locality":"Bern","type":"work","primary":true},{"locality":"Bern","type":"home"}]}]`, `{"userName":"a","addresses":[{"locality":"Bern","type":"work","primary":true},{"locality":"Bern","type":"home"}]}`, ""},
		{"add a new primary", ada, `[{"op":"add","path":"emails","value":[{"value":"o@x","primary":true}]}]`,
			`{"userName":"ada","title":"Dr","name":{"givenName":"Ada","familyName":"Byron"},
			"emails":[{"value":"w@x","type":"work","primary":false},{"value":"h@x","type":"home"},{"value":"o@x","primary":true}]}`, ""},
		{"one that stands becomes primary", `{"userName":"a","emails":[{"value":"w@x"},{"value":"h@x","primary":true}]}`, `[{"op":"add","path":"emails","value":[{"value":"w@x","primary":true}]}]`, `{"userName":"a","emails":[{"value":"w@x","primary":true},{"value":"h@x","primary":false}]}`, ""},
		{"add to the selected", ada, `[{"op":"add","path":"emails[type eq \"home\"]","value":{"display":"H"}}]`,
			`{"userName":"ada","title":"Dr","name":{"givenName":"Ada","familyName":"Byron"},
			"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home","display":"H"}]}`, ""},
		{"add nothing to several", `{"userName":"a","emails":[{"value":"w@x"}]}`, `[{"op":"add","path":"emails","value":null},{"op":"add","path":"emails","value":[]},{"op":"add","path":"emails","value":""}]`, `{"userName":"a","emails":[{"value":"w@x"}]}`, ""},
		// §3.5.2.2 remove
		{"remove without a path", ada, `[{"op":"remove"}]`, ``, "invalid noTarget"},
		{"remove a single value", `{"userName":"a","title":"Dr"}`, `[{"op":"remove","path":"title"}]`, `{"userName":"a"}`, ""},
		{"remove what is absent", `{"userName":"a"}`, `[{"op":"remove","path":"title"},{"op":"remove","path":"emails"},{"op":"remove","path":"name.givenName"},{"op":"remove","path":"emails[type eq \"work\"]"},{"op":"remove","path":"emails[type eq \"work\"].value"},{"op":"remove","path":"emails.display"}]`, `{"userName":"a"}`, ""},
		{"remove all values", `{"userName":"a","emails":[{"value":"w@x"}]}`, `[{"op":"remove","path":"emails"}]`, `{"userName":"a"}`, ""},
		{"remove the selected", ada, `[{"op":"remove","path":"emails[type eq \"work\"]"}]`, `{"userName":"ada","title":"Dr","name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"h@x","type":"home"}]}`, ""},
		{"remove the last of the selected", `{"userName":"a","emails":[{"value":"w@x"}]}`, `[{"op":"remove","path":"emails[value eq \"W@X\"]"}]`, `{"userName":"a"}`, ""},
		{"remove a sub-attribute of the selected", ada, `[{"op":"remove","path":"emails[type eq \"work\"].primary"}]`, `{"userName":"ada","title":"Dr","name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"w@x","type":"work"},{"value":"h@x","type":"home"}]}`, ""},
		{"remove the value of the selected", `{"userName":"a","emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x"}]}`, `[{"op":"remove","path":"emails[type eq \"work\"].value"}]`, `{"userName":"a","emails":[{"value":"h@x"}]}`, ""},
		{"remove a sub-attribute of all", `{"userName":"a","emails":[{"value":"w@x","display":"W"},{"value":"h@x","display":"H"}]}`, `[{"op":"remove","path":"emails.display"}]`, `{"userName":"a","emails":[{"value":"w@x"},{"value":"h@x"}]}`, ""},
		{"remove the last sub-attribute", `{"userName":"a","name":{"givenName":"Ada"}}`, `[{"op":"remove","path":"name.givenName"}]`, `{"userName":"a"}`, ""},
		{"remove what is required", ada, `[{"op":"remove","path":"userName"}]`, ``, "invalid mutability"},
		{"remove what is required and add it again", `{"userName":"a"}`, `[{"op":"remove","path":"userName"},{"op":"add","path":"userName","value":"b"}]`, `{"userName":"b"}`, ""},
		{"empty what is required", ada, `[{"op":"replace","path":"userName","value":""}]`, ``, "invalid invalidValue"},
		{"remove the core attributes", ada, `[{"op":"remove","path":"urn:ietf:params:scim:schemas:core:2.0:User"}]`, ``, "invalid mutability"},
		// §3.5.2.3 replace
		{"replace without a path", ada, `[{"op":"replace","value":{"title":"Prof","emails":[{"value":"n@x"}]}}]`, `{"userName":"ada","title":"Prof","name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"n@x"}]}`, ""},
		{"replace a single value", `{"userName":"a","title":"Dr"}`, `[{"op":"replace","path":"title","value":"Prof"}]`, `{"userName":"a","title":"Prof"}`, ""},
		{"replace what is absent", `{"userName":"a"}`, `[{"op":"replace","path":"title","value":"Prof"}]`, `{"userName":"a","title":"Prof"}`, ""},
		{"replace all values", ada, `[{"op":"replace","path":"emails","value":[{"value":"n@x"}]}]`, `{"userName":"ada","title":"Dr","name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"n@x"}]}`, ""},
		{"replace all values by none", `{"userName":"a","emails":[{"value":"w@x"}]}`, `[{"op":"replace","path":"emails","value":[]}]`, `{"userName":"a"}`, ""},
		{"replace leaves other sub-attributes", ada, `[{"op":"replace","path":"name","value":{"familyName":"Lovelace"}}]`, `{"userName":"ada","title":"Dr","name":{"givenName":"Ada","familyName":"Lovelace"},"emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"}]}`, ""},
		{"replace the selected as a whole", `{"userName":"a","emails":[{"value":"w@x","type":"work","display":"W"}]}`, `[{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"n@x","type":"work"}}]`, `{"userName":"a","emails":[{"value":"n@x","type":"work"}]}`, ""},
		{"a bad value for the selected", ada, `[{"op":"replace","path":"emails[type eq \"work\"]","value":[1,2]}]`, ``, "invalid invalidValue"},
		{"a bad value for a sub-attribute of the selected", ada, `[{"op":"replace","path":"emails[type eq \"work\"].primary","value":"maybe"}]`, ``, "invalid invalidValue"},
		{"a bad value to remove", ada, `[{"op":"remove","path":"emails","value":[[]]}]`, ``, "invalid invalidValue"},
		{"the only element for the selected", `{"userName":"a","emails":[{"value":"w@x","type":"work"}]}`, `[{"op":"replace","path":"emails[type eq \"work\"]","value":[{"value":"n@x","type":"work"}]}]`, `{"userName":"a","emails":[{"value":"n@x","type":"work"}]}`, ""},
		{"remove the value of one that has more", `{"userName":"a","photos":[{"value":"p","type":"thumb"}],"addresses":[{"type":"work","locality":"B"}]}`, `[{"op":"remove","path":"photos[type eq \"thumb\"].value"},{"op":"remove","path":"addresses[type eq \"work\"].locality"}]`, `{"userName":"a","addresses":[{"type":"work"}]}`, ""},
		{"replace a sub-attribute of each selected", `{"userName":"a","emails":[{"value":"1@x","type":"work"},{"value":"2@x","type":"work"},{"value":"3@x"}]}`, `[{"op":"replace","path":"emails[type eq \"work\"].display","value":"W"}]`, `{"userName":"a","emails":[{"value":"1@x","type":"work","display":"W"},{"value":"2@x","type":"work","display":"W"},{"value":"3@x"}]}`, ""},
		{"what becomes the same is one", `{"userName":"a","emails":[{"value":"1@x","type":"work"},{"value":"2@x","type":"work"}]}`, `[{"op":"replace","path":"emails[type eq \"work\"].value","value":"n@x"}]`, `{"userName":"a","emails":[{"value":"n@x","type":"work"}]}`, ""},
		{"replace a sub-attribute of all", `{"userName":"a","emails":[{"value":"1@x"},{"value":"2@x"}]}`, `[{"op":"replace","path":"emails.type","value":"work"}]`, `{"userName":"a","emails":[{"value":"1@x","type":"work"},{"value":"2@x","type":"work"}]}`, ""},
		{"a new primary takes it from the other", ada, `[{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}]`, `{"userName":"ada","title":"Dr","name":{"givenName":"Ada","familyName":"Byron"},"emails":[{"value":"w@x","type":"work","primary":false},{"value":"h@x","type":"home","primary":true}]}`, ""},
		{"a new primary that stands first", `{"userName":"a","emails":[{"value":"1@x"},{"value":"2@x","primary":true}]}`, `[{"op":"replace","path":"emails[value eq \"1@x\"].primary","value":"True"}]`, `{"userName":"a","emails":[{"value":"1@x","primary":true},{"value":"2@x","primary":false}]}`, ""},
		{"several become one that is primary", `{"userName":"a","emails":[{"value":"1@x","type":"work"},{"value":"2@x","type":"work"}]}`, `[{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"n@x","type":"work","primary":true}}]`, `{"userName":"a","emails":[{"value":"n@x","type":"work","primary":true}]}`, ""},
		{"type and value are two things", `{"userName":"a"}`, `[{"op":"add","path":"emails","value":[{"type":"a","value":"bc"},{"type":"ab","value":"c"}]}]`, `{"userName":"a","emails":[{"type":"a","value":"bc"},{"type":"ab","value":"c"}]}`, ""},
		{"only one of several selected becomes primary", `{"userName":"a","emails":[{"value":"1@x"},{"value":"2@x"}]}`, `[{"op":"replace","path":"emails.primary","value":true}]`, `{"userName":"a","emails":[{"value":"1@x","primary":false},{"value":"2@x","primary":true}]}`, ""},
		{"nothing selected and nothing described", ada, `[{"op":"replace","path":"emails[type ne \"x\" and value co \"none\"].value","value":"n@x"}]`, ``, "invalid noTarget"},
		{"described by either is not described", ada, `[{"op":"replace","path":"emails[type eq \"a\" or type eq \"b\"].value","value":"n@x"}]`, ``, "invalid noTarget"},
		{"described in contradiction", ada, `[{"op":"replace","path":"emails[type eq \"a\" and type eq \"b\"].value","value":"n@x"}]`, ``, "invalid noTarget"},
		// the operations together
		{"in the order given", `{"userName":"a"}`, `[{"op":"add","path":"title","value":"1"},{"op":"replace","path":"title","value":"2"},{"op":"remove","path":"title"},{"op":"add","path":"title","value":"3"}]`, `{"userName":"a","title":"3"}`, ""},
		{"one refused refuses all", `{"userName":"a"}`, `[{"op":"add","path":"title","value":"1"},{"op":"add","path":"emails","value":[{"value":"a"}]},{"op":"add","path":"active","value":"maybe"}]`, ``, "invalid invalidValue"},
		{"no operation", `{"userName":"a"}`, `[]`, ``, "invalid invalidSyntax"},
		{"another operation", `{"userName":"a"}`, `[{"op":"move","path":"title"}]`, ``, "invalid invalidSyntax"},
		{"no op", `{"userName":"a"}`, `[{"path":"title","value":"x"}]`, ``, "invalid invalidSyntax"},
		{"no path and no object", `{"userName":"a"}`, `[{"op":"add","value":"x"}]`, ``, "invalid invalidValue"},
		// paths
		{"the core URN before the name", `{"userName":"a"}`, `[{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User:name.givenName","value":"Ada"}]`, `{"userName":"a","name":{"givenName":"Ada"}}`, ""},
		{"the core URN alone", `{"userName":"a"}`, `[{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:user","value":{"title":"Dr","id":"x"}},{"op":"add","value":{"urn:ietf:params:scim:schemas:core:2.0:User":{"nickName":"N"}}}]`, `{"userName":"a","title":"Dr","nickName":"N"}`, ""},
		{"names in any case", `{"userName":"a"}`, `[{"op":"add","path":"NAME.GIVENNAME","value":"Ada"},{"op":"add","path":"EMAILS[TYPE EQ \"work\"].VALUE","value":"w@x"}]`, `{"userName":"a","name":{"givenName":"Ada"},"emails":[{"type":"work","value":"w@x"}]}`, ""},
		{"not a path", `{"userName":"a"}`, `[{"op":"add","path":"title title","value":"Dr"}]`, ``, "invalid invalidPath"},
		{"brackets behind a single value", `{"userName":"a"}`, `[{"op":"add","path":"title[value eq \"x\"]","value":"Dr"}]`, ``, "invalid invalidPath"},
		{"brackets that cannot be read", `{"userName":"a"}`, `[{"op":"add","path":"emails[type zz \"x\"]","value":{}}]`, ``, "invalid invalidFilter"},
		{"brackets about an unknown sub-attribute", `{"userName":"a"}`, `[{"op":"add","path":"emails[shoe eq \"x\"]","value":{}}]`, ``, "invalid invalidFilter"},
		{"brackets with a tree", `{"userName":"a","emails":[{"value":"1","type":"a"},{"value":"2","type":"b"},{"value":"3","type":"c"}]}`, `[{"op":"remove","path":"emails[(type eq \"a\" or type eq \"b\") and not (value eq \"2\")]"}]`, `{"userName":"a","emails":[{"value":"2","type":"b"},{"value":"3","type":"c"}]}`, ""},
		// what a client may not
		{"read-only with a path", `{"userName":"a"}`, `[{"op":"replace","path":"id","value":"x"}]`, ``, "invalid mutability"},
		{"read-only groups with a path", `{"userName":"a"}`, `[{"op":"add","path":"groups","value":[{"value":"g"}]}]`, ``, "invalid mutability"},
		{"read-only groups by a filter", `{"userName":"a"}`, `[{"op":"remove","path":"groups[value eq \"g\"]"}]`, ``, "invalid mutability"},
		{"read-only meta with a path", `{"userName":"a"}`, `[{"op":"remove","path":"meta.version"}]`, ``, "invalid mutability"},
		{"read-only displayName of the manager", `{"userName":"a"}`, `[{"op":"add","path":"manager.displayName","value":"x"}]`, ``, "invalid mutability"},
		{"read-only without a path", `{"userName":"a"}`, `[{"op":"replace","value":{"id":"x","ID":"y","meta":{"version":"1"},"schemas":["x"],"groups":[{"value":"g"}],"title":"Dr"}}]`, `{"userName":"a","title":"Dr"}`, ""},
		{"a password is never kept", `{"userName":"a"}`, `[{"op":"add","path":"password","value":"s3"},{"op":"add","value":{"PassWord":"s3","urn:ietf:params:scim:schemas:core:2.0:User:password":"s3"}}]`, `{"userName":"a"}`, ""},
		// types
		{"a type that does not fit", `{"userName":"a"}`, `[{"op":"add","path":"name","value":"Ada"}]`, ``, "invalid invalidValue"},
		{"a certificate that is not in base64", `{"userName":"a"}`, `[{"op":"add","path":"x509Certificates","value":[{"value":"%%%"}]}]`, ``, "invalid invalidValue"},
		{"a certificate behind a filter that is not in base64", `{"userName":"a"}`, `[{"op":"add","path":"x509Certificates[type eq \"work\"].value","value":"TUk"}]`, ``, "invalid invalidValue"},
		{"several where one stands", `{"userName":"a"}`, `[{"op":"add","path":"title","value":["a","b"]}]`, ``, "invalid invalidValue"},
		{"an object where a text stands", `{"userName":"a"}`, `[{"op":"add","path":"title","value":{"a":1}}]`, ``, "invalid invalidValue"},
		{"an element that is no object", `{"userName":"a"}`, `[{"op":"add","path":"addresses","value":["x"]}]`, ``, "invalid invalidValue"},
		{"a sub-attribute given twice", `{"userName":"a"}`, `[{"op":"add","path":"name","value":{"givenName":"a","GivenName":"b"}}]`, ``, "invalid invalidSyntax"},
	})
}

// What identity providers write otherwise.
//
// Proves dialects.
func TestPatchDialects(t *testing.T) {
	patchRows(t, UserType, []patchRow{
		{"Entra: capitalised op", `{"userName":"a"}`, `[{"op":"Replace","path":"displayName","value":"A"},{"op":"Add","path":"nickName","value":"N"},{"op":"REMOVE","path":"displayName"}]`, `{"userName":"a","nickName":"N"}`, ""},
		{"Entra: active as text", `{"userName":"a","active":true}`, `[{"op":"Replace","path":"active","value":"False"}]`, `{"userName":"a","active":false}`, ""},
		{"active as text, any case, without a path", `{"userName":"a","active":false}`, `[{"op":"replace","value":{"active":"TRUE"}}]`, `{"userName":"a","active":true}`, ""},
		{"active as the only element", `{"userName":"a"}`, `[{"op":"replace","path":"active","value":["False"]}]`, `{"userName":"a","active":false}`, ""},
		{"a suspended user stays when active is taken away", `{"userName":"a","active":false}`, `[{"op":"replace","path":"active","value":null},{"op":"remove","path":"active"},{"op":"add","path":"active","value":[]},{"op":"replace","path":"active","value":[null]},{"op":"remove","path":"active","value":false},
			{"op":"replace","value":{"active":null,"urn:ietf:params:scim:schemas:core:2.0:User":{"active":null},"urn:ietf:params:scim:schemas:core:2.0:User:active":null}}]`, `{"userName":"a","active":false}`, ""},
		{"nor by an empty text", `{"userName":"a","active":false}`, `[{"op":"replace","path":"active","value":""},{"op":"replace","value":{"active":""}}]`, `{"userName":"a","active":false}`, ""},
		{"active as a number", `{"userName":"a","active":true}`, `[{"op":"replace","path":"active","value":0}]`, `{"userName":"a","active":false}`, ""},
		{"and comes back by true", `{"userName":"a","active":false}`, `[{"op":"remove","path":"active"},{"op":"replace","path":"active","value":true},{"op":"remove","path":"active"}]`, `{"userName":"a","active":true}`, ""},
		{"Entra: an e-mail address is made when absent", `{"userName":"a"}`, `[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"w@x"}]`, `{"userName":"a","emails":[{"type":"work","value":"w@x"}]}`, ""},
		{"Entra: an e-mail address is changed when there", `{"userName":"a","emails":[{"type":"Work","value":"w@x","primary":true}]}`, `[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"n@x"}]`, `{"userName":"a","emails":[{"type":"Work","value":"n@x","primary":true}]}`, ""},
		{"Entra: an address grows by its parts", `{"userName":"a"}`, `[{"op":"Add","path":"addresses[type eq \"work\"].locality","value":"Bern"},{"op":"Add","path":"addresses[type eq \"work\"].country","value":"CH"}]`, `{"userName":"a","addresses":[{"type":"work","locality":"Bern","country":"CH"}]}`, ""},
		{"Entra: the path as a key", `{"userName":"a"}`, `[{"op":"Add","value":{"emails[type eq \"work\"].value":"w@x","name.givenName":"Ada"}}]`, `{"userName":"a","name":{"givenName":"Ada"},"emails":[{"type":"work","value":"w@x"}]}`, ""},
		{"a whole value is made when absent", `{"userName":"a"}`, `[{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"w@x"}},{"op":"add","path":"emails[type eq \"home\"]","value":{"value":"h@x"}}]`, `{"userName":"a","emails":[{"type":"work","value":"w@x"},{"type":"home","value":"h@x"}]}`, ""},
		{"an address of all when there is none", `{"userName":"a"}`, `[{"op":"replace","path":"emails.value","value":"w@x"}]`, `{"userName":"a","emails":[{"value":"w@x"}]}`, ""},
		{"Entra: role by primary as text", `{"userName":"a"}`, `[{"op":"Add","path":"roles[primary eq \"True\"].display","value":"Admin"},{"op":"Add","path":"roles[primary eq \"True\"].value","value":"admin"}]`, `{"userName":"a","roles":[{"primary":true,"display":"Admin","value":"admin"}]}`, ""},
		{"Entra: roles as JSON in strings", `{"userName":"a"}`, `[{"op":"Add","path":"roles","value":[{"value":"{\"id\":\"1\"}"},"{\"value\":\"admin\",\"display\":\"Admin\",\"primary\":\"False\",\"shoe\":1}","plain","{broken"]}]`,
			`{"userName":"a","roles":[{"value":"{\"id\":\"1\"}"},{"value":"admin","display":"Admin","primary":false},{"value":"plain"},{"value":"{broken"}]}`, ""},
		{"Entra: values to remove in the value", `{"userName":"a","emails":[{"value":"w@x","type":"work"},{"value":"h@x","type":"home"}]}`, `[{"op":"Remove","path":"emails","value":[{"$ref":null,"value":"W@X"}]}]`, `{"userName":"a","emails":[{"value":"h@x","type":"home"}]}`, ""},
		{"values to remove by value and type", `{"userName":"a","emails":[{"value":"x@x","type":"work"},{"value":"x@x","type":"home"},{"value":"x@x"}]}`, `[{"op":"remove","path":"emails","value":{"value":"x@x","type":"WORK"}}]`, `{"userName":"a","emails":[{"value":"x@x","type":"home"},{"value":"x@x"}]}`, ""},
		{"values to remove without a value", `{"userName":"a","addresses":[{"locality":"Bern","primary":true},{"locality":"Basel"}]}`, `[{"op":"remove","path":"addresses","value":[{"locality":"Bern"}]}]`, `{"userName":"a","addresses":[{"locality":"Basel"}]}`, ""},
		{"removing an empty list removes nothing", `{"userName":"a","emails":[{"value":"x@x"}]}`, `[{"op":"remove","path":"emails","value":[]}]`, `{"userName":"a","emails":[{"value":"x@x"}]}`, ""},
		{"null removes", `{"userName":"a","title":"Dr","emails":[{"value":"x@x"}],"name":{"givenName":"A","familyName":"B"}}`, `[{"op":"replace","value":{"title":null,"emails":null,"name":{"givenName":null,"middleName":"C"}}}]`, `{"userName":"a","name":{"familyName":"B","middleName":"C"}}`, ""},
		{"null removes within a value", `{"userName":"a","name":{"givenName":"A"},"emails":[{"value":"x","display":"X"}],` + enterprise + `:{"manager":{"value":"m","$ref":"r"}}}`, `[{"op":"replace","path":"name","value":{"GIVENNAME":null}},{"op":"add","path":"emails[value eq \"x\"]","value":{"display":null}},{"op":"add","path":"manager","value":[{"$ref":null,"displayName":null}]}]`, `{"userName":"a","emails":[{"value":"x"}],` + enterprise + `:{"manager":{"value":"m"}}}`, ""},
		{"null removes by path", `{"userName":"a","name":{"givenName":"A"},"emails":[{"value":"x@x","display":"X"}]}`, `[{"op":"add","path":"name.givenName","value":null},{"op":"replace","path":"emails[value eq \"x@x\"].display","value":null}]`, `{"userName":"a","emails":[{"value":"x@x"}]}`, ""},
		{"null inside values", `{"userName":"a"}`, `[{"op":"add","value":{"emails":[{"value":"x@x","display":null},null]}}]`, `{"userName":"a","emails":[{"value":"x@x"}]}`, ""},
		{"dotted keys", `{"userName":"a"}`, `[{"op":"replace","value":{"displayName":"A","name.givenName":"Ada","name":{"givenName":"first","familyName":"B"}}}]`, `{"userName":"a","displayName":"A","name":{"givenName":"Ada","familyName":"B"}}`, ""},
		{"URN keys", `{"userName":"a"}`, `[{"op":"replace","value":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"7","URN:IETF:params:scim:schemas:extension:ENTERPRISE:2.0:user:department":"D"}}]`, `{"userName":"a",` + enterprise + `:{"employeeNumber":"7","department":"D"}}`, ""},
		{"a number where a text stands", `{"userName":"a"}`, `[{"op":"add","path":"employeeNumber","value":701984}]`, `{"userName":"a",` + enterprise + `:{"employeeNumber":"701984"}}`, ""},
		{"Okta: rename without a path, with the id", `{"userName":"a"}`, `[{"op":"replace","value":{"id":"x","userName":"b"}}]`, `{"userName":"b"}`, ""},
		{"unknown attributes are passed over", `{"userName":"a"}`, `[{"op":"add","path":"shoeSize","value":43},{"op":"add","path":"shoes[type eq \"x\"].value","value":43},{"op":"add","path":"name.nick","value":"x"},{"op":"add","path":"emails[type eq \"x\"].shoe","value":"x"},
			{"op":"add","value":{"shoe size":1,"":2,"a[":3,"x.y.z":4,"emails.shoe":5,"title ":"x","name.":1,".":1,"[type eq \"x\"]":1}}]`, `{"userName":"a"}`, ""},
		{"spaces around a path", `{"userName":"a"}`, `[{"op":"add","path":" title ","value":"Dr"}]`, `{"userName":"a","title":"Dr"}`, ""},
		// the manager
		{"manager as a text", `{"userName":"a"}`, `[{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"m1"}]`, `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1"}}}`, ""},
		{"manager by its short name, as an array", `{"userName":"a"}`, `[{"op":"Add","path":"manager","value":[{"$ref":"../Users/m1","value":"m1"}]}]`, `{"userName":"a",` + enterprise + `:{"manager":{"$ref":"../Users/m1","value":"m1"}}}`, ""},
		{"manager in old dot notation", `{"userName":"a"}`, `[{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager","value":"m1"}]`, `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1"}}}`, ""},
		{"manager by SCIM 1.1", `{"userName":"a"}`, `[{"op":"add","path":"manager","value":{"managerId":"m1"}}]`, `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1"}}}`, ""},
		{"another manager takes nothing from the old one", `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1","$ref":"../Users/m1"}}}`, `[{"op":"replace","path":"manager","value":{"value":"m2"}}]`, `{"userName":"a",` + enterprise + `:{"manager":{"value":"m2"}}}`, ""},
		{"another manager by its value", `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1","$ref":"../Users/m1"}}}`, `[{"op":"replace","path":"manager.value","value":"m2"}]`, `{"userName":"a",` + enterprise + `:{"manager":{"value":"m2"}}}`, ""},
		{"the same manager keeps what it had", `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1","$ref":"../Users/m1"}}}`, `[{"op":"add","path":"manager","value":"m1"}]`, `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1","$ref":"../Users/m1"}}}`, ""},
		{"remove the manager", `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1"},"department":"D"}}`, `[{"op":"Remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"}]`, `{"userName":"a",` + enterprise + `:{"department":"D"}}`, ""},
		{"remove the manager's value", `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1","$ref":"x"}}}`, `[{"op":"Remove","path":"manager.value"}]`, `{"userName":"a"}`, ""},
		{"manager by empty text", `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1"}}}`, `[{"op":"replace","path":"manager","value":""}]`, `{"userName":"a"}`, ""},
		{"manager by empty value", `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1"}}}`, `[{"op":"replace","path":"manager","value":{"value":""}}]`, `{"userName":"a"}`, ""},
		{"manager by null value", `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1","$ref":"x"}}}`, `[{"op":"replace","path":"manager","value":{"value":null,"$ref":"y"}}]`, `{"userName":"a"}`, ""},
		{"manager by reference only", `{"userName":"a"}`, `[{"op":"replace","path":"manager","value":{"$ref":"y"}}]`, `{"userName":"a",` + enterprise + `:{"manager":{"$ref":"y"}}}`, ""},
		{"manager by null", `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1"}}}`, `[{"op":"add","path":"manager","value":null}]`, `{"userName":"a"}`, ""},
		{"manager by empty array", `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1"}}}`, `[{"op":"replace","path":"manager","value":[]}]`, `{"userName":"a"}`, ""},
		{"Entra: remove with an empty value", `{"userName":"a",` + enterprise + `:{"manager":{"value":"m1"}}}`, `[{"op":"Remove","path":"manager","value":""}]`, `{"userName":"a"}`, ""},
	})
}

// Proves RFC 7643 §2.1, §3.3.
func TestPatchExtensions(t *testing.T) {
	const ext = `"urn:example:Ext:2.0:User"`
	patchRows(t, UserType, []patchRow{
		{"a known one by its URN in any case", `{"userName":"a"}`, `[{"op":"add","path":"URN:ietf:params:scim:schemas:extension:Enterprise:2.0:user","value":{"DEPARTMENT":"D","displayName":"kept","manager":"m"}}]`, `{"userName":"a",` + enterprise + `:{"department":"D","displayName":"kept","manager":{"value":"m"}}}`, ""},
		{"replace leaves what is not named", `{"userName":"a",` + enterprise + `:{"department":"D","employeeNumber":"7"}}`, `[{"op":"replace","value":{` + enterprise + `:{"department":"E"}}}]`, `{"userName":"a",` + enterprise + `:{"department":"E","employeeNumber":"7"}}`, ""},
		{"null in an extension", `{"userName":"a",` + enterprise + `:{"department":"D","employeeNumber":"7"}}`, `[{"op":"add","value":{` + enterprise + `:{"department":null}}}]`, `{"userName":"a",` + enterprise + `:{"employeeNumber":"7"}}`, ""},
		{"remove a known one", `{"userName":"a",` + enterprise + `:{"department":"D"}}`, `[{"op":"remove","path":` + enterprise + `}]`, `{"userName":"a"}`, ""},
		{"add to one that is there", `{"userName":"a","urn:x:y":{"a":1}}`, `[{"op":"add","path":"urn:x:y","value":{"b":2}},{"op":"add","path":"` + UserURN + `","value":null}]`, `{"userName":"a","urn:x:y":{"a":1,"b":2}}`, ""},
		{"a bad value in a known one", `{"userName":"a"}`, `[{"op":"add","value":{` + enterprise + `:{"manager":[1,2]}}}]`, ``, "invalid invalidValue"},
		{"unknown sub-attributes of a known one", `{"userName":"a"}`, `[{"op":"add","value":{` + enterprise + `:{"manager.shoe":1,"":2,"manager.value":"m"}}}]`, `{"userName":"a",` + enterprise + `:{"manager":{"value":"m"}}}`, ""},
		{"null for a known one", `{"userName":"a",` + enterprise + `:{"department":"D"}}`, `[{"op":"replace","value":{` + enterprise + `:null}}]`, `{"userName":"a"}`, ""},
		{"add null to a known one", `{"userName":"a",` + enterprise + `:{"department":"D"}}`, `[{"op":"add","value":{` + enterprise + `:null}}]`, `{"userName":"a",` + enterprise + `:{"department":"D"}}`, ""},
		{"a known one is an object", `{"userName":"a"}`, `[{"op":"add","path":` + enterprise + `,"value":"x"}]`, ``, "invalid invalidValue"},
		{"unknown attributes of a known one are verbatim", `{"userName":"a"}`, `[{"op":"add","value":{` + enterprise + `:{"cost center":1e400,"a.b":{"c":[1,{"d":2.50}]},"x:y":"z"}}},{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:badge","value":7}]`, `{"userName":"a",` + enterprise + `:{"cost center":1e400,"a.b":{"c":[1,{"d":2.50}]},"x:y":"z","badge":7}}`, ""},
		{"an unknown one is verbatim", `{"userName":"a"}`, `[{"op":"add","value":{` + ext + `:{"big":123456789012345678901234567890.10,"Mixed.Case":[null,1,[]],"gone":null,"deep":{"a":{"b":null}}}}}]`, `{"userName":"a",` + ext + `:{"big":123456789012345678901234567890.10,"Mixed.Case":[null,1,[]]}}`, ""},
		{"an unknown one keeps its spelling", `{"userName":"a",` + ext + `:{"x":1}}`, `[{"op":"add","path":"URN:EXAMPLE:EXT:2.0:USER","value":{"y":2}},{"op":"add","path":"urn:example:ext:2.0:user:z","value":3},{"op":"replace","value":{"urn:EXAMPLE:Ext:2.0:User":{"x":4}}}]`, `{"userName":"a",` + ext + `:{"x":4,"y":2,"z":3}}`, ""},
		{"one that is gone leaves no spelling", `{"userName":"a",` + ext + `:{"x":1}}`, `[{"op":"remove","path":` + ext + `},{"op":"add","path":"URN:EXAMPLE:Ext:2.0:User:y","value":2}]`, `{"userName":"a","URN:EXAMPLE:Ext:2.0:User":{"y":2}}`, ""},
		{"its names keep their spelling", `{"userName":"a",` + ext + `:{"Color":1,"box":{"Size":1}},` + enterprise + `:{"badge":1}}`, `[{"op":"add","value":{` + ext + `:{"cOLOR":2}}},{"op":"replace","path":"urn:example:Ext:2.0:User:BOX.size","value":2},{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:BADGE","value":2}]`, `{"userName":"a",` + ext + `:{"Color":2,"box":{"Size":2}},` + enterprise + `:{"badge":2}}`, ""},
		{"of two that were there the one that is meant", `{"userName":"a",` + ext + `:{"X":1,"x":1}}`, `[{"op":"add","path":"urn:example:Ext:2.0:User:x","value":2}]`, `{"userName":"a",` + ext + `:{"X":1,"x":2}}`, ""},
		{"remove one in another case", `{"userName":"a",` + ext + `:{"Color":1,"y":2}}`, `[{"op":"remove","path":"urn:example:Ext:2.0:User:color"}]`, `{"userName":"a",` + ext + `:{"y":2}}`, ""},
		{"an object behind a version is an attribute", `{"userName":"a"}`, `[{"op":"add","path":"urn:custom:ext:1.0:User:x","value":{"a":1}},{"op":"add","value":{"urn:custom:other:2.0:User":{"y":1}}}]`, `{"userName":"a","urn:custom:ext:1.0:User":{"x":{"a":1}},"urn:custom:other:2.0:User":{"y":1}}`, ""},
		{"unless there is an extension of that name", `{"userName":"a","urn:custom:ext:1.0:User:x":{"b":1}}`, `[{"op":"add","path":"urn:custom:ext:1.0:User:x","value":{"a":1}}]`, `{"userName":"a","urn:custom:ext:1.0:User:x":{"a":1,"b":1}}`, ""},
		{"a key that is no attribute", `{"userName":"a"}`, `[{"op":"add","value":{"urn:x":"q","urn:example:x:":1,"title":"Dr"}}]`, `{"userName":"a","title":"Dr"}`, ""},
		{"an attribute of an unknown one by path", `{"userName":"a"}`, `[{"op":"add","path":"urn:example:Ext:2.0:User:tag","value":"t"},{"op":"add","path":"urn:example:Ext:2.0:User:box.size","value":3}]`, `{"userName":"a",` + ext + `:{"tag":"t","box":{"size":3}}}`, ""},
		{"a name with a dot that is there", `{"userName":"a",` + ext + `:{"box.size":1}}`, `[{"op":"replace","path":"urn:example:Ext:2.0:User:box.size","value":3}]`, `{"userName":"a",` + ext + `:{"box.size":3}}`, ""},
		{"a name with a colon that is there", `{"userName":"a",` + ext + `:{"a:b":1}}`, `[{"op":"remove","path":"urn:example:Ext:2.0:User:a:b"}]`, `{"userName":"a"}`, ""},
		{"remove an unknown one", `{"userName":"a",` + ext + `:{"x":1}}`, `[{"op":"remove","path":` + ext + `}]`, `{"userName":"a"}`, ""},
		{"remove an attribute of an unknown one", `{"userName":"a",` + ext + `:{"x":1,"y":2}}`, `[{"op":"remove","path":"urn:example:ext:2.0:user:x"}]`, `{"userName":"a",` + ext + `:{"y":2}}`, ""},
		{"null for an unknown one", `{"userName":"a",` + ext + `:{"x":1}}`, `[{"op":"replace","value":{` + ext + `:null}}]`, `{"userName":"a"}`, ""},
		{"add null to an unknown one", `{"userName":"a",` + ext + `:{"x":1}}`, `[{"op":"add","value":{` + ext + `:null,"urn:example:other:thing":null}}]`, `{"userName":"a",` + ext + `:{"x":1}}`, ""},
		{"an unknown one that is there is an object", `{"userName":"a",` + ext + `:{"x":1}}`, `[{"op":"add","path":` + ext + `,"value":"y"}]`, ``, "invalid invalidValue"},
		{"several values of an unknown attribute", `{"userName":"a",` + ext + `:{"tags":["a",1,{"k":1}]}}`, `[{"op":"add","path":"urn:example:Ext:2.0:User:tags","value":["a","1",{"k":1},"b"]},{"op":"remove","path":"urn:example:Ext:2.0:User:tags","value":[1]},{"op":"add","path":"urn:example:Ext:2.0:User:tags","value":"c"},{"op":"add","path":"urn:example:Ext:2.0:User:tags","value":null}]`, `{"userName":"a",` + ext + `:{"tags":["a",{"k":1},"1","b","c"]}}`, ""},
		{"replace several values of an unknown attribute", `{"userName":"a",` + ext + `:{"tags":["a"]}}`, `[{"op":"replace","path":"urn:example:Ext:2.0:User:tags","value":["b","b"]}]`, `{"userName":"a",` + ext + `:{"tags":["b","b"]}}`, ""},
		{"nothing added to an unknown attribute", `{"userName":"a",` + ext + `:{"x":"1"}}`, `[{"op":"add","path":"urn:example:Ext:2.0:User:x","value":[]},{"op":"add","path":"urn:example:Ext:2.0:User:x","value":{}}]`, `{"userName":"a",` + ext + `:{"x":"1"}}`, ""},
		{"a URN without an attribute", `{"userName":"a"}`, `[{"op":"add","path":"urn:example","value":"x"}]`, ``, "invalid invalidPath"},
		{"a URN that ends", `{"userName":"a"}`, `[{"op":"add","path":"urn:example:x:","value":"x"}]`, ``, "invalid invalidPath"},
		{"a URN that is too long", `{"userName":"a"}`, `[{"op":"add","value":{"urn:` + strings.Repeat("x:", 600) + `y":"x"}}]`, ``, "invalid invalidPath"},
		{"brackets in an unknown one", `{"userName":"a"}`, `[{"op":"add","path":"urn:example:ext:tags[value eq \"x\"]","value":"y"},{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:things[type eq \"x\"].value","value":"y"},{"op":"add","value":{"urn:example:ext:tags[value eq \"x\"].y":1,"title":"Dr"}}]`, `{"userName":"a","title":"Dr"}`, ""},
	})
}

// Proves limits.
func TestPatchLimits(t *testing.T) {
	one := PatchOp{"add", "title", "Dr"}
	many := make([]PatchOp, MaxOperations+1)
	for i := range many {
		many[i] = one
	}
	ada := tree(t, `{"userName":"ada"}`)
	if _, _, err := UserType.Patch(ada, many); refusal(err) != "too_large tooMany" {
		t.Errorf("%d operations: %v", len(many), err)
	}
	if _, _, err := UserType.Patch(ada, many[:MaxOperations]); err != nil {
		t.Errorf("%d operations: %v", MaxOperations, err)
	}
	long := []PatchOp{{"add", strings.Repeat("x", MaxPathLength+1), "x"}}
	if _, _, err := UserType.Patch(ada, long); refusal(err) != "invalid invalidPath" {
		t.Errorf("a long path: %v", err)
	}
}

// A thousand honest operations pass; a thousand that each look at very many values are refused soon.
//
// Proves limits.
func TestPatchWorkIsBounded(t *testing.T) {
	few, many := tree(t, `{"userName":"ada"}`), tree(t, `{"userName":"ada"}`)
	var fewer, more []any
	for i := range 4_000 {
		e := map[string]any{"value": text(i) + "@x", "type": "work"}
		if more = append(more, e); i < 40 {
			fewer = append(fewer, clone(e))
		}
	}
	few["emails"], many["emails"] = fewer, more
	names := map[string]any{"tags": clone(more)}
	for i := range 4_000 {
		names["x"+text(i)] = "v"
	}
	many["urn:example:ext:User"] = names
	for _, c := range []PatchOp{
		{"replace", `emails[type eq "home" or value co "zz"].display`, "x"},
		{"add", "emails", map[string]any{"value": "new@x"}},
		{"remove", "emails", map[string]any{"value": "new@x"}},
		{"add", "urn:example:ext:User:tags", "new"},
		{"remove", "urn:example:ext:User:tags", "new"},
		{"replace", "urn:example:ext:User:TAGS", "red"},
		{"replace", "urn:example:ext:User:Box.size", "1"},
	} {
		list := make([]PatchOp, MaxOperations)
		for i := range list {
			list[i] = c
		}
		list[0] = PatchOp{"add", `emails[type eq "home"].value`, "h@x"}
		if _, _, err := UserType.Patch(few, list); err != nil {
			t.Errorf("%s %s on few values: %v", c.Op, c.Path, err)
		}
		if _, _, err := UserType.Patch(many, list); refusal(err) != "too_large tooMany" {
			t.Errorf("%s %s on many values: %v", c.Op, c.Path, err)
		}
	}
}
