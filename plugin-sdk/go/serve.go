package plugin

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// Handshake is what a factory puts into a plugin's environment, so that the plugin knows who started it.
var Handshake = goplugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "FACTORY_PLUGIN_MAGIC_COOKIE",
	MagicCookieValue: "9f3c1b7e54a84dd0b3f2c86d1a7e90f5",
}

// ServeOS serves an OS plugin: the whole of its main.
func ServeOS(plugin OS) { serve(func() *Server { return NewOSServer(plugin) }) }

// ServeCloud serves a cloud plugin: the whole of its main.
func ServeCloud(plugin Cloud) { serve(func() *Server { return NewCloudServer(plugin) }) }

// serve serves the factory that started the process, or answers the person that did.
func serve(newServer func() *Server) {
	server := quietly(newServer)
	if len(os.Args) == 1 && os.Getenv(Handshake.MagicCookieKey) == Handshake.MagicCookieValue {
		serveHost(server)
		return
	}
	os.Exit(answerPerson(server, os.Args[1:]))
}

// quietly calls the plugin's code before the handshake: what it prints must not come before that.
func quietly(newServer func() *Server) *Server {
	stdout := os.Stdout
	os.Stdout = os.Stderr
	defer func() { os.Stdout = stdout }()
	return newServer()
}

// serveHost returns when the plugin is to end.
func serveHost(server *Server) {
	if err := checkCertificate(os.Getenv("PLUGIN_CLIENT_CERT")); err != nil {
		logger.Error("mutual TLS can't be set up", "error", err)
		os.Exit(1)
	}
	host := &host{server: server}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: Handshake,
		Plugins:         goplugin.PluginSet{"factory": &served{server: server}},
		Logger:          logger,
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			host.grpc = grpc.NewServer(append(options, serverOptions(host)...)...)
			host.watch(os.Stdin)
			return host.grpc
		},
	})
}

// checkCertificate looks at the factory's certificate, if it asks for mutual TLS: go-plugin would serve with a broken one, and refuse
// everybody.
func checkCertificate(text string) error {
	if text == "" {
		return nil
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return errors.New("the factory's certificate is not PEM")
	}
	_, err := x509.ParseCertificate(block.Bytes)
	return err
}

func serverOptions(host *host) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(MessageBytesMax),
		grpc.MaxSendMsgSize(MessageBytesMax),
		grpc.UnaryInterceptor(host.intercept),
		// A host that asks often whether the plugin is alive is not cut off.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	}
}

// answerPerson answers a person, and returns the exit code.
func answerPerson(server *Server, arguments []string) int {
	description := server.description
	switch first := firstOf(arguments); {
	case len(arguments) == 1 && first == "describe":
		text, err := describeJSON(description)
		if err == nil {
			_, err = fmt.Printf("%s\n", text)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	case len(arguments) == 1 && (first == "--version" || first == "-V"):
		fmt.Printf("%s %s\n", description.Name, description.Version)
		return 0
	case len(arguments) == 1 && (first == "--help" || first == "-h"):
		fmt.Printf("%s\n\n%s", description.Description, usage(description.Name))
		return 0
	case len(arguments) == 0:
		fmt.Fprintf(os.Stderr, "%s is a plugin of the image factory, which starts it by itself; "+
			"run it with `describe` to see what it serves\n", description.Name)
		return 1
	default:
		fmt.Fprintf(os.Stderr, "unexpected argument %q\n\n%s", first, usage(description.Name))
		return 2
	}
}

func firstOf(arguments []string) string {
	if len(arguments) == 0 {
		return ""
	}
	return arguments[0]
}

func usage(name string) string {
	return fmt.Sprintf(`Usage: %s [COMMAND]

Commands:
  describe  Print what the plugin is and serves, as JSON

Options:
  -V, --version  Print the version
  -h, --help     Print help

Started without arguments by the image factory, it serves that factory.
`, name)
}

// served registers a plugin's services with go-plugin's server.
type served struct {
	goplugin.NetRPCUnsupportedPlugin
	server *Server
}

func (s *served) GRPCServer(_ *goplugin.GRPCBroker, server *grpc.Server) error {
	s.server.Register(server)
	return nil
}

func (*served) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("this is the plugin's side")
}
