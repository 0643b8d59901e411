package mail

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
)

// Server is a mail server that takes our mails.
type Server struct {
	host       string
	port       int
	user, pass string
	crypt      crypt
}

// crypt is how the connection is encrypted.
type crypt int

const (
	startTLS crypt = iota // or no mail
	implicit              // TLS from the first byte (RFC 8314)
	none
)

// ParseServer reads the URL of a mail server: smtp://user:password@host:587, where STARTTLS is required, or smtps://host, which is TLS from the first byte
// on. On this machine itself smtp is not encrypted unless ?tls=starttls says so, and elsewhere it is unless ?tls=none does, over which no password goes. An
// error never shows the URL, which may hold one.
func ParseServer(text string) (Server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.Fragment != "" || u.Opaque != "" {
		return Server{}, errors.New("is not smtp://user:password@host:587 or smtps://user:password@host:465; escape what a URL may not hold in the password")
	}
	s := Server{host: u.Hostname(), port: 587}
	switch {
	case u.Scheme == "smtps":
		s.port, s.crypt = 465, implicit
	case u.Scheme != "smtp":
		return Server{}, errors.New("begins neither with smtp:// nor with smtps://")
	case local(s.host):
		s.port, s.crypt = 25, none
	}
	if port := u.Port(); port != "" {
		if s.port, err = strconv.Atoi(port); err != nil || s.port < 1 || s.port > 65535 {
			return Server{}, fmt.Errorf("names the port %s, which is none", port)
		}
	}
	if u.User != nil {
		s.user = u.User.Username()
		s.pass, _ = u.User.Password()
		if s.user == "" || s.pass == "" {
			return Server{}, errors.New("names a user without a password, or a password without a user")
		}
	}
	switch {
	case u.RawQuery == "":
	case u.RawQuery == "tls=starttls" && s.crypt != implicit:
		s.crypt = startTLS
	case u.RawQuery == "tls=none" && s.crypt != implicit:
		s.crypt = none
	default:
		return Server{}, errors.New("may carry ?tls=starttls or ?tls=none behind smtp:// and nothing else")
	}
	if s.crypt == none && s.user != "" && !local(s.host) {
		return Server{}, errors.New("would send the password to another machine without encryption; leave out ?tls=none")
	}
	return s, nil
}

// local tells whether a host is this machine.
func local(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// String keeps the password out of logs.
func (s Server) String() string { return s.host + ":" + strconv.Itoa(s.port) }

// GoString keeps it out of %#v too.
func (s Server) GoString() string { return s.String() }
