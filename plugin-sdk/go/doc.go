// Package plugin is the SDK for plugins of the image factory in Go: write a type with the methods of a delegate, and call
// [ServeOS] or [ServeCloud].
//
// This is a complete plugin. It installs nothing, but reports as a real one does:
//
//	//go:embed hello.info
//	var info string
//
//	type hello struct{}
//
//	func (hello) Describe() plugin.Description { return plugin.FromInfo("hello", info) }
//
//	func (hello) CreateBaseImage(ctx context.Context, request *plugin.BaseRequest, op *plugin.Operation) error {
//		op.Logf("installing %s", request.Template.Name)
//		op.Progress(plugin.Progress{Percent: 10, Phase: "install", Activity: "writing the disk"})
//		if err := os.WriteFile(op.Path("disk.raw"), []byte("hello"), 0o600); err != nil {
//			return err
//		}
//		return op.Artifact(ctx, plugin.Artifact{Role: "disk", File: "disk.raw", Format: "raw"})
//	}
//
//	func main() { plugin.ServeOS(hello{}) }
//
// What a plugin can do beyond the minimum it says by having the method: [TargetCustomizer], [Pusher], [Snapshotter],
// [Deleter], [Reconciler], [Validator], and for the sequence of a target image [TargetDecider], [ContentProvider] and
// [TargetFinisher]. The capabilities are declared accordingly.
//
// What the SDK does: the launch by HashiCorp's go-plugin (handshake, mutual TLS, health), `describe` and `--help` on the
// command line, an operation per request that survives a lost connection, events in batches, cancellation, programs that end with their
// operation ([Operation.Run]), the deletion of what an operation created elsewhere ([Operation.Create]), logs, and the end.
//
// # Operations
//
// Every method but Describe and Validate is an operation: it reports through its [Operation], may take hours, and must
// return soon once its context is done: whatever error it returns then, the operation is cancelled. A method may block or
// panic: its operation then is slow or fails, and nothing else is. Several operations may run at once
// ([Description.OperationsMax] limits that), so what they share needs a lock.
//
// # Logs
//
// What concerns a build goes to [Operation.Log]; what concerns the plugin, to [Logger], which writes hclog's JSON to standard
// error. What is printed to standard output or standard error ends up in the factory's log too.
package plugin
