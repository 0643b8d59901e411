package scim

import (
	"net/http"
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

// begin writes the frame (RFC 7643 §3.1) and the attributes, and leaves the object open for what else there is. It tells whether the attributes say
// if the resource is active.
func (s *SCIM) begin(w *writer, directory string, f frame, attributes projections.JSON) (active bool) {
	w.begin('{')
	w.name("schemas")
	w.begin('[')
	w.text(f.kind.Core.ID)
	names(attributes, func(name []byte) {
		if active = active || string(name) == `"active"`; domain.IsURN(string(name[1:])) {
			w.json(name)
		}
	})
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
	return active
}

func (s *SCIM) location(t *domain.ResourceType, directory, id string) string {
	return BaseURL(s.PublicURL, directory) + t.Endpoint + "/" + id
}

// user writes a user as it is shown. Whether it is active is always said, as filters have it: a user is, unless its provider says otherwise.
func (s *SCIM) user(w *writer, directory string, u projections.User, in []projections.Membership) frame {
	f := frame{domain.UserType, u.ID, userETag(u, in), u.Created, u.Modified}
	if said := s.begin(w, directory, f, u.JSON); !said {
		w.name("active")
		w.json([]byte("true"))
	}
	if len(in) > 0 {
		w.name("groups")
		w.begin('[')
		for _, g := range in {
			how := "indirect"
			if g.Direct {
				how = "direct"
			}
			w.begin('{')
			w.member("value", g.Group)
			w.member("display", g.Display)
			w.member("type", how)
			w.member("$ref", s.location(domain.GroupType, directory, g.Group))
			w.end('}')
		}
		w.end(']')
	}
	w.end('}')
	return f
}

// group writes a group as it is shown.
func (s *SCIM) group(w *writer, directory string, g projections.Group, members []projections.Member) frame {
	f := frame{domain.GroupType, g.ID, groupETag(g), g.Created, g.Modified}
	s.begin(w, directory, f, g.JSON)
	if len(members) > 0 {
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
	}
	w.end('}')
	return f
}

// answer sends one resource with the attributes that the client wants, and its ETag and, if it is new, its Location.
func (s *SCIM) answer(w http.ResponseWriter, r *request, status int, one func(*writer) frame) error {
	body := bodies.Get().(*writer)
	defer giveBack(body)
	var f frame
	if err := r.wanted.write(body, func(w *writer) { f = one(w) }); err != nil {
		return err
	}
	w.Header().Set("ETag", f.etag)
	if status == http.StatusCreated {
		w.Header().Set("Location", s.location(f.kind, r.directory.ID, f.id))
	}
	write(w, r.Request, status, *body)
	return nil
}
