package domain

import (
	"bytes"
	"encoding/json"
	"time"
)

// EntityDescriptor is what is known of an identity provider from its metadata (SAML 2.0 Metadata §2.3.2, §2.4.3).
type EntityDescriptor struct {
	EntityID            string         `json:"entity_id"`
	ValidUntil          time.Time      `json:"valid_until,omitzero"` // as the provider says; the zero time for ever
	WantsSignedRequests bool           `json:"want_authn_requests_signed,omitempty"`
	SigningCertificates []Certificate  `json:"signing_certificates"` // at least one, in the metadata's order
	SingleSignOn        []SAMLEndpoint `json:"single_sign_on_services"`
	SingleLogout        []SAMLEndpoint `json:"single_logout_services,omitempty"`
	NameIDFormats       []string       `json:"name_id_formats,omitempty"`
}

// Certificate is an X.509 certificate, of whose key a provider's signatures are.
type Certificate struct {
	Fingerprint string    `json:"fingerprint_sha256"` // of DER, in hexadecimal
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	DER         []byte    `json:"x509"` // in base64, as metadata have it
}

// SAMLEndpoint is where a provider takes messages of a binding: HTTP-Redirect or HTTP-POST (SAML 2.0 Bindings §3.4, §3.5).
type SAMLEndpoint struct {
	Binding          string `json:"binding"`
	Location         string `json:"location"`
	ResponseLocation string `json:"response_location,omitempty"` // for responses, where it is another
}

// asAttribute is a value as snapshots have it.
func asAttribute(v any) any {
	text, _ := marshal(v) // nothing of what is stored can fail
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var out any
	_ = d.Decode(&out)
	return out
}
