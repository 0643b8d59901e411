package scim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// encode is JSON as SCIM sends it.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// resource puts around the attributes what the server decides: id, schemas and meta (RFC 7643 §3.1).
func (s *SCIM) resource(t *domain.ResourceType, directory, id, etag string, attributes domain.Attributes, created, modified time.Time) map[string]any {
	out := make(map[string]any, len(attributes)+5)
	schemas := []string{t.Core.ID}
	for name, value := range attributes {
		out[name] = value
		if domain.IsURN(name) {
			schemas = append(schemas, name)
		}
	}
	slices.Sort(schemas[1:])
	out["id"] = id
	out["schemas"] = schemas
	out["meta"] = map[string]any{
		"resourceType": t.Name,
		"created":      formatTime(created),
		"lastModified": formatTime(modified),
		"location":     s.location(t, directory, id),
		"version":      etag,
	}
	return out
}

func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (s *SCIM) location(t *domain.ResourceType, directory, id string) string {
	return BaseURL(s.PublicURL, directory) + t.Endpoint + "/" + id
}

// user is a user as it is shown. Whether it is active is always said, as filters have it: a user is, unless its provider says otherwise.
func (s *SCIM) user(directory string, u projections.User, in []projections.Membership) map[string]any {
	out := s.resource(domain.UserType, directory, u.ID, userETag(u, in), u.Attributes, u.Created, u.Modified)
	out["active"] = u.Attributes.Active()
	if len(in) > 0 {
		groups := make([]any, len(in))
		for i, g := range in {
			how := "indirect"
			if g.Direct {
				how = "direct"
			}
			groups[i] = map[string]any{"value": g.Group, "display": g.Display, "type": how, "$ref": s.location(domain.GroupType, directory, g.Group)}
		}
		out["groups"] = groups
	}
	return out
}

// group is a group as it is shown.
func (s *SCIM) group(directory string, g projections.Group, members []projections.Member) map[string]any {
	out := s.resource(domain.GroupType, directory, g.ID, groupETag(g), g.Attributes, g.Created, g.Modified)
	if len(members) > 0 {
		list := make([]any, len(members))
		for i, m := range members {
			of := domain.UserType
			if m.Type == domain.GroupType.Name {
				of = domain.GroupType
			}
			list[i] = map[string]any{"value": m.ID, "display": m.Display, "type": m.Type, "$ref": s.location(of, directory, m.ID)}
		}
		out["members"] = list
	}
	return out
}

// answer sends one resource with the attributes that the client wants, and its ETag and, if it is new, its Location.
func answer(w http.ResponseWriter, r *request, status int, resource map[string]any) error {
	meta := resource["meta"].(map[string]any)
	body, err := encode(r.wanted.of(resource))
	if err != nil {
		return err
	}
	w.Header().Set("ETag", meta["version"].(string))
	if status == http.StatusCreated {
		w.Header().Set("Location", meta["location"].(string))
	}
	write(w, r.Request, status, body)
	return nil
}
