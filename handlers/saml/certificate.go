package saml

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-sync/rollcall/domain"
)

// minRSA is how many bits an RSA key has at least (NIST SP 800-131A).
const minRSA = 2048

// certificates are those that a role signs with, each once: those of keys for signing, or for anything (SAML 2.0 Metadata §2.4.1.1).
func certificates(role *element, now time.Time) ([]domain.Certificate, error) {
	var out []domain.Certificate
	valid := false
	for _, text := range signing(role) {
		c, err := certificate(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(have domain.Certificate) bool { return have.Fingerprint == c.Fingerprint }) {
			continue
		}
		if len(out) == maxCertificates {
			return nil, fmt.Errorf("there are more than %d signing certificates", maxCertificates)
		}
		out = append(out, c)
		valid = valid || !now.Before(c.NotBefore) && !now.After(c.NotAfter)
	}
	switch {
	case len(out) == 0:
		return nil, errors.New("there is no signing certificate (KeyDescriptor with an X509Certificate)")
	case !valid:
		last := slices.MaxFunc(out, func(a, b domain.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
		return nil, fmt.Errorf("no signing certificate is valid now, the last is from %s until %s; get the metadata anew", last.NotBefore.Format(time.DateOnly), last.NotAfter.Format(time.DateOnly))
	}
	return out, nil
}

// signing are the elements that hold them.
func signing(role *element) []*element {
	var out []*element
	for _, key := range role.all(metadataSpace, "KeyDescriptor") {
		if use := key.attr("use"); use != "" && use != "signing" {
			continue
		}
		for _, info := range key.all(signatureSpace, "KeyInfo") {
			for _, data := range info.all(signatureSpace, "X509Data") {
				out = append(out, data.all(signatureSpace, "X509Certificate")...)
			}
		}
	}
	return out
}

func certificate(e *element) (domain.Certificate, error) {
	text, err := e.value()
	if err != nil {
		return domain.Certificate{}, err
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return domain.Certificate{}, errors.New("a signing certificate is not in base64")
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return domain.Certificate{}, errors.New("a signing certificate is none, or damaged")
	}
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSA {
			return domain.Certificate{}, fmt.Errorf("the key of a signing certificate has %d bits, and RSA needs %d", key.N.BitLen(), minRSA)
		}
	case *ecdsa.PublicKey:
	default:
		return domain.Certificate{}, errors.New("the key of a signing certificate is neither RSA nor ECDSA")
	}
	sum := sha256.Sum256(der)
	return domain.Certificate{
		Fingerprint: hex.EncodeToString(sum[:]), NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), DER: der,
	}, nil
}
