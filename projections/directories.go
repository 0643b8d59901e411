package projections

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// Directory is a directory as it stands, with its organization's domain.
type Directory struct {
	ID, OrganizationID, Organization string
	Provider                         domain.Provider
	Strict                           bool
	Active                           bool
	Token, Previous                  domain.Token
	PreviousUntil                    time.Time
	Onboarding                       domain.DirectoryOnboarding
	Created, Updated                 time.Time
}

// Dialect is how literally the directory reads what its provider writes.
func (d Directory) Dialect() domain.Dialect { return domain.Dialect{Strict: d.Strict} }

func applyDirectory(b *batch, id string, s Stored) error {
	at := formatTime(s.Meta.RecordedAt)
	switch e := s.Event.(type) {
	case domain.DirectoryActivated: // an organization has one: claims see to it, and should a log hold two all the same, the first counts
		return b.exec(`INSERT INTO directories (id, organization, provider, strict, active, token, token_hash, previous, previous_hash, previous_until, created, updated)
			VALUES (?, ?, ?, ?, 1, ?, ?, '', '', '', ?, ?) ON CONFLICT DO NOTHING`, id, e.OrganizationID, string(e.Provider), e.Strict, e.Token.ID, e.Token.Hash, at, at)
	case domain.DirectoryUpdated:
		if err := b.exec(`UPDATE directories SET previous = '', previous_hash = '', previous_until = '' WHERE id = ? AND (token, token_hash) <> (?, ?)`,
			id, e.Token.ID, e.Token.Hash); err != nil {
			return err
		}
		return b.exec(`UPDATE directories SET provider = ?, strict = ?, token = ?, token_hash = ?, updated = ? WHERE id = ?`,
			string(e.Provider), e.Strict, e.Token.ID, e.Token.Hash, at, id)
	case domain.DirectoryTokenReset:
		if e.PreviousUntil.IsZero() {
			return b.exec(`UPDATE directories SET previous = '', previous_hash = '', previous_until = '', token = ?, token_hash = ?, updated = ? WHERE id = ?`,
				e.Token.ID, e.Token.Hash, at, id)
		}
		return b.exec(`UPDATE directories SET previous = token, previous_hash = token_hash, previous_until = ?, token = ?, token_hash = ?, updated = ? WHERE id = ?`,
			formatTime(e.PreviousUntil), e.Token.ID, e.Token.Hash, at, id)
	case domain.DirectoryDeactivated:
		return b.exec(`UPDATE directories SET active = 0, updated = ? WHERE id = ?`, at, id)
	case domain.DirectoryReactivated:
		return b.exec(`UPDATE directories SET active = 1, updated = ? WHERE id = ?`, at, id)
	case domain.DirectoryDeleted:
		if err := keepInvitation(b, setUp{Kind: KindDirectory, ID: id}, s); err != nil {
			return err
		}
		return deleteDirectory(b, id)
	case domain.DirectoryAdminInvited, domain.DirectoryInvitationSent, domain.DirectoryInvitationAccepted, domain.DirectoryOnboardingReset, domain.DirectoryAdminRemoved:
		return applyDirectoryOnboarding(b, id, s)
	}
	return nil
}

func applyDirectoryOnboarding(b *batch, id string, s Stored) error {
	var organization, text string
	found, err := b.row(`SELECT organization, onboarding FROM directories WHERE id = ?`, []any{id}, &organization, &text)
	if err != nil || !found {
		return err
	}
	var o domain.DirectoryOnboarding
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	o.Apply(s.Event)
	kept, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if err := b.exec(`UPDATE directories SET onboarding = ? WHERE id = ?`, string(kept), id); err != nil {
		return err
	}
	return keepInvitation(b, setUp{KindDirectory, id, organization, true, o.Invited}, s)
}

func deleteDirectory(b *batch, id string) error {
	if err := freeSeats(b, "directory", id); err != nil {
		return err
	}
	for _, query := range []string{
		`DELETE FROM gone WHERE directory = ?`,
		`DELETE FROM leaving WHERE grp IN (SELECT seq FROM groups WHERE directory = ?)`,
		`DELETE FROM members WHERE grp IN (SELECT seq FROM groups WHERE directory = ?)`,
		`DELETE FROM groups WHERE directory = ?`,
		`DELETE FROM user_emails WHERE directory = ?`,
		`DELETE FROM users WHERE directory = ?`,
		`DELETE FROM counts WHERE directory = ?`,
		`DELETE FROM places WHERE directory = ?`,
		`DELETE FROM directories WHERE id = ?`,
	} {
		if err := b.exec(query, id); err != nil {
			return err
		}
	}
	return nil
}

const directoryColumns = `SELECT d.id, d.organization, o.domain, d.provider, d.strict, d.active, d.token, d.token_hash, d.previous, d.previous_hash, d.previous_until, d.onboarding, d.created, d.updated
	FROM directories d JOIN organizations o ON o.id = d.organization `

func scanDirectory(r row) (Directory, error) {
	var d Directory
	var until, onboarding, created, updated string
	err := r.Scan(&d.ID, &d.OrganizationID, &d.Organization, &d.Provider, &d.Strict, &d.Active, &d.Token.ID, &d.Token.Hash,
		&d.Previous.ID, &d.Previous.Hash, &until, &onboarding, &created, &updated)
	if err == nil {
		err = json.Unmarshal([]byte(onboarding), &d.Onboarding)
	}
	d.PreviousUntil, d.Created, d.Updated = parseTime(until), parseTime(created), parseTime(updated)
	return d, err
}

// Directory finds one by its id; with its organization gone it is gone too.
func (m *ReadModel) Directory(ctx context.Context, id string) (Directory, error) {
	if err := m.fresh(ctx, rest); err != nil {
		return Directory{}, err
	}
	return m.memos.directories.get(id, func() (Directory, error) {
		return first(ctx, m.db.read, scanDirectory, directoryColumns+`WHERE d.id = ?`, id)
	})
}

// DirectoryOf finds the directory that the identity provider of an organization, named by its id, feeds.
func (m *ReadModel) DirectoryOf(ctx context.Context, organizationID string) (Directory, error) {
	return one(ctx, m, rest, scanDirectory, directoryColumns+`WHERE d.organization = ? AND (d.provider = 'api') = 0`, organizationID)
}

// APIDirectoryOf finds the directory of the users that the organization's application makes.
func (m *ReadModel) APIDirectoryOf(ctx context.Context, organizationID string) (Directory, error) {
	return one(ctx, m, rest, scanDirectory, directoryColumns+`WHERE d.organization = ? AND (d.provider = 'api') = 1`, organizationID)
}

// DirectoriesOf lists both, as far as they are there, and first the one that an identity provider feeds.
func (m *ReadModel) DirectoriesOf(ctx context.Context, organizationID string) ([]Directory, error) {
	return all(ctx, m, rest, scanDirectory, directoryColumns+`WHERE d.organization = ? ORDER BY (d.provider = 'api')`, organizationID)
}
