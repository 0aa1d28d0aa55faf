package plugin

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// MessageBytesMax is how large a message of the contract may be.
const MessageBytesMax = 64 * 1024 * 1024

// Server is a plugin with its operations, ready to be served by a gRPC server. A plugin needs nothing of this: [ServeOS] and
// [ServeCloud] do it all. It is for programs that have a go-plugin server of their own, and for tests.
type Server struct {
	plugin      any
	description *pluginv1.DescribeResponse
	operations  *operations
}

// optional are the interfaces that a plugin may have, with the method of each and the capability that it gives.
var optional = []struct {
	kind       reflect.Type
	capability string
}{
	{reflect.TypeFor[Validator](), "validate"},
	{reflect.TypeFor[TargetCustomizer](), "target-customization"},
	{reflect.TypeFor[TargetDecider](), ""},
	{reflect.TypeFor[ContentProvider](), ""},
	{reflect.TypeFor[TargetFinisher](), ""},
	{reflect.TypeFor[Pusher](), "push"},
	{reflect.TypeFor[Snapshotter](), "snapshot"},
	{reflect.TypeFor[Deleter](), "delete"},
	{reflect.TypeFor[Reconciler](), "reconcile"},
}

// NewOSServer prepares to serve an OS plugin. It panics if the plugin describes itself as something else, or has a method of the
// delegate with other arguments: mistakes of the author, found by the first test.
func NewOSServer(plugin OS) *Server {
	return newServer(plugin, plugin.Describe, pluginv1.PluginKind_PLUGIN_KIND_OS)
}

// NewCloudServer prepares to serve a cloud plugin, and panics as [NewOSServer] does.
func NewCloudServer(plugin Cloud) *Server {
	return newServer(plugin, plugin.Describe, pluginv1.PluginKind_PLUGIN_KIND_CLOUD)
}

func newServer(plugin any, describe func() Description, kind pluginv1.PluginKind) *Server {
	description := describe()
	if description.kind != kind {
		panic(fmt.Sprintf("plugin %s is served as %v, but its .info file says %v", description.Name, kind, description.kind))
	}
	for _, capability := range capabilities(plugin) {
		if !slices.Contains(description.Capabilities, capability) {
			description.Capabilities = append(description.Capabilities, capability)
		}
	}
	return &Server{plugin, description.response(), newOperations(description.OperationsMax)}
}

// capabilities returns those that a plugin has by its methods. A method with other arguments would silently be none.
func capabilities(plugin any) []string {
	var found []string
	kind := reflect.TypeOf(plugin)
	for _, it := range optional {
		name := it.kind.Method(0).Name
		method, has := kind.MethodByName(name)
		switch {
		case has && !kind.Implements(it.kind):
			panic(fmt.Sprintf("%v has %s %v, but must have it as %v", kind, name, method.Type, it.kind.Method(0).Type))
		case has && it.capability != "":
			found = append(found, it.capability)
		}
	}
	return found
}

// Register adds the services of the contract to a gRPC server.
func (s *Server) Register(registrar grpc.ServiceRegistrar) {
	pluginv1.RegisterPluginServer(registrar, &pluginService{server: s})
	pluginv1.RegisterOperationsServer(registrar, &operationsService{server: s})
	if s.description.Kind == pluginv1.PluginKind_PLUGIN_KIND_OS {
		pluginv1.RegisterOSDelegateServer(registrar, &osService{server: s})
	} else {
		pluginv1.RegisterCloudDelegateServer(registrar, &cloudService{server: s})
	}
}

// Stop starts no more operations, cancels all, and waits until they have ended and their readers know; at most a little longer
// than the grace. It returns the ids of those that have not ended.
func (s *Server) Stop(grace time.Duration) []string { return s.operations.stop(grace, drainMax) }

// eventStream is the answer to a call that starts an operation.
type eventStream = grpc.ServerStreamingServer[pluginv1.EventBatch]

// call starts an operation, or attaches to it. has tells whether the plugin has the method.
func (s *Server) call(method string, has bool, request request, stream eventStream, prepare func() (work, error)) error {
	if !has {
		return status.Errorf(codes.Unimplemented, "the plugin does not have %s", method)
	}
	return s.operations.call(stream.Context(), method, request, prepare, stream.Send)
}
