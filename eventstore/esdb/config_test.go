package esdb

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConnectionStrings(t *testing.T) {
	for connection, seeds := range map[string]string{
		"esdb://localhost":                                       "[localhost:2113] false",
		"esdb://localhost:1234?tls=false":                        "[localhost:1234] false",
		"esdb://a:1,b:2,c:3?tls=false":                           "[a:1 b:2 c:3] true",
		"esdb://user:secret@a:1,b:2,c:3":                         "[a:1 b:2 c:3] true",
		"esdb+discover://user:secret@db.example.com":             "[db.example.com:2113] true",
		"esdb://user:se%40cr%3Fet@a:1?tlsVerifyCert=false":       "[a:1] false",
		"esdb://a:1?nodePreference=leader&maxDiscoverAttempts=3": "[a:1] false",
	} {
		c := Config{ConnectionString: connection}
		settings, err := c.prepare()
		if err != nil {
			t.Errorf("%s: %v", connection, err)
			continue
		}
		n, err := newNodes(settings, c.Logger)
		if err != nil {
			t.Errorf("%s: %v", connection, err)
			continue
		}
		if got := fmt.Sprint(n.seeds, n.cluster); got != seeds {
			t.Errorf("%s: seeds %s, want %s", connection, got, seeds)
		}
		n.close()
	}
}

func TestRefusedConnectionStrings(t *testing.T) {
	for _, connection := range []string{
		"",
		"localhost:2113",
		"http://localhost:2113",
		"esdb://",
		"esdb://localhost:port",
		"esdb://localhost/path",
		"esdb://user:secret@localhost?tls=false",
		"esdb://user@localhost",
		"esdb://user:@localhost",
		"esdb://:secret@localhost",
		"esdb://localhost?nodePreference=follower",
		"esdb://localhost?nodePreference=best",
		"esdb://localhost?defaultDeadline=soon",
		"esdb://localhost?keepAliveInterval=often",
		"esdb://localhost?surprise=1",
		"esdb://localhost?tlsCAFile=/nowhere/ca.pem",
		"esdb://localhost?userCertFile=/nowhere/user.pem",
		"esdb://localhost?userCertFile=/nowhere/user.pem&userKeyFile=/nowhere/user.key",
	} {
		if s, err := Open(t.Context(), hasty(connection)); err == nil {
			s.Close()
			t.Errorf("%q was taken", connection)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error shows the password: %v", connection, err)
		}
	}
	for _, c := range []Config{{Attempt: -1}, {Patience: -1}, {Silence: -1}, {MaxAppend: -1}} {
		c.ConnectionString = "esdb://localhost"
		if _, err := c.prepare(); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

// TestPasswordsStayHidden writes passwords that were not escaped, in every place where a parser could complain of them.
func TestPasswordsStayHidden(t *testing.T) {
	for _, password := range []string{"hunter2", "hunt er2", "hunter2:", "hunter2/", "hunter2?", "hunter2#", "hunter2%", "hunter2%zz", "hunter2,", "hunter2@", "/hunter2", "?hunter2=1", "#hunter2", "@hunter2", "[hunter2"} {
		for _, rest := range []string{"localhost:1?tls=false", "localhost:port", "a:1,b:x", "a:1,b:2?tls=false", "localhost?surprise=1", "localhost?tlsCAFile=/nowhere/ca.pem"} {
			c := Config{ConnectionString: "esdb://admin:" + password + "@" + rest}
			_, err := c.prepare()
			var logged bytes.Buffer
			slog.New(slog.NewJSONHandler(&logged, nil)).Info("opening", slog.Any("store", c))
			for what, text := range map[string]string{"error": fmt.Sprint(err), "log": logged.String(), "print": fmt.Sprintf("%v %+v %s", c, c, c)} {
				if strings.Contains(text, "hunt") || strings.Contains(text, "admin") {
					t.Errorf("%s: the %s shows %s", c.ConnectionString, what, text)
				}
			}
			if err == nil {
				t.Errorf("%s was taken", c.ConnectionString)
			}
		}
	}
}

func TestRedact(t *testing.T) {
	for connection, want := range map[string]string{
		"esdb://a:1,b:2?tls=false":           "esdb://a:1,b:2?tls=false",
		"esdb://user:pass@a:1?tlsCAFile=/ca": "esdb://set@a:1?tlsCAFile=/ca",
		"user:pass@a":                        "set",
	} {
		if got := Redact(connection); got != want {
			t.Errorf("Redact(%q) = %q, want %q", connection, got, want)
		}
	}
}

func TestDefaultDeadline(t *testing.T) {
	c := Config{ConnectionString: "esdb://localhost?defaultDeadline=1500"}
	if _, err := c.prepare(); err != nil || c.Attempt != 1500*time.Millisecond {
		t.Errorf("an attempt takes %s, %v", c.Attempt, err)
	}
}

func TestCredentials(t *testing.T) {
	certificate, ca := selfSigned(t)
	server := secured(t, certificate)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, hasty("esdb://admin:change%40it@"+server.Address()+"?tlsCAFile="+file))
	appended(t, s, write("a", 0, entry()))
	for what, connection := range map[string]string{
		"a wrong password":       "esdb://admin:guessed@" + server.Address() + "?tlsCAFile=" + file,
		"no password":            "esdb://" + server.Address() + "?tlsCAFile=" + file,
		"an unknown certificate": "esdb://admin:change%40it@" + server.Address(),
	} {
		s, err := Open(t.Context(), hasty(connection))
		if err == nil {
			s.Close()
			t.Errorf("%s was taken", what)
		} else if strings.Contains(err.Error(), "guessed") || strings.Contains(err.Error(), "change") {
			t.Errorf("%s: the error shows the password: %v", what, err)
		}
	}
	open(t, hasty("esdb://admin:change%40it@"+server.Address()+"?tlsVerifyCert=false"))
}
