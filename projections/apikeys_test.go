package projections_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// TestLinesOfKeysEnd with the last key that lives on them, so that who makes and deletes keys leaves nothing behind; until then they lead to it.
func TestLinesOfKeysEnd(t *testing.T) {
	w := newWorld(t)
	var made []string
	key := func(maker string, o projections.Organization) string {
		t.Helper()
		by := system
		if maker != "" {
			by = command.Caller{Actor: "apikey:" + maker, Source: domain.SourceAPI}
		}
		k, _, err := w.commands.CreateAPIKey(t.Context(), by, "key", domain.Permissions, o)
		w.must(err)
		made = append(made, k.ID)
		return k.ID
	}
	remove := func(id string, descendants bool) {
		t.Helper()
		w.must(w.commands.DeleteAPIKey(t.Context(), system, id, descendants))
	}
	holds := func(want ...string) {
		t.Helper()
		tables := w.read.Tables(t)
		for _, id := range made {
			if kept := strings.Contains(tables, id); kept != slices.Contains(want, id) {
				t.Errorf("that the model holds %s of %q is %t", id, made, kept)
			}
		}
	}
	all := projections.Organization{}
	root := key("", all)
	first := key(root, all)
	second := key(first, all)
	left, right := key(second, all), key(second, all)
	remove(first, false)
	remove(second, false)
	holds(root, first, second, left, right)
	remove(left, true)
	holds(root, first, second, right)
	remove(right, false)
	holds(root)
	first = key(root, all)
	second = key(first, all)
	key(second, all)
	remove(second, false)
	remove(first, true)
	holds(root)
	acme, err := w.commands.CreateOrganization(t.Context(), system, "Acme")
	w.must(err)
	key(key(root, acme), acme)
	w.must(w.commands.DeleteOrganization(t.Context(), system, acme.ID))
	holds(root)
}
