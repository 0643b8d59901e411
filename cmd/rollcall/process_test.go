package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// process is `rollcall serve` as a process of its own.
type process struct {
	cmd    *exec.Cmd
	url    string
	key    string // the first API key, if it printed one
	mu     sync.Mutex
	errs   bytes.Buffer
	exited chan error
}

// startProcess starts the program found in PATH and returns when it is ready.
func startProcess(dir string, env []string, args ...string) (*process, error) {
	path, err := exec.LookPath("rollcall")
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(path, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...), exited: make(chan error, 1)}
	ours := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ROLLCALL_") })
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, append(ours, env...), p
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for p.url == "" && lines.Scan() {
		if key, ok := strings.CutPrefix(lines.Text(), "API key (shown once, keep it): "); ok {
			p.key = key
		}
		if _, url, ok := strings.Cut(lines.Text(), " is ready at "); ok {
			p.url = url
		}
	}
	go func() {
		for lines.Scan() { // so that it never blocks on its output
		}
		p.exited <- p.cmd.Wait()
	}()
	if p.url == "" {
		err := <-p.exited
		return nil, fmt.Errorf("serve ended before it was ready: %v\n%s", err, p.log())
	}
	return p, nil
}

// Write collects standard error.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.errs.Write(b)
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.errs.String()
}

// kill is SIGKILL.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// stop is SIGTERM; it answers how the process ended.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return <-p.exited
}
