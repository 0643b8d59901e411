package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// An application that is down for the whole of a thousand changes gets each of them once it is back, once, and in order.
func TestApplicationIsDownForAThousandChanges(t *testing.T) {
	const users, changes = 50, 20
	h := newHousehold(t)
	b := newInbox(t)
	h.hook(b, "")
	b.answer(http.StatusBadGateway)
	var wg sync.WaitGroup
	for i := range users {
		wg.Go(func() { h.user(fmt.Sprint("user", i), changes) })
	}
	wg.Wait()
	b.answer(0)
	c := newConsumer()
	for _, a := range b.until(t, "all have come", func(came []arrival) bool { return len(came) >= users*changes }) {
		c.take(a.message)
	}
	if c.repeated > 0 || len(c.gaps) > 0 || len(c.versions) != users {
		t.Errorf("%d users, %d messages twice, gaps %.300q", len(c.versions), c.repeated, c.gaps)
	}
	h.stop()
}

// A disk that is full loses nothing: what was accepted stays, what comes is refused with 503, and once there is room all goes on, webhooks
// too. The disk is a file system of some megabytes in a mount namespace of the server's own.
func TestDiskIsFull(t *testing.T) {
	h := &household{victim: &victim{t: t, dir: t.TempDir()}}
	mount := fmt.Sprintf(`mount -t tmpfs -o size=6m tmpfs %q && head -c 2500000 /dev/zero > %q && exec "$0" "$@"`, h.dir, filepath.Join(h.dir, "ballast"))
	if out, err := exec.Command("unshare", "-rm", "sh", "-c", strings.Replace(mount, `exec "$0" "$@"`, "true", 1)).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted in a namespace here, so that a full disk is not tried: %v %s", err, out)
	}
	rollcall, err := exec.LookPath("rollcall")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec unshare -rm sh -c '%s' %q \"$@\" --data %q\n", mount, rollcall, h.dir)
	if err := os.WriteFile(filepath.Join(bin, "rollcall"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	h.begin()
	b := newInbox(t)
	h.hook(b, "")
	created := map[string]string{}
	status := http.StatusCreated
	var last []byte
	for n := 0; status == http.StatusCreated; n++ {
		name := fmt.Sprint("user", n)
		if status, last = h.provider.once("POST", h.base+"/Users", fmt.Sprintf(`{"userName":%q,"title":%q}`, name, strings.Repeat("x", 4000))); status == http.StatusCreated {
			created[name] = idIn(t, last)
		}
		if n > 5000 {
			t.Fatal("the disk is not full")
		}
	}
	if status != http.StatusServiceUnavailable || !strings.Contains(string(last), `"status":"503"`) || strings.Contains(string(last), "sqlite") {
		t.Errorf("a full disk answers %d %s", status, last)
	}
	if err := os.Remove(filepath.Join("/proc", fmt.Sprint(h.p.cmd.Process.Pid), "root", filepath.Join(h.dir, "ballast"))); err != nil {
		t.Fatal(err)
	}
	h.provider.must("POST", h.base+"/Users", `{"userName":"afterwards"}`, nil) // as soon as it can
	came := map[string]bool{}
	for _, a := range b.until(t, "all that was accepted has come", func(came []arrival) bool { return len(came) >= len(created)+1 }) {
		came[a.message.Data.After.Text("userName")] = true
	}
	for name, id := range created {
		if status, _ := h.provider.once("GET", h.base+"/Users/"+id, ""); status != http.StatusOK || !came[name] {
			t.Errorf("%s: answers %d, its webhook came: %v", name, status, came[name])
		}
	}
	if len(created) < 10 || !came["afterwards"] {
		t.Errorf("%d were created before the disk was full; afterwards: %v", len(created), came["afterwards"])
	}
	h.stop()
}
