package domain

import (
	"fmt"
	"testing"
)

func BenchmarkPatchActive(b *testing.B) {
	ada := tree(b, `{"userName":"ada","active":true,"name":{"givenName":"Ada","familyName":"L"},"emails":[{"value":"a@x","type":"work","primary":true}],`+enterprise+`:{"department":"D"}}`)
	list := operations(b, `[{"op":"replace","value":{"active":false}}]`)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := UserType.Patch(ada, list); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlanMembers(b *testing.B) {
	var members []any
	for i := range 100_000 {
		members = append(members, map[string]any{"value": fmt.Sprintf("018f0000-0000-7000-8000-%012d", i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		plan, err := PlanMembers(members)
		if err != nil || len(plan.Delta(nil).Added) != len(members) {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseFilter(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := UserType.ParseFilter(`userName eq "ada@example.com"`); err != nil {
			b.Fatal(err)
		}
	}
}
