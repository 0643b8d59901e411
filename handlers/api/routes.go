package api

import (
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/projections"
)

// routes are all routes of the management API. Each needs an API key.
func (a *API) routes() []handlers.Route {
	const org, sync = "/org/{org}", "/org/{org}/directory-sync"
	var routes []handlers.Route
	add := func(method, path string, h handler) {
		routes = append(routes, handlers.Route{Method: method, Path: "/api/v2" + path, Handler: a.keyed(h)})
	}
	add("POST", "/org", a.createOrganization)
	add("GET", "/org", a.listOrganizations)
	add("GET", org, a.ofOrganization(a.getOrganization))
	add("PUT", org, a.ofOrganization(a.updateOrganization))
	add("DELETE", org, a.ofOrganization(a.deleteOrganization))

	add("POST", sync, a.ofOrganization(a.createDirectory))
	add("GET", sync, a.ofDirectory(a.getDirectory))
	add("PUT", sync, a.ofDirectory(a.updateDirectory))
	add("DELETE", sync, a.ofDirectory(a.deleteDirectory))
	add("PUT", sync+"/reset", a.ofDirectory(a.resetToken))
	add("PATCH", sync+"/activate", a.ofDirectory(a.setActive(true)))
	add("PATCH", sync+"/disable", a.ofDirectory(a.setActive(false)))

	add("GET", org+"/users", a.ofDirectory(a.listUsers))
	add("GET", org+"/users/{id}", a.ofDirectory(a.getUser))
	add("GET", org+"/users/{id}/history", a.ofDirectory(a.history(projections.KindUser)))
	add("GET", org+"/groups", a.ofDirectory(a.listGroups))
	add("GET", org+"/groups/{id}", a.ofDirectory(a.getGroup))
	add("GET", org+"/groups/{id}/members", a.ofDirectory(a.listMembers))
	add("GET", org+"/groups/{id}/history", a.ofDirectory(a.history(projections.KindGroup)))

	add("POST", "/webhooks", a.createWebhook)
	add("GET", "/webhooks", a.listWebhooks)
	add("GET", "/webhooks/{id}", a.getWebhook)
	add("PUT", "/webhooks/{id}", a.updateWebhook)
	add("DELETE", "/webhooks/{id}", a.deleteWebhook)
	add("POST", "/webhooks/{id}/test", a.testWebhook)
	add("POST", "/webhooks/{id}/rotate", a.rotateKey)
	add("POST", "/webhooks/{id}/enable", a.enableWebhook)
	add("POST", "/webhooks/{id}/disable", a.pauseWebhook)
	add("POST", "/webhooks/{id}/replay", a.startReplay)
	add("POST", "/webhooks/{id}/simulate", a.simulate)
	add("POST", "/webhooks/{id}/recover", a.recover)

	add("GET", "/replays", a.listReplays)
	add("GET", "/replays/{id}", a.getReplay)
	add("DELETE", "/replays/{id}", a.cancelReplay)

	add("GET", "/webhook-events", a.listDeliveries)
	add("GET", "/webhook-events/{id}", a.getDelivery)
	add("POST", "/webhook-events/{id}/resend", a.resend)
	add("POST", "/webhook-events/{id}/cancel", a.cancelDelivery)

	add("GET", "/events", a.feed)

	add("POST", "/api-keys", a.createAPIKey)
	add("GET", "/api-keys", a.listAPIKeys)
	add("DELETE", "/api-keys/{id}", a.deleteAPIKey)
	return routes
}
