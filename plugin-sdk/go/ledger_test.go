package plugin_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"factory.dev/plugin"
	"factory.dev/plugin/factorytest"
	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// testCloud creates a volume, an image and an instance, and then ends as the parameter `end` says.
type testCloud struct {
	mutex  sync.Mutex
	exists []string
}

func (*testCloud) Describe() plugin.Description {
	return plugin.FromInfo("cloud", `{"type": "cloud", "targets": [["test"]]}`)
}

func (*testCloud) Validate(_ context.Context, request *plugin.ValidateRequest) []plugin.Diagnostic {
	if request.Target == "panic" {
		panic("as told")
	}
	return []plugin.Diagnostic{{Message: "no " + request.Target, Path: "target"}, {Warning: true, Message: "old"}}
}

func (c *testCloud) PushImageToProvider(
	ctx context.Context, request *plugin.PushRequest, op *plugin.Operation,
) (*plugin.Identifiers, error) {
	if request.Credentials.Reveal() != "key" || request.Provider != "here" || request.Image.File("disk") != nil {
		return nil, errors.New("another request")
	}
	for _, name := range []string{"volume", "image", "instance"} {
		if _, err := op.Create(ctx, c.resource(op, name), c.create(name)); err != nil {
			return nil, err
		}
	}
	return &plugin.Identifiers{Image: "image-1", Account: "me"}, c.end(ctx, op)
}

func (c *testCloud) end(ctx context.Context, op *plugin.Operation) error {
	failure := plugin.Failf(plugin.FaultQuota, "NO_ROOM", "the provider is full")
	end, _ := op.Parameters().Text("end", "")
	switch end {
	case "fail":
		return failure
	case "panic":
		panic("as told")
	case "hang":
		op.Logf("hanging")
		<-ctx.Done()
		return ctx.Err()
	case "deaf":
		op.Logf("deaf")
		time.Sleep(time.Hour)
	case "early":
		return op.Delete(ctx, "volume")
	case "surely", "perhaps", "deaf-creating":
		_, err := op.Create(ctx, c.resource(op, "key"), func(_ context.Context, token string) (string, error) {
			if end == "surely" {
				return "", plugin.NotCreated(failure)
			}
			c.put(token)
			if end == "deaf-creating" {
				op.Logf("deaf")
				time.Sleep(time.Hour)
			}
			return "", failure
		})
		return err
	case "wrong":
		_, err := op.Create(ctx, c.resource(op, "volume"), c.create("volume"))
		_, other := op.Create(ctx, plugin.Resource{Name: "x", Kind: "x"}, c.create("x"))
		if err == nil || other == nil {
			return errors.New("that can't be")
		}
	}
	return nil
}

func (c *testCloud) create(name string) func(context.Context, string) (string, error) {
	return func(_ context.Context, token string) (string, error) {
		c.put(token)
		return name + "-1", nil
	}
}

func (c *testCloud) resource(op *plugin.Operation, name string) plugin.Resource {
	sticky, _ := op.Parameters().Text("sticky", "nothing")
	return plugin.Resource{
		Name: name, Kind: name, Lasting: name == "image", Locator: map[string]string{"region": "north"},
		Delete: func(ctx context.Context, it plugin.Existing) error {
			if ctx.Err() != nil || strings.HasSuffix(it.Token, sticky) {
				return plugin.Failf(plugin.FaultTransient, "BUSY", "it is in use")
			}
			c.remove(it.Token)
			return nil
		},
	}
}

func (c *testCloud) put(token string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.exists = append(c.exists, token)
}

func (c *testCloud) remove(token string) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	before := len(c.exists)
	c.exists = slices.DeleteFunc(c.exists, func(it string) bool { return it == token })
	return len(c.exists) < before
}

func (c *testCloud) Reconcile(
	_ context.Context, it *plugin.LeftOver, account *plugin.Account, _ *plugin.Operation,
) (plugin.Settled, error) {
	switch {
	case account.Credentials.Reveal() != "key" || string(it.Locator) != `{"region":"north"}`:
		return plugin.Settled{}, errors.New("another request")
	case it.Name == "stuck":
		return plugin.Settled{}, plugin.Failf(plugin.FaultTransient, "BUSY", "it is in use")
	case it.Adopt || it.Name == "kept":
		return plugin.Adopted(it.Name + "-1"), nil
	case c.remove(it.Token):
		return plugin.Deleted, nil
	}
	return plugin.NotThere, nil
}

func push(end string) *factorytest.Request {
	image := factorytest.Image(factorytest.Template("Test", "1", "x86_64"))
	return factorytest.Push("test", factorytest.Account("here", "key"), image).OperationID("op").Parameter("end", end)
}

var created = []string{
	"intent volume", "created volume volume-1", "intent image", "created image image-1",
	"intent instance", "created instance instance-1",
}

func TestWhatMustNotStayIsDeletedNewestFirst(t *testing.T) {
	all := []string{"deleted instance", "deleted image", "deleted volume"}
	for end, then := range map[string][]string{
		"":        {"deleted instance", "deleted volume"},
		"early":   {"deleted volume", "deleted instance"},
		"fail":    all,
		"panic":   all,
		"wrong":   {"deleted instance", "deleted volume"},
		"surely":  append([]string{"intent key", "deleted key"}, all...),
		"perhaps": append([]string{"intent key", "deleted key"}, all...),
	} {
		cloud := &testCloud{}
		ended := factorytest.Cloud(t, cloud).Run(push(end))
		if resources := ended.Resources(); !slices.Equal(resources, slices.Concat(created, then)) {
			t.Errorf("%s: %v", end, resources)
		}
		completed := ended.Result() != nil
		if stays := slices.Contains(cloud.exists, "op/image"); stays != completed || len(cloud.exists) > 1 {
			t.Errorf("%s: %v", end, cloud.exists)
		}
		if completed && ended.Identifiers().IdentifierOnProvider != "image-1" {
			t.Errorf("%s: %v", end, ended.Identifiers())
		}
	}
}

func TestACancelledOperationDeletesWhatItCreatedEvenIfItsCodeDoesNotStop(t *testing.T) {
	for end, message := range map[string]string{"hang": "hanging", "deaf": "deaf"} {
		cloud := &testCloud{}
		running := factorytest.Cloud(t, cloud).Start(push(end))
		running.Until(isLog(message))
		running.Cancel(time.Second)
		left := running.End().Cancelled()
		if deaf := end == "deaf"; len(cloud.exists) != 0 || deaf != (len(left) == 1) {
			t.Errorf("%s: %v %v", end, cloud.exists, left)
		}
	}
}

func TestWhatIsStillBeingCreatedIsLeftToTheFactory(t *testing.T) {
	running := factorytest.Cloud(t, &testCloud{}).Start(push("deaf-creating"))
	running.Until(isLog("deaf"))
	running.Cancel(0)
	ended := running.End()
	open := ended.OpenIntents("op")
	if len(open) != 1 || open[0].Intent.IntentId != "key" || !slices.Contains(ended.Cancelled(), "key op/key, which may exist: its creation does not end") {
		t.Errorf("%v %v", open, ended.Cancelled())
	}
}

func TestWhatCantBeDeletedIsToldAndSettledLater(t *testing.T) {
	cloud := &testCloud{}
	harness := factorytest.Cloud(t, cloud)
	ended := harness.Run(push("").Parameter("sticky", "volume"))
	if warnings := ended.Completed().Warnings(); !slices.Equal(warnings, []string{"volume volume-1 was not deleted: it is in use"}) {
		t.Error(warnings)
	}
	open := append(ended.OpenIntents("op"), intent("gone", 0), intent("stuck", 0), intent("kept", 0),
		intent("adopted", pluginv1.OpenIntent_WANTED_ADOPT))
	settled := harness.Run(factorytest.Reconcile(factorytest.Account("here", "key"), open)).Completed().Resources()
	expected := []string{"deleted volume", "deleted gone", "remains stuck BUSY", "remains kept NOT_DELETED", "created adopted adopted-1"}
	if !slices.Equal(settled, expected) || !slices.Equal(cloud.exists, []string{"op/image"}) {
		t.Error(settled, cloud.exists)
	}
}

func intent(name string, wanted pluginv1.OpenIntent_Wanted) *pluginv1.OpenIntent {
	intent := &pluginv1.ResourceIntent{IntentId: name, LocatorJson: `{"region":"north"}`}
	return &pluginv1.OpenIntent{OperationId: "op", Intent: intent, Wanted: wanted}
}

func TestEveryProblemOfARequestIsFound(t *testing.T) {
	harness := factorytest.Cloud(t, &testCloud{})
	if _, err := harness.TryValidate(&pluginv1.ValidateRequest{Target: "panic"}); status.Code(err) != codes.Internal {
		t.Error(err)
	}
	found := harness.Validate(&pluginv1.ValidateRequest{Target: "test"})
	if len(found) != 2 || found[0].Severity != pluginv1.Diagnostic_SEVERITY_ERROR || found[0].Message != "no test" ||
		found[1].Severity != pluginv1.Diagnostic_SEVERITY_WARNING {
		t.Error(found)
	}
}
