package scim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
)

func readBulkText(t *testing.T, body string) bulk {
	t.Helper()
	object, err := domain.ReadObject([]byte(body), maxDepth+bulkDepth)
	if err != nil {
		t.Fatal(err)
	}
	b, err := readBulk(object, maxOperations)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// posts writes operations, each a bulkId and those that it refers to: "a b c" is a, which needs b and c.
func posts(t *testing.T, lines ...string) []operation {
	t.Helper()
	var list []string
	for _, line := range lines {
		names := strings.Fields(line)
		var members []string
		for _, name := range names[1:] {
			members = append(members, fmt.Sprintf(`{"value":"bulkId:%s"}`, name))
		}
		list = append(list, fmt.Sprintf(`{"method":"POST","path":"/Groups","bulkId":%q,"data":{"members":[%s]}}`, names[0], strings.Join(members, ",")))
	}
	return readBulkText(t, `{"Operations":[`+strings.Join(list, ",")+`]}`).operations
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name       string
		operations []string
		order      string
		wrong      string // those that can never be run
	}{
		{"as they stand", []string{"a", "b", "c"}, "a b c", ""},
		{"after what they need", []string{"a c", "b a", "c"}, "c a b", ""},
		{"what is needed twice is run once", []string{"a c d", "b c", "c d", "d"}, "d c a b", ""},
		{"itself", []string{"a a", "b"}, "a b", "a"},
		{"each other", []string{"a b", "b a", "c"}, "a b c", "a b"},
		{"who needs a circle is in none", []string{"a b", "b c", "c b", "d a"}, "b c a d", "b c"},
		{"between two circles is in none", []string{"a b", "b a", "c a", "d c e", "e d"}, "a b c d e", "a b d e"},
		{"unknown", []string{"a x", "b a"}, "a b", "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			operations := posts(t, c.operations...)
			p := planOf(operations)
			var order, wrong []string
			for _, i := range p.order {
				order = append(order, operations[i].bulkID)
			}
			for i, err := range p.wrong {
				if err != nil {
					wrong = append(wrong, operations[i].bulkID)
				}
			}
			if got := strings.Join(order, " "); got != c.order {
				t.Errorf("order %s, want %s", got, c.order)
			}
			if got := strings.Join(wrong, " "); got != c.wrong {
				t.Errorf("refused %s, want %s", got, c.wrong)
			}
		})
	}
}

// TestPlanOfALongChain is the deepest that a request may be, and one with very many references.
func TestPlanOfALongChain(t *testing.T) {
	var chain, all []string
	names := make([]string, maxOperations)
	for i := range names {
		names[i] = fmt.Sprint("n", i)
	}
	for i, name := range names {
		if i+1 < len(names) {
			chain = append(chain, name+" "+names[i+1])
		} else {
			chain = append(chain, name)
		}
		if i < 300 {
			all = append(all, name+" "+strings.Join(names[:300], " "))
		}
	}
	p := planOf(posts(t, chain...))
	for i, at := range p.order {
		if at != maxOperations-1-i || p.wrong[at] != nil {
			t.Fatalf("operation %d stands at %d: %v", at, i, p.wrong[at])
		}
	}
	if p := planOf(posts(t, all...)); slices.Contains(p.wrong, nil) {
		t.Error("a circle was let through")
	}
}

func TestResolve(t *testing.T) {
	const users = `"method":"PATCH","path":"/Users/x","data":`
	for _, c := range []struct{ operation, references, want string }{
		{users + `{"a":"bulkId:u","b":["bulkId:v",{"c":"bulkId:u"}]}`, "u v", `{"a":"<u>","b":["<v>",{"c":"<u>"}]}`},
		{users + `{"$ref":"https://h/scim/v2/d/Users/bulkId:u"}`, "u", `{"$ref":"https://h/scim/v2/d/Users/<u>"}`},
		{users + `{"$REF":"../Users/bulkId:u"}`, "u", `{"$REF":"../Users/<u>"}`},
		{users + `{"Operations":[{"op":"remove","path":"members[value eq \"bulkId:u\" or value eq \"bulkId:v\"]"}]}`, "u v", `{"Operations":[{"op":"remove","path":"members[value eq \"<u>\" or value eq \"<v>\"]"}]}`},
		{users + `{"title":"as bulkId:u says","n":1,"b":true,"z":null,"$ref":"bulkId"}`, "", `{"$ref":"bulkId","b":true,"n":1,"title":"as bulkId:u says","z":null}`},
		{users + `{"bulkId:u":"x"}`, "", `{"bulkId:u":"x"}`},
		{users + `{"a":"bulkId:"}`, "", `{"a":"<>"}`},
	} {
		o := readBulkText(t, `{"Operations":[{`+c.operation+`}]}`).operations[0]
		if got := strings.TrimSpace(strings.Join(o.references(), " ")); got != c.references {
			t.Errorf("%s refers to %q, want %q", c.operation, got, c.references)
		}
		o.resolve(func(bulkID string) string { return "<" + bulkID + ">" })
		got, err := encode(o.data)
		if err != nil || string(got) != c.want {
			t.Errorf("%s became %s, want %s", c.operation, got, c.want)
		}
	}
	o := readBulkText(t, `{"Operations":[{"method":"delete","path":"Users/bulkId%3Au"}]}`).operations[0]
	o.resolve(func(bulkID string) string { return "<" + bulkID + ">" })
	if o.id != "<u>" || o.wrong != nil {
		t.Errorf("the path names %q: %v", o.id, o.wrong)
	}
}

// FuzzPlan: whatever is sent, every operation is run once at most, none before what it needs, those refused are just those that go in a
// circle or name nothing, and no reference is left when all are resolved.
func FuzzPlan(f *testing.F) {
	f.Add([]byte(`{"failOnErrors":1,"Operations":[{"method":"POST","path":"/Groups","bulkId":"a","data":{"members":[{"value":"bulkId:b"}]}},{"method":"POST","path":"/Users","bulkId":"b","version":"W/\"1\"","data":{}}]}`))
	f.Add([]byte(`{"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{"x":"bulkId:a"}},{"method":"PATCH","path":"/Users/bulkId:a","data":{"path":"a[b eq \"bulkId:a\"]","$ref":"x/bulkId:c"}}]}`))
	f.Add([]byte(`{"operations":[1,null,{"method":"put"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		object, err := domain.ReadObject(body, maxDepth+bulkDepth)
		if err != nil {
			return
		}
		b, err := readBulk(object, 8)
		if err != nil {
			return
		}
		p := planOf(b.operations)
		if got := slices.Sorted(slices.Values(p.order)); !slices.Equal(got, indexes(len(b.operations))) {
			t.Fatalf("the order is %v", p.order)
		}
		for at, i := range p.order {
			reaches := reach(p.needs, i)
			unknown := len(p.needs[i]) < len(b.operations[i].references())
			if (p.wrong[i] != nil) != (reaches[i] || unknown) {
				t.Errorf("operation %d is refused (%v), though it reaches %v", i, p.wrong[i], reaches)
			}
			for _, needed := range p.needs[i] {
				if !reaches[i] && slices.Index(p.order, needed) > at {
					t.Errorf("operation %d comes before %d, which it needs", i, needed)
				}
			}
		}
		for i := range b.operations {
			o := &b.operations[i]
			o.resolve(func(string) string { return "id" })
			if left := o.references(); len(left) > 0 {
				data, _ := json.Marshal(o.data)
				t.Errorf("references are left: %q in %s", left, data)
			}
		}
	})
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// reach is which operations one needs, through others too.
func reach(needs [][]int, from int) map[int]bool {
	seen := map[int]bool{}
	for next := needs[from]; len(next) > 0; {
		var more []int
		for _, i := range next {
			if !seen[i] {
				seen[i] = true
				more = append(more, needs[i]...)
			}
		}
		next = more
	}
	return seen
}
