package domain

import "testing"

// Every policy for every kind of visitor.
//
// Proves SSO §none, §none.seats_limit, §user_registered, §user_provisionned, §disable.
func TestAdmit(t *testing.T) {
	ready := ConnectionUpdated{ConnectionEdit{Metadata: okta1}}
	policy := func(p Policy, limit int) ConnectionUpdated {
		return ConnectionUpdated{ConnectionEdit{Policy: p, SeatsLimit: &limit}}
	}
	stranger, user, made := Visitor{}, Visitor{Known: true, Active: true, Synced: true}, Visitor{Known: true, Active: true}
	suspended, seated := Visitor{Known: true, Synced: true}, Visitor{Known: true, Active: true, Synced: true, Seated: true}
	let := func(r AdmissionReason) Admission { return Admission{true, false, r} }
	seat, no := Admission{true, true, SeatFree}, func(r AdmissionReason) Admission { return Admission{Reason: r} }
	for _, c := range []struct {
		name  string
		given []Event
		taken int
		v     Visitor
		want  Admission
	}{
		{"no metadata", after(), 0, user, no(ConnectionNotReady)},
		{"disabled", after(ready, ConnectionDisabled{}), 1, seated, no(ConnectionIsDisabled)},
		{"a stranger where anybody may", after(ready), 0, stranger, seat},
		{"a user where anybody may", after(ready), 1_000_000, user, seat},
		{"who has a seat", after(ready), 1, seated, let(HasSeat)},
		{"who is suspended where anybody may", after(ready), 0, suspended, no(IsSuspended)},
		{"who is suspended and has a seat", after(ready), 1, Visitor{Known: true, Seated: true}, no(IsSuspended)},
		{"who is unclear where anybody may", after(ready), 0, Visitor{Known: true, Active: true, Seated: true, Ambiguous: true}, no(IsAmbiguous)},
		{"who is unclear and suspended", after(ready), 0, Visitor{Known: true, Ambiguous: true}, no(IsSuspended)},
		{"who is unclear where synced users may", after(ready, policy(PolicyProvisioned, 0)), 0, Visitor{Known: true, Active: true, Synced: true, Ambiguous: true}, no(IsAmbiguous)},
		{"the last seat", after(ready, policy(PolicyNone, 2)), 1, stranger, seat},
		{"no seat is left", after(ready, policy(PolicyNone, 2)), 2, stranger, no(NoSeatLeft)},
		{"no seat is left for others", after(ready, policy(PolicyNone, 2)), 2, seated, let(HasSeat)},
		{"the limit was lowered", after(ready, policy(PolicyNone, 1)), 2, stranger, no(NoSeatLeft)},
		{"the limit is gone", after(ready, policy(PolicyNone, 1), policy(PolicyNone, 0)), 1, stranger, seat},
		{"a stranger where users may", after(ready, policy(PolicyRegistered, 0)), 0, stranger, no(NotRegistered)},
		{"a user where users may, without a seat", after(ready, policy(PolicyRegistered, 1)), 1, user, let(IsRegistered)},
		{"made by hand where users may", after(ready, policy(PolicyRegistered, 0)), 0, made, let(IsRegistered)},
		{"who is suspended where users may", after(ready, policy(PolicyRegistered, 0)), 0, suspended, no(IsSuspended)},
		{"a stranger where synced users may", after(ready, policy(PolicyProvisioned, 0)), 0, stranger, no(NotProvisioned)},
		{"a synced user", after(ready, policy(PolicyProvisioned, 0)), 0, user, let(IsProvisioned)},
		{"made by hand where synced users may", after(ready, policy(PolicyProvisioned, 0)), 0, made, no(NotProvisioned)},
		{"who is suspended where synced users may", after(ready, policy(PolicyProvisioned, 0)), 0, suspended, no(IsSuspended)},
	} {
		var s Connection
		for _, e := range c.given {
			s.Apply(e)
		}
		if got := s.Admit(c.v, c.taken); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestTakeSeat(t *testing.T) {
	ready := ConnectionUpdated{ConnectionEdit{Metadata: okta1, SeatsLimit: new(2)}}
	take := func(taken int, v Visitor) func(*Connection) ([]Event, error) {
		return func(c *Connection) ([]Event, error) {
			e, _ := c.TakeSeat("u", "d", v, taken)
			return one(e, nil)
		}
	}
	user := Visitor{Known: true, Active: true}
	decide(t, []decision[Connection]{
		{"take", after(ready), take(1, user), []Event{ConnectionSeatTaken{"u", "d"}}, ""},
		{"take what is taken", after(ready), take(1, Visitor{Known: true, Active: true, Seated: true}), nil, ""},
		{"take none where none is left", after(ready), take(2, user), nil, ""},
		{"take none where none is needed", after(ready, ConnectionUpdated{ConnectionEdit{Policy: PolicyRegistered}}), take(1, user), nil, ""},
		{"take none where one may not", after(), take(0, user), nil, ""},
	})
}

// Proves SSO §sso-user-policy.values.
func TestParsePolicy(t *testing.T) {
	for _, p := range []string{"none", "user_registered", "user_provisionned"} {
		if got, err := ParsePolicy(p); err != nil || string(got) != p {
			t.Errorf("%q: %q, %v", p, got, err)
		}
	}
	for _, p := range []string{"", "None", "user_provisioned", "1"} {
		if _, err := ParsePolicy(p); refusal(err) != "invalid invalidValue" {
			t.Errorf("%q: %v", p, err)
		}
	}
}
