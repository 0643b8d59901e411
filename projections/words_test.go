package projections_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/rollcall-sync/rollcall/domain"
)

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// words are values with what is hard in them: case, composition, wildcards, quotes, escapes.
var words = []string{
	"Ada", "ada", "ADA", "Zoë", "Zoe\u0308", "ZOË", "straße", "STRASSE", "İstanbul", "ﬁn", "100%", "a_b", "a%b", "it's", `say "hi"`, `back\slash`, `\`, "", " ",
	"O'Brien; DROP TABLE users--", "日本語", "日本", "🙂", "a\tb", "line\nbreak", "<b>&amp;", "2", "true", "null", "\U0010FFFF", "ab\U0010FFFF", "ab\U0010FFFFc", "ab",
}

func (l *life) word() string { return pick(l.Rand, words...) + pick(l.Rand, "", "", "x", "Ö") }

func (l *life) some(a map[string]any, name string, value any) {
	if l.IntN(2) == 0 {
		a[name] = value
	}
}

func (l *life) values(types ...string) []any {
	out := []any{}
	for i, n := 0, l.IntN(3); i <= n; i++ {
		v := map[string]any{}
		l.some(v, "value", l.word())
		l.some(v, "type", pick(l.Rand, types...))
		l.some(v, "display", l.word())
		l.some(v, "primary", l.IntN(2) == 0)
		out = append(out, v)
	}
	return out
}

// attributes are those of a user, as a client may send them.
func (l *life) attributes() domain.Attributes {
	l.names++
	raw := map[string]any{"userName": pick(l.Rand, "User", "user", "Ü", "a b ", "1") + fmt.Sprint(l.names) + pick(l.Rand, "", "@Acme.test", " Straße")}
	l.some(raw, "externalId", pick(l.Rand, "00u1", "00U1", "x", ""))
	l.some(raw, "active", pick[any](l.Rand, true, false, "False"))
	for _, name := range []string{"displayName", "title", "nickName", "profileUrl", "locale"} {
		l.some(raw, name, l.word())
	}
	l.some(raw, "name", map[string]any{"givenName": l.word(), "familyName": l.word()})
	l.some(raw, "emails", l.values("work", "Work", "home"))
	l.some(raw, "phoneNumbers", l.values("mobile", "work"))
	certificates := l.values("work")
	for _, v := range certificates {
		v.(map[string]any)["value"] = base64.StdEncoding.EncodeToString([]byte(l.word()))
	}
	l.some(raw, "x509Certificates", certificates)
	l.some(raw, "addresses", []any{map[string]any{"locality": l.word(), "type": "work"}})
	l.some(raw, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", map[string]any{
		"employeeNumber": pick[any](l.Rand, "701984", json.Number("7")), "manager": map[string]any{"value": l.word(), "$ref": "../Users/1"}, "badge": pick[any](l.Rand, "b1", json.Number("3")),
	})
	odd := map[string]any{}
	for _, name := range oddNames {
		l.some(odd, name, pick[any](l.Rand, l.word(), json.Number("2"), json.Number("2.5"), json.Number("-1e3"), json.Number("9007199254740993"), json.Number("9007199254740992"),
			true, false, []any{l.word(), nil, json.Number("2"), true}, map[string]any{"deep": l.word(), "er": json.Number("2")}, []any{map[string]any{"deep": "x"}}))
	}
	l.some(raw, pick(l.Rand, "urn:odd:Things:1", "URN:odd:things:1"), odd)
	a, err := domain.UserType.Canonical(raw)
	l.must(err)
	return a
}

// oddNames are attributes of an extension that Rollcall does not know.
var oddNames = []string{"plain", "it's", `back\slash`, "per%cent", "$", "under_score", "semi;--", "Zoë", "a+b", "🙂", "<", "'", `\u0041`, "{}"}
