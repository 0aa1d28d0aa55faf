package plugin_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"factory.dev/plugin"
	"factory.dev/plugin/factorytest"
	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const testInfo = `{"type": "os", "targets": [["Test", null, null]], "version": "1.2.3"}`

// testOS does what the parameter `do` says.
type testOS struct{}

func (testOS) Describe() plugin.Description {
	fmt.Println("printed before the handshake")
	description := plugin.FromInfo("test", testInfo)
	description.OperationsMax = 2
	return description
}

func (testOS) CreateBaseImage(ctx context.Context, _ *plugin.BaseRequest, op *plugin.Operation) error {
	do, err := op.Parameters().Text("do", "")
	if err != nil {
		return err
	}
	op.Progress(plugin.Progress{Percent: 10, Phase: "install", Unit: "files", Current: 1, Total: 2})
	switch do {
	case "fail":
		failure := plugin.Failf(plugin.FaultQuota, "NO_ROOM", "the disk is full: %w", os.ErrDeadlineExceeded)
		failure.Hint, failure.Retryable = "make room", true
		return fmt.Errorf("writing: %w", failure)
	case "error":
		return errors.New("bad text \xff")
	case "panic":
		panic("as told")
	case "hold":
		op.Logf("holding")
		<-ctx.Done()
		op.Log(plugin.Warn, "tool", "stopping\nnow\xff")
		return ctx.Err()
	case "deaf":
		op.Logf("deaf")
		time.Sleep(time.Hour)
	case "fail-late":
		op.Logf("holding")
		<-ctx.Done()
		return errors.New("the tool broke")
	case "huge":
		return op.Property("huge", strings.Repeat("x", 4*1024*1024))
	case "unimplemented":
		return plugin.ErrUnimplemented
	case "print":
		for line := range 20_000 {
			fmt.Println("printed line", line)
		}
	case "flood":
		for line := range 100_000 {
			op.Log(plugin.Debug, "flood", strconv.Itoa(line))
		}
	case "write":
		return write(ctx, op)
	}
	return nil
}

func write(ctx context.Context, op *plugin.Operation) error {
	if err := os.WriteFile(op.Path("disk.raw"), []byte("hello"), 0o600); err != nil {
		return err
	}
	op.Warn("it is small", "ask for more")
	disk := plugin.Artifact{Role: "disk", File: "disk.raw", Format: "raw", VirtualSize: 512}
	if err := errors.Join(op.Artifact(ctx, disk), op.Property("a", nil), op.Property("b", []int{1})); err != nil {
		return err
	}
	if err := op.Artifact(ctx, disk); err == nil {
		return errors.New("a role was announced twice")
	}
	return op.Packages([]plugin.InstalledPackage{{Name: "p", Version: "1"}}, "<icicle/>")
}

func base() *factorytest.Request {
	return factorytest.BaseImage(factorytest.Template("Test", "1", "x86_64"))
}

func isLog(message string) func(*pluginv1.Event) bool {
	return func(event *pluginv1.Event) bool { return event.GetLog().GetMessage() == message }
}

func TestWhatIsReportedArrivesInOrder(t *testing.T) {
	ended := factorytest.OS(t, testOS{}).Run(base().Parameter("do", "write")).Completed()
	disk := ended.Artifact("disk")
	if disk.Size != 5 || disk.VirtualSize != 512 || !strings.HasPrefix(disk.Sha256, "2cf24dba") {
		t.Errorf("%v", disk)
	}
	if text := fmt.Sprint(ended.Properties(), ended.Percentages(), ended.Warnings()); text != "map[b:[1]] [10] [it is small]" {
		t.Error(text)
	}
	if ended.Events[0].GetState().GetState() != pluginv1.StateChanged_STATE_RUNNING {
		t.Errorf("it starts with %v", ended.Events[0])
	}
}

func TestEveryErrorIsAFailureWithAReason(t *testing.T) {
	harness := factorytest.OS(t, testOS{})
	for do, expected := range map[string]string{
		"fail":  "NO_ROOM FAULT_QUOTA writing: the disk is full: i/o timeout true make room",
		"error": "PLUGIN_ERROR FAULT_PLUGIN bad text \uFFFD false ",
		"panic": "PLUGIN_PANIC FAULT_PLUGIN the plugin panicked: as told false report this to who keeps the plugin, with its log",
		"huge":  "EVENT_TOO_LARGE FAULT_PLUGIN",
	} {
		failure := harness.Run(base().Parameter("do", do)).Failed()
		said := fmt.Sprint(failure.Reason, " ", failure.Fault, " ", failure.Message, " ", failure.Retry.GetRetryable(), " ", failure.Hint)
		if !strings.HasPrefix(said, expected) {
			t.Errorf("%s: %s", do, said)
		}
	}
}

func TestACancelledOperationCleansUpAndSaysSo(t *testing.T) {
	running := factorytest.OS(t, testOS{}).Start(base().Parameter("do", "hold"))
	running.Until(isLog("holding"))
	running.Cancel(time.Minute)
	running.Cancel(time.Minute)
	ended := running.End()
	if left := ended.Cancelled(); len(left) != 0 {
		t.Error(left)
	}
	if log := ended.Log(); log != ": holding\ntool: stopping\ntool: now\uFFFD\n" {
		t.Error(log)
	}
	states := 0
	for _, event := range ended.Events {
		if event.GetState().GetState() == pluginv1.StateChanged_STATE_CANCELLING {
			states++
		}
	}
	if states != 1 {
		t.Errorf("%d times cancelling", states)
	}
}

func TestWhatDoesNotStopIsGivenUpAndWhatFailsWhileStoppingIsLogged(t *testing.T) {
	harness := factorytest.OS(t, testOS{})
	deaf := harness.Start(base().Parameter("do", "deaf"))
	deaf.Until(isLog("deaf"))
	deaf.Cancel(time.Hour)
	deaf.Cancel(0)
	if left := deaf.End().Cancelled(); !slices.Equal(left, []string{"the plugin's own code, which does not stop"}) {
		t.Error(left)
	}
	late := harness.Start(base().Parameter("do", "fail-late"))
	late.Until(isLog("holding"))
	late.Cancel(time.Minute)
	if ended := late.End(); len(ended.Cancelled()) != 0 || !strings.Contains(ended.Log(), "while being cancelled: the tool broke") {
		t.Error(ended.Log())
	}
}

func TestALostConnectionCancelsNothingAndNoEventIsLost(t *testing.T) {
	harness := factorytest.OS(t, testOS{})
	running := harness.Start(base().Parameter("do", "hold"))
	last := running.Until(isLog("holding"))
	again := running.Reattach(last.Seq)
	again.Cancel(time.Minute)
	if first := again.Next(); first.Seq != last.Seq+1 {
		t.Errorf("it goes on with %v", first)
	}
	again.End().Cancelled()
	if known := harness.Operations(); len(known) != 0 {
		t.Errorf("what was acknowledged is forgotten: %v", known)
	}
}

func TestAnIDIsUsedOnce(t *testing.T) {
	harness := factorytest.OS(t, testOS{})
	running := harness.Start(base().OperationID("one").Parameter("do", "hold"))
	running.Until(isLog("holding"))
	for request, code := range map[*factorytest.Request]codes.Code{
		base().OperationID("one"):               codes.AlreadyExists,
		base().OperationID("two").AfterSeq(3):   codes.NotFound,
		base().OperationID("no id"):             codes.InvalidArgument,
		factorytest.BaseImage(nil):              codes.InvalidArgument,
		base().Parameter("do", "unimplemented"): codes.Unimplemented,
	} {
		if refused := harness.Run(request).Refused; status.Code(refused) != code {
			t.Errorf("%v, not %v", refused, code)
		}
	}
	// Two may run at once.
	second := harness.Start(base().Parameter("do", "hold"))
	second.Until(isLog("holding"))
	refused := harness.Run(base()).Refused
	if status.Code(refused) != codes.ResourceExhausted || len(status.Convert(refused).Details()) != 1 {
		t.Errorf("%v", refused)
	}
	for _, it := range []*factorytest.Running{running, second} {
		it.Cancel(time.Minute)
		it.End().Cancelled()
	}
}

func TestThePluginSaysWhatItHas(t *testing.T) {
	described := factorytest.OS(t, testOS{}).Describe()
	if len(described.Capabilities) != 0 || described.Version != "1.2.3" || !strings.HasSuffix(described.Sdk, "(go)") {
		t.Errorf("%v", described)
	}
	capabilities := factorytest.Cloud(t, &testCloud{}).Describe().Capabilities
	if !slices.Equal(capabilities, []string{"validate", "push", "reconcile"}) {
		t.Error(capabilities)
	}
	for _, serve := range []func(){
		func() { plugin.NewOSServer(misspelt{}) },
		func() { plugin.NewCloudServer(testOS{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a mistake of the author is found at once")
				}
			}()
			serve()
		}()
	}
}

// misspelt has a method that would silently never be called.
type misspelt struct{ testOS }

func (misspelt) Validate(*plugin.ValidateRequest) []plugin.Diagnostic { return nil }
