// Package scim is the door for identity providers: SCIM 2.0 (RFC 7643, RFC 7644) at /scim/v2/{directory}/…, with the
// directory's bearer token.
//
//	GET  POST                /Users  /Groups          list with filter, create
//	GET  PUT  PATCH  DELETE  /Users/{id} /Groups/{id}
//	POST                     /Users/.search /Groups/.search /.search
//	POST                     /Bulk
//	GET                      /ServiceProviderConfig /ResourceTypes /Schemas
//
// The schemas, the resource types, the validation of whole resources and the form of errors are elimity-com/scim's. Reading PATCH
// paths and filters, and applying them, is the domain's, which also understands what identity providers
// send beside the standard; filters run as SQL in the projections.
package scim

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers"
	"github.com/rollcall-sync/rollcall/handlers/command"
	"github.com/rollcall-sync/rollcall/projections"
)

// Config is what the door needs. The first three are required.
type Config struct {
	Commands  *command.Service
	Read      *projections.ReadModel
	PublicURL string // where identity providers reach this server, without a slash at the end

	MaxBody     int64 // the largest body of a request, in bytes; DefaultMaxBody if 0
	HeavyBodies int   // how many bodies above 1 MiB are read and worked on at once; 4 if 0

	Throttle *handlers.Throttle // of wrong tokens; one of its own if nil
	LastUsed *handlers.LastUsed // where uses of tokens are noted; in memory only if nil
}

// DefaultMaxBody takes a group of 100,000 members in one request.
const DefaultMaxBody = 16 << 20

const defaultHeavyBodies = 4

// Limits on what one request may bring and take.
const (
	maxDepth      = 16
	maxOperations = 1000 // of a bulk request
	defaultCount  = 100
	maxCount      = 1000
)

// SCIM is the door.
type SCIM struct {
	Config
	discovery discovery
	heavy     chan struct{} // a slot for each heavy body
}

// New makes the door.
func New(c Config) (*SCIM, error) {
	var wrong []error
	if c.Commands == nil {
		wrong = append(wrong, errors.New("scim: Commands is required"))
	}
	if c.Read == nil {
		wrong = append(wrong, errors.New("scim: Read is required"))
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || strings.HasSuffix(c.PublicURL, "/") {
		wrong = append(wrong, errors.New("scim: PublicURL is an absolute URL without a slash at its end"))
	}
	if c.MaxBody < 0 || c.HeavyBodies < 0 {
		wrong = append(wrong, errors.New("scim: MaxBody and HeavyBodies are not negative"))
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	if c.Throttle == nil {
		c.Throttle = handlers.NewThrottle(handlers.Failures, nil)
	}
	if c.LastUsed == nil {
		c.LastUsed = handlers.OpenLastUsed("", nil)
	}
	c.MaxBody = cmp.Or(c.MaxBody, DefaultMaxBody)
	c.HeavyBodies = cmp.Or(c.HeavyBodies, defaultHeavyBodies)
	return &SCIM{c, newDiscovery(c.MaxBody), make(chan struct{}, c.HeavyBodies)}, nil
}

// BaseURL is what an administrator enters at the identity provider for a directory.
func BaseURL(public, directory string) string { return public + "/scim/v2/" + directory }

// Mount adds the door's routes.
func (s *SCIM) Mount(mux *http.ServeMux) {
	var routes []handlers.Route
	add := func(method, path string, h inDirectory) {
		routes = append(routes, handlers.Route{Method: method, Path: "/scim/v2/{directory}" + path, Handler: s.authenticated(h)})
	}
	for path, t := range map[string]*domain.ResourceType{"/Users": domain.UserType, "/Groups": domain.GroupType} {
		h := s.resources(t)
		add("GET", path, about(t, h.list))
		add("POST", path, about(t, h.create))
		add("POST", path+"/.search", search(t, h.list))
		add("GET", path+"/{id}", about(t, h.get))
		add("PUT", path+"/{id}", about(t, h.replace))
		add("PATCH", path+"/{id}", about(t, h.patch))
		add("DELETE", path+"/{id}", about(t, h.delete))
	}
	add("POST", "/.search", s.searchAll)
	add("GET", "/ServiceProviderConfig", s.serviceProviderConfig)
	add("GET", "/ResourceTypes", s.resourceTypes)
	add("GET", "/ResourceTypes/{id}", s.resourceType)
	add("GET", "/Schemas", s.schemas)
	add("GET", "/Schemas/{id}", s.schema)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		add(method, "/Me", unsupported)
	}
	add("POST", "/Bulk", s.bulk)
	handlers.Mount(mux, "/scim/", show, routes)
}

// resources are the handlers of one type.
type resources struct{ list, create, get, replace, patch, delete inDirectory }

func (s *SCIM) resources(t *domain.ResourceType) resources {
	if t == domain.GroupType {
		return resources{s.listGroups, s.createGroup, s.getGroup, s.replaceGroup, s.patchGroup, s.deleteGroup}
	}
	return resources{s.listUsers, s.createUser, s.getUser, s.replaceUser, s.patchUser, s.deleteUser}
}
