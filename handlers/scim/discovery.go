package scim

import (
	"net/http"
	"strings"

	"github.com/elimity-com/scim"
	"github.com/elimity-com/scim/schema"

	"github.com/rollcall-sync/rollcall/domain"
)

// discovery is what the server says of itself (RFC 7644 §4), made once. Locations are added for each directory.
type discovery struct {
	config  map[string]any
	types   []map[string]any
	schemas []map[string]any
}

func newDiscovery(maxBody int64) discovery {
	d := discovery{config: serviceProviderConfig(maxBody)}
	for _, t := range []scim.ResourceType{userResource, groupResource} {
		d.types = append(d.types, resourceTypeOf(t))
		d.schemas = append(d.schemas, published(t.Schema))
		for _, e := range t.SchemaExtensions {
			d.schemas = append(d.schemas, published(e.Schema))
		}
	}
	return d
}

// serviceProviderConfig is RFC 7643 §5.
func serviceProviderConfig(maxBody int64) map[string]any {
	return map[string]any{
		"schemas":        []string{schema.ServiceProviderConfigSchema().ID},
		"patch":          map[string]any{"supported": true},
		"bulk":           map[string]any{"supported": true, "maxOperations": maxOperations, "maxPayloadSize": maxBody},
		"filter":         map[string]any{"supported": true, "maxResults": maxCount},
		"changePassword": map[string]any{"supported": false},
		"sort":           map[string]any{"supported": true},
		"etag":           map[string]any{"supported": true},
		"pagination":     map[string]any{"cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": defaultCount, "maxPageSize": maxCount},
		"authenticationSchemes": []map[string]any{{
			"type": "oauthbearertoken", "name": "OAuth Bearer Token", "primary": true,
			"description": "The directory's token in the Authorization header", "specUri": "https://www.rfc-editor.org/info/rfc6750",
		}},
	}
}

// resourceTypeOf is RFC 7643 §6.
func resourceTypeOf(t scim.ResourceType) map[string]any {
	out := map[string]any{
		"schemas": []string{schema.ResourceTypeSchema().ID}, "id": t.ID.Value(), "name": t.Name, "description": t.Description.Value(),
		"endpoint": t.Endpoint, "schema": t.Schema.ID,
	}
	var extensions []map[string]any
	for _, e := range t.SchemaExtensions {
		extensions = append(extensions, map[string]any{"schema": e.Schema.ID, "required": e.Required})
	}
	if extensions != nil {
		out["schemaExtensions"] = extensions
	}
	return out
}

// located adds the meta of a discovery resource, which depends on the directory's base URL.
func (s *SCIM) located(r *request, kind, path string, resource map[string]any) map[string]any {
	out := make(map[string]any, len(resource)+1)
	for k, v := range resource {
		out[k] = v
	}
	out["meta"] = map[string]any{"resourceType": kind, "location": BaseURL(s.PublicURL, r.directory.ID) + path}
	return out
}

// unfiltered refuses a filter on discovery (RFC 7644 §4).
func unfiltered(r *request) error {
	if r.params.Has("filter") {
		return domain.Refuse(domain.Forbidden, "discovery takes no filter")
	}
	return nil
}

func (s *SCIM) serviceProviderConfig(w http.ResponseWriter, r *request) error {
	return s.discovered(w, r, s.located(r, "ServiceProviderConfig", "/ServiceProviderConfig", s.discovery.config))
}

func (s *SCIM) resourceTypes(w http.ResponseWriter, r *request) error {
	return s.discoveredList(w, r, "ResourceType", "/ResourceTypes/", s.discovery.types)
}

func (s *SCIM) resourceType(w http.ResponseWriter, r *request) error {
	return s.discoveredOne(w, r, "ResourceType", "/ResourceTypes/", s.discovery.types)
}

func (s *SCIM) schemas(w http.ResponseWriter, r *request) error {
	return s.discoveredList(w, r, "Schema", "/Schemas/", s.discovery.schemas)
}

func (s *SCIM) schema(w http.ResponseWriter, r *request) error {
	return s.discoveredOne(w, r, "Schema", "/Schemas/", s.discovery.schemas)
}

func (s *SCIM) discovered(w http.ResponseWriter, r *request, resource map[string]any) error {
	if err := unfiltered(r); err != nil {
		return err
	}
	body, err := encode(resource)
	if err != nil {
		return err
	}
	write(w, r.Request, http.StatusOK, body)
	return nil
}

func (s *SCIM) discoveredOne(w http.ResponseWriter, r *request, kind, path string, of []map[string]any) error {
	for _, resource := range of {
		if id := resource["id"].(string); strings.EqualFold(id, r.PathValue("id")) { // URNs, and the names of types, in any case
			return s.discovered(w, r, s.located(r, kind, path+id, resource))
		}
	}
	return domain.Refuse(domain.NotFound, "there is no such %s", kind)
}

func (s *SCIM) discoveredList(w http.ResponseWriter, r *request, kind, path string, of []map[string]any) error {
	if err := unfiltered(r); err != nil {
		return err
	}
	page := shown{count: len(of), total: len(of), one: func(w *writer, i int) error {
		one, err := encode(s.located(r, kind, path+of[i]["id"].(string), of[i]))
		w.json(one)
		return err
	}}
	return answerList(w, r, func(head *writer) { head.number("startIndex", 1) }, page)
}
