package scim

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

// A resource's ETag is weak (RFC 7644 §3.14): its version, and for a user in groups a hash of which groups these are, since they are shown
// with the user and change without its version.

func userETag(u projections.User, in []projections.Membership) string {
	version := strconv.FormatUint(uint64(u.Version), 10)
	if len(in) > 0 {
		sum := sha256.New()
		for _, g := range in {
			sum.Write([]byte(g.Group))
		}
		version += "-" + hex.EncodeToString(sum.Sum(nil)[:6])
	}
	return `W/"` + version + `"`
}

func groupETag(g projections.Group) string {
	return `W/"` + strconv.FormatUint(uint64(g.Version), 10) + `"`
}

// tags reads If-Match or If-None-Match: the tags without their weakness, which comparing for SCIM passes over, or * for any.
func tags(r *request, header string) []string {
	var out []string
	for _, value := range r.Header.Values(header) {
		for tag := range strings.SplitSeq(value, ",") {
			out = append(out, strings.TrimPrefix(strings.TrimSpace(tag), "W/"))
		}
	}
	return out
}

func matches(tags []string, etag string) bool {
	return slices.Contains(tags, "*") || slices.Contains(tags, strings.TrimPrefix(etag, "W/"))
}

// unchanged answers 304 if the client has the resource as it stands.
func unchanged(w http.ResponseWriter, r *request, etag string) bool {
	if !matches(tags(r, "If-None-Match"), etag) {
		return false
	}
	w.Header().Set("ETag", etag)
	w.WriteHeader(http.StatusNotModified)
	return true
}

// unless refuses a change of a resource that does not stand as If-Match wants, and lets the command change it at this version only, should
// another writer come between.
func (r *request) unless(etag string, version uint64) error {
	wanted := tags(r, "If-Match")
	if len(wanted) == 0 || slices.Contains(wanted, "*") {
		return nil
	}
	if !matches(wanted, etag) {
		return domain.Refuse(domain.PreconditionFailed, "it was changed meanwhile; read it again")
	}
	r.only = func(stands uint64) bool { return stands == version }
	return nil
}

// ifMatchUser looks at the user that If-Match is about, if there is an If-Match.
func (s *SCIM) ifMatchUser(r *request) error {
	if len(tags(r, "If-Match")) == 0 {
		return nil
	}
	u, in, err := s.userAndGroups(r)
	if err != nil {
		return err
	}
	return r.unless(userETag(u, in), uint64(u.Version))
}

// ifMatchGroup does the same for a group.
func (s *SCIM) ifMatchGroup(r *request) error {
	if len(tags(r, "If-Match")) == 0 {
		return nil
	}
	g, err := s.Read.Group(r.Context(), r.directory.ID, r.PathValue("id"))
	if err != nil {
		return missing(err, "group")
	}
	return r.unless(groupETag(g), uint64(g.Version))
}
