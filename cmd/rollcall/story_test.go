package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// storyKey is the API key that stories preset.
const storyKey = "story.0123456789abcdef0123456789abcdef"

// serveInStory: serve [flags] starts the server in the story's folder and sets URL; ! serve wants it to fail, with its errors in stderr.
func serveInStory(ts *testscript.TestScript, fails bool, args []string) {
	env := []string{"ROLLCALL_API_KEY=" + storyKey, "ROLLCALL_MASTER_KEY=" + ts.Getenv("ROLLCALL_MASTER_KEY"), "ROLLCALL_WEBHOOK_ALLOW=127.0.0.0/8"}
	if ts.Getenv("ROLLCALL_MASTER_KEY") == "" {
		env = append(env[:1], env[2:]...)
	}
	p, err := startProcess(ts.Getenv("WORK"), env, args...)
	if fails {
		if err == nil {
			p.kill()
			ts.Fatalf("serve started")
		}
		fmt.Fprintln(ts.Stderr(), err)
		return
	}
	ts.Check(err)
	ts.Setenv("URL", p.url)
	ts.Setenv("KEY", storyKey)
	s := storyOf(ts)
	s.server = p
	ts.Defer(func() {
		if s.server == p {
			p.kill()
		}
	})
}

// story is what one story remembers from command to command. Stories run in parallel, each in one goroutine.
type story struct {
	server *process // nil while none runs
}

type storyValue struct{}

func setUpStory(env *testscript.Env) error {
	env.Values[storyValue{}] = &story{}
	return nil
}

func storyOf(ts *testscript.TestScript) *story { return ts.Value(storyValue{}).(*story) }

// haltInStory: halt sends SIGTERM and wants a clean end; halt -9 kills. (The stop of testscript ends the story.)
func haltInStory(ts *testscript.TestScript, _ bool, args []string) {
	s := storyOf(ts)
	p := s.server
	s.server = nil
	if len(args) > 0 && args[0] == "-9" {
		p.kill()
		return
	}
	if err := p.stop(); err != nil {
		ts.Fatalf("the server ended with %v:\n%s", err, p.log())
	}
}

// httpInStory: http STATUS METHOD PATH [BODY] sends a request with $TOKEN, else $KEY, and writes the body of the answer to stdout.
func httpInStory(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: http STATUS METHOD PATH [BODY]")
	}
	url := args[2]
	if !strings.HasPrefix(url, "http") {
		url = ts.Getenv("URL") + url
	}
	token := ts.Getenv("KEY")
	if strings.Contains(url, "/scim/") {
		token = ts.Getenv("TOKEN")
	}
	r, err := http.NewRequest(args[1], url, strings.NewReader(strings.Join(args[3:], " ")))
	ts.Check(err)
	r.Header.Set("Authorization", "Bearer "+token)
	if len(args) > 3 {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n", body)
	if strconv.Itoa(answer.StatusCode) != args[0] {
		ts.Fatalf("answered %d: %s", answer.StatusCode, body)
	}
	ts.Setenv("ANSWER", string(body))
}

// captureInStory: capture NAME path.to.value sets a variable from the last answer.
func captureInStory(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: capture NAME path.to.value")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.Getenv("ANSWER")), &v))
	for step := range strings.SplitSeq(args[1], ".") {
		switch now := v.(type) {
		case map[string]any:
			v = now[step]
		case []any:
			n, err := strconv.Atoi(step)
			ts.Check(err)
			v = now[n]
		}
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}
