package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/local"
)

// TestReplayShowsAWholeGroup replays a group that grew above what a webhook lists: each member that it had at a position
// is shown, in the order in which they came.
func TestReplayShowsAWholeGroup(t *testing.T) {
	const size = 250
	created := domain.GroupCreated{Directory: "d", Attributes: domain.Attributes{"displayName": "All"}}
	for i := range size {
		created.Members = append(created.Members, domain.Member{ID: fmt.Sprint("user-", i)})
	}
	left := domain.GroupMembersChanged{MembersDelta: domain.MembersDelta{Removed: created.Members[1:2], Added: []domain.Member{{ID: "inner", Type: "Group"}}}}
	write := eventstore.Write{Stream: "group-all"}
	for i, e := range []domain.Event{created, left} {
		name, data, err := domain.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		write.Entries = append(write.Entries, eventstore.Entry{ID: eventstore.ID{byte(i + 1)}, Type: name, Data: data, Meta: []byte(`{}`)})
	}
	folder := t.TempDir()
	log, err := local.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), write); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]struct{ second, last string }{"1": {"user-1", "user-249"}, "2": {"user-2", "inner"}} {
		code, out, errs := runIn(t, environment(), "replay", "group-all", "--data", folder, "--at", at)
		var shown struct {
			State struct {
				Members []struct{ Value, Type string }
			}
		}
		if err := json.Unmarshal([]byte(out), &shown); code != 0 || err != nil {
			t.Fatalf("status %d, %q, %q", code, out, errs)
		}
		members := shown.State.Members
		if len(members) != size || members[1].Value != want.second || members[size-1].Value != want.last {
			t.Errorf("at %s: %d members: %s", at, len(members), out)
		}
	}
}
