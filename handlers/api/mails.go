package api

import (
	"net/http"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/letter"
	"github.com/rollcall-sync/rollcall/projections"
)

type mail struct {
	Type         string        `json:"__type__"`
	ID           string        `json:"id"`
	Organization named         `json:"organization"`
	About        mailSubject   `json:"about"`
	To           string        `json:"to"`
	Subject      string        `json:"subject"`
	Text         *string       `json:"text"` // with the link; null for a key that may only read
	HTML         *string       `json:"html"`
	State        mailState     `json:"state"`
	Attempts     []mailAttempt `json:"attempts"` // that failed
	SentAt       *string       `json:"sent_at"`
	RetryAt      *string       `json:"retry_at"`
	ExpiresAt    string        `json:"expires_at"` // of the link
	InsertedAt   string        `json:"inserted_at"`
	UpdatedAt    string        `json:"updated_at"`
}

// mailSubject is what is to be set up.
type mailSubject struct {
	Type string `json:"__type__"`
	ID   string `json:"id"`
}

type mailAttempt struct {
	At    string `json:"at"`
	Error string `json:"error"`
}

// mailState is how a mail stands.
type mailState string

const (
	mailKept      mailState = "kept"    // no mail server is known: whoever reads it here may hand it on
	mailPending   mailState = "pending" // it is about to be sent, perhaps once more
	mailSent      mailState = "sent"
	mailFailed    mailState = "failed"
	mailCancelled mailState = "cancelled" // before it was sent its link was used, a newer one took its place, or its invitation was withdrawn
)

func (a *API) mailState(m projections.Mail) mailState {
	switch {
	case !m.Sent.IsZero():
		return mailSent
	case m.GivenUp:
		return mailFailed
	case m.Ended:
		return mailCancelled
	case a.SendsMail:
		return mailPending
	}
	return mailKept
}

// mayReadMail tells whether the one who asks may read what mails say: whoever has the link in them may set something up.
func mayReadMail(r *request) bool { return r.key.May(domain.PermissionWrite) }

func (a *API) showMail(m projections.Mail, l letter.Letter, whole bool) mail {
	shown := mail{
		Type: "Mail", ID: m.ID, Organization: named{"Organization", m.OrganizationID, m.Organization, m.OrgName}, About: mailSubject{"DirectorySync", m.Subject},
		To: m.Email, Subject: l.Subject, State: a.mailState(m), Attempts: []mailAttempt{},
		SentAt: timeOrNull(m.Sent), ExpiresAt: formatTime(m.Expires), InsertedAt: formatTime(m.Created), UpdatedAt: formatTime(m.Updated),
	}
	if m.Of == projections.KindConnection {
		shown.About.Type = "SsoConnection"
	}
	if whole {
		shown.Text, shown.HTML = &l.Text, &l.HTML
	}
	for _, t := range m.Attempts {
		shown.Attempts = append(shown.Attempts, mailAttempt{formatTime(t.At), t.Error})
	}
	if shown.State == mailPending {
		shown.RetryAt = timeOrNull(m.Retry)
	}
	return shown
}

// listMails lists the mails of all organizations, or of one, the newest first.
func (a *API) listMails(w http.ResponseWriter, r *request) error {
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	of := r.key.OrganizationID
	if name := r.params.Get("organization"); name != "" {
		o, err := a.given(r, "organization", name)
		if err != nil {
			return err
		}
		of = o.ID
	}
	found, total, err := a.Read.Mails(r.Context(), of, p.page, p.perPage)
	if err != nil {
		return err
	}
	letters := letter.Writer{Keys: a.Commands.Keys, PublicURL: a.PublicURL, Service: a.Service}
	out := make([]mail, len(found))
	for i, m := range found {
		l, err := letters.Write(m)
		if err != nil {
			return err
		}
		out[i] = a.showMail(m, l, mayReadMail(r))
	}
	return answerPage(w, p, out, total, func(m mail) mail { return m })
}
