package api

import "github.com/rollcall-sync/rollcall/handlers"

// Document is openapi.yaml as the server holds it.
var Document = openAPI

// Routes are all routes of a door.
func Routes(a *API) []handlers.Route { return append(a.tokenRoutes(), a.table...) }

// Following is how many follow the feed.
func Following(a *API) int { return len(a.following) }
