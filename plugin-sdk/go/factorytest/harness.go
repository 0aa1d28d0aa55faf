// Package factorytest runs a plugin inside a test, through the real protocol: within the test's own process ([OS], [Cloud]), or
// as the executable that it is ([Process]).
//
//	harness := factorytest.OS(t, hello{})
//	request := factorytest.BaseImage(factorytest.Template("Debian", "12", "x86_64"))
//	ended := harness.Run(request.Parameter("size", 10)).Completed()
//	if ended.Artifact("disk").Format != "raw" { … }
//
// It checks the rules of the event stream on the way, and fails the test where the plugin (or the SDK) breaks one. It acknowledges
// every event that it reads, so a plugin that announces a resource is not kept waiting. What is wrong ends the test, so it is to be
// used from the test's own goroutine.
package factorytest

import (
	"context"
	"net"
	"os/exec"
	"testing"

	"factory.dev/plugin"
	pluginv1 "factory.dev/plugin/v1"
	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// Harness is a plugin under test, and a connection to it. It ends with the test.
type Harness struct {
	t          testing.TB
	plugin     pluginv1.PluginClient
	operations pluginv1.OperationsClient
	os         pluginv1.OSDelegateClient
	cloud      pluginv1.CloudDelegateClient
}

// OS serves an OS plugin.
func OS(t testing.TB, it plugin.OS) *Harness { return serve(t, plugin.NewOSServer(it)) }

// Cloud serves a cloud plugin.
func Cloud(t testing.TB, it plugin.Cloud) *Harness { return serve(t, plugin.NewCloudServer(it)) }

func serve(t testing.TB, server *plugin.Server) *Harness {
	t.Helper()
	listener := bufconn.Listen(256 * 1024)
	serving := grpc.NewServer(grpc.MaxRecvMsgSize(plugin.MessageBytesMax))
	server.Register(serving)
	go func() { _ = serving.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop(0)
		serving.Stop()
	})
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
	connection, err := grpc.NewClient("passthrough:plugin",
		grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(plugin.MessageBytesMax)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connect(t, connection)
}

// Process starts a plugin's executable with go-plugin's own host, over mutual TLS.
func Process(t testing.TB, executable string, arguments ...string) *Harness {
	t.Helper()
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  plugin.Handshake,
		Plugins:          goplugin.PluginSet{"factory": &connecting{}},
		Cmd:              exec.Command(executable, arguments...),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		Logger:           hclog.NewNullLogger(),
	})
	t.Cleanup(client.Kill)
	protocol, err := client.Client()
	if err != nil {
		t.Fatalf("%s can't be started: %v", executable, err)
	}
	connection, err := protocol.Dispense("factory")
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, connection.(*grpc.ClientConn))
}

// connecting hands out the connection to a plugin.
type connecting struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (*connecting) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return nil }

func (*connecting) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, connection *grpc.ClientConn) (any, error) {
	return connection, nil
}

func connect(t testing.TB, connection *grpc.ClientConn) *Harness {
	return &Harness{
		t: t, plugin: pluginv1.NewPluginClient(connection), operations: pluginv1.NewOperationsClient(connection),
		os: pluginv1.NewOSDelegateClient(connection), cloud: pluginv1.NewCloudDelegateClient(connection),
	}
}

// Describe returns what the plugin says about itself.
func (h *Harness) Describe() *pluginv1.DescribeResponse {
	h.t.Helper()
	response, err := h.plugin.Describe(h.t.Context(), &pluginv1.DescribeRequest{})
	if err != nil {
		h.t.Fatalf("a plugin can always describe itself: %v", err)
	}
	return response
}

// Validate returns what the plugin finds wrong with a request.
func (h *Harness) Validate(request *pluginv1.ValidateRequest) []*pluginv1.Diagnostic {
	h.t.Helper()
	found, err := h.TryValidate(request)
	if err != nil {
		h.t.Fatalf("finding problems is success: %v", err)
	}
	return found
}

// TryValidate returns what the plugin finds wrong with a request, or why it can't judge it.
func (h *Harness) TryValidate(request *pluginv1.ValidateRequest) ([]*pluginv1.Diagnostic, error) {
	response, err := h.plugin.Validate(h.t.Context(), request)
	return response.GetDiagnostics(), err
}

// Operations lists the operations that the plugin knows.
func (h *Harness) Operations() []*pluginv1.OperationStatus {
	h.t.Helper()
	response, err := h.operations.List(h.t.Context(), &pluginv1.ListRequest{})
	if err != nil {
		h.t.Fatalf("a plugin can always list its operations: %v", err)
	}
	return response.Operations
}

// Start starts an operation, in a work directory of its own.
func (h *Harness) Start(request *Request) *Running {
	h.t.Helper()
	return h.startIn(request, h.t.TempDir())
}

// Run runs an operation to its end.
func (h *Harness) Run(request *Request) *Ended {
	h.t.Helper()
	return h.Start(request).End()
}
