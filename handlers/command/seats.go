package command

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// Evaluation is whether somebody may sign in by a connection.
type Evaluation struct {
	domain.Admission
	Policy     domain.Policy
	SeatsLimit int
	User       string // the id of the user that it is about, "" for a stranger
	SeatsTaken int
}

// Evaluate tells whether the owner of an e-mail address may sign in by a connection now. It changes nothing.
func (s *Service) Evaluate(ctx context.Context, connection, email string) (Evaluation, error) {
	if err := domain.CheckEmail("email", email); err != nil {
		return Evaluation{}, err
	}
	f, err := s.connection(ctx, connection)
	if err != nil {
		return Evaluation{}, err
	}
	out := Evaluation{Policy: f.State.Policy, SeatsLimit: f.State.SeatsLimit}
	there, err := s.Read.DirectoriesOf(ctx, f.State.OrganizationID)
	if err != nil {
		return Evaluation{}, err
	}
	var v domain.Visitor
	var d projections.Directory
	for _, d = range there { // whom directory sync knows, and suspends perhaps, the application cannot let in
		if out.User, v, err = s.visitor(ctx, d, email); err != nil {
			return Evaluation{}, err
		}
		if out.User != "" {
			break
		}
	}
	if out.SeatsTaken, v.Seated, err = s.Read.Seats(ctx, connection, d.ID, out.User); err != nil {
		return Evaluation{}, err
	}
	out.Admission = f.State.Admit(v, out.SeatsTaken)
	return out, nil
}

// maxNamesakes bounds how many users of one address are looked at.
const maxNamesakes = 16

// visitor finds the user of a directory whose userName an address is, else one of whose addresses it is. One who is active goes first.
func (s *Service) visitor(ctx context.Context, d projections.Directory, email string) (id string, v domain.Visitor, err error) {
	for _, attribute := range []string{"userName", "emails.value"} {
		found, err := s.Read.Users(ctx, d.ID, projections.Query{Filter: equals(attribute, email), Start: 1, Count: maxNamesakes})
		if err != nil {
			return "", domain.Visitor{}, err
		}
		for _, u := range found.Items {
			active := u.Attributes().Active()
			if active || id == "" {
				id, v = u.ID, domain.Visitor{Known: true, Active: active, Synced: d.Provider.Pushes()}
			}
			if active {
				return id, v, nil
			}
		}
	}
	return id, v, nil
}

// TakeSeat lets a user of a directory in by a connection, if it may sign in, and gives it a seat where it needs one and has none. As many users as there are
// seats have one, however many ask at once: the seat stands at the version of the connection at which the others were counted.
func (s *Service) TakeSeat(ctx context.Context, c Caller, d projections.Directory, connection, user string) (domain.Admission, error) {
	stream := projections.KindConnection.Stream(connection)
	return decide(ctx, s, stream, func() (domain.Admission, error) {
		f, err := s.connection(ctx, connection)
		if err == nil && f.State.OrganizationID != d.OrganizationID {
			err = errNoConnection
		}
		if err != nil {
			return domain.Admission{}, err
		}
		if _, err := s.directory(ctx, d.ID); err != nil {
			return domain.Admission{}, err
		}
		u, err := s.user(ctx, Caller{}, d, user)
		if err != nil {
			return domain.Admission{}, err
		}
		// The read model has seen at least the version that was loaded, and if it has seen more the append conflicts.
		taken, seated, err := s.Read.Seats(ctx, connection, d.ID, user)
		if err != nil {
			return domain.Admission{}, err
		}
		event, admission := f.State.TakeSeat(user, d.ID, domain.Visitor{Known: true, Active: u.State.Attributes.Active(), Synced: d.Provider.Pushes(), Seated: seated}, taken)
		if event == nil {
			return admission, nil
		}
		var draft draft
		meta := s.metaIn(c, d)
		draft.add(stream, f.Version, meta, event)
		if err := s.append(ctx, draft); err != nil {
			return domain.Admission{}, err
		}
		keep(s, stream, f, meta.RecordedAt, event)
		return admission, nil
	})
}
