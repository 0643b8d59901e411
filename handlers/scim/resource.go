package scim

import (
	"net/http"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// resource is one as it is sent, whole, and what the headers of an answer say of it.
type resource struct {
	json           []byte
	etag, location string
}

// resource puts around the attributes what the server decides: id, schemas and meta (RFC 7643 §3.1). More adds what else there is, and is given the names of
// the attributes.
func (s *SCIM) resource(t *domain.ResourceType, directory, id, etag string, attributes projections.JSON, created, modified time.Time, more func(w *writer, names [][]byte)) resource {
	known := names(attributes)
	location := s.location(t, directory, id)
	w := make(writer, 0, len(attributes)+512)
	w.begin('{')
	w.name("schemas")
	w.begin('[')
	w.text(t.Core.ID)
	for _, name := range known {
		if domain.IsURN(string(name)) {
			w.text(string(name))
		}
	}
	w.end(']')
	w.member("id", id)
	w.name("meta")
	w.begin('{')
	w.member("resourceType", t.Name)
	w.time("created", created)
	w.time("lastModified", modified)
	w.member("location", location)
	w.member("version", etag)
	w.end('}')
	w.inside(attributes)
	more(&w, known)
	w.end('}')
	return resource{w, etag, location}
}

func (s *SCIM) location(t *domain.ResourceType, directory, id string) string {
	return BaseURL(s.PublicURL, directory) + t.Endpoint + "/" + id
}

// user is a user as it is shown. Whether it is active is always said, as filters have it: a user is, unless its provider says otherwise.
func (s *SCIM) user(directory string, u projections.User, in []projections.Membership) resource {
	return s.resource(domain.UserType, directory, u.ID, userETag(u, in), u.JSON, u.Created, u.Modified, func(w *writer, names [][]byte) {
		if !says(names, "active") {
			w.name("active")
			w.json([]byte("true"))
		}
		if len(in) == 0 {
			return
		}
		w.name("groups")
		w.begin('[')
		for _, g := range in {
			w.begin('{')
			w.member("value", g.Group)
			w.member("display", g.Display)
			if g.Direct {
				w.member("type", "direct")
			} else {
				w.member("type", "indirect")
			}
			w.member("$ref", s.location(domain.GroupType, directory, g.Group))
			w.end('}')
		}
		w.end(']')
	})
}

func says(names [][]byte, name string) bool {
	for _, n := range names {
		if string(n) == name {
			return true
		}
	}
	return false
}

// group is a group as it is shown.
func (s *SCIM) group(directory string, g projections.Group, members []projections.Member) resource {
	return s.resource(domain.GroupType, directory, g.ID, groupETag(g), g.JSON, g.Created, g.Modified, func(w *writer, _ [][]byte) {
		if len(members) == 0 {
			return
		}
		w.name("members")
		w.begin('[')
		for _, m := range members {
			of := domain.UserType
			if m.Type == domain.GroupType.Name {
				of = domain.GroupType
			}
			w.begin('{')
			w.member("value", m.ID)
			w.member("display", m.Display)
			w.member("type", m.Type)
			w.member("$ref", s.location(of, directory, m.ID))
			w.end('}')
		}
		w.end(']')
	})
}

// answer sends one resource with the attributes that the client wants, and its ETag and, if it is new, its Location.
func answer(w http.ResponseWriter, r *request, status int, res resource) error {
	body, err := r.wanted.of(res.json)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", res.etag)
	if status == http.StatusCreated {
		w.Header().Set("Location", res.location)
	}
	write(w, r.Request, status, body)
	return nil
}
