package domain

// Policy says which users may sign in by a connection.
type Policy string

// The policies, by their names on the wire.
const (
	PolicyNone        Policy = "none"              // whoever the provider lets through, as long as there is a seat
	PolicyRegistered  Policy = "user_registered"   // users of the organization
	PolicyProvisioned Policy = "user_provisionned" // users that directory sync holds
)

// ParsePolicy reads a policy.
func ParsePolicy(s string) (Policy, error) {
	switch p := Policy(s); p {
	case PolicyNone, PolicyRegistered, PolicyProvisioned:
		return p, nil
	}
	return "", RefuseField("user_security_type", "is none of none user_registered user_provisionned")
}

// ConnectionSeatTaken gives a user a seat: the first time that it signs in where anybody may. The seat is free again once the user is deleted, or its
// directory, without an event for it.
type ConnectionSeatTaken struct {
	User      string `json:"user"`
	Directory string `json:"directory"` // of the user
}

// EventName implements Event.
func (ConnectionSeatTaken) EventName() string { return "connection.seat_taken" }

// Visitor is what is known of somebody who would sign in by a connection.
type Visitor struct {
	Known  bool // a user of the organization
	Active bool // and not suspended
	Synced bool // held by directory sync
	Seated bool // has a seat at the connection

	Ambiguous bool // so many users have the address that nobody knows who it is
}

// Admission is whether somebody may sign in, and why.
type Admission struct {
	Allowed   bool
	TakesSeat bool // and has none yet
	Reason    AdmissionReason
}

// AdmissionReason is why somebody may sign in, or not.
type AdmissionReason string

// The reasons to let somebody in, and those not to.
const (
	HasSeat       AdmissionReason = "has_seat"
	SeatFree      AdmissionReason = "seat_free"
	IsRegistered  AdmissionReason = "user_registered"
	IsProvisioned AdmissionReason = "user_provisionned"

	ConnectionIsDisabled AdmissionReason = "connection_disabled"
	ConnectionNotReady   AdmissionReason = "connection_not_ready"
	IsSuspended          AdmissionReason = "user_suspended"
	IsAmbiguous          AdmissionReason = "email_ambiguous"
	NoSeatLeft           AdmissionReason = "seats_limit_reached"
	NotRegistered        AdmissionReason = "user_not_registered"
	NotProvisioned       AdmissionReason = "user_not_provisionned"
)

// Admit decides whether somebody may sign in while so many seats are taken. Whoever is suspended may not, whatever the policy.
func (c *Connection) Admit(v Visitor, taken int) Admission {
	let := func(reason AdmissionReason) Admission { return Admission{Allowed: true, Reason: reason} }
	refuse := func(reason AdmissionReason) Admission { return Admission{Reason: reason} }
	switch {
	case !c.Active:
		return refuse(ConnectionIsDisabled)
	case len(c.Metadata) == 0:
		return refuse(ConnectionNotReady)
	case v.Known && !v.Active:
		return refuse(IsSuspended)
	case v.Ambiguous:
		return refuse(IsAmbiguous)
	}
	switch c.Policy {
	case PolicyNone:
		switch {
		case v.Seated:
			return let(HasSeat)
		case c.SeatsLimit == 0 || taken < c.SeatsLimit:
			return Admission{true, true, SeatFree}
		}
		return refuse(NoSeatLeft)
	case PolicyRegistered:
		if v.Known {
			return let(IsRegistered)
		}
		return refuse(NotRegistered)
	}
	if v.Known && v.Synced {
		return let(IsProvisioned)
	}
	return refuse(NotProvisioned)
}

// TakeSeat decides whether a user of a directory may sign in, and gives it a seat where that needs one: the event is nil if it does not. The event has to stand
// at the version of the connection at which so many seats were taken.
func (c *Connection) TakeSeat(user, directory string, v Visitor, taken int) (Event, Admission) {
	a := c.Admit(v, taken)
	if !a.TakesSeat {
		return nil, a
	}
	return ConnectionSeatTaken{user, directory}, a
}
