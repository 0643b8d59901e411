package projections

import (
	"maps"
	"slices"

	"github.com/rollcall-sync/rollcall/eventstore"
)

// draft is a roster with changes that are not in the file yet, and that nobody else sees. For the goroutine that alone changes the roster.
type draft struct {
	roster  *roster
	changed targets // those that are deleted too, which want nothing
}

func (r *roster) draft() *draft { return &draft{r, newTargets()} }

// empty tells whether there is no endpoint, and none has just been deleted.
func (d *draft) empty() bool {
	d.roster.mu.Lock()
	defer d.roster.mu.Unlock()
	return len(d.roster.all.byID)+len(d.changed.byID) == 0
}

// target is an endpoint as it stands in the draft.
func (d *draft) target(id string) (t Target, there bool) {
	if t, changed := d.changed.byID[id]; changed {
		return t, !t.State.Deleted
	}
	return d.roster.target(id)
}

// fold applies a record of an endpoint's stream, and answers the endpoint after it.
func (d *draft) fold(id string, r eventstore.Record) (Target, Stored, error) {
	s, err := DecodeRecord(r)
	if err != nil {
		return Target{}, s, err
	}
	t, _ := d.target(id)
	t.ID = id
	t.State.Apply(s.Event)
	d.changed.put(t)
	return t, s, nil
}

// wanting are the endpoints that want messages of a type from an organization, in the order of their ids.
func (d *draft) wanting(kind, organization string) []string {
	d.roster.mu.Lock()
	ids := d.roster.all.wanting(kind, organization)
	d.roster.mu.Unlock()
	if len(d.changed.byID) > 0 {
		ids = slices.DeleteFunc(ids, func(id string) bool { _, changed := d.changed.byID[id]; return changed })
		ids = append(ids, d.changed.wanting(kind, organization)...)
	}
	slices.Sort(ids)
	return ids
}

// left are the changed endpoints that are not deleted, in the order of their ids.
func (d *draft) left() (out []Target) {
	for _, id := range slices.Sorted(maps.Keys(d.changed.byID)) {
		if t := d.changed.byID[id]; !t.State.Deleted {
			out = append(out, t)
		}
	}
	return out
}

// commit shows the changes, which are in the file now, and tells whether endpoints were deleted.
func (d *draft) commit() (deleted bool) {
	r := d.roster
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, t := range d.changed.byID {
		if t.State.Deleted {
			r.all.remove(id)
			deleted = true
			continue
		}
		t.Made = r.all.byID[id].Made // it may have grown meanwhile
		r.all.put(t)
	}
	r.tell(slices.Collect(maps.Keys(d.changed.byID)))
	return deleted
}
