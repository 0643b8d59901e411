package scim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

// TestSelection: every answer with resources shows the attributes that are asked for (RFC 7644 §3.9), and id and schemas always.
//
// Proves RFC 7643 §3, §3.1, §3.3, RFC 7644 §3.4.2.5, §3.9.
func TestSelection(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	const body = `{"userName":"ada","title":"x","name":{"givenName":"Ada","familyName":"King"},"emails":[{"value":"a@x.test","type":"work"},{"value":"b@x.test"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"E","employeeNumber":"1"},"urn:example:shoes":{"size":42}}`
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	id := idOf(t, n.must(201, "POST", "/Users", body))
	group := idOf(t, n.must(201, "POST", "/Groups", `{"displayName":"G","members":["`+id+`"]}`))
	for params, want := range map[string]string{
		"attributes=userName":                      `{"userName":"ada"}`,
		"attributes=USERNAME, title":               `{"title":"x","userName":"ada"}`,
		"attributes=name.givenName":                `{"name":{"givenName":"Ada"}}`,
		"attributes=name.givenName,name":           `{"name":{"familyName":"King","givenName":"Ada"}}`,
		"attributes=emails.value":                  `{"emails":[{"value":"a@x.test"},{"value":"b@x.test"}]}`,
		"attributes=emails.type,emails.value":      `{"emails":[{"type":"work","value":"a@x.test"},{"value":"b@x.test"}]}`,
		"attributes=" + enterprise:                 `{"` + enterprise + `":{"department":"E","employeeNumber":"1"}}`,
		"attributes=" + enterprise + ":department": `{"` + enterprise + `":{"department":"E"}}`,
		"attributes=urn:example:shoes:size":        `{"urn:example:shoes":{"size":42}}`,
		"attributes=shoeSize":                      `{}`,
		"attributes=password":                      `{}`,
		"attributes=groups.display":                `{"groups":[{"display":"G"}]}`,
		"excludedAttributes=name,emails,groups,meta,id,schemas," + enterprise + ",urn:example:shoes:size":                               `{"active":true,"title":"x","urn:example:shoes":{},"userName":"ada"}`,
		"excludedAttributes=name.givenName,emails.type,groups,meta,title,userName," + enterprise + ":department,urn:example:shoes:size": `{"active":true,"emails":[{"value":"a@x.test"},{"value":"b@x.test"}],"name":{"familyName":"King"},"urn:example:shoes":{},"` + enterprise + `":{"employeeNumber":"1"}}`,
	} {
		name, value, _ := strings.Cut(params, "=")
		query := "?" + name + "=" + strings.ReplaceAll(value, " ", "%20")
		request, _ := json.Marshal(map[string]any{name: strings.Split(value, ","), "filter": `userName eq "ada"`})
		for what, a := range map[string]answer{
			"GET":     n.must(200, "GET", "/Users/"+id+query, ""),
			"list":    n.must(200, "GET", "/Users"+query, ""),
			".search": n.must(200, "POST", "/Users/.search", string(request)),
			"PUT":     n.must(200, "PUT", "/Users/"+id+query, body),
			"PATCH":   n.must(200, "PATCH", "/Users/"+id+query, patchOf(`[{"op":"replace","path":"title","value":"x"}]`)),
		} {
			if got := shown(t, a, id); got != want {
				t.Errorf("%s with %s shows\n%s, want\n%s", what, params, got, want)
			}
		}
	}
	for query, want := range map[string]string{
		"attributes=URN:example:Shoes:SIZE": `{"urn:example:shoes":{"size":42}}`,
		"excludedAttributes=meta,groups,title,active,name,emails,URN:example:shoes:Size," + enterprise: `{"urn:example:shoes":{},"userName":"ada"}`,
		"attributes=title&attributes=userName":                                                         `{"title":"x","userName":"ada"}`,
		"excludedAttributes=meta,groups,title,active&excludedAttributes=name,emails":                   `{"urn:example:shoes":{"size":42},"` + enterprise + `":{"department":"E","employeeNumber":"1"},"userName":"ada"}`,
		"excludedAttributes=URN:ietf:params:scim:schemas:core:2.0:user":                                `{"urn:example:shoes":{"size":42},"` + enterprise + `":{"department":"E","employeeNumber":"1"}}`,
	} {
		if got := shown(t, n.must(200, "GET", "/Users/"+id+"?"+query, ""), id); got != want {
			t.Errorf("%s shows %s, want %s", query, got, want)
		}
	}
	core := n.must(200, "GET", "/Users/"+id+"?attributes=urn:ietf:params:scim:schemas:core:2.0:User", "")
	for _, name := range []string{"userName", "title", "emails", "active", "groups", "meta"} {
		if !strings.Contains(core.body, `"`+name+`":`) {
			t.Errorf("the core attributes lack %s: %s", name, core.body)
		}
	}
	if strings.Contains(core.body, "department") || strings.Contains(core.body, "size") {
		t.Errorf("the core attributes are %s", core.body)
	}
	n.must(400, "GET", "/Users?attributes=&attributes=id&excludedAttributes=&excludedAttributes=title", "")
	if got := shown(t, n.must(201, "POST", "/Users?attributes=userName", `{"userName":"eve","title":"y"}`), ""); got != `{"userName":"eve"}` {
		t.Errorf("POST shows %s", got)
	}
	if got := shown(t, n.must(200, "GET", "/Groups/"+group+"?attributes=displayName", ""), group); got != `{"displayName":"G"}` {
		t.Errorf("a group shows %s", got)
	}
	if got := shown(t, n.must(200, "PATCH", "/Groups/"+group+"?attributes=members.value", patchOf(`[{"op":"replace","path":"displayName","value":"H"}]`)), group); got != fmt.Sprintf(`{"members":[{"value":%q}]}`, id) {
		t.Errorf("a group that is changed shows %s", got)
	}
}

// shown is the one resource of an answer without id and schemas, which must be there.
func shown(t *testing.T, a answer, id string) string {
	t.Helper()
	var resource map[string]any
	if err := json.Unmarshal([]byte(a.body), &resource); err != nil {
		t.Fatal(err)
	}
	if list, is := resource["Resources"].([]any); is {
		if len(list) != 1 {
			t.Fatalf("%d resources", len(list))
		}
		resource = list[0].(map[string]any)
	}
	if resource["schemas"] == nil || resource["id"] == nil || id != "" && resource["id"] != id {
		t.Errorf("without id or schemas: %v", slices.Sorted(maps.Keys(resource)))
	}
	delete(resource, "id")
	delete(resource, "schemas")
	text, err := json.Marshal(resource)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSchemasNameEachExtension: schemas has the name of each extension as it stands in the resource, whatever is in it.
func TestSchemasNameEachExtension(t *testing.T) {
	n := newWorld(t).tenant("Acme", domain.CustomSCIM)
	const urn = "urn:x:a\"b\\c\n<ä>:2.0:User"
	body, err := json.Marshal(map[string]any{"userName": "ada", urn: map[string]any{"urn:inner": 1}})
	if err != nil {
		t.Fatal(err)
	}
	var user struct {
		Schemas []string
	}
	made := n.must(201, "POST", "/Users", string(body))
	if err := json.Unmarshal([]byte(made.body), &user); err != nil {
		t.Fatal(err)
	}
	if want := []string{domain.UserType.Core.ID, urn}; !slices.Equal(user.Schemas, want) {
		t.Errorf("%q, want %q", user.Schemas, want)
	}
}
