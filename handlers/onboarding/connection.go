package onboarding

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/handlers/saml"
)

// connectionForm is what an administrator enters of a connection.
type connectionForm struct {
	Provider domain.Provider
	Metadata string
}

type connectionPage struct {
	page
	Form      connectionForm
	Providers []choice
	Entities  []domain.EntityDescriptor // of the metadata in force
	Wrong     *domain.Error             // with what was entered; nil if nothing is
}

// choice is a provider that may be chosen.
type choice struct {
	Value domain.Provider
	Name  string
}

func (o *Onboarding) showConnection(w http.ResponseWriter, s subject, form connectionForm, wrong *domain.Error) error {
	status := http.StatusOK
	if wrong != nil {
		status = http.StatusUnprocessableEntity
	}
	return o.pages.show(w, status, "connection", connectionPage{o.page(s.mail), form, connectionProviders, s.connection.Metadata, wrong})
}

// saveConnection takes the provider and the metadata, or shows the form again with what is wrong.
func (o *Onboarding) saveConnection(w http.ResponseWriter, r *http.Request, s subject) error {
	if s.connection == nil {
		return domain.Refuse(domain.NotFound, "a directory has no metadata")
	}
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	edit, err := form.edit(o.Commands)
	if err == nil {
		_, err = o.Commands.UpdateConnection(r.Context(), caller(r, s.mail), s.connection.ID, command.ConnectionChange{ConnectionEdit: edit})
	}
	if wrong := domain.Shown(err); err != nil && wrong.Code == domain.Invalid {
		return o.showConnection(w, s, form, wrong)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Location", "./")
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// edit is what the form changes of a connection. Without metadata those in force stay.
func (f connectionForm) edit(commands *command.Service) (e domain.ConnectionEdit, err error) {
	if e.Provider, err = domain.ParseConnectionProvider(string(f.Provider)); err != nil {
		return e, domain.Refuse(domain.Invalid, "choose your identity provider from the list")
	}
	if f.Metadata == "" {
		return e, nil
	}
	e.Metadata, err = saml.ParseMetadata(f.Metadata, commands.Now())
	return e, err
}

// maxForm bounds a form: metadata, as a text or a file, and some room.
const maxForm = 1 << 20

// readForm reads the form; a file of metadata goes before a text.
func readForm(w http.ResponseWriter, r *http.Request) (connectionForm, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	var large *http.MaxBytesError
	switch err := r.ParseMultipartForm(maxForm); { // all of it in memory
	case errors.As(err, &large):
		return connectionForm{}, domain.Refuse(domain.TooLarge, "the metadata are larger than %d bytes", maxForm)
	case errors.Is(err, http.ErrNotMultipart):
		return connectionForm{}, domain.Refuse(domain.WrongMediaType, "send the form of the page")
	case err != nil:
		e := domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "the form cannot be read; go back and send it again")
		e.Cause = err
		return connectionForm{}, e
	}
	form := connectionForm{domain.Provider(r.PostFormValue("provider_type")), strings.TrimSpace(r.PostFormValue("metadata"))}
	file, _, err := r.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) {
		return form, nil
	}
	if err == nil {
		var text []byte
		if text, err = io.ReadAll(file); len(text) > 0 {
			form.Metadata = string(text)
		}
	}
	return form, err
}
