package api

import (
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// setPolicy changes which users may sign in, and how many if seats_limit is given.
func (a *API) setPolicy(w http.ResponseWriter, r *request, c projections.Connection) error {
	object, err := readObject(w, r)
	if err != nil {
		return err
	}
	var policy string
	var limit int
	if err := (fields{"user_security_type": &policy, "seats_limit": &limit}).take(object); err != nil {
		return err
	}
	wanted := command.ConnectionChange{ConnectionEdit: domain.ConnectionEdit{SeatsLimit: seatsLimit(object, limit)}}
	if wanted.Policy, err = domain.ParsePolicy(policy); err != nil {
		return err
	}
	if c, err = a.Commands.UpdateConnection(r.Context(), r.caller(), c.ID, wanted); err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.showConnection(c, preloaded{}))
}

type evaluation struct {
	Type             string                 `json:"__type__"`
	IDPID            string                 `json:"idp_id"`
	Email            string                 `json:"email"`
	Allowed          bool                   `json:"allowed"`
	Reason           domain.AdmissionReason `json:"reason"`
	UserID           *string                `json:"user_id"` // null for a stranger
	UserSecurityType domain.Policy          `json:"user_security_type"`
	SeatsLimit       int                    `json:"seats_limit"`
	SeatsTaken       int                    `json:"seats_taken"`
}

// evaluate tells whether somebody may sign in, and why, and changes nothing.
func (a *API) evaluate(w http.ResponseWriter, r *request, c projections.Connection) error {
	var email string
	if err := (fields{"email": &email}).read(w, r); err != nil {
		return err
	}
	e, err := a.Commands.Evaluate(r.Context(), c.ID, email)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, evaluation{"Evaluation", c.ID, email, e.Allowed, e.Reason, orNull(e.User), e.Policy, e.SeatsLimit, e.SeatsTaken})
}
