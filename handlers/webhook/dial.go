package webhook

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrClosedAddress is wrapped by the refusal to dial an address that is neither public nor allowed.
var ErrClosedAddress = errors.New("the address is not on the public internet and ROLLCALL_WEBHOOK_ALLOW does not list it")

// guard sends requests over connections whose address it has seen. The address is judged after its name was resolved, for
// each connection, so that a name that changes its answer between two questions gains nothing.
type guard struct {
	allow        []netip.Prefix
	https, plain *http.Transport // plain reaches allowed addresses only
}

func newGuard(allow []netip.Prefix, resolver *net.Resolver, perHost int, roots *tls.Config) *guard {
	g := &guard{}
	for _, p := range allow {
		g.allow = append(g.allow, canonical(p))
	}
	g.https = transport(resolver, perHost, roots, func(a netip.Addr) bool { return public(a) || g.allowed(a) })
	g.plain = transport(resolver, perHost, roots, g.allowed)
	return g
}

func (g *guard) allowed(a netip.Addr) bool {
	return within(g.allow, plain(a)) || within(g.allow, a.WithZone(""))
}

func transport(resolver *net.Resolver, perHost int, base *tls.Config, open func(netip.Addr) bool) *http.Transport {
	tlsConfig := base.Clone()
	if tlsConfig == nil {
		tlsConfig = &tls.Config{}
	}
	tlsConfig.MinVersion = tls.VersionTLS12
	dialer := &net.Dialer{Resolver: resolver, KeepAlive: 30 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("dial %s: %w", address, err)
		}
		if !open(at.Addr()) {
			return fmt.Errorf("dial %s: %w", at.Addr(), ErrClosedAddress)
		}
		return nil
	}}
	// HTTP/1.1 only: a connection serves one request, so that one that hangs takes no other with it.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  nil, // one from the environment would be dialled in the endpoint's place, unseen
		DialContext:            dialer.DialContext,
		TLSClientConfig:        tlsConfig,
		Protocols:              &protocols,
		DisableCompression:     true,        // the answer's first bytes are kept as they came
		MaxIdleConnsPerHost:    8 * perHost, // several endpoints may have one host
		MaxIdleConns:           128 * perHost,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 32 << 10,
	}
}

// client makes the client of all endpoints. The time of a request is bounded by its context.
func (g *guard) client() *http.Client {
	return &http.Client{Transport: g, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case r.URL.User != nil:
		return nil, errors.New("the URL holds credentials")
	case r.URL.Scheme == "https":
		return g.https.RoundTrip(r)
	case r.URL.Scheme == "http":
		return g.plain.RoundTrip(r)
	}
	return nil, fmt.Errorf("the URL's scheme is %q, not https", r.URL.Scheme)
}

// CloseIdleConnections is called by the client's method of this name.
func (g *guard) CloseIdleConnections() {
	g.https.CloseIdleConnections()
	g.plain.CloseIdleConnections()
}
