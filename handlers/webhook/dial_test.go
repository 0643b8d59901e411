package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"1.1.1.1":              true,
		"93.184.216.34":        true,
		"172.15.255.255":       true,
		"172.32.0.0":           true,
		"100.63.255.255":       true,
		"100.128.0.0":          true,
		"223.255.255.255":      true,
		"0.0.0.0":              false,
		"0.1.2.3":              false,
		"10.0.0.1":             false,
		"100.64.0.1":           false,
		"100.100.100.200":      false,
		"100.127.255.255":      false,
		"127.0.0.1":            false,
		"127.255.255.254":      false,
		"168.63.129.16":        false,
		"169.254.169.254":      false,
		"172.16.0.1":           false,
		"172.31.255.255":       false,
		"192.0.0.8":            false,
		"192.0.2.1":            false,
		"192.88.99.1":          false,
		"192.168.1.1":          false,
		"198.18.0.1":           false,
		"198.19.255.255":       false,
		"198.51.100.1":         false,
		"203.0.113.1":          false,
		"224.0.0.1":            false,
		"239.255.255.255":      false,
		"240.0.0.1":            false,
		"255.255.255.255":      false,
		"2606:4700::1111":      true,
		"2a00:1450:4001::8a":   true,
		"64:ff9b::1.1.1.1":     true,
		"::ffff:1.1.1.1":       true,
		"::":                   false,
		"::1":                  false,
		"::1.1.1.1":            false,
		"::ffff:127.0.0.1":     false,
		"::ffff:169.254.1.1":   false,
		"::ffff:0:1.1.1.1":     false,
		"64:ff9b::127.0.0.1":   false,
		"64:ff9b::a9fe:a9fe":   false,
		"64:ff9b::10.0.0.1":    false,
		"64:ff9b:1::1.1.1.1":   false,
		"100::1":               false,
		"2001::1":              false,
		"2001:0:4136:e378::1":  false,
		"2001:2::1":            false,
		"2001:10::1":           false,
		"2001:20::1":           false,
		"2001:db8::1":          false,
		"2002:7f00:1::":        false,
		"2002:101:101::":       false,
		"3fff::1":              false,
		"4000::1":              false,
		"5f00::1":              false,
		"fc00::1":              false,
		"fd00:ec2::254":        false,
		"fe80::1":              false,
		"fe80::1%eth0":         false,
		"fec0::1":              false,
		"ff02::1":              false,
		"ffff:ffff:ffff::ffff": false,
	} {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: public %v, want %v", address, got, want)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

func TestAllowedRanges(t *testing.T) {
	for _, c := range []struct {
		allow, address string
		want           bool
	}{
		{"127.0.0.0/8", "127.0.0.1", true},
		{"127.0.0.0/8", "::ffff:127.0.0.1", true},
		{"127.0.0.0/8", "64:ff9b::7f00:1", true},
		{"127.0.0.0/8", "::1", false},
		{"127.0.0.0/8", "10.0.0.1", false},
		{"127.0.0.9/8", "127.1.2.3", true},
		{"::ffff:10.0.0.0/104", "10.1.2.3", true},
		{"::1/128", "::1", true},
		{"fe80::/10", "fe80::1%eth0", true},
		{"64:ff9b::/96", "64:ff9b::10.0.0.1", true},
	} {
		g := newGuard([]netip.Prefix{netip.MustParsePrefix(c.allow)}, nil, 1, nil)
		if got := g.allowed(netip.MustParseAddr(c.address)); got != c.want {
			t.Errorf("%s with %s allowed: %v, want %v", c.address, c.allow, got, c.want)
		}
	}
}

// post sends a request through a guard; the error, if any, is without the URL.
func post(t *testing.T, g *guard, target string) (int, error) {
	t.Helper()
	response, err := g.client().Post(target, "application/json", strings.NewReader("{}"))
	if err != nil {
		return 0, bare(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, nil
}

var silent = log.New(io.Discard, "", 0)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestLoopbackIsRefusedUnlessAllowed(t *testing.T) {
	var reached atomic.Bool
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	roots := &tls.Config{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	for _, target := range []string{plain.URL, secure.URL, strings.Replace(plain.URL, "127.0.0.1", "localhost", 1), strings.Replace(plain.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1)} {
		g := newGuard(nil, nil, 1, roots)
		if _, err := post(t, g, target); !errors.Is(err, ErrClosedAddress) || reached.Load() {
			t.Errorf("%s without permission: %v, reached %v", target, err, reached.Load())
		}
		g.CloseIdleConnections()
	}
	g := newGuard(loopback, nil, 1, roots)
	defer g.CloseIdleConnections()
	for _, target := range []string{plain.URL, secure.URL} {
		if status, err := post(t, g, target); status != 200 || err != nil {
			t.Errorf("%s with permission: %d, %v", target, status, err)
		}
	}
}

func TestPlainHTTPReachesAllowedAddressesOnly(t *testing.T) {
	g := newGuard(loopback, nil, 1, nil)
	if _, err := post(t, g, "http://1.1.1.1"); !errors.Is(err, ErrClosedAddress) { // refused before a packet is sent
		t.Errorf("a public address: %v", err)
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = silent
	secure.StartTLS()
	defer secure.Close()
	g := newGuard(loopback, nil, 1, nil)
	defer g.CloseIdleConnections()
	var unknown x509.UnknownAuthorityError
	if _, err := post(t, g, secure.URL); !errors.As(err, &unknown) {
		t.Errorf("an unknown authority: %v", err)
	}
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = silent
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	defer old.Close()
	g = newGuard(loopback, nil, 1, &tls.Config{RootCAs: old.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
	defer g.CloseIdleConnections()
	if _, err := post(t, g, old.URL); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: %v", err)
	}
}

func TestURLsThatAreRefused(t *testing.T) {
	var reached atomic.Bool
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer sink.Close()
	at, _ := url.Parse(sink.URL)
	g := newGuard(loopback, nil, 1, nil)
	for _, target := range []string{"http://user:word@" + at.Host, "https://user@" + at.Host, "ftp://" + at.Host, "ws://" + at.Host} {
		if _, err := post(t, g, target); err == nil || reached.Load() || strings.Contains(err.Error(), "word") {
			t.Errorf("%s: %v, reached %v", target, err, reached.Load())
		}
	}
}

func TestRedirectsAreNotFollowedAndProxiesNotUsed(t *testing.T) {
	var visits atomic.Int32
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer sink.Close()
	g := newGuard(loopback, nil, 1, nil)
	defer g.CloseIdleConnections()
	if status, err := post(t, g, sink.URL); status != 307 || err != nil || visits.Load() != 1 {
		t.Errorf("status %d, %v, %d visits", status, err, visits.Load())
	}
	if g.https.Proxy != nil || g.plain.Proxy != nil {
		t.Error("a proxy is taken from somewhere")
	}
}

// A name that answers with a public address when it is checked and with a private one when it is dialled gains nothing, for
// the address that is dialled is the one that is checked. An allowed one is reached by the same way.
func TestNameThatChangesItsAnswer(t *testing.T) {
	var reached atomic.Bool
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer sink.Close()
	at, _ := url.Parse(sink.URL)
	names := newNames(t, "192.0.2.7", "127.0.0.1")
	g := newGuard([]netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}, names.resolver(), 1, nil)
	if found, err := names.lookup(t); err != nil || found != "192.0.2.7" {
		t.Fatalf("first answer %s, %v", found, err)
	}
	if _, err := post(t, g, "http://rebinding.example.:"+at.Port()); !errors.Is(err, ErrClosedAddress) || reached.Load() {
		t.Fatalf("second answer: %v, reached %v", err, reached.Load())
	}
	g = newGuard(loopback, names.resolver(), 1, nil)
	defer g.CloseIdleConnections()
	if status, err := post(t, g, "http://rebinding.example.:"+at.Port()); status != 200 || err != nil || !reached.Load() {
		t.Fatalf("allowed: %d, %v, reached %v", status, err, reached.Load())
	}
}

func (n *names) lookup(t *testing.T) (string, error) {
	found, err := n.resolver().LookupNetIP(t.Context(), "ip4", "rebinding.example.")
	if err != nil {
		return "", err
	}
	return found[0].String(), nil
}

// names is a name server that answers any question for an IPv4 address with one after the other of its answers, and then
// always with the last.
type names struct {
	at      net.Addr
	mu      sync.Mutex
	answers []string
}

func newNames(t *testing.T, answers ...string) *names {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	n := &names{at: socket.LocalAddr(), answers: answers}
	go func() {
		question := make([]byte, 512)
		for {
			size, from, err := socket.ReadFrom(question)
			if err != nil {
				return
			}
			_, _ = socket.WriteTo(n.answer(question[:size]), from)
		}
	}()
	return n
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", n.at.String())
	}}
}

// answer is RFC 1035 section 4.1: the header and question come back, with one A record if A was asked for.
func (n *names) answer(question []byte) []byte {
	end := 12
	for question[end] != 0 {
		end += 1 + int(question[end])
	}
	end += 5
	out := append([]byte{}, question[:end]...)
	binary.BigEndian.PutUint16(out[2:], 0x8180)
	binary.BigEndian.PutUint16(out[6:], 0)
	binary.BigEndian.PutUint16(out[8:], 0)
	binary.BigEndian.PutUint16(out[10:], 0)
	if binary.BigEndian.Uint16(out[end-4:]) != 1 {
		return out
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	address := netip.MustParseAddr(n.answers[0]).As4()
	if len(n.answers) > 1 {
		n.answers = n.answers[1:]
	}
	binary.BigEndian.PutUint16(out[6:], 1)
	out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
	return append(out, address[:]...)
}
