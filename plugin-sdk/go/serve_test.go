package plugin_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"factory.dev/plugin"
	"factory.dev/plugin/factorytest"
)

// isPlugin asks this test's executable to be a plugin.
const isPlugin = "FACTORY_TEST_IS_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(isPlugin) != "" {
		plugin.ServeOS(testOS{})
		return
	}
	os.Exit(m.Run())
}

func TestGoPluginsOwnHostRunsItOverMutualTLS(t *testing.T) {
	t.Setenv(isPlugin, "1")
	harness := factorytest.Process(t, os.Args[0])
	harness.Run(base().Parameter("do", "write")).Completed()
	harness.Run(base().Parameter("do", "print")).Completed()
	lines := 0
	for _, event := range harness.Run(base().Parameter("do", "flood")).Completed().Events {
		if event.GetLog() != nil {
			lines++
		}
	}
	if lines != 100_000 {
		t.Errorf("%d lines of the flood arrived", lines)
	}
}

// started is a plugin's process, started as a factory does but for TLS.
type started struct {
	*exec.Cmd
	stdin     io.WriteCloser
	stdout    *bufio.Reader
	directory string
}

func start(t *testing.T, arguments ...string) *started {
	t.Helper()
	directory := t.TempDir()
	command := exec.Command(os.Args[0], arguments...)
	command.Env = append(os.Environ(), isPlugin+"=1", "PLUGIN_PROTOCOL_VERSIONS=1", "PLUGIN_UNIX_SOCKET_DIR="+directory,
		plugin.Handshake.MagicCookieKey+"="+plugin.Handshake.MagicCookieValue)
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill() })
	return &started{command, stdin, bufio.NewReader(stdout), directory}
}

// handshake reads the first line.
func (s *started) handshake(t *testing.T) {
	t.Helper()
	line, err := s.stdout.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "1|1|unix|"+s.directory) || !strings.HasSuffix(line, "|grpc|\n") {
		t.Fatalf("the first line is %q: %v", line, err)
	}
}

// ended waits for the end, which must be a good one and leave no socket.
func (s *started) ended(t *testing.T) {
	t.Helper()
	giveUp := time.AfterFunc(time.Minute, func() { _ = s.Process.Kill() })
	defer giveUp.Stop()
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.directory, "*")); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}

func TestItEndsWithItsFactory(t *testing.T) {
	it := start(t)
	it.handshake(t)
	if _, err := io.WriteString(it.stdin, `{"log_level":"debug"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := it.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	it.ended(t)
}

func TestItEndsWhenItIsToldTo(t *testing.T) {
	it := start(t)
	it.handshake(t)
	if err := it.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	it.ended(t)
}

func TestACertificateThatIsNoneEndsIt(t *testing.T) {
	for _, certificate := range []string{"none", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		t.Setenv("PLUGIN_CLIENT_CERT", certificate)
		it := start(t)
		if line, err := it.stdout.ReadString('\n'); err != io.EOF {
			t.Errorf("it says %q", line)
		}
		if err := it.Wait(); err == nil || it.ProcessState.ExitCode() != 1 {
			t.Errorf("it ended with %v", err)
		}
	}
}

func TestItAnswersAPerson(t *testing.T) {
	for _, it := range []struct {
		arguments      []string
		code           int
		stdout, stderr string
	}{
		{nil, 1, "", "test is a plugin of the image factory, which starts it by itself"},
		{[]string{"--help"}, 0, "Usage: test [COMMAND]", ""},
		{[]string{"--version"}, 0, "test 1.2.3", ""},
		{[]string{"describe"}, 0, `"kind": "PLUGIN_KIND_OS"`, ""},
		{[]string{"serve"}, 2, "", `unexpected argument "serve"`},
	} {
		command := exec.Command(os.Args[0], it.arguments...)
		command.Env = append(os.Environ(), isPlugin+"=1")
		var stdout, stderr strings.Builder
		command.Stdout, command.Stderr = &stdout, &stderr
		_ = command.Run()
		if command.ProcessState.ExitCode() != it.code || !strings.Contains(stdout.String(), it.stdout) ||
			!strings.Contains(stderr.String(), it.stderr) {
			t.Errorf("%v: %v %s %s", it.arguments, command.ProcessState, stdout.String(), stderr.String())
		}
		if it.arguments != nil && it.arguments[0] == "describe" && !json.Valid([]byte(stdout.String())) {
			t.Errorf("that is no JSON: %s", fmt.Sprintf("%.100s", stdout.String()))
		}
	}
}
