package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the stories, and the tests that kill, run the program as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rollcall": main})
}

// TestStories runs testdata/*.txt: one story a file, against the real program.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		Setup:         setUpStory,
		UpdateScripts: os.Getenv("ROLLCALL_UPDATE_STORIES") != "",
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"serve": serveInStory, "http": httpInStory, "halt": haltInStory, "capture": captureInStory},
	})
}

// environment is a lookup of just these variables.
func environment(pairs ...string) lookup {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func runIn(t *testing.T, env lookup, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(context.Background(), args, env, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestHelpTeaches(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"serve", "--help"}, {"replay", "--help"}, {"export", "--help"}, {"demo", "--help"}, {"move", "--help"}, {"backup", "--help"}, {"restore", "--help"}, {"load", "--help"}} {
		code, out, errs := runIn(t, environment(), args...)
		if code != 0 || !strings.Contains(out, "Usage: rollcall") || errs != "" {
			t.Errorf("%v: status %d, %q, %q", args, code, out, errs)
		}
	}
	if _, out, _ := runIn(t, environment(), "serve", "--help"); !strings.Contains(out, "$ROLLCALL_PUBLIC_URL") {
		t.Error("--help does not name the variables")
	}
	for command, want := range map[string]string{"serve": "--webhook-allow=CIDR,... ", "replay": "--types=TYPE,... ", "load": "rollcall load entra --users 1000"} {
		if _, out, _ := runIn(t, environment(), command, "--help"); !strings.Contains(out, want) {
			t.Errorf("%s --help does not show %q", command, want)
		}
	}
}

func TestWrongCallsAreTold(t *testing.T) {
	t.Chdir(t.TempDir())
	ended, end := context.WithCancel(t.Context())
	end() // so that a wrong call which is let through ends as well
	for want, args := range map[string][]string{
		"unexpected argument dance":                                   {"dance"},
		"unknown flag --dance":                                        {"serve", "--dance"},
		"is not host:port":                                            {"serve", "--listen", "here"},
		"is not an http or https URL":                                 {"serve", "--public-url", "ftp://x"},
		"--smtp-url and --mail-from go together":                      {"serve", "--smtp-url", "smtp://mx.example"},
		"--smtp-url begins neither with smtp://":                      {"serve", "--smtp-url", "http://mx.example", "--mail-from", "a@b.example"},
		"--mail-from \"nobody\" is not an address":                    {"serve", "--smtp-url", "smtp://mx.example", "--mail-from", "nobody"},
		"--invitation-lifetime is between 1h and 720h":                {"serve", "--invitation-lifetime", "1m"},
		"is not of small letters":                                     {"serve", "--service-name", "My Service"},
		"is not a range, as 10.0.0.0/8":                               {"serve", "--webhook-allow", "10.0.0.1"},
		"--webhook-timeout is between":                                {"serve", "--webhook-timeout", "1h"},
		"--scim-max-body is between":                                  {"serve", "--scim-max-body", "0"},
		"--api-rate is between":                                       {"serve", "--api-rate", "NaN"},
		"--api-rate is between 0 and 1000000":                         {"serve", "--api-rate=-1"},
		"--api-organization-rate is between":                          {"serve", "--api-organization-rate", "NaN"},
		"--api-organization-rate is between 0 and 1000000":            {"serve", "--api-organization-rate=1000001"},
		"a secret of 32 characters":                                   {"serve", "--api-key", "me.short"},
		"32 bytes in base64":                                          {"serve", "--master-key", "short"},
		"must be one of \"text\",\"json\"":                            {"serve", "--log-format", "xml"},
		"--deliveries-from: \"yesterday\" is neither a position":      {"serve", "--deliveries-from", "yesterday"},
		"--at: \"yesterday\" is neither a position":                   {"replay", "user-7", "--at", "yesterday"},
		"--from: \"then\" is neither a position":                      {"replay", "--from", "then"},
		"--until: \"now\" is neither a position":                      {"replay", "--until", "now"},
		"--to \"ftp://x\" is not an http":                             {"replay", "--to", "ftp://x"},
		"not a subject":                                               {"replay", "user-x", "--to", "http://x"},
		"a signing key begins with":                                   {"replay", "--to", "http://x", "--signing-key", "mine"},
		"names one place twice":                                       {"serve", "--publish", "nats://h", "--publish", "nats://h/rollcall"},
		"a broker's URL begins with":                                  {"serve", "--publish", "kafka://x"},
		"--publish-from: \"now\" is neither a position":               {"serve", "--publish-from", "now"},
		"which no message matches":                                    {"replay", "--types", "directory.robot.*"},
		"no profile \"nobody\"; there are okta entra":                 {"load", "nobody"},
		"users is between 1 and 1000000":                              {"load", "okta", "--users", "0", "--api-key", storyKey},
		"groups is between 0 and":                                     {"load", "okta", "--groups=-1", "--api-key", storyKey},
		"members is between 0 and":                                    {"load", "okta", "--members=-1", "--api-key", storyKey},
		"requests is between 1 and":                                   {"load", "read", "--requests", "0", "--api-key", storyKey},
		"concurrency is between 1 and 1024":                           {"load", "read", "--concurrency", "1025", "--api-key", storyKey},
		"rate is between 0 and":                                       {"load", "read", "--rate", "NaN", "--api-key", storyKey},
		"duration is between 0 and":                                   {"load", "read", "--duration", "25h", "--api-key", storyKey},
		"a group cannot have more members (200)":                      {"load", "okta", "--members", "200", "--api-key", storyKey},
		"an API key is needed":                                        {"load", "okta"},
		"the URL \"here\" is not an http":                             {"load", "okta", "--url", "here", "--api-key", storyKey},
		"the SCIM URL \"ftp://x\" is not an http":                     {"load", "okta", "--scim-url", "ftp://x", "--token", "t"},
		"needs the directory's token":                                 {"load", "okta", "--scim-url", "http://x"},
		"webhooks are made by the management API":                     {"load", "okta", "--scim-url", "http://x", "--token", "t", "--webhook"},
		"\"robot-7\" is not user-<id>":                                {"replay", "robot-7"},
		"--after: \"x\" is not a position":                            {"export", "--after", "x"},
		"missing flags: --from=WHERE":                                 {"move", "--to", "esdb://x?tls=false"},
		"--from: connection string":                                   {"move", "--from", "esdb://ada:s3cret@x?tls=false", "--to", "d"},
		"--to: connection string":                                     {"move", "--from", "d", "--to", "http://x"},
		"rollcall backup and rollcall restore copy one":               {"move", "--from", "d", "--to", "e"},
		"--deliveries-from: \"now\" is neither a position":            {"move", "--from", "d", "--to", "esdb://x?tls=false", "--deliveries-from", "now"},
		"missing flags: --to=FOLDER":                                  {"backup"},
		"missing flags: --from=FOLDER":                                {"restore"},
		"rollcall: read the configuration: open /nowhere/at/all.json": {"serve", "--config", "/nowhere/at/all.json"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(ended, args, environment(), &stdout, &stderr)
		if code != 2 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%v: status %d, %q lacks %q", args, code, stderr.String(), want)
		}
	}
	// All that is wrong is told at once.
	if _, _, errs := runIn(t, environment(), "serve", "--listen", "here", "--public-url", "ftp://x"); !strings.Contains(errs, "host:port") || !strings.Contains(errs, "http or https") {
		t.Errorf("told one of two: %q", errs)
	}
}
