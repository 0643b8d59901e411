package domain

import "time"

// Invitation asks for a mail to an onboarding's administrator, with a link that leads into the onboarding once.
type Invitation struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // from then on the link leads nowhere, as it does where this is the zero time
	ByHand    bool      `json:"by_hand,omitempty"`   // no mail server was known: the mail is kept, and somebody hands the link on
}

// InvitationSent tells that the mail of an invitation went.
type InvitationSent struct {
	Invitation string    `json:"invitation"` // its id
	SentAt     time.Time `json:"sent_at"`
}

// InvitationAccepted tells that the link of an invitation was used.
type InvitationAccepted struct {
	Invitation string `json:"invitation"` // its id
}

// MaxInvitations is how many invitations an organization may send within InvitationsWithin, so that nobody mails strangers without end.
const (
	MaxInvitations    = 100
	InvitationsWithin = time.Hour
)

// CheckInvitations refuses another invitation of an organization where the last MaxInvitations began too short a time ago. The zero time is that of one
// that has sent fewer.
func CheckInvitations(began, now time.Time) error {
	wait := began.Add(InvitationsWithin).Sub(now)
	if wait <= 0 {
		return nil
	}
	e := Refuse(RateLimited, "the organization has sent %d invitations within an hour, which is as many as it may; wait until the first of them is an hour old", MaxInvitations)
	e.After = wait
	return e
}

// ErrDeadLink answers whoever uses a link that leads nowhere, and says not why.
var ErrDeadLink = Refuse(NotFound, "this link does not lead anywhere: it was used already, it has expired, a newer one took its place, or the invitation was withdrawn. Ask whoever invited you for a new one")

// goes is the invitation to an address.
func (i Invitation) goes(to string) Invitation {
	i.Email, i.ExpiresAt = to, i.ExpiresAt.UTC().Truncate(time.Millisecond)
	return i
}

func sent(id string, at time.Time) InvitationSent {
	return InvitationSent{id, at.UTC().Truncate(time.Millisecond)}
}

// Invited is the invitation into an onboarding, and what became of it. The zero value is that of an onboarding whose administrator was not invited.
type Invited struct {
	Last     Invitation
	Told     bool      // that its mail went
	Accepted bool      // its link was used
	ByHand   bool      // it, or one before, was handed on by hand
	SentAt   time.Time // when a mail last went to the administrator, of this invitation or one before; the zero time if none did
}

// invite puts an invitation in the place of the one before.
func (i Invited) invite(to Invitation) Invited {
	return Invited{Last: to, ByHand: i.ByHand || to.ByHand, SentAt: i.SentAt}
}

func (i Invited) send(e InvitationSent) Invited {
	i.Told, i.SentAt = true, e.SentAt
	return i
}

func (i Invited) accept() Invited {
	i.Accepted = true
	return i
}

// waits tells whether nobody has told yet that the mail of this invitation went.
func (i Invited) waits(id string) bool { return id != "" && id == i.Last.ID && !i.Told }

// Leads tells whether the link of an invitation leads into the onboarding.
func (i Invited) Leads(id string, now time.Time) bool {
	return id != "" && id == i.Last.ID && !i.Accepted && now.Before(i.Last.ExpiresAt)
}

// went tells whether the administrator was told of an invitation, as far as is known: by a mail, or by hand.
func (i Invited) went() bool { return !i.SentAt.IsZero() || i.ByHand }

// Admits tells whether whoever used the link of an invitation may go on with the onboarding.
func (i Invited) Admits(id string) bool { return id != "" && id == i.Last.ID && i.Accepted }
