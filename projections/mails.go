package projections

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/eventstore"
)

// Mail is the mail of an invitation, and what became of it.
type Mail struct {
	ID                    string // the invitation's
	Of                    Kind   // what is to be set up: KindDirectory or KindConnection, ...
	Subject               string // ... and its id
	OrganizationID        string
	Organization, OrgName string // its domain, and its name
	Email                 string // where it goes
	Expires               time.Time
	Attempts              []MailAttempt // that failed
	Sent, Retry           time.Time     // when it went, and when it is tried again; the zero time otherwise
	GivenUp               bool
	Ended                 bool // its link leads nowhere any more, for another reason than time
	Created, Updated      time.Time
}

// MailAttempt is a try to send a mail that failed.
type MailAttempt struct {
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

// setUp is what an administrator is invited to set up.
type setUp struct {
	Kind             Kind
	ID, Organization string
	Exists           bool
	Invited          domain.Invited
}

// keepInvitation keeps the mail of the invitation that stands, and ends those before.
func keepInvitation(b *batch, of setUp, s Stored) error {
	last := of.Invited.Last
	if !of.Exists {
		last = domain.Invitation{}
	}
	if err := b.exec(`UPDATE mails SET ended = 1, due = '' WHERE subject = ? AND ended = 0 AND (id <> ? OR ?)`, of.ID, last.ID, of.Invited.Accepted); err != nil || last.ID == "" {
		return err
	}
	if of.Invited.Told {
		return b.exec(`UPDATE mails SET due = '' WHERE id = ?`, last.ID)
	}
	at := formatTime(s.Meta.RecordedAt)
	return b.exec(`INSERT INTO mails (id, kind, subject, organization, email, expires, due, created, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?7)
		ON CONFLICT (id) DO NOTHING`, last.ID, string(of.Kind), of.ID, of.Organization, last.Email, formatTime(last.ExpiresAt), at)
}

// applyMail keeps what became of a mail. One that went is due until its invitation tells so too.
func applyMail(b *batch, id string, s Stored) error {
	at := formatTime(s.Meta.RecordedAt)
	switch e := s.Event.(type) {
	case domain.MailAttempted:
		return failed(b, id, at, MailAttempt{e.At, e.Error}, `due = iif(ended, '', ?4), retry = ?4`, formatTime(e.RetryAt))
	case domain.MailGivenUp:
		return failed(b, id, at, MailAttempt{e.At, e.Error}, `due = '', retry = '', given_up = 1`)
	case domain.MailSent:
		return b.exec(`UPDATE mails SET sent = ?2, retry = '', given_up = 0, due = iif(ended, '', ?2), updated = ?3 WHERE id = ?1`, id, formatTime(e.At), at)
	}
	return nil
}

func failed(b *batch, id, at string, a MailAttempt, set string, args ...any) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return b.exec(`UPDATE mails SET attempts = json_insert(attempts, '$[#]', json(?2)), updated = ?3, `+set+` WHERE id = ?1`, append([]any{id, string(text), at}, args...)...)
}

// movesMails tells whether a record may let a mail be due that was not.
func movesMails(r eventstore.Record) bool {
	switch r.Type {
	case "connection.created", "connection.admin_invited", "directory.admin_invited", "mail.attempted", "mail.sent":
		return true
	}
	return false
}

const mailColumns = `SELECT m.id, m.kind, m.subject, m.organization, o.domain, o.name, m.email, m.expires, m.attempts, m.sent, m.retry, m.given_up, m.ended, m.created, m.updated
	FROM mails m JOIN organizations o ON o.id = m.organization `

func scanMail(r row) (m Mail, err error) {
	var kind, expires, attempts, sent, retry, created, updated string
	if err := r.Scan(&m.ID, &kind, &m.Subject, &m.OrganizationID, &m.Organization, &m.OrgName, &m.Email, &expires, &attempts, &sent, &retry, &m.GivenUp, &m.Ended, &created, &updated); err != nil {
		return m, err
	}
	m.Of = Kind(kind)
	m.Expires, m.Sent, m.Retry, m.Created, m.Updated = parseTime(expires), parseTime(sent), parseTime(retry), parseTime(created), parseTime(updated)
	return m, json.Unmarshal([]byte(attempts), &m.Attempts)
}

// Mail finds one by its invitation's id.
func (m *ReadModel) Mail(ctx context.Context, id string) (Mail, error) {
	return one(ctx, m, rest, scanMail, mailColumns+`WHERE m.id = ?`, id)
}

// Mails lists those of an organization, named by its id, or of all if that is "", the newest first; page counts from 1.
func (m *ReadModel) Mails(ctx context.Context, organizationID string, page, perPage int) ([]Mail, int, error) {
	where, args := ``, []any{}
	if organizationID != "" {
		where, args = `WHERE m.organization = ? `, []any{organizationID}
	}
	p, err := together(ctx, m, rest, func(q queries) (p Page[Mail], err error) {
		if p.Items, err = rowsOf(ctx, q, scanMail, mailColumns+where+`ORDER BY m.created DESC, m.id DESC LIMIT ? OFFSET ?`,
			append(append([]any{}, args...), max(perPage, 0), (max(page, 1)-1)*max(perPage, 0))...); err != nil {
			return p, err
		}
		p.Total, err = counted(ctx, q, `SELECT count(*) FROM mails m `+where, args...)
		return p, err
	})
	return p.Items, p.Total, err
}

// LastMails tells when the oldest of so many mails of an organization began, the newest ones; the zero time if there are fewer.
func (m *ReadModel) LastMails(ctx context.Context, organizationID string, count int) (began time.Time, err error) {
	found, err := all(ctx, m, rest, scanTime, `SELECT created FROM mails WHERE organization = ? ORDER BY created DESC, id DESC LIMIT 1 OFFSET ?`, organizationID, count-1)
	if err != nil || len(found) == 0 {
		return time.Time{}, err
	}
	return found[0], nil
}

// DueMails lists those that are to be sent by then, or that went without their invitation telling so, at most so many; and when the next one is due
// if there are none, the zero time if never. Among them are such as have expired. Those are left out that are named by their own id or their organization's.
func (m *ReadModel) DueMails(ctx context.Context, by time.Time, limit int, but ...string) (due []Mail, next time.Time, err error) {
	named, err := json.Marshal(append([]string{}, but...)) // of none not null, which is among no values
	if err != nil {
		return nil, time.Time{}, err
	}
	const others = `m.id NOT IN (SELECT value FROM json_each(?1)) AND m.organization NOT IN (SELECT value FROM json_each(?1)) `
	due, err = all(ctx, m, rest, scanMail, mailColumns+`WHERE m.due <> '' AND m.due <= ?2 AND `+others+`ORDER BY m.due LIMIT ?3`, string(named), formatTime(by), limit)
	if err != nil || len(due) > 0 {
		return due, time.Time{}, err
	}
	times, err := rowsOf(ctx, m.db.read, scanTime, `SELECT m.due FROM mails m JOIN organizations o ON o.id = m.organization WHERE m.due <> '' AND `+others+`ORDER BY m.due LIMIT 1`, string(named))
	if err != nil || len(times) == 0 {
		return nil, time.Time{}, err
	}
	return nil, times[0], nil
}

func scanTime(r row) (time.Time, error) {
	var at string
	err := r.Scan(&at)
	return parseTime(at), err
}

// MailsMoved receives a value when a mail may be due that was not. One may listen; what happens while nobody does is told to the next.
func (m *ReadModel) MailsMoved() <-chan struct{} { return m.mailsMoved }
