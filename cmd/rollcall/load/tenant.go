package load

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// open finds the directory to send to, or has one made by the management API.
func (r *run) open(ctx context.Context, provider string) error {
	if r.SCIMURL != "" {
		r.client.base, r.client.token = r.SCIMURL, r.Token
		return nil
	}
	var organization struct{ Domain string }
	if err := r.manage(ctx, "POST", "/org", fmt.Sprintf(`{"name":"Load %s"}`, r.world.name), &organization, http.StatusCreated); err != nil {
		return fmt.Errorf("make an organization: %w", err)
	}
	r.organization = organization.Domain
	var directory struct {
		Base  string                 `json:"scim_base_url"`
		Token struct{ Value string } `json:"auth_secret_token"`
	}
	if err := r.manage(ctx, "POST", "/org/"+url.PathEscape(r.organization)+"/directory-sync?provider="+provider, "", &directory, http.StatusCreated); err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	// The server may call itself by a public name that is not reached from here; its path is what matters.
	base, err := url.Parse(directory.Base)
	if err != nil || directory.Token.Value == "" {
		return fmt.Errorf("the server made a directory without a base URL and a token")
	}
	r.client.base, r.client.token = r.URL+base.Path, directory.Token.Value
	if r.Webhook {
		return r.subscribe(ctx)
	}
	return nil
}

// subscribe has the server send the run's changes here.
func (r *run) subscribe(ctx context.Context) (err error) {
	if r.sink, err = newSink(); err != nil {
		return err
	}
	err = r.manage(ctx, "POST", "/webhooks", fmt.Sprintf(`{"name":"load %s","target_url":%q,"organization":%q,"event_codes":["directory.user.*","directory.group.*"]}`,
		r.world.name, r.sink.url, r.organization), &r.sink.endpoint, http.StatusCreated)
	if err != nil {
		return fmt.Errorf("make a webhook to %s (the server needs ROLLCALL_WEBHOOK_ALLOW=127.0.0.0/8 for it): %w", r.sink.url, err)
	}
	return nil
}

// tidying bounds how long the end of a run may take, which comes even if the run was broken off.
const tidying = 30 * time.Second

// shut takes away what open made; the organization of a run that found something wrong is kept, to be looked at.
func (r *run) shut(ctx context.Context, keep bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidying)
	defer cancel()
	if r.sink != nil {
		defer r.sink.close()
		if r.sink.endpoint.ID != "" {
			if err := r.manage(ctx, "DELETE", "/webhooks/"+r.sink.endpoint.ID, "", nil, http.StatusNoContent, http.StatusOK); err != nil {
				return fmt.Errorf("delete the webhook of the run: %w", err)
			}
		}
	}
	if r.organization == "" || keep {
		return nil
	}
	if err := r.manage(ctx, "DELETE", "/org/"+url.PathEscape(r.organization), "", nil, http.StatusNoContent, http.StatusOK); err != nil {
		return fmt.Errorf("delete the organization of the run: %w", err)
	}
	return nil
}

func (r *run) manage(ctx context.Context, method, path, body string, into any, want ...int) error {
	text, err := r.client.exchange(ctx, r.APIKey, method, r.URL+"/api/v2"+path, body, want...)
	if err != nil || into == nil {
		return err
	}
	return decode(text, into, method, path)
}
