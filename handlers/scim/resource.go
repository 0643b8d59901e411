package scim

import (
	"net/http"
	"slices"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// frame is what the server decides of a resource, and puts around its attributes.
type frame struct {
	kind              *domain.ResourceType
	id, etag          string
	created, modified time.Time
}

// resource writes the frame (RFC 7643 §3.1) and the attributes. More adds what else there is, and is given the names of the attributes.
func (s *SCIM) resource(w *writer, directory string, f frame, attributes projections.JSON, more func(names [][]byte)) {
	*w = slices.Grow(*w, len(attributes)+512)
	known := names(attributes)
	w.begin('{')
	w.name("schemas")
	w.begin('[')
	w.text(f.kind.Core.ID)
	for _, name := range known {
		if domain.IsURN(string(name)) {
			w.text(string(name))
		}
	}
	w.end(']')
	w.member("id", f.id)
	w.name("meta")
	w.begin('{')
	w.member("resourceType", f.kind.Name)
	w.time("created", f.created)
	w.time("lastModified", f.modified)
	w.member("location", s.location(f.kind, directory, f.id))
	w.member("version", f.etag)
	w.end('}')
	w.inside(attributes)
	more(known)
	w.end('}')
}

func (s *SCIM) location(t *domain.ResourceType, directory, id string) string {
	return BaseURL(s.PublicURL, directory) + t.Endpoint + "/" + id
}

// user is a user as it is shown. Whether it is active is always said, as filters have it: a user is, unless its provider says otherwise.
func (s *SCIM) user(w *writer, directory string, u projections.User, in []projections.Membership) frame {
	f := frame{domain.UserType, u.ID, userETag(u, in), u.Created, u.Modified}
	s.resource(w, directory, f, u.JSON, func(names [][]byte) {
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
	return f
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
func (s *SCIM) group(w *writer, directory string, g projections.Group, members []projections.Member) frame {
	f := frame{domain.GroupType, g.ID, groupETag(g), g.Created, g.Modified}
	s.resource(w, directory, f, g.JSON, func([][]byte) {
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
	return f
}

// answer sends one resource with the attributes that the client wants, and its ETag and, if it is new, its Location.
func (s *SCIM) answer(w http.ResponseWriter, r *request, status int, f frame, whole []byte) error {
	body, err := r.wanted.of(whole)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", f.etag)
	if status == http.StatusCreated {
		w.Header().Set("Location", s.location(f.kind, r.directory.ID, f.id))
	}
	write(w, r.Request, status, body)
	return nil
}
