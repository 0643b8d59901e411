package api

import (
	"errors"
	"net/http"

	"github.com/rollcall-sync/rollcall/projections"
)

// change is a message's content with the id of the event that it tells of.
type change struct {
	Kind      string `json:"__type__"`
	ID        string `json:"id"`
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"`
	projections.MessageData
}

func showChange(c projections.PastChange) change {
	return change{"Change", c.Event.String(), c.Type, c.Timestamp, c.Data}
}

// history tells what happened to a user or a group, the newest first: before, after, what changed, and in cause who did it, through
// what, when and by which request. It is there after a deletion too.
func (a *API) history(kind projections.Kind) handler {
	return func(w http.ResponseWriter, r *request) error {
		p, err := pageOf(r)
		if err != nil {
			return err
		}
		var found projections.Page[projections.PastChange]
		err = projections.ErrNotFound
		for i := 0; i < len(r.directories) && errors.Is(err, projections.ErrNotFound); i++ {
			found, err = projections.History(r.Context(), a.Log, r.directories[i].ID, kind, r.PathValue("id"), p.page, p.perPage)
		}
		if err != nil {
			return unlessFound(err, "there never was such a "+string(kind))
		}
		return answerPage(w, p, found.Items, found.Total, showChange)
	}
}
