package plugin

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// toolGrace is how long a tool has after SIGTERM before SIGKILL.
	toolGrace = 5 * time.Second
	// silenceWait is how long the output of a tool that has ended is waited for: something that it started may hold it open.
	silenceWait = time.Second
	// tailLines is how many of a tool's last lines a failure has.
	tailLines = 20
)

// Run runs a program for the operation: what it prints goes to the build's log, line by line, unless the command says otherwise. When
// the context is done or the operation is to stop, its process group is ended: SIGTERM, and SIGKILL five seconds later. What it
// leaves in its process group does not outlive it.
//
//	err := op.Run(ctx, exec.Command("mmdebstrap", "bookworm", op.Path("rootfs.tar")))
//
// The error is a [Failure] with the last lines.
// Never put a secret into an argument or the environment.
func (op *Operation) Run(ctx context.Context, command *exec.Cmd) error {
	ctx, cancel := op.joined(ctx)
	defer cancel()
	output := &toolOutput{op: op, source: filepath.Base(command.Path), over: make(chan struct{})}
	if command.Stdout == nil {
		command.Stdout = output
	}
	if command.Stderr == nil {
		command.Stderr = output
	}
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	command.SysProcAttr.Setpgid = true
	command.WaitDelay = silenceWait
	if err := command.Start(); err != nil {
		return notStarted(command, err)
	}
	stop := context.AfterFunc(ctx, func() { endGroup(command.Process.Pid, output.over) })
	err := command.Wait()
	output.end()
	stop()
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil || errors.Is(err, exec.ErrWaitDelay) && command.ProcessState.Success() {
		return nil
	}
	failure := Failf(FaultPlugin, "TOOL_FAILED", "%s failed: %w", output.source, err)
	failure.Metadata = map[string]string{"program": output.source}
	failure.Detail = output.tail()
	return failure
}

// endGroup asks a process group to end, and ends it if it does not until its leader is done.
func endGroup(pid int, done <-chan struct{}) {
	_ = syscall.Kill(-pid, syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(toolGrace):
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

func notStarted(command *exec.Cmd, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		failure := Failf(FaultHost, "TOOL_MISSING", "%s is not installed: %w", filepath.Base(command.Path), err)
		failure.Metadata = map[string]string{"program": filepath.Base(command.Path)}
		return failure
	}
	return Failf(FaultHost, "TOOL_NOT_STARTED", "%s can't be started: %w", filepath.Base(command.Path), err)
}

// toolOutput makes lines of log of what a tool prints, and remembers the last ones.
type toolOutput struct {
	op     *Operation
	source string
	mutex  sync.Mutex
	rest   []byte
	last   []string
	// over is closed when the tool is done.
	over chan struct{}
}

// Write takes some of the output. Both streams of a tool may come here.
func (o *toolOutput) Write(text []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.rest = append(o.rest, text...)
	for {
		end := bytes.IndexByte(o.rest, '\n')
		if end < 0 && len(o.rest) < lineBytesMax {
			return len(text), nil
		}
		if end < 0 {
			end = len(o.rest) - 1
		}
		o.say(string(o.rest[:end+1]))
		o.rest = o.rest[end+1:]
	}
}

// end takes an end without a line's end for one, and tells that the tool is done.
func (o *toolOutput) end() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.say(string(o.rest))
	o.rest = nil
	close(o.over)
}

func (o *toolOutput) tail() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return strings.Join(o.last, "\n")
}

// say adds a line to the log. The caller holds the lock.
func (o *toolOutput) say(line string) {
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return
	}
	o.op.Log(Info, o.source, line)
	o.last = append(o.last, cut(line, lineBytesMax))
	if tailLines < len(o.last) {
		o.last = o.last[1:]
	}
}
