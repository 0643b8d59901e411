package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// parsed is the configuration of serve as the parser leaves it.
func parsed(t *testing.T, env lookup, args ...string) (serverConfig, error) {
	t.Helper()
	var c commands
	parser, err := kong.New(&c, kong.Resolvers(&settings{env: env}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(append([]string{"serve"}, args...))
	return c.Serve.serverConfig, err
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rollcall.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFlagBeatsEnvironmentBeatsFile(t *testing.T) {
	file := configFile(t, `{"listen":"127.0.0.1:3","public-url":"https://file.test","webhook-allow":["10.0.0.0/8","127.0.0.0/8"],"webhook-timeout":"3s"}`)
	env := environment("ROLLCALL_LISTEN", "127.0.0.1:2", "ROLLCALL_PUBLIC_URL", "https://env.test")
	c, err := parsed(t, env, "--config", file, "--listen", "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:1" || c.PublicURL != "https://env.test" || len(c.WebhookAllow) != 2 || c.WebhookTimeout.String() != "3s" {
		t.Errorf("got %+v", c)
	}
	if c, err = parsed(t, environment("ROLLCALL_CONFIG", file)); err != nil || c.Listen != "127.0.0.1:3" {
		t.Errorf("the file named in the environment gave %q, %v", c.Listen, err)
	}
	if c, err = parsed(t, environment()); err != nil || c.Listen != "127.0.0.1:8484" {
		t.Errorf("the default is %q, %v", c.Listen, err)
	}
}

func TestFileIsHeldToTheFlags(t *testing.T) {
	for text, want := range map[string]string{
		`{"listne":"127.0.0.1:1"}`: `names "listne", which is no flag of any command`,
		`{"listen":`:               "read the configuration",
		`[]`:                       "read the configuration",
		`{"listen":"nowhere"}`:     "host:port",
	} {
		if _, err := parsed(t, environment(), "--config", configFile(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v lacks %q", text, err, want)
		}
	}
	if _, err := parsed(t, environment(), "--config", "/nowhere/at/all.json"); err == nil {
		t.Error("a file that is missing is passed over")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s := secret("hunter2")
	if s.String() != "(set)" || s.LogValue().String() != "(set)" || secret("").String() != "" {
		t.Errorf("%s", s)
	}
}
