package command

import (
	"context"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// installation is the stream that a log begins with.
const installation = "installation-1"

// Install ties a new log to the master key, and refuses a key that is not the one of this log: sealed secrets would not open, and
// names that are taken would seem free.
func (s *Service) Install(ctx context.Context, c Caller) error {
	_, err := decide(ctx, s, installation, func() (none struct{}, err error) {
		f, err := load[domain.Installation](ctx, s, installation)
		switch {
		case err != nil:
			return none, err
		case f.Version == eventstore.NoStream:
			var d draft
			d.add(installation, eventstore.NoStream, s.meta(c, ""), domain.InstallationCreated{KeyCheck: s.Keys.Check()})
			return none, s.append(ctx, d)
		case f.State.KeyCheck != s.Keys.Check():
			return none, domain.Refuse(domain.Conflict, "the master key is not the one that this log was written with")
		}
		return none, nil
	})
	return err
}
