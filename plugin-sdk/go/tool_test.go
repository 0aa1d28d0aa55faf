package plugin_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"factory.dev/plugin"
	"factory.dev/plugin/factorytest"
)

// shell runs the parameter `script`.
type shell struct{ testOS }

func (shell) CreateBaseImage(ctx context.Context, _ *plugin.BaseRequest, op *plugin.Operation) error {
	script, _ := op.Parameters().Text("script", "")
	program, _ := op.Parameters().Text("program", "sh")
	return op.Run(ctx, exec.Command(program, "-c", script, op.Path("child")))
}

func TestWhatAToolPrintsIsTheBuildsLogAndTheDetailOfAFailure(t *testing.T) {
	harness := factorytest.OS(t, shell{})
	ended := harness.Run(base().Parameter("script", `echo one; echo two >&2; printf three`)).Completed()
	if log := ended.Log(); strings.Count(log, "sh: ") != 3 || !strings.Contains(log, "sh: three\n") {
		t.Error(log)
	}
	failure := harness.Run(base().Parameter("script", "echo why; exit 3")).Failed()
	if failure.Reason != "TOOL_FAILED" || failure.Message != "sh failed: exit status 3" || failure.Detail != "why" {
		t.Error(failure)
	}
	failure = harness.Run(base().Parameter("program", "no-such-tool")).Failed()
	if failure.Reason != "TOOL_MISSING" || failure.Metadata["program"] != "no-such-tool" {
		t.Error(failure)
	}
}

func TestAToolAndWhatItStartsEndWithTheOperation(t *testing.T) {
	harness := factorytest.OS(t, shell{})
	script := `sh -c 'trap "" TERM; echo $$ > "$1"; while :; do sleep 1; done' sh "$0" & echo started; `
	for name, then := range map[string]string{"cancelled": "wait", "left behind": ""} {
		running := harness.Start(base().Parameter("script", script+`while ! [ -s "$0" ]; do sleep 0.01; done; echo ready; `+then))
		running.Until(isLog("ready"))
		if then != "" {
			running.Cancel(time.Minute)
			running.End().Cancelled()
		} else {
			running.End().Completed()
		}
		pid := readPID(t, running.Path("child"))
		for deadline := time.Now().Add(time.Minute); isAlive(pid); time.Sleep(5 * time.Millisecond) {
			if deadline.Before(time.Now()) {
				t.Fatalf("%s: %d lives on", name, pid)
			}
		}
	}
}

// isAlive tells whether a process runs; one that nobody has waited for yet does not.
func isAlive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func readPID(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
