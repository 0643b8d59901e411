// Package saml reads what identity providers say of themselves: SAML 2.0 metadata, as an administrator uploads them.
//
// They come from strangers, and what they say decides whose signatures let users in. So they are read strictly (document), and refused as a whole with the
// reason if anything in them that would be used is not understood. What is not used is passed over: service providers, attribute authorities, keys for
// encryption, bindings that no browser carries, extensions. A signature on metadata is not verified: whoever gives them is trusted by the key or link that they
// came with, and there is nobody else to trust.
//
// Certificates are keys in a well-known form. Their issuers, names and extensions mean nothing here (SAML V2.0 Metadata Interoperability Profile §2.5), but
// their dates do: metadata of which no certificate is valid now are out of date, and are refused. Those that expire later stay in force, and are shown with their dates.
package saml

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/rollcall-sync/rollcall/domain"
)

const (
	metadataSpace  = "urn:oasis:names:tc:SAML:2.0:metadata"
	signatureSpace = "http://www.w3.org/2000/09/xmldsig#"
	protocol       = "urn:oasis:names:tc:SAML:2.0:protocol"
)

// The bindings that are used; a browser carries both (SAML 2.0 Bindings §3.4, §3.5).
var bindings = []string{"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"}

// Limits of what metadata may say.
const (
	maxProviders    = 16
	maxCertificates = 20 // of a provider
	maxEndpoints    = 20 // of a kind
	maxFormats      = 20
	maxURI          = 1024
	maxLocation     = 2048
)

// ParseMetadata reads the identity providers that metadata describe, at least one: an EntityDescriptor, or an EntitiesDescriptor with some. What it refuses is an
// error about the field metadata, which says why.
func ParseMetadata(text string, now time.Time) ([]domain.EntityDescriptor, error) {
	found, err := parse(text, now)
	if err != nil {
		return nil, domain.RefuseField("metadata", "are not SAML 2.0 metadata of an identity provider: %v", err)
	}
	return found, nil
}

func parse(text string, now time.Time) ([]domain.EntityDescriptor, error) {
	root, err := document(text)
	if err != nil {
		return nil, err
	}
	if root.name.Space != metadataSpace || root.name.Local != "EntityDescriptor" && root.name.Local != "EntitiesDescriptor" {
		return nil, errors.New("the root element is neither EntityDescriptor nor EntitiesDescriptor of SAML 2.0")
	}
	p := providers{now: now}
	if err := p.within(root, time.Time{}); err != nil {
		return nil, err
	}
	if len(p.found) == 0 {
		return nil, errors.New("they describe no identity provider that speaks SAML 2.0; a service provider's are not meant")
	}
	return p.found, nil
}

// providers are the identity providers found so far.
type providers struct {
	now   time.Time
	found []domain.EntityDescriptor
}

// within reads an EntityDescriptor, or all that are in an EntitiesDescriptor; until is how long what it stands in is valid.
func (p *providers) within(e *element, until time.Time) error {
	until, err := p.validity(e, until)
	if err != nil {
		return err
	}
	if e.name.Local == "EntityDescriptor" {
		return p.entity(e, until)
	}
	for _, c := range e.children {
		if c.name.Space == metadataSpace && (c.name.Local == "EntityDescriptor" || c.name.Local == "EntitiesDescriptor") {
			if err := p.within(c, until); err != nil {
				return err
			}
		}
	}
	return nil
}

// validity is how long an element is valid, within what it stands in (SAML 2.0 Metadata §2.3.1).
func (p *providers) validity(e *element, until time.Time) (time.Time, error) {
	text := e.attr("validUntil")
	if text == "" {
		return until, nil
	}
	own, err := time.Parse(time.RFC3339, text)
	if err != nil {
		own, err = time.Parse("2006-01-02T15:04:05", text) // without a zone: UTC (SAML 2.0 Core §1.3.3)
	}
	switch {
	case err != nil:
		return until, errors.New("validUntil is not a time")
	case !p.now.Before(own):
		return until, fmt.Errorf("they were valid until %s; get them anew", own.UTC().Format(time.RFC3339))
	case until.IsZero() || own.Before(until):
		return own.UTC().Truncate(time.Second), nil
	}
	return until, nil
}

// entity adds an entity if it is an identity provider.
func (p *providers) entity(e *element, until time.Time) error {
	roles := slices.DeleteFunc(e.all(metadataSpace, "IDPSSODescriptor"), func(r *element) bool {
		return !slices.Contains(strings.Fields(r.attr("protocolSupportEnumeration")), protocol)
	})
	if len(roles) == 0 {
		return nil
	}
	id := e.attr("entityID")
	switch {
	case len(roles) > 1:
		return errors.New("one entity is an identity provider twice")
	case id == "" || len(id) > maxURI || strings.ContainsFunc(id, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }):
		return fmt.Errorf("the entityID of an identity provider is not a URI of at most %d characters", maxURI)
	case slices.ContainsFunc(p.found, func(f domain.EntityDescriptor) bool { return f.EntityID == id }):
		return errors.New("two identity providers have one entityID")
	case len(p.found) == maxProviders:
		return fmt.Errorf("they describe more than %d identity providers", maxProviders)
	}
	d, err := p.role(roles[0], until)
	if err != nil {
		return err
	}
	d.EntityID = id
	p.found = append(p.found, d)
	return nil
}

// role reads what an identity provider says of its sign-in (SAML 2.0 Metadata §2.4.3).
func (p *providers) role(r *element, until time.Time) (d domain.EntityDescriptor, err error) {
	if d.ValidUntil, err = p.validity(r, until); err != nil {
		return d, err
	}
	signed := r.attr("WantAuthnRequestsSigned")
	d.WantsSignedRequests = signed == "true" || signed == "1"
	if d.SigningCertificates, err = certificates(r, p.now); err != nil {
		return d, err
	}
	if d.SingleSignOn, err = endpoints(r, "SingleSignOnService"); err != nil {
		return d, err
	}
	if len(d.SingleSignOn) == 0 {
		return d, errors.New("no SingleSignOnService takes HTTP-Redirect or HTTP-POST")
	}
	if d.SingleLogout, err = endpoints(r, "SingleLogoutService"); err != nil {
		return d, err
	}
	for _, f := range r.all(metadataSpace, "NameIDFormat") {
		format, err := f.value()
		if err != nil {
			return d, err
		}
		if format == "" || len(format) > maxURI || len(d.NameIDFormats) == maxFormats {
			return d, fmt.Errorf("NameIDFormat is empty, longer than %d characters, or there more than %d times", maxURI, maxFormats)
		}
		d.NameIDFormats = append(d.NameIDFormats, format)
	}
	return d, nil
}

// endpoints are those of a kind with a binding that is used, each once.
func endpoints(r *element, kind string) ([]domain.SAMLEndpoint, error) {
	var out []domain.SAMLEndpoint
	for _, e := range r.all(metadataSpace, kind) {
		at := domain.SAMLEndpoint{Binding: e.attr("Binding"), Location: e.attr("Location"), ResponseLocation: e.attr("ResponseLocation")}
		switch {
		case !slices.Contains(bindings, at.Binding) || slices.Contains(out, at):
			continue
		case !isLocation(at.Location) || at.ResponseLocation != "" && !isLocation(at.ResponseLocation):
			return nil, fmt.Errorf("a location of %s is not an absolute http or https URL", kind)
		case len(out) == maxEndpoints:
			return nil, fmt.Errorf("there are more than %d of %s", maxEndpoints, kind)
		}
		out = append(out, at)
	}
	return out, nil
}

// isLocation tells whether a browser may be sent there.
func isLocation(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= maxLocation && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && u.Fragment == "" &&
		!strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>\^`+"`{|}", r) })
}
