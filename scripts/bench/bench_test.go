package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-sync/rollcall/cmd/rollcall/load"
)

// TestMain lets a run start this program as a yardstick.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && (os.Args[1] == theConstant || os.Args[1] == theLibrary) {
		main()
		return
	}
	os.Exit(m.Run())
}

// The yardstick on the library is honest: whatever is measured on it, it does.
func TestTheLibraryDoesWhatIsMeasured(t *testing.T) {
	for _, profile := range []string{"okta", "entra", "steady", "read", "group", "ping"} {
		handler, err := newLibrary()
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(handler)
		defer server.Close()
		l, err := load.New(load.Config{Profile: profile, SCIMURL: server.URL, Token: "none", Users: 120, Groups: 3, Members: 50, Requests: 200, Concurrency: 8})
		if err != nil {
			t.Fatal(err)
		}
		report, err := l.Run(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", profile, err)
		}
		if err := report.Failed(); err != nil {
			t.Errorf("%s: %v: %q %+v", profile, err, report.Told, report.Operations)
		}
	}
}

// A whole run, as small as it can be, fills every cell of its tables.
func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program and starts it")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("the system does not tell what processes take")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "rollcall")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/rollcall").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	tiny := scale{"tiny", 20, 30, 40, 40, 400 * time.Millisecond, 2, 5, 10, 10, 2, 5, 100, 100, 400}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var out bytes.Buffer
	if err := measure(ctx, bench{tiny, program, filepath.Join(dir, "data"), io.Discard}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| ping: get ServiceProviderConfig |", "| first sync: add members |", "| paced: webhook after its event |", "| library | ", "log ", "readmodel ", "deliveries "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not tell of %q:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
		t.Errorf("a figure is missing:\n%s", &out)
	}
}

func TestGoals(t *testing.T) {
	for want, g := range map[string]goal{
		"| x | ≥ 0.8 | 0.80 | met |":         {what: "x", is: 0.8, least: 0.8},
		"| x | ≥ 0.8 | 0.79 | short |":       {what: "x", is: 0.79, least: 0.8},
		"| x | ≤ 10 ms | 10.00 ms | met |":   {what: "x", is: 10, most: 10, unit: " ms"},
		"| x | ≤ 10 ms | 10.50 ms | short |": {what: "x", is: 10.5, most: 10, unit: " ms"},
		"| x | ≥ 3 | NaN | short |":          {what: "x", is: math.NaN(), least: 3},
	} {
		if got := g.line(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestWrongCallsAreTold(t *testing.T) {
	for _, args := range [][]string{nil, {"x"}, {"a", "b", "c"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "constant or library") {
			t.Errorf("%q: %v", args, err)
		}
	}
	missing := filepath.Join(t.TempDir(), "nothing")
	if _, err := start(t.Context(), t.TempDir(), nil, missing); err == nil {
		t.Error("a program that is not there was started")
	}
	if _, err := start(t.Context(), t.TempDir(), nil, "true"); err == nil || !strings.Contains(fmt.Sprint(err), "before it was ready") {
		t.Errorf("a program that ends at once: %v", err)
	}
}
