package scim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// A resource's ETag is weak (RFC 7644 §3.14). A user's is its version and, if it is in groups, a hash of what is shown of these, since this
// changes without the user's version: which groups they are, their names, and whether it is in each by itself.
//
// A group's is its version: it stands for the group's attributes and for who is a member. What is shown of a member beside its id
// is the member's own and changes without it, for a hash over 100,000 names would cost more than it tells.

func userETag(u projections.User, in []projections.Membership) string {
	version := strconv.FormatUint(uint64(u.Version), 10)
	if len(in) > 0 {
		sum := sha256.New()
		for _, g := range in {
			fmt.Fprintf(sum, "%q %q %t\n", g.Group, g.Display, g.Direct)
		}
		version += "-" + hex.EncodeToString(sum.Sum(nil)[:6])
	}
	return `W/"` + version + `"`
}

func groupETag(g projections.Group) string {
	return `W/"` + strconv.FormatUint(uint64(g.Version), 10) + `"`
}

// tags reads If-Match or If-None-Match: the tags without their weakness, which comparing for SCIM passes over, or * for any. An empty
// header names none, and is as one that is not there.
func tags(r *request, header string) []string {
	var out []string
	for _, value := range r.Header.Values(header) {
		for tag := range strings.SplitSeq(value, ",") {
			if tag = strings.TrimSpace(tag); tag != "" {
				out = append(out, strings.TrimPrefix(tag, "W/"))
			}
		}
	}
	return out
}

func matches(tags []string, etag string) bool {
	return slices.Contains(tags, "*") || slices.Contains(tags, strings.TrimPrefix(etag, "W/"))
}

// stands holds If-Match, which comes first (RFC 9110 §13.2.2), against a resource.
func (r *request) stands(etag string) error {
	if wanted := tags(r, "If-Match"); len(wanted) > 0 && !matches(wanted, etag) {
		return domain.Refuse(domain.PreconditionFailed, "it was changed meanwhile; read it again")
	}
	return nil
}

// unchanged answers 304 if the client has the resource as it stands, and refuses to show one that does not stand as If-Match wants.
func unchanged(w http.ResponseWriter, r *request, etag string) (bool, error) {
	if err := r.stands(etag); err != nil || !matches(tags(r, "If-None-Match"), etag) {
		return false, err
	}
	w.Header().Set("ETag", etag)
	w.WriteHeader(http.StatusNotModified)
	return true, nil
}

// conditional tells whether a request that changes something does so only if the resource stands as it wants.
func (r *request) conditional() bool {
	return len(tags(r, "If-Match"))+len(tags(r, "If-None-Match")) > 0
}

// unless refuses a change of a resource that does not stand as If-Match and If-None-Match want (RFC 9110 §13.1), and lets the command change it
// at the version that If-Match names only, should another writer come between.
func (r *request) unless(etag string, version uint64) error {
	if err := r.stands(etag); err != nil {
		return err
	}
	if matches(tags(r, "If-None-Match"), etag) {
		return domain.Refuse(domain.PreconditionFailed, "it stands as If-None-Match does not want it")
	}
	if wanted := tags(r, "If-Match"); len(wanted) > 0 && !slices.Contains(wanted, "*") {
		r.only = func(stands uint64) bool { return stands == version }
	}
	return nil
}

// mayChangeUser looks at the user that the request's conditions are about, if it has any.
func (s *SCIM) mayChangeUser(r *request) error {
	if !r.conditional() {
		return nil
	}
	u, in, err := s.userAndGroups(r)
	if err != nil {
		return err
	}
	return r.unless(userETag(u, in), uint64(u.Version))
}

// mayChangeGroup does the same for a group.
func (s *SCIM) mayChangeGroup(r *request) error {
	if !r.conditional() {
		return nil
	}
	g, err := s.Read.Group(r.Context(), r.directory.ID, r.PathValue("id"))
	if err != nil {
		return missing(err, "group")
	}
	return r.unless(groupETag(g), uint64(g.Version))
}
