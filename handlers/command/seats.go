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
	User       string // the id of the user that it is about, "" for a stranger and where nobody knows whom the address means
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
	var all []domain.Namesake
	ambiguous := false
	for _, d := range there {
		some, more, err := s.namesakes(ctx, d, email)
		if err != nil {
			return Evaluation{}, err
		}
		all, ambiguous = append(all, some...), ambiguous || more
	}
	meant := domain.Meant(all)
	v := meant.Visitor()
	out.User, v.Ambiguous = meant.ID, ambiguous
	if out.SeatsTaken, v.Seated, err = s.Read.Seats(ctx, connection, meant.Directory, meant.ID); err != nil {
		return Evaluation{}, err
	}
	if out.Admission = f.State.Admit(v, out.SeatsTaken); out.Reason == domain.IsAmbiguous {
		out.User = ""
	}
	return out, nil
}

// maxNamesakes bounds how many users of one address are looked at in a directory.
const maxNamesakes = 16

// namesakes are the users of a directory who have an address, each once or twice, and whether there are more of them.
func (s *Service) namesakes(ctx context.Context, d projections.Directory, email string) (all []domain.Namesake, more bool, err error) {
	for _, attribute := range []string{"userName", "emails.value"} {
		found, err := s.Read.Users(ctx, d.ID, projections.Query{Filter: equals(attribute, email), Start: 1, Count: maxNamesakes})
		if err != nil {
			return nil, false, err
		}
		for _, u := range found.Items {
			all = append(all, domain.NamesakeOf(email, u.ID, d.ID, d.Provider.Pushes(), u.Attributes()))
		}
		more = more || found.Total > len(found.Items)
	}
	return all, more, nil
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
