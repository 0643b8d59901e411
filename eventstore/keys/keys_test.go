package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func master(t *testing.T, fill byte) *Master {
	t.Helper()
	m, err := New(bytes.Repeat([]byte{fill}, Size))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSealOpensOnlyInItsPlaceAndUnderItsKey(t *testing.T) {
	m := master(t, 1)
	sealed := m.Seal("endpoint-1", []byte("secret"))
	if strings.Contains(sealed, "secret") {
		t.Errorf("the sealed text shows the secret: %s", sealed)
	}
	if m.Seal("endpoint-1", []byte("secret")) == sealed {
		t.Error("sealing twice gives the same text")
	}
	if got, err := m.Open("endpoint-1", sealed); err != nil || string(got) != "secret" {
		t.Errorf("Open = %q, %v", got, err)
	}
	flipped := []byte(sealed)
	flipped[len(flipped)/2] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another place": func() ([]byte, error) { return m.Open("endpoint-2", sealed) },
		"another key":   func() ([]byte, error) { return master(t, 2).Open("endpoint-1", sealed) },
		"a flipped bit": func() ([]byte, error) { return m.Open("endpoint-1", string(flipped)) },
		"no prefix":     func() ([]byte, error) { return m.Open("endpoint-1", sealed[3:]) },
		"nothing":       func() ([]byte, error) { return m.Open("endpoint-1", "") },
		"too short":     func() ([]byte, error) { return m.Open("endpoint-1", "v1.AAAA") },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s opened: %q", name, got)
		} else if strings.Contains(err.Error(), "secret\"") {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
}

func TestNameDependsOnEveryPart(t *testing.T) {
	m := master(t, 1)
	seen := map[string]string{}
	for _, parts := range [][3]string{{"d", "userName", "ada"}, {"e", "userName", "ada"}, {"d", "externalId", "ada"}, {"d", "userName", "eve"}, {"du", "serName", "ada"}} {
		name := m.Name(parts[0], parts[1], parts[2])
		if other, twice := seen[name]; twice {
			t.Errorf("%v and %s share a name", parts, other)
		}
		seen[name] = fmt.Sprint(parts)
		if name != m.Name(parts[0], parts[1], parts[2]) {
			t.Errorf("%v has two names", parts)
		}
		if name == master(t, 2).Name(parts[0], parts[1], parts[2]) {
			t.Errorf("%v has the same name under another key", parts)
		}
	}
}

func TestMasterNeverPrintsItself(t *testing.T) {
	m := master(t, 'K')
	for _, format := range []string{"%v", "%s", "%+v"} {
		if out := fmt.Sprintf(format, m); strings.Contains(out, "KKKK") || !strings.Contains(out, "set") {
			t.Errorf("%s prints %q", format, out)
		}
	}
}

func TestFile(t *testing.T) {
	folder := t.TempDir()
	if _, err := ReadFile(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("an empty folder has a key: %v", err)
	}
	made, err := CreateFile(folder)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadFile(folder)
	if err != nil || read.Check() != made.Check() {
		t.Fatalf("the key read is another: %v", err)
	}
	if _, err := CreateFile(folder); err == nil {
		t.Error("a key that exists is made again")
	}
	path := filepath.Join(folder, FileName)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(folder); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others may read: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, ".master-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestParseRefusesGarbage(t *testing.T) {
	for _, text := range []string{"", "x", "AAAA", strings.Repeat("A", 100), strings.Repeat("A", 1<<20)} {
		if _, err := Parse(text); err == nil || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("Parse(%.10q) = %v", text, err)
		}
	}
}

func TestToken(t *testing.T) {
	secret := NewSecret()
	if len(secret) != 43 || secret == NewSecret() {
		t.Errorf("secret %q", secret)
	}
	if !Matches(Hash(secret), secret) || Matches(Hash(secret), secret+"x") || Matches("", "") || Matches("", secret) {
		t.Error("Matches is wrong")
	}
	for token, want := range map[string]bool{"a.b": true, "a.b.c": true, "": false, "a": false, ".b": false, "a.": false, "a." + strings.Repeat("b", 600): false} {
		if _, _, ok := SplitToken(token); ok != want {
			t.Errorf("SplitToken(%.20q) = %v", token, ok)
		}
	}
}

func TestLinkOpensUnderItsKeyOnly(t *testing.T) {
	m := master(t, 1)
	link := m.Link("018f-a")
	if id, ok := m.OpenLink(link); !ok || id != "018f-a" || m.Link("018f-a") != link {
		t.Errorf("%s opens to %q, %v", link, id, ok)
	}
	_, hash, _ := strings.Cut(link, ".")
	for name, other := range map[string]string{
		"another id": "018f-b." + hash, "no hash": "018f-a.", "no id": "." + hash, "nothing": "", "the id": "018f-a", "a hash cut short": link[:len(link)-1],
		"more behind it": link + "A", "a bit of no meaning": link[:len(link)-1] + string(link[len(link)-1]+1), "padding": link + "=", "a line's end": link + "\n", "much": strings.Repeat("a", 1<<20) + ".b",
		"of another key": master(t, 2).Link("018f-a"),
	} {
		if id, ok := m.OpenLink(other); ok || id != "" {
			t.Errorf("%s opens to %q", name, id)
		}
	}
}
