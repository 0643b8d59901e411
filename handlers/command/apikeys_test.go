package command_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// by is the caller of what an API key asks.
func by(key string) command.Caller {
	return command.Caller{Actor: "apikey:" + key, Source: domain.SourceAPI, Request: "r1"}
}

// key makes an API key for all organizations, and answers its id.
func (w *world) key(c command.Caller) string {
	w.Helper()
	k, _, err := w.commands.CreateAPIKey(w.Context(), c, "key", domain.Permissions, projections.Organization{})
	w.must(err)
	return k.ID
}

// apiKeys are the ids of the keys that there are, of those below one only unless that is "".
func (w *world) apiKeys(ancestor string) (ids []string) {
	w.Helper()
	found, total, err := w.read.APIKeys(w.Context(), "", ancestor, 1, 100)
	w.must(err)
	for _, k := range found {
		ids = append(ids, k.ID)
	}
	if total != len(ids) {
		w.Errorf("%d keys of %d", len(ids), total)
	}
	return ids
}

func (w *world) hasKeys(ancestor string, want ...string) {
	w.Helper()
	if got := w.apiKeys(ancestor); !slices.Equal(got, want) {
		w.Errorf("below %q are %q, not %q", ancestor, got, want)
	}
}

// TestDescendantsEndWithTheirKey, of any degree, and nobody else does.
func TestDescendantsEndWithTheirKey(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		root := w.key(caller)
		stolen, other := w.key(by(root)), w.key(by(root))
		made := w.key(by(stolen))
		again := w.key(by(made))
		w.hasKeys("", root, stolen, other, made, again)
		w.hasKeys(stolen, made, again)
		if k, err := w.read.APIKey(t.Context(), made); err != nil || k.CreatedBy != stolen {
			t.Errorf("%+v, %v", k, err)
		}
		w.must(w.commands.DeleteAPIKey(t.Context(), caller, stolen, true))
		w.hasKeys("", root, other)
		late := w.key(by(again)) // asked for before, and written after
		if _, err := w.read.APIKey(t.Context(), late); !errors.Is(err, projections.ErrNotFound) {
			t.Errorf("a key that was made by one that is deleted: %v", err)
		}
	})
}

// TestKeptDescendantsHaveAnother above them: that nothing stands between leaves nobody out.
func TestKeptDescendantsHaveAnother(t *testing.T) {
	w := newWorld(t)
	root := w.key(caller)
	between := w.key(by(root))
	kept := w.key(by(between))
	below := w.key(by(kept))
	w.must(w.commands.DeleteAPIKey(t.Context(), caller, between, false))
	w.hasKeys("", root, kept, below)
	w.hasKeys(root, kept, below)
	if k, err := w.read.APIKey(t.Context(), kept); err != nil || k.CreatedBy != between {
		t.Errorf("%+v, %v", k, err)
	}
	w.must(w.commands.DeleteAPIKey(t.Context(), caller, root, true))
	w.hasKeys("")
}

// TestKeyThatMakesOthersWhileItIsDeleted leaves none behind, at whatever moment it is deleted.
func TestKeyThatMakesOthersWhileItIsDeleted(t *testing.T) {
	w := newWorld(t)
	root := w.key(caller)
	stolen := w.key(by(root))
	made := make(chan struct{})
	go func() {
		defer close(made)
		maker := stolen
		for range 30 {
			k, _, err := w.commands.CreateAPIKey(t.Context(), by(maker), "key", domain.Permissions, projections.Organization{})
			if err != nil {
				t.Errorf("make a key: %v", err)
				return
			}
			maker = k.ID
		}
	}()
	w.must(w.commands.DeleteAPIKey(t.Context(), by(root), stolen, true))
	<-made
	w.hasKeys("", root)
}

// TestKeysAreCounted: of one organization and of all, and one that is deleted makes room.
func TestKeysAreCounted(t *testing.T) {
	w := newWorld(t)
	acme := projections.Organization{ID: w.d.OrganizationID, Domain: w.d.Organization}
	results := make(chan error)
	for range domain.MaxAPIKeysOfOrganization + 5 {
		go func() {
			_, _, err := w.commands.CreateAPIKey(t.Context(), caller, "key", domain.Permissions, acme)
			results <- err
		}()
	}
	var refused int
	for range domain.MaxAPIKeysOfOrganization + 5 {
		if err := <-results; err != nil {
			if e := domain.Shown(err); e.Code != domain.Invalid || !strings.Contains(e.Message, fmt.Sprint(domain.MaxAPIKeysOfOrganization)) {
				t.Fatal(err)
			}
			refused++
		}
	}
	if refused != 5 {
		t.Errorf("%d are refused", refused)
	}
	w.key(caller) // for all organizations
	found, _, err := w.read.APIKeys(t.Context(), acme.ID, "", 1, 1)
	w.must(err)
	w.must(w.commands.DeleteAPIKey(t.Context(), caller, found[0].ID, true))
	if _, _, err := w.commands.CreateAPIKey(t.Context(), caller, "key", domain.Permissions, acme); err != nil {
		t.Error(err)
	}
}

// TestKeysOfAllAreCounted as the log has them, whoever wrote them.
func TestKeysOfAllAreCounted(t *testing.T) {
	w := newWorld(t)
	var writes []eventstore.Write
	for i := range domain.MaxAPIKeys {
		writes = append(writes, w.write(projections.KindAPIKey.Stream(fmt.Sprintf("k%05d", i)), eventstore.NoStream, domain.APIKeyCreated{Name: "key", Hash: "hash", Rights: domain.AllRights()}))
	}
	w.append(writes...)
	w.caughtUp()
	_, _, err := w.commands.CreateAPIKey(t.Context(), caller, "key", domain.Permissions, projections.Organization{})
	if e := domain.Shown(err); err == nil || e.Code != domain.Invalid || !strings.Contains(e.Message, fmt.Sprint(domain.MaxAPIKeys)) {
		t.Errorf("one more: %v", err)
	}
	w.must(w.commands.DeleteAPIKey(t.Context(), caller, "k00000", true))
	w.key(caller)
}

// TestPresetOfAKeyThatWentWithAnother is refused, rather than let nobody in.
func TestPresetOfAKeyThatWentWithAnother(t *testing.T) {
	w := newWorld(t)
	root := w.key(caller)
	_, token, err := w.commands.CreateAPIKey(t.Context(), by(root), "key", domain.Permissions, projections.Organization{})
	w.must(err)
	id, secret, _ := strings.Cut(token, ".")
	w.must(w.commands.PresetAPIKey(t.Context(), caller, "preset", id, secret))
	w.must(w.commands.DeleteAPIKey(t.Context(), caller, root, true))
	if err := w.commands.PresetAPIKey(t.Context(), caller, "preset", id, secret); err == nil || domain.Shown(err).Code != domain.Conflict {
		t.Error(err)
	}
}
