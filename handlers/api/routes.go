package api

import (
	"errors"
	"fmt"

	"github.com/rollcall-sync/rollcall/domain"
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
	keyed := func(needs domain.Permission, method, path string, h handler) {
		if method == "POST" {
			h = a.once(h)
		}
		add(method, path, func(o *operation) handlers.Func { return a.keyed(needs, o, h) })
	}
	read := func(method, path string, h handler) { keyed(domain.PermissionRead, method, path, h) }
	write := func(method, path string, h handler) { keyed(domain.PermissionWrite, method, path, h) }
	// stream is for what is read bit by bit, and sees to its Idempotency-Key itself.
	stream := func(method, path string, h handler) {
		add(method, path, func(o *operation) handlers.Func { return a.keyed(domain.PermissionWrite, o, h) })
	}
	open := func(method, path string, h handlers.Func) {
		add(method, path, func(*operation) handlers.Func { return h })
	}
	write("POST", "/org", a.ofAll(a.createOrganization))
	read("GET", "/org", a.listOrganizations)
	read("GET", org, a.ofOrganization(a.getOrganization))
	write("PUT", org, a.ofOrganization(a.updateOrganization))
	write("DELETE", org, a.ofOrganization(a.deleteOrganization))

	write("POST", sync, a.ofOrganization(a.createDirectory))
	read("GET", sync, a.ofDirectory(a.getDirectory))
	write("PUT", sync, a.ofDirectory(a.updateDirectory))
	write("DELETE", sync, a.ofDirectory(a.deleteDirectory))
	write("PUT", sync+"/reset", a.ofDirectory(a.resetToken))
	write("PATCH", sync+"/activate", a.ofDirectory(a.setActive(true)))
	write("PATCH", sync+"/disable", a.ofDirectory(a.setActive(false)))
	write("POST", sync+"/invite-admin", a.ofDirectory(a.inviteDirectoryAdmin))
	write("POST", sync+"/reset-onboarding", a.ofDirectory(a.resetDirectoryOnboarding))
	write("PATCH", sync+"/reset-onboarding", a.ofDirectory(a.resetDirectoryOnboarding))

	write("POST", org+"/admins", a.ofOrganization(a.createAdministrator))
	read("GET", org+"/admins", a.ofOrganization(a.listAdministrators))
	write("DELETE", org+"/admins/{id}", a.ofOrganization(a.deleteAdministrator))

	read("GET", "/mails", a.listMails)

	read("GET", org+"/users", a.ofDirectories(a.listUsers))
	write("POST", org+"/users", a.ofOrganization(a.createUser))
	stream("POST", org+"/users/import", a.ofOrganization(a.importUsers))
	read("GET", org+"/users/{id}", a.ofUser(a.getUser))
	write("PUT", org+"/users/{id}", a.ofUser(a.updateUser))
	write("DELETE", org+"/users/{id}", a.ofUser(a.deleteUser))
	read("GET", org+"/users/{id}/history", a.ofDirectories(a.history(projections.KindUser)))
	read("GET", org+"/groups", a.ofDirectories(a.listGroups))
	read("GET", org+"/groups/{id}", a.ofDirectory(a.getGroup))
	read("GET", org+"/groups/{id}/members", a.ofDirectory(a.listMembers))
	read("GET", org+"/groups/{id}/history", a.ofDirectories(a.history(projections.KindGroup)))

	write("POST", "/webhooks", a.createWebhook)
	read("GET", "/webhooks", a.listWebhooks)
	read("GET", "/webhooks/{id}", a.ofWebhook(a.getWebhook))
	write("PUT", "/webhooks/{id}", a.ofWebhook(a.updateWebhook))
	write("DELETE", "/webhooks/{id}", a.ofWebhook(a.deleteWebhook))
	write("POST", "/webhooks/{id}/test", a.ofWebhook(a.testWebhook))
	write("POST", "/webhooks/{id}/rotate", a.ofWebhook(a.rotateKey))
	write("POST", "/webhooks/{id}/enable", a.ofWebhook(a.enableWebhook))
	write("POST", "/webhooks/{id}/disable", a.ofWebhook(a.pauseWebhook))
	write("POST", "/webhooks/{id}/replay", a.ofWebhook(a.startReplay))
	read("POST", "/webhooks/{id}/simulate", a.ofWebhook(a.simulate))
	write("POST", "/webhooks/{id}/recover", a.ofWebhook(a.recover))

	read("GET", "/replays", a.listReplays)
	read("GET", "/replays/{id}", a.ofReplay(a.getReplay))
	write("DELETE", "/replays/{id}", a.ofReplay(a.cancelReplay))

	read("GET", "/webhook-events", a.listDeliveries)
	read("GET", "/webhook-events/{id}", a.ofDelivery(a.getDelivery))
	write("POST", "/webhook-events/{id}/resend", a.ofDelivery(a.resend))
	write("POST", "/webhook-events/{id}/cancel", a.ofDelivery(a.cancelDelivery))

	read("GET", "/events", a.feed)

	write("POST", "/applications", a.ofAll(a.createApplication))
	read("GET", "/applications", a.ofAll(a.listApplications))
	read("GET", "/applications/{id}", a.ofAll(a.getApplication))
	write("PUT", "/applications/{id}", a.ofAll(a.updateApplication))
	write("DELETE", "/applications/{id}", a.ofAll(a.deleteApplication))

	write("POST", sso, a.createConnection)
	read("GET", sso, a.listConnections)
	read("GET", idp, a.ofConnection(a.getConnection))
	write("PUT", idp, a.ofConnection(a.updateConnection))
	write("DELETE", idp, a.ofConnection(a.deleteConnection))
	write("POST", idp+"/default-redirection", a.ofConnection(a.createRedirection))
	read("GET", idp+"/default-redirection", a.ofConnection(a.getRedirection))
	write("PUT", idp+"/sso-user-policy", a.ofConnection(a.setPolicy))
	write("POST", idp+"/admin-onboarding", a.ofConnection(a.createOnboarding))
	write("PUT", idp+"/admin-onboarding", a.ofConnection(a.updateOnboarding))
	write("POST", idp+"/invite-admin", a.inviteAdmin())
	write("POST", idp+"/reset-onboarding", a.resetOnboarding())
	write("PATCH", idp+"/reset-onboarding", a.resetOnboarding())
	write("PATCH", idp+"/activate", a.setConnectionActive(true))
	write("PATCH", idp+"/disable", a.setConnectionActive(false))
	read("POST", idp+"/evaluate", a.ofConnection(a.evaluate))
	read("GET", idp+"/history", a.ofConnection(a.connectionHistory))

	write("POST", "/api-keys", a.createAPIKey)
	read("GET", "/api-keys", a.listAPIKeys)
	write("DELETE", "/api-keys/{id}", a.ofAPIKey(a.deleteAPIKey))

	open("GET", "/openapi.yaml", a.showDocument)
	open("GET", "/docs", a.showDocs)
	return routes, errors.Join(unknown...)
}
