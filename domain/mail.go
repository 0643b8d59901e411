package domain

import (
	"strings"
	"time"
	"unicode/utf8"
)

// A mail has the id of its invitation, which is where its address and what it says come from. Here is what became of it.

// MailAttempted tells that a mail could not be sent, and is tried again.
type MailAttempted struct {
	At      time.Time `json:"at"`
	Error   string    `json:"error"`
	RetryAt time.Time `json:"retry_at"`
}

// MailSent tells that the mail server took the mail.
type MailSent struct {
	At time.Time `json:"at"`
}

// MailGivenUp tells that a mail could not be sent, and is not tried again.
type MailGivenUp struct {
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

func (MailAttempted) EventName() string { return "mail.attempted" }
func (MailSent) EventName() string      { return "mail.sent" }
func (MailGivenUp) EventName() string   { return "mail.given_up" }

// Mail is what became of a mail.
type Mail struct {
	Sent, GivenUp bool
}

// Apply folds an event into the state.
func (m *Mail) Apply(e Event) {
	switch e.(type) {
	case MailSent:
		m.Sent = true
	case MailGivenUp:
		m.GivenUp = true
	}
}

// Waits tells whether the mail is still to be sent.
func (m *Mail) Waits() bool { return !m.Sent && !m.GivenUp }

// Went decides that the mail server took the mail: nil if that is known. It is told even of one that was given up.
func (m *Mail) Went(at time.Time) Event {
	if m.Sent {
		return nil
	}
	return MailSent{at.UTC().Truncate(time.Millisecond)}
}

// MaxMailError bounds what is kept of an error, in bytes.
const MaxMailError = 512

// Failed decides that the mail could not be sent, and when it is tried again: never if that is the zero time. Nil if nobody waits for the mail any more.
func (m *Mail) Failed(at time.Time, why string, retry time.Time) Event {
	at, why = at.UTC().Truncate(time.Millisecond), oneLine(why, MaxMailError)
	switch {
	case !m.Waits():
		return nil
	case retry.IsZero():
		return MailGivenUp{at, why}
	}
	return MailAttempted{at, why, retry.UTC().Truncate(time.Millisecond)}
}

// oneLine is a text without what would break a line, cut to a number of bytes.
func oneLine(s string, most int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool { return r != utf8.RuneError && (unseen(r) || r == ' ') }), " ")
	for len(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
