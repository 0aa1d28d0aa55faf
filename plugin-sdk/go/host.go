package plugin

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	// endGrace is how long operations may clean up when the plugin is told to end or nobody is left to work for. The factory
	// expects all to be over within 2 seconds.
	endGrace = time.Second
	// drainMax is how long open streams may take to be read to their end: a peer that does not read could hold them for ever.
	drainMax = 300 * time.Millisecond
	// endMax is after what time the process ends, whatever still runs.
	endMax = endGrace + lateWait + drainMax + 200*time.Millisecond
	// shutdownMethod is how the factory asks a plugin to end.
	shutdownMethod = "/plugin.GRPCController/Shutdown"
)

// host is the factory that started the plugin: what it says on standard input, and when it wants the plugin to end.
type host struct {
	server *Server
	once   sync.Once
	// grpc is set before anything can ask for the end.
	grpc *grpc.Server
}

// watch ends the plugin when the factory is gone, or on SIGTERM. A terminal's ^C is for the factory, which then ends its plugins
// in order; go-plugin ignores it.
func (h *host) watch(stdin io.Reader) {
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	go func() {
		<-terminate
		h.end("SIGTERM")
	}()
	go func() {
		if outlived(stdin) {
			h.end("the factory is gone")
		}
	}()
}

// end cancels the operations and stops serving, once. go-plugin's Serve then returns; if it does not, or something else is in the
// way, the process ends all the same.
func (h *host) end(why string) {
	h.once.Do(func() {
		logger.Debug("ending", "why", why)
		time.AfterFunc(endMax, func() { os.Exit(0) })
		for _, id := range h.server.Stop(endGrace) {
			logger.Error("operation did not end in time", "operation", id)
		}
		h.grpc.Stop()
	})
}

// intercept answers Shutdown, which go-plugin would obey at once: operations get their time first.
func (h *host) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if info.FullMethod != shutdownMethod {
		return handler(ctx, request)
	}
	go h.end("shutdown")
	return &emptypb.Empty{}, nil
}

// outlived reads the bootstrap document, waits for the end of the stream, and returns whether that means that the factory is gone.
// It does not if nothing was ever written: then the stream is /dev/null, or of a host that does not use it.
func outlived(stdin io.Reader) bool {
	lines := bufio.NewReader(stdin)
	line, err := lines.ReadString('\n')
	if err != nil {
		return false
	}
	var bootstrap struct {
		LogLevel string `json:"log_level"`
	}
	if err := json.Unmarshal([]byte(line), &bootstrap); err != nil {
		logger.Warn("standard input does not start with a bootstrap document", "error", err)
	} else if level := hclog.LevelFromString(bootstrap.LogLevel); level != hclog.NoLevel {
		logger.SetLevel(level)
	}
	// What else comes is for later versions.
	_, _ = io.Copy(io.Discard, lines)
	return true
}
