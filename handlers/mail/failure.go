package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// failure is why a mail was not sent.
type failure struct {
	shown     string // to whoever may read mails; it may hold what the mail server answered
	logged    string // without what a mail server answers, which may name the addressee
	permanent bool   // the same again would fail the same way
}

// failed is what an error of an attempt means. What the mail server says of the mail itself for good is permanent; what it says of us (its sender, its
// login, its encryption) an operator can mend.
func failed(ctx context.Context, err error) *failure {
	var answer *gomail.SendError
	if errors.As(err, &answer) && answer.ErrorCode() > 0 {
		said, _, _ := strings.Cut(answer.Error(), ", affected ")
		permanent := answer.ErrorCode() >= 500 && answer.ErrorCode() != loginNeeded
		switch answer.Reason {
		case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		default:
			permanent = false
		}
		return &failure{said, fmt.Sprintf("%s: answered %d", answer.Reason, answer.ErrorCode()), permanent}
	}
	var refused *textproto.Error // before the mail: greeting, encryption, login
	if errors.As(err, &refused) {
		said := fmt.Sprintf("%d %s", refused.Code, refused.Msg)
		return &failure{"the mail server refuses this server: " + said, "refused before the mail: " + said, false}
	}
	why := "the connection to the mail server broke"
	var untrusted *tls.CertificateVerificationError
	var dialled *net.OpError
	switch {
	case ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || timedOut(err):
		why = "the mail server did not answer in time"
	case errors.As(err, &untrusted):
		why = "the mail server's certificate cannot be trusted"
	case errors.As(err, &dialled) && dialled.Op == "dial":
		why = "the mail server cannot be reached"
	case strings.Contains(err.Error(), "does not support STARTTLS"): // the library has no name for it
		why = "the mail server does not offer STARTTLS, without which nothing is sent"
	case strings.Contains(err.Error(), "does not support SMTP AUTH"), errors.Is(err, gomail.ErrNoSupportedAuthDiscovered):
		why = "the mail server offers no login that is safe to use"
	}
	note, _, _ := strings.Cut(err.Error(), "affected recipient") // the library names them, and no line of ours does
	return &failure{why, note, false}
}

// loginNeeded is answered to whoever has not logged in (RFC 4954 §6).
const loginNeeded = 530

func timedOut(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
