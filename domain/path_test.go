package domain

import (
	"slices"
	"strings"
	"testing"
)

// Proves RFC 7644 §3.10.
func TestParsePath(t *testing.T) {
	ent := EnterpriseUserURN
	for _, c := range []struct {
		in       string
		path     []string
		filter   string
		selected string
	}{
		{"userName", []string{"userName"}, "", ""},
		{"USERNAME", []string{"userName"}, "", ""},
		{"name.familyName", []string{"name", "familyName"}, "", ""},
		{"emails.value", []string{"emails", "value"}, "", ""},
		{UserURN + ":name.familyName", []string{"name", "familyName"}, "", ""},
		{strings.ToUpper(UserURN) + ".userName", []string{"userName"}, "", ""},
		{`emails[type eq "work"]`, []string{"emails"}, `type eq "work"`, ""},
		{`emails[type eq "work"].value`, []string{"emails"}, `type eq "work"`, "value"},
		{` emails [ type eq "a]b" ].VALUE `, []string{"emails"}, `type eq "a]b"`, "value"},
		{UserURN + `:emails[type eq "work" and (value pr)].display`, []string{"emails"}, `(type eq "work" and value pr)`, "display"},
		{ent, []string{ent}, "", ""},
		{strings.ToUpper(ent), []string{ent}, "", ""},
		{ent + ":department", []string{ent, "department"}, "", ""},
		{ent + ".department", []string{ent, "department"}, "", ""},
		{ent + ":MANAGER.VALUE", []string{ent, "manager", "value"}, "", ""},
		{ent + ":shoe.size", []string{ent, "shoe.size"}, "", ""},
		{"manager", []string{ent, "manager"}, "", ""},
		{"Manager.displayname", []string{ent, "manager", "displayName"}, "", ""},
		{"department", []string{ent, "department"}, "", ""},
		{"urn:a:b:c", []string{"urn:a:b", "c"}, "", ""},
		{"urn:a:b:2.0:User:c.d.e", []string{"urn:a:b:2.0:User", "c", "d.e"}, "", ""},
		{"urn:a:.x", []string{"urn:a", ".x"}, "", ""},
	} {
		target, known, err := UserType.ParsePath(c.in)
		if err != nil || !known {
			t.Errorf("%s: known %v, %v", c.in, known, err)
			continue
		}
		filter, selected := "", ""
		if target.Filter != nil {
			filter = drawn(target.Filter)
		}
		if target.Selected != nil {
			selected = target.Selected.Name
		}
		if !slices.Equal(target.Path, c.path) || filter != c.filter || selected != c.selected {
			t.Errorf("%s: %q [%s] .%s", c.in, target.Path, filter, selected)
		}
	}
	for _, in := range []string{"shoe", "name.shoe", "manager.shoe", "shoe.size", `shoe[size eq 1].x`, `emails[value pr].shoe`, "urn:x", "urn:x:", "urn:", UserURN, UserURN + ":shoe", "name.", ".", "."} {
		if target, known, err := UserType.ParsePath(in); err != nil || known {
			t.Errorf("%s: %q, known %v, %v", in, target.Path, known, err)
		}
	}
	for in, reason := range map[string]string{
		"":                       "invalidPath at character 1:",
		" ":                      "invalidPath at character 2:",
		"[value pr]":             "invalidPath at character 1:",
		"title x":                "invalidPath at character 7:",
		`title "x"`:              "invalidPath at character 7:",
		"emails[value pr]value":  "invalidPath at character 17:",
		"emails[value pr].":      "invalidPath at character 18:",
		"title[value pr]":        "invalidPath at character 6:",
		"name[givenName pr]":     "invalidPath at character 5:",
		"emails.value[value pr]": "invalidPath at character 13:",
		"urn:a:b:c[value pr]":    "invalidPath at character 10:",
		"emails[value pr":        "invalidFilter at character 16:",
		"emails[value zz 1]":     "invalidFilter at character 14:",
		"emails[shoe pr]":        "invalidFilter at character 8:",
		"emails[" + strings.Repeat("(", MaxFilterDepth) + "value pr" + strings.Repeat(")", MaxFilterDepth) + "]": "invalidFilter",
		strings.Repeat("x", MaxPathLength+1): "invalidPath",
	} {
		_, _, err := UserType.ParsePath(in)
		want, where, _ := strings.Cut(reason, " ")
		if refusal(err) != "invalid "+want || !strings.Contains(err.Error(), where) {
			t.Errorf("%s: %s: %v, want %s", in, refusal(err), err, reason)
		}
	}
}

// Paths that Resolve answers do not share memory: appending to one leaves the next as it is.
func TestResolveSharesNothing(t *testing.T) {
	one, _ := UserType.Resolve("department")
	_ = append(one.Path[:1], "x")
	if two, _ := UserType.Resolve("department"); two.Path[1] != "department" {
		t.Errorf("%q", two.Path)
	}
}

func TestPathName(t *testing.T) {
	for want, path := range map[string][]string{
		"userName":              {"userName"},
		"name.givenName":        {"name", "givenName"},
		"urn:x:y":               {"urn:x:y"},
		"urn:x:y:department":    {"urn:x:y", "department"},
		"urn:x:y:manager.value": {"urn:x:y", "manager", "value"},
		"URN:X:Y:manager.value": {"URN:X:Y", "manager", "value"},
		"":                      nil,
	} {
		if got := PathName(path); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
}
