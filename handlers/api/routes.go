package api

import (
	"errors"
	"fmt"

	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/projections"
)

// routes are all routes of the management API. Each needs an API key, but those that are open. One that openapi.yaml does not describe is an error.
func (a *API) routes() ([]handlers.Route, error) {
	const org, sync, sso, idp = "/org/{org}", "/org/{org}/directory-sync", "/sso-connections", "/sso-connections/{idp_id}"
	var routes []handlers.Route
	var unknown []error
	add := func(method, path string, known func(*operation) handlers.Func) {
		path = "/api/v2" + path
		if o := a.described.operation(method, path); o != nil {
			routes = append(routes, handlers.Route{Method: method, Path: path, Handler: known(o)})
		} else {
			unknown = append(unknown, fmt.Errorf("api: openapi.yaml does not describe %s %s", method, path))
		}
	}
	keyed := func(method, path string, h handler) {
		add(method, path, func(o *operation) handlers.Func { return a.keyed(o.query(), h) })
	}
	open := func(method, path string, h handlers.Func) {
		add(method, path, func(*operation) handlers.Func { return h })
	}
	keyed("POST", "/org", a.createOrganization)
	keyed("GET", "/org", a.listOrganizations)
	keyed("GET", org, a.ofOrganization(a.getOrganization))
	keyed("PUT", org, a.ofOrganization(a.updateOrganization))
	keyed("DELETE", org, a.ofOrganization(a.deleteOrganization))

	keyed("POST", sync, a.ofOrganization(a.createDirectory))
	keyed("GET", sync, a.ofDirectory(a.getDirectory))
	keyed("PUT", sync, a.ofDirectory(a.updateDirectory))
	keyed("DELETE", sync, a.ofDirectory(a.deleteDirectory))
	keyed("PUT", sync+"/reset", a.ofDirectory(a.resetToken))
	keyed("PATCH", sync+"/activate", a.ofDirectory(a.setActive(true)))
	keyed("PATCH", sync+"/disable", a.ofDirectory(a.setActive(false)))

	keyed("GET", org+"/users", a.ofDirectory(a.listUsers))
	keyed("GET", org+"/users/{id}", a.ofDirectory(a.getUser))
	keyed("GET", org+"/users/{id}/history", a.ofDirectory(a.history(projections.KindUser)))
	keyed("GET", org+"/groups", a.ofDirectory(a.listGroups))
	keyed("GET", org+"/groups/{id}", a.ofDirectory(a.getGroup))
	keyed("GET", org+"/groups/{id}/members", a.ofDirectory(a.listMembers))
	keyed("GET", org+"/groups/{id}/history", a.ofDirectory(a.history(projections.KindGroup)))

	keyed("POST", "/webhooks", a.createWebhook)
	keyed("GET", "/webhooks", a.listWebhooks)
	keyed("GET", "/webhooks/{id}", a.getWebhook)
	keyed("PUT", "/webhooks/{id}", a.updateWebhook)
	keyed("DELETE", "/webhooks/{id}", a.deleteWebhook)
	keyed("POST", "/webhooks/{id}/test", a.testWebhook)
	keyed("POST", "/webhooks/{id}/rotate", a.rotateKey)
	keyed("POST", "/webhooks/{id}/enable", a.enableWebhook)
	keyed("POST", "/webhooks/{id}/disable", a.pauseWebhook)
	keyed("POST", "/webhooks/{id}/replay", a.startReplay)
	keyed("POST", "/webhooks/{id}/simulate", a.simulate)
	keyed("POST", "/webhooks/{id}/recover", a.recover)

	keyed("GET", "/replays", a.listReplays)
	keyed("GET", "/replays/{id}", a.getReplay)
	keyed("DELETE", "/replays/{id}", a.cancelReplay)

	keyed("GET", "/webhook-events", a.listDeliveries)
	keyed("GET", "/webhook-events/{id}", a.getDelivery)
	keyed("POST", "/webhook-events/{id}/resend", a.resend)
	keyed("POST", "/webhook-events/{id}/cancel", a.cancelDelivery)

	keyed("GET", "/events", a.feed)

	keyed("POST", "/applications", a.createApplication)
	keyed("GET", "/applications", a.listApplications)
	keyed("GET", "/applications/{id}", a.getApplication)
	keyed("PUT", "/applications/{id}", a.updateApplication)
	keyed("DELETE", "/applications/{id}", a.deleteApplication)

	keyed("POST", sso, a.createConnection)
	keyed("GET", sso, a.listConnections)
	keyed("GET", idp, a.ofConnection(a.getConnection))
	keyed("PUT", idp, a.ofConnection(a.updateConnection))
	keyed("DELETE", idp, a.ofConnection(a.deleteConnection))
	keyed("POST", idp+"/default-redirection", a.ofConnection(a.createRedirection))
	keyed("GET", idp+"/default-redirection", a.ofConnection(a.getRedirection))
	keyed("PUT", idp+"/sso-user-policy", a.ofConnection(a.setPolicy))
	keyed("POST", idp+"/admin-onboarding", a.ofConnection(a.createOnboarding))
	keyed("PUT", idp+"/admin-onboarding", a.ofConnection(a.updateOnboarding))
	keyed("POST", idp+"/invite-admin", a.inviteAdmin())
	keyed("PATCH", idp+"/reset-onboarding", a.resetOnboarding())
	keyed("PATCH", idp+"/activate", a.setConnectionActive(true))
	keyed("PATCH", idp+"/disable", a.setConnectionActive(false))
	keyed("POST", idp+"/evaluate", a.ofConnection(a.evaluate))
	keyed("GET", idp+"/history", a.ofConnection(a.connectionHistory))

	keyed("POST", "/api-keys", a.createAPIKey)
	keyed("GET", "/api-keys", a.listAPIKeys)
	keyed("DELETE", "/api-keys/{id}", a.deleteAPIKey)

	open("GET", "/openapi.yaml", a.showDocument)
	open("GET", "/docs", a.showDocs)
	return routes, errors.Join(unknown...)
}
