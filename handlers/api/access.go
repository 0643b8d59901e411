package api

import (
	"errors"
	"iter"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// request is one with an API key, and with what its path names.
type request struct {
	*http.Request
	key          projections.APIKey
	params       url.Values
	organization projections.Organization // below /org/{org}
	directory    projections.Directory    // below it, where the route is about the directory
	directories  []projections.Directory  // below it, where the route is about the users and groups of all
	webhook      projections.Endpoint     // below /webhooks/{id}
	delivery     projections.Logged       // below /webhook-events/{id}
	replay       projections.Replay       // below /replays/{id}
	noted        bool                     // the log line names an organization
}

// about notes in the log line which organization the request is about: the key's, or else the first that it names; "" is none.
func (r *request) about(organizationID string) {
	if organizationID != "" && !r.noted {
		handlers.Note(r.Request, slog.String("organization", organizationID))
		r.noted = true
	}
}

// caller is who the events name.
func (r *request) caller() command.Caller {
	return command.Caller{Actor: "apikey:" + r.key.ID, Source: domain.SourceAPI, Request: handlers.RequestID(r.Request)}
}

// handler handles a request that was let through.
type handler func(w http.ResponseWriter, r *request) error

// keyed lets a request through whose API key has the permission, with nothing in its query, nor in its body if it takes none, that the operation does
// not know.
func (a *API) keyed(needs domain.Permission, o *operation, h handler) handlers.Func {
	known := o.query()
	return func(w http.ResponseWriter, r *http.Request) error {
		k, err := a.asking(w, r)
		noteKey(r, k, err)
		if err == errUnauthorized {
			return a.Throttle.Failed(r, err)
		}
		if err != nil {
			return err
		}
		req := &request{Request: r, key: k}
		req.about(k.OrganizationID)
		if err := a.paced(k); err != nil {
			return err
		}
		a.LastUsed.Use(holder(k), k.ID, a.Commands.Now())
		if !k.May(needs) {
			return domain.Refuse(domain.Forbidden, "this API key has no permission to %s", needs)
		}
		if req.params, err = paramsOf(r, known); err != nil {
			return err
		}
		if o.Body == nil {
			if err := (fields{}).read(w, req); err != nil {
				return err
			}
		}
		return h(w, req)
	}
}

// asking is the API key of a request. Who is answered for as long as he stays is asked for it again: it may have been deleted meanwhile, or its access token have expired.
func (a *API) asking(w http.ResponseWriter, r *http.Request) (projections.APIKey, error) {
	k, err := a.keyOf(r.Context(), handlers.BearerToken(r))
	if err == errUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="rollcall"`)
	}
	return k, err
}

// paced refuses a key that asks too often, by itself or with the others of its organization. The key's own pace comes first, so that who does not wait takes nothing
// from the others.
func (a *API) paced(k projections.APIKey) error {
	wait, whose := a.Pace.Wait(k.ID), "with this API key"
	if wait == 0 && k.OrganizationID != "" {
		wait, whose = a.OrganizationPace.Wait(k.OrganizationID), "with the API keys of this organization together"
	}
	if wait == 0 {
		return nil
	}
	e := domain.Refuse(domain.RateLimited, "too many requests %s; wait %d s before the next", whose, int(math.Ceil(wait.Seconds())))
	e.After = wait
	return e
}

// paramsOf reads the query. What cannot be read or is not known is not passed over: a list without its filter is another list.
func paramsOf(r *http.Request, known map[string]parameter) (url.Values, error) {
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, domain.RefuseFor(domain.Invalid, domain.InvalidSyntax, "the query of the URL cannot be read; escape its values")
	}
	wrong := map[string]string{}
	for name, values := range params {
		if p, is := known[name]; !is {
			wrong[name] = unknownHere(maps.Keys(known))
		} else if what := p.refuse(values); what != "" {
			wrong[name] = what
		}
	}
	return params, refuseFields(wrong)
}

// unknownHere says of a name that it is not among those that there are.
func unknownHere(known iter.Seq[string]) string {
	if names := slices.Sorted(known); len(names) > 0 {
		return "is unknown here; there are: " + strings.Join(names, " ")
	}
	return "is unknown here; there are none"
}

// What follows finds what a path names. What belongs to another organization than the key's is not there, as what never was.

// ofAll is for keys that know all organizations.
func (a *API) ofAll(h handler) handler {
	return func(w http.ResponseWriter, r *request) error {
		if r.key.OrganizationID != "" {
			return domain.Refuse(domain.Forbidden, "this API key is for one organization only")
		}
		return h(w, r)
	}
}

// ofOrganization finds the organization that the path names.
func (a *API) ofOrganization(h handler) handler {
	return func(w http.ResponseWriter, r *request) (err error) {
		r.organization, err = a.Read.Organization(r.Context(), r.PathValue("org"))
		if err == nil && !r.key.Sees(r.organization.ID) {
			err = projections.ErrNotFound
		}
		if err != nil {
			return unlessFound(err, "there is no such organization")
		}
		r.about(r.organization.ID)
		return h(w, r)
	}
}

// ofDirectory finds the organization that the path names, and its directory.
func (a *API) ofDirectory(h handler) handler {
	return a.ofOrganization(func(w http.ResponseWriter, r *request) (err error) {
		if r.directory, err = a.Read.DirectoryOf(r.Context(), r.organization.ID); err != nil {
			return unlessFound(err, "the organization has no directory; POST to its directory-sync first")
		}
		return h(w, r)
	})
}

// ofWebhook finds the webhook that the path names.
func (a *API) ofWebhook(h handler) handler {
	return func(w http.ResponseWriter, r *request) (err error) {
		if r.webhook, err = a.endpoint(r, r.PathValue("id")); err != nil {
			return unlessFound(err, "there is no such webhook")
		}
		return h(w, r)
	}
}

// endpoint finds an endpoint that the key may know of.
func (a *API) endpoint(r *request, id string) (projections.Endpoint, error) {
	p, err := a.Read.Endpoint(r.Context(), id)
	if err == nil && !r.key.Sees(p.OrganizationID) {
		err = projections.ErrNotFound
	}
	if err == nil {
		r.about(p.OrganizationID)
	}
	return p, err
}

// sees makes sure that the key may know of what is sent to an endpoint. That may be there for a while when the endpoint is not any more.
func (a *API) sees(r *request, endpoint string) error {
	_, err := a.endpoint(r, endpoint)
	if r.key.OrganizationID == "" && errors.Is(err, projections.ErrNotFound) {
		return nil
	}
	return err
}

// endpoints are the ids of those that the key may know of, nil for all.
func (a *API) endpoints(r *request) ([]string, error) {
	if r.key.OrganizationID == "" {
		return nil, nil
	}
	return a.Read.EndpointIDs(r.Context(), r.key.OrganizationID)
}

// ofDelivery finds the delivery that the path names.
func (a *API) ofDelivery(h handler) handler {
	return func(w http.ResponseWriter, r *request) (err error) {
		if r.delivery, err = a.delivery(r, r.PathValue("id")); err == nil {
			err = a.sees(r, r.delivery.Endpoint)
		}
		if err != nil {
			return unlessFound(err, "there is no such delivery; ended ones are kept for some time only")
		}
		return h(w, r)
	}
}

// ofReplay finds the replay that the path names.
func (a *API) ofReplay(h handler) handler {
	return func(w http.ResponseWriter, r *request) (err error) {
		if r.replay, err = a.replay(r, r.PathValue("id")); err == nil {
			err = a.sees(r, r.replay.Endpoint)
		}
		if err != nil {
			return unlessFound(err, "there is no such replay")
		}
		return h(w, r)
	}
}

// ofAPIKey makes sure that there is the API key that the path names.
func (a *API) ofAPIKey(h handler) handler {
	return func(w http.ResponseWriter, r *request) error {
		k, err := a.Read.APIKey(r.Context(), r.PathValue("id"))
		if errors.Is(err, projections.ErrNotFound) { // it may be asked of what it left behind
			k.OrganizationID, err = a.Read.EndedAPIKey(r.Context(), r.PathValue("id"))
		}
		if err == nil && !r.key.Sees(k.OrganizationID) {
			err = projections.ErrNotFound
		}
		if err != nil {
			return unlessFound(err, "there is no such API key")
		}
		r.about(k.OrganizationID)
		return h(w, r)
	}
}
