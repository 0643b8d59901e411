package saml_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/handlers/saml"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// certificate is one in base64 that signs itself, valid from one day to another, counted from now.
func certificate(t testing.TB, key crypto.Signer, from, until int) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(int64(1000 + until)), NotBefore: now.AddDate(0, 0, from), NotAfter: now.AddDate(0, 0, until)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// keys are made once: RSA takes its time.
var keys = sync.OnceValue(func() (k struct{ rsa, weak, ec, ed crypto.Signer }) {
	var err [4]error
	k.rsa, err[0] = rsa.GenerateKey(rand.Reader, 2048)
	k.weak, err[1] = rsa.GenerateKey(rand.Reader, 1024)
	k.ec, err[2] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, k.ed, err[3] = ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(err[:]...); err != nil {
		panic(err)
	}
	return k
})

// certificates are those that the test data name.
func certificates(t testing.TB) *strings.Replacer {
	t.Helper()
	k := keys()
	return strings.NewReplacer(
		"{{RSA}}", certificate(t, k.rsa, -30, 300), "{{EC}}", certificate(t, k.ec, -30, 200),
		"{{OLD}}", certificate(t, k.rsa, -300, -1), "{{NEXT}}", certificate(t, k.rsa, 1, 30),
		"{{WEAK}}", certificate(t, k.weak, -30, 300), "{{ED}}", certificate(t, k.ed, -30, 300),
	)
}

func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What identity providers hand out is understood.
//
// Proves SSO §update.metadata.
func TestParseMetadata(t *testing.T) {
	const redirect, post = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	withCertificates := certificates(t)
	for _, c := range []struct{ file, want string }{
		{"okta.xml", "http://www.okta.com/exk1acme RSA " + post + " https://acme.okta.example/app/acme_rollcall_1/exk1acme/sso/saml " + redirect + " https://acme.okta.example/app/acme_rollcall_1/exk1acme/sso/saml" +
			" formats urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"},
		{"entra.xml", "https://sts.windows.example/1d8c0f4e-0000-4000-8000-000000000001/ RSA OLD " + redirect + " https://login.example/saml2 " + post + " https://login.example/saml2 logout " + redirect + " https://login.example/saml2"},
		{"federation.xml", "https://one.example/idp until 2026-11-30T23:00:00Z signed EC " + redirect + " https://one.example/sso?a=1&b=2 logout " + post + " https://one.example/slo https://one.example/slo/answer\n" +
			"https://two.example/idp until 2027-01-01T00:00:00Z RSA " + post + " http://two.example:8080/sso"},
	} {
		found, err := saml.ParseMetadata("\uFEFF"+withCertificates.Replace(read(t, c.file)), now)
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		var got []string
		for _, d := range found {
			got = append(got, describe(d, withCertificates))
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s is understood as\n%s\nnot\n%s", c.file, strings.Join(got, "\n"), c.want)
		}
		again, err := saml.ParseMetadata(withCertificates.Replace(read(t, c.file)), now.Add(time.Hour))
		if err != nil || fmt.Sprint(again) != fmt.Sprint(found) {
			t.Errorf("%s is understood otherwise an hour later: %v", c.file, err)
		}
	}
}

// describe writes what was understood, with the names that the certificates have in the test data.
func describe(d domain.EntityDescriptor, withCertificates *strings.Replacer) string {
	out := []string{d.EntityID}
	if !d.ValidUntil.IsZero() {
		out = append(out, "until", d.ValidUntil.Format(time.RFC3339))
	}
	if d.WantsSignedRequests {
		out = append(out, "signed")
	}
	for _, c := range d.SigningCertificates {
		for _, name := range []string{"RSA", "EC", "OLD"} {
			if base64.StdEncoding.EncodeToString(c.DER) == withCertificates.Replace("{{"+name+"}}") && c.NotBefore.Before(c.NotAfter) && len(c.Fingerprint) == 64 {
				out = append(out, name)
			}
		}
	}
	for _, e := range d.SingleSignOn {
		out = append(out, e.Binding, e.Location)
	}
	for i, e := range d.SingleLogout {
		if i == 0 {
			out = append(out, "logout")
		}
		out = append(out, e.Binding, e.Location)
		if e.ResponseLocation != "" {
			out = append(out, e.ResponseLocation)
		}
	}
	if len(d.NameIDFormats) > 0 {
		out = append(append(out, "formats"), d.NameIDFormats...)
	}
	return strings.Join(out, " ")
}

// whole is metadata that are accepted as long as nothing is put into the places.
func whole(attributes, inside, key, service string) string {
	return `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://idp.example" ` + attributes + `>` + inside +
		`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>` + key +
		`</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + service + `"/></md:IDPSSODescriptor></md:EntityDescriptor>`
}

const sso = "https://idp.example/sso"

// What is refused is refused with the reason.
//
// Proves SSO §update.metadata.
func TestRefusals(t *testing.T) {
	withCertificates := certificates(t)
	plain := whole("", "", "{{RSA}}", sso)
	swap := func(old, new string) string {
		if !strings.Contains(plain, old) {
			t.Fatalf("%s is not there to be swapped", old)
		}
		return strings.Replace(plain, old, new, 1)
	}
	role := plain[strings.Index(plain, "<md:IDPSSODescriptor"):strings.Index(plain, "</md:EntityDescriptor")]
	entities := func(inside string) string {
		return `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` + inside + `</md:EntitiesDescriptor>`
	}
	var many strings.Builder
	for i := range 17 {
		many.WriteString(strings.Replace(plain, "https://idp.example", fmt.Sprintf("https://idp%d.example", i), 1))
	}
	for _, c := range []struct{ name, text, reason string }{
		{"nothing", "", "it is empty"},
		{"blank", " \n", "it is empty"},
		{"no XML", "entityID: https://idp.example", "text stands outside"},
		{"JSON", `{"entity_id":"x"}`, "text stands outside"},
		{"a page of HTML", `<!DOCTYPE html><html></html>`, "document type declaration"},
		{"cut off", plain[:len(plain)-10], "not well-formed"},
		{"too large", plain + strings.Repeat(" ", 512<<10), "larger than"},
		{"something behind it", plain + "x", "text stands outside"},
		{"a second root", plain + plain, "several root elements"},
		{"another root", `<x xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>`, "neither EntityDescriptor nor"},
		{"the root of nobody", swap(`xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"`, `xmlns:md="urn:other"`), "neither EntityDescriptor nor"},
		{"a control character", swap("https://idp.example", "https://idp.example&#1;"), "not well-formed"},
		{"bytes that are no text", swap("https://idp.example", "https://idp\xff.example"), "not well-formed"},

		{"an external entity", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + swap("https://idp.example", "&e;"), "document type declaration"},
		{"a billion laughs", `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>` + swap("https://idp.example", "&b;"), "document type declaration"},
		{"a DTD within", swap("<md:KeyDescriptor", "<!DOCTYPE x><md:KeyDescriptor"), "document type declaration"},
		{"an entity that nobody declared", swap("https://idp.example", "&e;"), "not well-formed"},
		{"a processing instruction", swap("<md:KeyDescriptor", `<?php echo 1 ?><md:KeyDescriptor`), "processing instruction"},
		{"a declaration that is none", "\n" + `<?xml version="1.0"?>` + plain, "processing instruction"},
		{"another version of XML", `<?xml version="1.1"?>` + plain, "not well-formed"},
		{"too deep", strings.Repeat("<a>", 33) + strings.Repeat("</a>", 33), "nested deeper"},
		{"too many elements", "<a>" + strings.Repeat("<b/>", 10_000) + "</a>", "more than 10000 elements"},
		{"too many attributes", "<a" + func() (s string) {
			for i := range 65 {
				s += fmt.Sprintf(` a%d=""`, i)
			}
			return s
		}() + "/>", "more than 64 attributes"},

		{"a prefix that is not declared", swap(`xmlns:ds="http://www.w3.org/2000/09/xmldsig#"`, ""), "prefix of an element KeyInfo is not declared"},
		{"an attribute's prefix that is not declared", swap("entityID=", `x:any="" entityID=`), "prefix of an attribute any is not declared"},
		{"an attribute twice", swap("entityID=", `entityID="https://evil.example" entityID=`), "entityID stands twice"},
		{"an attribute twice by two prefixes", swap("entityID=", `xmlns:a="urn:x" xmlns:b="urn:x" a:any="1" b:any="2" entityID=`), "any stands twice"},
		{"an entityID of another namespace", swap("entityID=", `xmlns:x="urn:x" x:entityID=`), "entityID of an identity provider is not a URI"},
		{"a role of another namespace", strings.ReplaceAll(strings.ReplaceAll(plain, "<md:IDPSSODescriptor", `<IDPSSODescriptor xmlns="urn:x"`), "</md:IDPSSODescriptor", "</IDPSSODescriptor"), "describe no identity provider"},
		{"one ID twice", whole(`ID="a"`, `<md:Extensions ID="a"/>`, "{{RSA}}", sso), "two elements have one ID"},
		{"one ID twice in other letters", whole(`ID="a"`, `<md:Extensions Id="a"/>`, "{{RSA}}", sso), "two elements have one ID"},
		{"a comment within a certificate", whole("", "", "{{RSA}}<!-- -->", sso), "a comment or an element stands within"},
		{"a comment within a format", swap("<md:SingleSignOn", "<md:NameIDFormat>a<!-- b -->c</md:NameIDFormat><md:SingleSignOn"), "a comment or an element stands within"},
		{"an element within a certificate", whole("", "", "<x/>{{RSA}}", sso), "a comment or an element stands within"},

		{"no entityID", swap(`entityID="https://idp.example"`, ""), "entityID of an identity provider is not a URI"},
		{"an entityID with a space", swap("https://idp.example", "https://idp.example x"), "entityID of an identity provider is not a URI"},
		{"an entityID without end", swap("https://idp.example", strings.Repeat("a", 1025)), "entityID of an identity provider is not a URI"},
		{"a service provider", strings.ReplaceAll(plain, "IDPSSODescriptor", "SPSSODescriptor"), "describe no identity provider"},
		{"SAML 1.1", swap(`protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"`, `protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol"`), "describe no identity provider"},
		{"two roles", whole("", role, "{{RSA}}", sso), "an identity provider twice"},
		{"nobody", entities(""), "describe no identity provider"},
		{"one twice", entities(plain + plain), "two identity providers have one entityID"},
		{"too many", entities(many.String()), "more than 16 identity providers"},
		{"no sign-on", swap("SingleSignOnService", "SingleLogoutService"), "no SingleSignOnService takes"},
		{"a binding that no browser carries", swap("HTTP-POST", "SOAP"), "no SingleSignOnService takes"},
		{"a script", whole("", "", "{{RSA}}", "javascript:alert(1)"), "a location of SingleSignOnService"},
		{"a path", whole("", "", "{{RSA}}", "/sso"), "a location of SingleSignOnService"},
		{"credentials", whole("", "", "{{RSA}}", "https://a:b@idp.example/"), "a location of SingleSignOnService"},
		{"a location with a newline", whole("", "", "{{RSA}}", "https://idp.example/&#10;"), "a location of SingleSignOnService"},
		{"a location without end", whole("", "", "{{RSA}}", sso+strings.Repeat("x", 2048)), "a location of SingleSignOnService"},
		{"a location for responses that is none", swap("<md:SingleSignOn", `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="`+sso+`" ResponseLocation="ftp://idp.example"/><md:SingleSignOn`), "a location of SingleLogoutService"},
		{"an empty format", swap("<md:SingleSignOn", "<md:NameIDFormat/><md:SingleSignOn"), "NameIDFormat is empty"},
		{"out of date", whole(`validUntil="2026-11-23T10:00:00Z"`, "", "{{RSA}}", sso), "valid until 2026-11-23T10:00:00Z"},
		{"out of date by a group", strings.Replace(entities(plain), "xmlns:md", `validUntil="2025-01-01T00:00:00" xmlns:md`, 1), "valid until 2025-01-01T00:00:00Z"},
		{"a time that is none", whole(`validUntil="tomorrow"`, "", "{{RSA}}", sso), "validUntil is not a time"},

		{"no certificate", strings.ReplaceAll(plain, "X509Certificate", "X509SubjectName"), "no signing certificate"},
		{"an empty certificate", whole("", "", "", sso), "a signing certificate is none"},
		{"a key for encryption alone", swap(`use="signing"`, `use="encryption"`), "no signing certificate"},
		{"a certificate that is not in base64", whole("", "", "***", sso), "not in base64"},
		{"a certificate that is none", whole("", "", "AAAA", sso), "a signing certificate is none"},
		{"a certificate with something behind it", whole("", "", base64.StdEncoding.EncodeToString(append(decode(t, withCertificates.Replace("{{RSA}}")), 0)), sso), "a signing certificate is none"},
		{"a certificate as a file has it", whole("", "", "-----BEGIN CERTIFICATE-----\n{{RSA}}\n-----END CERTIFICATE-----", sso), "not in base64"},
		{"an expired certificate", whole("", "", "{{OLD}}", sso), "no signing certificate is valid now, the last is from 2026-01-27 until 2026-11-22"},
		{"a certificate of the future", whole("", "", "{{NEXT}}", sso), "no signing certificate is valid now"},
		{"a weak key", whole("", "", "{{WEAK}}", sso), "1024 bits"},
		{"a key of another kind", whole("", "", "{{ED}}", sso), "neither RSA nor ECDSA"},
	} {
		found, err := saml.ParseMetadata(withCertificates.Replace(c.text), now)
		if err == nil {
			t.Errorf("%s: understood as %v", c.name, found)
			continue
		}
		e := domain.Shown(err)
		if e.Code != domain.Invalid || !strings.Contains(e.Fields["metadata"], c.reason) || len(e.Message) > 300 {
			t.Errorf("%s: %v, want %q", c.name, err, c.reason)
		}
	}
	if _, err := saml.ParseMetadata(withCertificates.Replace(plain), now); err != nil {
		t.Errorf("what the others were made of: %v", err)
	}
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzParseMetadata lets strangers write: whatever is accepted can be used, and can be stored.
func FuzzParseMetadata(f *testing.F) {
	withCertificates := certificates(f)
	for _, file := range []string{"okta.xml", "entra.xml", "federation.xml"} {
		f.Add(withCertificates.Replace(read(f, file)))
	}
	f.Add(withCertificates.Replace(whole(`ID="a"`, "<!-- x -->", "{{EC}}", sso)))
	f.Add(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`)
	f.Add(`<a xmlns:b="urn:b" b:c="" d:e=""><![CDATA[<b>]]><?x?></a>`)
	f.Fuzz(func(t *testing.T, text string) {
		found, err := saml.ParseMetadata(text, now)
		if err != nil {
			if e := domain.Shown(err); e.Code != domain.Invalid || e.Fields["metadata"] == "" {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		encoded, err := json.Marshal(found)
		if err != nil {
			t.Fatal(err)
		}
		var again []domain.EntityDescriptor
		if err := json.Unmarshal(encoded, &again); err != nil || fmt.Sprint(again) != fmt.Sprint(found) || len(found) == 0 {
			t.Fatalf("stored and read, it is another: %s, %v", encoded, err)
		}
		for _, d := range found {
			if d.EntityID == "" || len(d.SigningCertificates) == 0 || len(d.SingleSignOn) == 0 {
				t.Fatalf("half of it is missing: %+v", d)
			}
			for _, e := range append(d.SingleSignOn, d.SingleLogout...) {
				if u, err := url.Parse(e.Location); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
					t.Fatalf("it leads to %q", e.Location)
				}
			}
		}
	})
}
