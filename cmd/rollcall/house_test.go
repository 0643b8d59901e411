package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rollcall-sync/rollcall"

// house says who may import whom: for each package of ours, ours that it may import. A new package fails until someone gives it a line.
var house = map[string][]string{
	"cmd/rollcall":             {"..."},
	"cmd/rollcall/load":        {},
	"domain":                   {},
	"eventstore":               {},
	"eventstore/esdb":          {"eventstore"},
	"eventstore/esdb/esdbtest": {"eventstore"},
	"eventstore/keys":          {"eventstore"},
	"eventstore/local":         {"eventstore"},
	"eventstore/storetest":     {"eventstore"},
	"projections":              {"domain", "eventstore"},
	"handlers":                 {"domain"},
	"handlers/command":         {"domain", "eventstore", "eventstore/keys", "projections"},
	"handlers/saml":            {"domain"},
	"handlers/scim":            {"domain", "eventstore/keys", "handlers", "handlers/command", "projections"},
	"handlers/onboarding":      {"domain", "handlers", "handlers/command", "handlers/letter", "handlers/saml", "projections"},
	"handlers/mail":            {"handlers/command", "handlers/letter", "projections"},
	"handlers/letter":          {"eventstore/keys", "projections"},
	"handlers/api":             {"domain", "eventstore/keys", "handlers", "handlers/command", "handlers/letter", "handlers/saml", "projections"},
	"handlers/broker":          {"domain", "handlers", "handlers/command", "projections"},
	"handlers/webhook":         {"domain", "eventstore/keys", "handlers", "handlers/command", "projections"},
	"scripts/bench":            {"cmd/rollcall/load", "eventstore", "eventstore/local"},
}

// homes says where each outside module may be imported. The standard library may be imported anywhere but where pure says otherwise.
var homes = map[string][]string{
	"github.com/EventStore/EventStore-Client-Go/v4":            {"eventstore/esdb", "eventstore/esdb/esdbtest"},
	"google.golang.org/grpc":                                   {"eventstore/esdb", "eventstore/esdb/esdbtest"},
	"github.com/ThreeDotsLabs/watermill":                       {"handlers/broker", "projections"},
	"github.com/ThreeDotsLabs/watermill-nats/v2":               {"handlers/broker"},
	"github.com/ThreeDotsLabs/watermill-redisstream":           {"handlers/broker"},
	"github.com/nats-io/nats.go":                               {"handlers/broker"},
	"github.com/nats-io/nats-server/v2":                        {},
	"github.com/rabbitmq/amqp091-go":                           {"handlers/broker"},
	"github.com/redis/go-redis/v9":                             {"handlers/broker"},
	"github.com/wneessen/go-mail":                              {"handlers/mail"},
	"github.com/emersion/go-smtp":                              {},
	"github.com/emersion/go-sasl":                              {},
	"github.com/elimity-com/scim":                              {"handlers/scim", "scripts/bench"},
	"github.com/scim2/filter-parser/v2":                        {"scripts/bench"},
	"github.com/ncruces/go-sqlite3":                            {"eventstore/local", "projections"},
	"github.com/cenkalti/backoff/v4":                           {"cmd/rollcall", "eventstore/esdb", "handlers/command", "handlers/mail", "handlers/webhook"},
	"github.com/HdrHistogram/hdrhistogram-go":                  {"cmd/rollcall/load"},
	"github.com/alecthomas/kong":                               {"cmd/rollcall"},
	"github.com/getkin/kin-openapi":                            {},
	"github.com/gofrs/flock":                                   {"eventstore/local"},
	"github.com/google/uuid":                                   {"handlers/command", "projections"},
	"github.com/hashicorp/golang-lru/v2":                       {"handlers", "handlers/command", "projections"},
	"github.com/prometheus/client_golang":                      {"cmd/rollcall", "handlers", "handlers/mail", "handlers/webhook", "projections"},
	"go.yaml.in/yaml/v4":                                       {"handlers/api"},
	"golang.org/x/time":                                        {"handlers", "handlers/webhook", "projections"},
	"golang.org/x/sync":                                        {"handlers/command"},
	"golang.org/x/text":                                        {"domain"},
	"pgregory.net/rapid":                                       {"eventstore/storetest"},
	"github.com/rogpeppe/go-internal":                          {},
	"github.com/standard-webhooks/standard-webhooks/libraries": {},
}

// impure are packages of the standard library that the words must not touch: the clock, the network, the disk, randomness, the log.
var impure = []string{"net", "net/http", "os", "io/fs", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "database/sql"}

// listed is what `go list -json` tells of a package.
type listed struct {
	ImportPath string
	Imports    []string
	Doc        string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Doc", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestHouse(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		seen[name] = true
		allowed, known := house[name]
		if !known {
			t.Errorf("%s has no line in house: say what it may import", name)
			continue
		}
		if p.Doc == "" {
			t.Errorf("%s has no package comment", name)
		}
		for _, path := range p.Imports {
			if err := mayImport(name, allowed, path); err != "" {
				t.Errorf("%s imports %s: %s", name, path, err)
			}
		}
	}
	for name := range house {
		if !seen[name] {
			t.Errorf("house has a line for %s, which is not there", name)
		}
	}
}

func mayImport(name string, allowed []string, path string) string {
	if ours, ok := strings.CutPrefix(path, module+"/"); ok {
		if !slices.Contains(allowed, ours) && !slices.Contains(allowed, "...") {
			return "the house does not allow it"
		}
		return ""
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		if name == "domain" && slices.Contains(impure, path) {
			return "the domain is pure"
		}
		return ""
	}
	for outside, at := range homes {
		if path == outside || strings.HasPrefix(path, outside+"/") {
			if !slices.Contains(at, name) {
				return "its home is elsewhere"
			}
			return ""
		}
	}
	return "this module has no home"
}

// TestHouseCatchesViolations plants some and sees them found.
func TestHouseCatchesViolations(t *testing.T) {
	for _, c := range []struct{ name, path string }{
		{"domain", module + "/eventstore"},
		{"domain", "net/http"},
		{"eventstore", module + "/domain"},
		{"projections", module + "/handlers"},
		{"handlers", module + "/projections"},
		{"handlers/scim", module + "/handlers/api"},
		{"handlers/scim", module + "/eventstore"},
		{"handlers/api", "github.com/ncruces/go-sqlite3/driver"},
		{"handlers/webhook", "github.com/elimity-com/scim/schema"},
		{"projections", "example.com/new"},
	} {
		if mayImport(c.name, house[c.name], c.path) == "" {
			t.Errorf("%s may import %s", c.name, c.path)
		}
	}
}

// TestTree holds the top-level folders.
func TestTree(t *testing.T) {
	entries, err := os.ReadDir("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "rollcall-data" &&
			!slices.Contains([]string{"cmd", "domain", "projections", "handlers", "eventstore", "scripts"}, e.Name()) {
			t.Errorf("a top-level folder %s: there are cmd domain projections handlers eventstore scripts", e.Name())
		}
	}
}
