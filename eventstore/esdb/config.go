package esdb

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// DefaultMaxAppend is what servers up to 24.10 take in one append, in bytes.
const DefaultMaxAppend = 1 << 20

// Config says where the database is and how long to wait for it. Only ConnectionString is required.
type Config struct {
	// ConnectionString is written as for the official clients: esdb://user:password@host:2113 for one node,
	// esdb://host1:2113,host2:2113,host3:2113 or esdb+discover://name for a cluster, whose nodes then tell who leads.
	// Characters of the user and password that mean something in a URL are written as %XX. Settings follow a question mark:
	// tls, tlsVerifyCert, tlsCAFile, userCertFile, userKeyFile, gossipTimeout (seconds), keepAliveInterval and
	// keepAliveTimeout (milliseconds, -1 for none), defaultDeadline (milliseconds: Attempt, where that is not set).
	// discoveryInterval and maxDiscoverAttempts are accepted and do nothing: Patience takes their place.
	//
	// Refused are credentials with tls=false, since they would travel in the clear, and a nodePreference other than leader, since
	// others may show old data. The user must be allowed to read $all.
	ConnectionString string
	// MaxAppend bounds one write to one stream: the bytes of data and metadata, and two for each letter of a type. It
	// must not be above the server's MaxAppendSize. 1 MiB by default, as with servers up to 24.10.
	MaxAppend int
	// Attempt is how long one exchange with a node may take before it counts as lost; 5 s by default.
	Attempt time.Duration
	// Patience is how long a call goes on asking while nobody answers, if its context allows; 20 s by default. Follow
	// has no end to its patience.
	Patience time.Duration
	// Silence is how long a follower hears nothing before it asks whether there is news; 15 s by default.
	Silence time.Duration
	// Moving has Open accept a log that is still being moved here.
	Moving bool
	// Logger is told of lost nodes and subscriptions. Nothing is logged without one.
	Logger *slog.Logger
}

// Check tells all that is wrong with the configuration. Nobody is connected to.
func (c Config) Check() error {
	_, err := c.prepare()
	return err
}

// String is the configuration without credentials.
func (c Config) String() string { return Redact(c.ConnectionString) }

// LogValue is the configuration without credentials.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Redact hides the credentials in a connection string.
func Redact(connection string) string {
	plain, found := strip(connection)
	if !found {
		return plain
	}
	scheme, rest, ok := strings.Cut(plain, "://")
	if !ok {
		return "set"
	}
	return scheme + "://set@" + rest
}

// strip takes the credentials out of a connection string, valid or not: all that stands before the last @. found tells
// whether there were any.
func strip(connection string) (plain string, found bool) {
	at := strings.LastIndexByte(connection, '@')
	if at < 0 {
		return connection, false
	}
	scheme, _, ok := strings.Cut(connection[:at], "://")
	if !ok {
		return connection[at+1:], true
	}
	return scheme + "://" + connection[at+1:], true
}

// prepare sets the defaults and reads the connection string.
func (c *Config) prepare() (*client.Configuration, error) {
	var errs []error
	settings, deadline, err := parse(c.ConnectionString)
	if err != nil {
		errs = append(errs, err)
	}
	if c.MaxAppend == 0 {
		c.MaxAppend = DefaultMaxAppend
	}
	if c.Attempt == 0 {
		c.Attempt = deadline
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		usual time.Duration
	}{{"Attempt", &c.Attempt, 5 * time.Second}, {"Patience", &c.Patience, 20 * time.Second}, {"Silence", &c.Silence, 15 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.usual
		}
		if *d.value < 0 {
			errs = append(errs, fmt.Errorf("%s is %s, and must be above zero", d.name, *d.value))
		}
	}
	if c.MaxAppend < 0 {
		errs = append(errs, fmt.Errorf("MaxAppend is %d, and must be above zero", c.MaxAppend))
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return settings, errors.Join(errs...)
}

// known are the settings of a connection string.
var known = []string{
	"discoveryinterval", "gossiptimeout", "maxdiscoverattempts", "nodepreference", "keepaliveinterval", "keepalivetimeout",
	"tls", "tlscafile", "tlsverifycert", "usercertfile", "userkeyfile", "defaultdeadline",
}

// parse reads a connection string by the official client, and refuses what that would pass over in silence. No error
// holds what stands before the last @: a password that was not escaped may look like a host or a port to a parser.
func parse(connection string) (*client.Configuration, time.Duration, error) {
	plain, credentials := strip(connection)
	deadline, err := checkSettings(plain)
	if err != nil {
		return nil, 0, fmt.Errorf("connection string: %w", err)
	}
	if _, err := client.ParseConnectionString(plain); err != nil {
		return nil, 0, fmt.Errorf("connection string: %w", err)
	}
	c, err := client.ParseConnectionString(connection)
	if err != nil {
		return nil, 0, errors.New("connection string: the user or the password is not valid: write special characters as %XX")
	}
	switch {
	case credentials && c.DisableTLS:
		return nil, 0, errors.New("connection string: credentials with tls=false would travel in the clear: leave out one of them")
	case credentials && (c.Username == "" || c.Password == ""):
		return nil, 0, errors.New("connection string: credentials need a user and a password")
	case c.NodePreference != client.NodePreferenceLeader:
		return nil, 0, errors.New("connection string: nodePreference must be leader, as it is by default: other nodes may show old data")
	}
	if err := c.Validate(); err != nil {
		return nil, 0, fmt.Errorf("connection string: %w", err)
	}
	return c, deadline, nil
}

// checkSettings refuses settings that the client would ignore, and answers the default deadline.
func checkSettings(plain string) (time.Duration, error) {
	_, query, _ := strings.Cut(plain, "?")
	settings, err := url.ParseQuery(query)
	if err != nil {
		return 0, err
	}
	var deadline time.Duration
	for key, values := range settings {
		lower := strings.ToLower(key)
		if !slices.Contains(known, lower) {
			return 0, fmt.Errorf("unknown setting %s", key)
		}
		if lower == "defaultdeadline" {
			ms, err := strconv.Atoi(values[0])
			if err != nil || ms < 1 {
				return 0, fmt.Errorf("%s is a number of milliseconds above zero", key)
			}
			deadline = time.Duration(ms) * time.Millisecond
		}
	}
	return deadline, nil
}
