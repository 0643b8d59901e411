package broker_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is a broker's server from the system's packages, as a process of its own.
type program struct {
	testing.TB
	path    string
	args    []string
	env     []string
	port    string
	running *exec.Cmd
	ended   chan struct{} // closed when running has
	said    lockedBuffer
	answers func() error // nil once it takes connections
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// installed finds a program, or skips the test and says so: these are servers that a machine with Go alone does not have.
func installed(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("%s is not installed on this machine: nothing is published to it here", names[0])
	return ""
}

// freePort is a port that nobody listens on; that it stays so until the program does is likely enough to try again where it is not.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (p *program) start() {
	p.Helper()
	p.running = exec.Command(p.path, p.args...)
	p.running.Dir, p.running.Env = p.TempDir(), append(os.Environ(), p.env...)
	p.running.Stdout, p.running.Stderr = &p.said, &p.said
	p.running.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.running.Start(); err != nil {
		p.Fatal(err)
	}
	p.ended = make(chan struct{})
	go func(running *exec.Cmd, ended chan<- struct{}) { _ = running.Wait(); close(ended) }(p.running, p.ended)
	deadline := time.After(2 * time.Minute)
	for {
		err := p.answers()
		if err == nil {
			return
		}
		select {
		case <-p.ended:
			p.Fatalf("it ended before it answered: %s", p.said.String())
		case <-deadline:
			p.Fatalf("it does not answer: %v\n%s", err, p.said.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop kills it and what it has started.
func (p *program) stop() {
	if p.running == nil {
		return
	}
	_ = syscall.Kill(-p.running.Process.Pid, syscall.SIGKILL)
	<-p.ended
	for p.answers() == nil { // nor do those that it started
	}
	p.running = nil
}
