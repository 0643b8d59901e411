package domain

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// drawn writes a filter with all its brackets, so that a test sees what binds to what.
func drawn(f Filter) string {
	switch f := f.(type) {
	case And:
		return "(" + drawn(f.Left) + " and " + drawn(f.Right) + ")"
	case Or:
		return "(" + drawn(f.Left) + " or " + drawn(f.Right) + ")"
	case Not:
		inner := drawn(f.Filter)
		if !strings.HasPrefix(inner, "(") {
			inner = "(" + inner + ")"
		}
		return "not " + inner
	case Has:
		return PathName(f.Ref.Path) + "[" + drawn(f.Filter) + "]"
	case Compare:
		s := PathName(f.Ref.Path) + " " + string(f.Op)
		switch v := f.Value.(type) {
		case time.Time:
			return s + " " + text(v.Format(time.RFC3339Nano))
		case json.Number:
			return s + " " + v.String()
		case nil:
			if f.Op == Present {
				return s
			}
		}
		return s + " " + text(f.Value)
	}
	return fmt.Sprintf("%#v", f)
}

// Proves RFC 7644 §3.4.2.2.
func TestParseFilter(t *testing.T) {
	const manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"
	for _, c := range []struct{ in, want string }{
		// operators
		{`userName eq "ada"`, `userName eq "ada"`},
		{`userName ne "ada"`, `userName ne "ada"`},
		{`userName co "ada"`, `userName co "ada"`},
		{`userName sw "ada"`, `userName sw "ada"`},
		{`userName ew "ada"`, `userName ew "ada"`},
		{`userName pr`, `userName pr`},
		{`userName gt "ada"`, `userName gt "ada"`},
		{`userName ge "ada"`, `userName ge "ada"`},
		{`userName lt "ada"`, `userName lt "ada"`},
		{`userName le "ada"`, `userName le "ada"`},
		{`USERNAME EQ "Ada"`, `userName eq "Ada"`},
		{" \tuserName\t eq  \"ada\" ", `userName eq "ada"`},
		{`userName eq"ada"`, `userName eq "ada"`},
		// precedence
		{`title pr or userName pr and active eq true`, `(title pr or (userName pr and active eq true))`},
		{`title pr and userName pr or active eq true`, `((title pr and userName pr) or active eq true)`},
		{`(title pr or userName pr) and active eq true`, `((title pr or userName pr) and active eq true)`},
		{`title pr and title pr and title pr`, `((title pr and title pr) and title pr)`},
		{`title pr or title pr or title pr`, `((title pr or title pr) or title pr)`},
		{`not (title pr) and userName pr`, `(not (title pr) and userName pr)`},
		{`not(title pr or userName pr)`, `not (title pr or userName pr)`},
		{`NOT (title pr) AND NOT (title pr) OR title pr`, `((not (title pr) and not (title pr)) or title pr)`},
		{`(title pr)and(title pr)`, `(title pr and title pr)`},
		{`((title pr))`, `title pr`},
		{`title eq "a"or title eq "b"`, `(title eq "a" or title eq "b")`},
		// values
		{`title eq "a\"b\\c\u00e9\n"`, `title eq "a\"b\\cé\n"`},
		{`title eq ") or (title pr"`, `title eq ") or (title pr"`},
		{`title eq "\ud83d\ude00"`, `title eq "😀"`},
		{`title eq ""`, `title eq ""`},
		{`title eq null`, `title eq null`},
		{`title ne NULL`, `title ne null`},
		{`active eq true`, `active eq true`},
		{`active ne FALSE`, `active ne false`},
		{`active eq "True"`, `active eq true`},
		{`active eq "false"`, `active eq false`},
		{`employeeNumber eq 701984`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "701984"`},
		{`meta.lastModified gt "2026-01-31T12:00:00+01:00"`, `meta.lastModified gt "2026-01-31T11:00:00Z"`},
		{`meta.created le "2026-01-31T12:00:00.123Z"`, `meta.created le "2026-01-31T12:00:00.123Z"`},
		{`x509Certificates.value eq "MII="`, `x509Certificates.value eq "MII="`},
		// names
		{`name.familyName eq "x"`, `name.familyName eq "x"`},
		{`NAME.FAMILYNAME eq "x"`, `name.familyName eq "x"`},
		{`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "x"`, `userName eq "x"`},
		{`URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:NAME.FAMILYNAME eq "x"`, `name.familyName eq "x"`},
		{`urn:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:User:department eq "x"`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "x"`},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager eq "x"`, manager + ` eq "x"`},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "x"`, manager + ` eq "x"`},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:badge eq 7`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:badge eq 7`},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr`},
		{`urn:example:ext:2.0:User:tag eq 1.5e3`, `urn:example:ext:2.0:User:tag eq 1.5e3`},
		{`urn:example:ext:2.0:User:box.size pr`, `urn:example:ext:2.0:User:box.size pr`},
		// what Entra asks
		{`id eq "X" and manager eq "Y"`, `(id eq "X" and ` + manager + ` eq "Y")`},
		{`emails[type eq "work"].value eq "x"`, `emails[(type eq "work" and value eq "x")]`},
		{`emails[type eq "work" or primary eq true].value eq "x" and active eq true`, `(emails[((type eq "work" or primary eq true) and value eq "x")] and active eq true)`},
		{`emails eq "x"`, `emails.value eq "x"`},
		// brackets: names are those of sub-attributes
		{`emails[value eq "x" and type eq "work"]`, `emails[(value eq "x" and type eq "work")]`},
		{`emails[not (type eq "work")]`, `emails[not (type eq "work")]`},
		{`emails[ (type eq "work" ) ] or title pr`, `(emails[type eq "work"] or title pr)`},
		{`addresses[postalCode eq 3000]`, `addresses[postalCode eq "3000"]`},
		{`emails pr`, `emails pr`},
		{`addresses pr`, `addresses pr`},
		{`groups eq "g"`, `groups.value eq "g"`},
		{`schemas eq "urn:x:y"`, `schemas eq "urn:x:y"`},
	} {
		f, err := UserType.ParseFilter(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
		} else if got := drawn(f); got != c.want {
			t.Errorf("%s\nis   %s\nwant %s", c.in, got, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{`id eq "X" and members eq "Y"`, `(id eq "X" and members.value eq "Y")`},
		{`members[value eq "Y"]`, `members[value eq "Y"]`},
		{`displayName eq "Staff"`, `displayName eq "Staff"`},
	} {
		if f, err := GroupType.ParseFilter(c.in); err != nil || drawn(f) != c.want {
			t.Errorf("%s: %s, %v", c.in, drawn(f), err)
		}
	}
}

func TestParseFilterRefuses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "title pr" + strings.Repeat(")", n) }
	wide := func(n int) string { return "title pr" + strings.Repeat(" or title pr", n-1) }
	for _, in := range []string{deep(MaxFilterDepth - 1), wide(MaxFilterTerms), `title eq "` + strings.Repeat("x", MaxFilterLength-11) + `"`} {
		if _, err := UserType.ParseFilter(in); err != nil {
			t.Errorf("%.20s… of %d bytes: %v", in, len(in), err)
		}
	}
	for _, c := range []struct {
		in string
		at int // the character that the message names; 0 for none
	}{
		{``, 1},
		{`   `, 4},
		{`title`, 6},
		{`title zz "x"`, 7},
		{`title eq`, 9},
		{`title eq x`, 10},
		{`title eq 'x'`, 10},
		{`title eq {}`, 10},
		{`title eq 1x`, 10},
		{`title eq "x`, 10},
		{`title eq "\x"`, 10},
		{`title eq "x" y`, 14},
		{`title pr)`, 9},
		{`(title pr`, 10},
		{`title pr and`, 13},
		{`title pr or or title pr`, 13},
		{`not title pr`, 5},
		{`not (title pr`, 14},
		{`and title pr`, 1},
		{`shoe eq "x"`, 1},
		{`title eq "é" and shoe eq "x"`, 18},
		{`name.shoe eq "x"`, 1},
		{`name eq "x"`, 6},
		{`addresses eq "x"`, 11},
		{`title[value eq "x"]`, 6},
		{`name[givenName eq "x"]`, 5},
		{`emails.value[value eq "x"]`, 13},
		{`urn:example:ext:a[value eq "x"]`, 18},
		{`emails[type eq "work"`, 22},
		{`emails[]`, 8},
		{`emails[userName eq "x"]`, 8},
		{`emails[type eq "work"].shoe eq "x"`, 24},
		{`emails[type eq "work"]. eq "x"`, 25},
		{`emails[type eq "work"] .value eq "x"`, 24},
		{`emails[emails[type eq "x"]]`, 8},
		{`emails[type[value eq "x"]]`, 12},
		{`urn:x eq "y"`, 1},
		{`urn:ietf:params:scim:schemas:core:2.0:User pr`, 1},
		// the type
		{`active eq "maybe"`, 11},
		{`active eq 2`, 11}, {`active eq ""`, 11},
		{`active gt true`, 11},
		{`active co true`, 11},
		{`title eq true`, 10},
		{`title gt null`, 10},
		{`meta.created eq "yesterday"`, 17},
		{`meta.created sw "2026-01-31T12:00:00Z"`, 17},
		{`meta.created eq 5`, 17},
		{`x509Certificates.value gt "MII="`, 27},
		// what is never returned is never compared: no oracle
		{`password eq "s3"`, 1},
		{`password pr`, 1},
		{`PassWord sw "s"`, 1},
		{`pa\u017f\u017fword sw "s"`, 1},
		{`urn:ietf:params:scim:schemas:core:2.0:User:password sw "s"`, 1},
		{`title pr or not (password sw "s")`, 18},
		// limits
		{deep(MaxFilterDepth), MaxFilterDepth + 1},
		{wide(MaxFilterTerms + 1), 12*MaxFilterTerms + 1},
		{`title eq "` + strings.Repeat("x", MaxFilterLength) + `"`, 0},
	} {
		in := strings.ReplaceAll(c.in, `pa\u017f\u017fword`, "pa\u017f\u017fword")
		f, err := UserType.ParseFilter(in)
		if refusal(err) != "invalid invalidFilter" {
			t.Errorf("%s: %s, %v", in, drawn(f), err)
			continue
		}
		if where := fmt.Sprintf("at character %d:", c.at); c.at > 0 && !strings.Contains(err.Error(), where) {
			t.Errorf("%.99s: %v, want it %s", in, err, where)
		}
	}
}

func TestMatches(t *testing.T) {
	const work = `{"value":"Ada@Example.com","type":"work","primary":true}`
	const bare = `{"value":"ada@home"}`
	for _, c := range []struct {
		filter     string
		work, bare bool
	}{
		{`value eq "ada@example.COM"`, true, false},
		{`value ne "ada@example.com"`, false, true},
		{`value co "EXAMPLE"`, true, false},
		{`value sw "ada"`, true, true},
		{`value ew ".com"`, true, false},
		{`value gt "ada@f"`, false, true},
		{`value ge "ada@home"`, false, true},
		{`value lt "ada@home"`, true, false},
		{`value le "ada@home"`, true, true},
		{`type pr`, true, false},
		{`not (type pr)`, false, true},
		{`type eq null`, false, true},
		{`type ne null`, true, false},
		{`type eq "work"`, true, false},
		{`type ne "work"`, false, true},
		{`type co "o"`, true, false},
		{`type lt "z"`, true, false},
		{`primary eq true`, true, false},
		{`primary eq false`, false, true},
		{`primary ne true`, false, true},
		{`primary ne false`, true, false},
		{`type eq "work" and primary eq true`, true, false},
		{`type eq "work" or value sw "ada@h"`, true, true},
		{`type eq "home" or type eq "other"`, false, false},
	} {
		target, known, err := UserType.ParsePath("emails[" + c.filter + "]")
		if err != nil || !known {
			t.Errorf("%s: %v", c.filter, err)
			continue
		}
		if Matches(target.Filter, tree(t, work)) != c.work || Matches(target.Filter, tree(t, bare)) != c.bare {
			t.Errorf("%s: of work %v, of the bare one %v", c.filter, !c.work, !c.bare)
		}
	}
	exact := Compare{Ref: Ref{Path: []string{"value"}, Attribute: membersAttribute.sub("value")}, Op: Equal, Value: "Ab"}
	if !Matches(exact, map[string]any{"value": "Ab"}) || Matches(exact, map[string]any{"value": "ab"}) {
		t.Error("an exact attribute is compared without regard to case, or not at all")
	}
	odd := map[string]any{"value": json.Number("5")}
	if Matches(Compare{Ref: exact.Ref, Op: GreaterOrEqual, Value: "5"}, odd) || !Matches(Compare{Ref: exact.Ref, Op: NotEqual, Value: "5"}, odd) {
		t.Error("a value of another type is greater or equal")
	}
	if Matches(Has{}, odd) || Matches(nil, odd) {
		t.Error("brackets within brackets match")
	}
}
