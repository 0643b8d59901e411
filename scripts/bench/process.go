package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// readyWords stand before the URL in what a server prints once it answers.
const readyWords = " is ready at "

// process is a server as a process of its own, so that its time and memory are its alone.
type process struct {
	cmd   *exec.Cmd
	url   string
	began time.Duration // from the start until it was ready
}

// start starts a server and returns when it is ready. It is killed when the context ends.
func start(ctx context.Context, folder string, env []string, path string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, path, args...)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = folder, append(os.Environ(), env...), os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	for lines := bufio.NewScanner(out); p.url == "" && lines.Scan(); {
		_, p.url, _ = strings.Cut(lines.Text(), readyWords)
	}
	if p.url == "" {
		return nil, fmt.Errorf("%s ended before it was ready: %w", path, p.cmd.Wait())
	}
	p.began = time.Since(began)
	return p, nil
}

// stop is SIGTERM; it returns when the process has ended.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", p.cmd.Path, err)
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("stop %s: %w", p.cmd.Path, err)
	}
	return nil
}

// cpu is the processor time that the process has used, in user and kernel mode (proc(5), stat fields 14 and 15, in hundredths of a second).
func (p *process) cpu() (time.Duration, error) {
	text, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return 0, fmt.Errorf("read the processor time (it is Linux that tells it): %w", err)
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name before may hold anything
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("read the processor time: %q", text)
	}
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, fmt.Errorf("read the processor time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// memory is a line of the process's status in megabytes: VmRSS is what it has resident, VmHWM the most that it had.
func (p *process) memory(line string) (float64, error) {
	text, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return 0, fmt.Errorf("read the memory: %w", err)
	}
	_, after, _ := strings.Cut(string(text), line+":")
	var kilobytes float64
	if _, err := fmt.Sscan(after, &kilobytes); err != nil {
		return 0, fmt.Errorf("read the memory: %w", err)
	}
	return kilobytes / 1024, nil
}

func (p *process) proc(file string) string {
	return filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), file)
}

// sizes are the bytes of the files in a folder, by the first word of their names: log.db and log.db-wal together, say.
func sizes(folder string) (map[string]int64, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("measure the files: %w", err)
	}
	out := map[string]int64{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("measure the files: %w", err)
		}
		name, _, _ := strings.Cut(e.Name(), ".")
		name, _, _ = strings.Cut(name, "-")
		out[name] += info.Size()
	}
	return out, nil
}
