package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/domain"
	"github.com/rollcall-sync/rollcall/projections"
)

var fences = regexp.MustCompile("(?s)```(sh|json)\n(.*?)```")

func readme(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range fences.FindAllStringSubmatch(string(text), -1) {
		if m[1] == language {
			blocks = append(blocks, m[2])
		}
	}
	return blocks
}

// TestReadme copies the README's commands and runs them, in its order, against a server that was started as it says.
func TestReadme(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "sed", "tee"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the README's commands need %s, which is not on this machine", tool)
		}
	}
	dir := t.TempDir()
	var server *process
	defer func() {
		if server != nil {
			server.kill()
		}
	}()
	script := []string{"set -eu -o pipefail"}
	for _, block := range readme(t, "sh") {
		switch {
		case strings.HasPrefix(block, "go test"), strings.HasPrefix(block, "go run ./cmd/rollcall demo"):
			continue // this test, and a story
		case strings.HasSuffix(block, "go run ./cmd/rollcall serve\n"):
			key, ok := strings.CutPrefix(strings.SplitN(block, "\n", 2)[0], "export ")
			if !ok {
				t.Fatalf("serve is not started as this test knows it:\n%s", block)
			}
			var err error
			if server, err = startProcess(dir, []string{key}); err != nil {
				t.Fatal(err)
			}
		default:
			script = append(script, strings.ReplaceAll(block, "go run ./cmd/rollcall", "rollcall"))
		}
	}
	if server == nil {
		t.Fatal("the README starts no server")
	}
	text := strings.ReplaceAll(strings.Join(script, "\n"), "http://127.0.0.1:8484", server.url)
	text = strings.ReplaceAll(text, "curl -s", "curl --silent --show-error --fail-with-body")
	c := exec.Command("bash", "-c", text)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("the README's commands ended with %v:\n%s\n%s", err, out, text)
	}
	for _, want := range []string{`"domain":"acme"`, `"scim_base_url"`, `"userName":"ada@acme.test"`, `"totalResults":1`, `"signature_key":"whsec_`, `"type":"directory.user.created"`, `"__type__":"Preview"`, `"__type__":"Replay"`, `"next_after"`, `"type":"user.provisioned"`, "backed up ", "restored ", "The end state is right: 100 users, 10 groups."} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the README's commands did not print %s:\n%s", want, out)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "rollcall-data", "log.db")); err != nil {
		t.Errorf("serve does not keep its log where the README says: %v", err)
	}
}

// TestReadmeShowsAMessage: the webhook in the README is one that the code could send.
//
// Proves Directory Sync §before-and-after.
func TestReadmeShowsAMessage(t *testing.T) {
	blocks := readme(t, "json")
	if len(blocks) != 1 {
		t.Fatalf("%d messages in the README", len(blocks))
	}
	d := json.NewDecoder(strings.NewReader(blocks[0]))
	d.DisallowUnknownFields()
	var m projections.Message
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	c := domain.ChangeBetween(m.Type, m.Data.Before, m.Data.After)
	if strings.Join(c.Changed, " ") != strings.Join(m.Data.Changed, " ") || c.Previous["active"] != m.Data.Changes.Previous["active"] {
		t.Errorf("the README's change is not what differs: %v", c)
	}
	body, err := m.Body()
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs map[string]any
	if json.Unmarshal(body, &ours) != nil || json.Unmarshal([]byte(blocks[0]), &theirs) != nil || len(ours["data"].(map[string]any)) != len(theirs["data"].(map[string]any)) {
		t.Errorf("the README's message has other members than %s", body)
	}
}
