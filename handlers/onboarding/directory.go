package onboarding

import (
	"net/http"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// tokenOverlap is how long the token before stays valid: a provider that uses it goes on until the new one is entered there.
const tokenOverlap = 24 * time.Hour

type directoryPage struct {
	page
	Provider    string
	SCIMBaseURL string
	Token       string // just made; "" if none was
	Steps       []string
}

func (o *Onboarding) showDirectory(w http.ResponseWriter, s subject, token string) error {
	g := guideOf(s.directory.Provider)
	return o.pages.show(w, http.StatusOK, "directory", directoryPage{o.page(s.mail), g.provider, o.PublicURL + "/scim/v2/" + s.directory.ID, token, g.steps})
}

// errTokenMade answers whoever asks again, as by loading the page anew: another token would end the one that the provider may still use.
var errTokenMade = domain.Refuse(domain.Conflict, "a token was made less than a day ago, and the one before it still works until then. If the new one is lost, ask whoever invited you to end both and make another")

// makeToken makes another token and shows it, once.
func (o *Onboarding) makeToken(w http.ResponseWriter, r *http.Request, s subject) error {
	if s.directory == nil {
		return domain.Refuse(domain.NotFound, "a connection has no token")
	}
	d, token, err := o.Commands.ResetToken(r.Context(), caller(r, s.mail), *s.directory, tokenOverlap)
	if domain.Shown(err).Code == domain.Conflict {
		return errTokenMade
	}
	if err != nil {
		return err
	}
	s.directory = &d
	return o.showDirectory(w, s, token)
}
