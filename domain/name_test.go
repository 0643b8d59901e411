package domain

import "testing"

func TestClaim(t *testing.T) {
	var c Claim
	for _, step := range []struct {
		event Event
		owner string
	}{
		{NameClaimed{"user-1"}, "user-1"}, {NameReleased{}, ""}, {NameClaimed{"user-2"}, "user-2"}, {NameClaimed{"user-3"}, "user-3"},
	} {
		if c.Apply(step.event); c.Owner != step.owner {
			t.Errorf("after %#v the owner is %q", step.event, c.Owner)
		}
	}
}

// Proves RFC 7644 §5.
func TestNameKey(t *testing.T) {
	for _, c := range []struct {
		what string
		same []string // all with one key
	}{
		{"case", []string{"ada@example.com", "ADA@EXAMPLE.COM", "Ada@Example.com"}},
		{"full width", []string{"ada@x", "Ａｄａ＠ｘ"}},
		{"composed and decomposed", []string{"andr\u00e9", "andre\u0301", "ANDRE\u0301", "ANDR\u00c9"}},
		{"half-width katakana", []string{"カタカナ", "ｶﾀｶﾅ"}},
		{"Kelvin and Ångström signs", []string{"kå", "\u212a\u212b"}},
		{"long s", []string{"sam", "\u017fam", "SAM"}},
		{"long s in a phrase", []string{"sam smith", "\u017fam Smith"}},
		{"phrases in any case", []string{"Ada Lovelace", "ADA LOVELACE"}},
		{"phrases in full width", []string{"ada lovelace", "Ａｄａ　Ｌｏｖｅｌａｃｅ"}},
		{"phrases composed and decomposed", []string{"andr\u00e9 b", "ANDRE\u0301 B"}},
		{"spaces that are not U+0020", []string{"a b", "a\u00a0b", "a\u2003b"}},
		{"capital sigma", []string{"σοφια x", "ΣΟΦΙΑ X"}},
		{"an emoji with and without its selector", []string{"\u2764 team", "\u2764\ufe0f TEAM"}},
	} {
		want, err := NameKey(c.same[0])
		if err != nil {
			t.Errorf("%s: %q: %v", c.what, c.same[0], err)
		}
		for _, name := range c.same {
			if key, err := NameKey(name); err != nil || key != want {
				t.Errorf("%s: the key of %q is %q (%v), that of %q is %q", c.what, name, key, err, c.same[0], want)
			}
			if again, err := NameKey(want); err != nil || again != want {
				t.Errorf("%s: the key of the key %q is %q (%v)", c.what, want, again, err)
			}
		}
	}
	for _, c := range [][2]string{{"ada", "ada "}, {"a b", "ab"}, {"resume", "résumé"}, {"ada", "bob"}, {"o", "0"}} {
		one, _ := NameKey(c[0])
		if two, _ := NameKey(c[1]); one == two {
			t.Errorf("%q and %q are one name", c[0], c[1])
		}
	}
	for _, name := range []string{
		"a\x00b", "a\tb", "a\nb", "a\u007fb", "ada\u200b", "a\u200d b", "\u202eada", "ada\ufeff", "a\u00adb", "a\u2028b",
		"a\u034fb x", "\u3164", "a\xffb", "a\ufffdb", "a\U000e0041b",
	} {
		if key, err := NameKey(name); refusal(err) != "invalid invalidValue" {
			t.Errorf("%q has the key %q (%v), want a refusal", name, key, err)
		}
	}
}

func TestFoldKey(t *testing.T) {
	if a, b := FoldKey("ANDRE\u0301"), FoldKey("andr\u00e9"); a != b {
		t.Errorf("%q and %q", a, b)
	}
}
