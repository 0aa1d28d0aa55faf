package plugin

import (
	"encoding/json"
	"fmt"
	"os/exec"

	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// Version is the version of the SDK.
const Version = "0.1.0"

// Network says how far a plugin reaches over the network.
type Network int32

// How far a plugin reaches over the network.
const (
	// NetworkNone: no network.
	NetworkNone = Network(pluginv1.Needs_NETWORK_NONE)
	// NetworkLoopback: this machine only.
	NetworkLoopback = Network(pluginv1.Needs_NETWORK_LOOPBACK)
	// NetworkHosts: the hosts that are listed.
	NetworkHosts = Network(pluginv1.Needs_NETWORK_HOSTS)
	// NetworkAny: any host.
	NetworkAny = Network(pluginv1.Needs_NETWORK_ANY)
)

// Needs is what a plugin needs from its machine. What is not named here may be denied.
type Needs struct {
	// Devices are device nodes, such as `/dev/kvm`.
	Devices []string
	// Network is how far it reaches. Nothing said: not at all.
	Network Network
	// Hosts are those it connects to with [NetworkHosts], such as `api.example.org:443`.
	Hosts []string
	// ReadPaths are what it reads outside its own directories.
	ReadPaths []string
	// WritePaths are what it writes outside its own directories.
	WritePaths []string
	// UserNamespaces: it creates user namespaces.
	UserNamespaces bool
	// Tools are the programs it runs. The description warns of those that are missing.
	Tools []Tool
	// Credentials: it is given credentials.
	Credentials bool
}

// Tool is a program that a plugin runs.
type Tool struct {
	// Program is its name, as found on PATH.
	Program string
	// DebianPackage is the package that holds it.
	DebianPackage string
	// Optional: the plugin works without it, with less.
	Optional bool
}

// Description is what a plugin says about itself. [FromInfo] starts it; what is missing is added.
type Description struct {
	// Name is the name, as its `.info` file has it.
	Name string
	// Version is the plugin's own version, as semantic versioning writes it.
	Version string
	// Summary is one line for a person.
	Summary string
	// Capabilities are more than those that the plugin has by its methods.
	Capabilities []string
	// InputFormats are the formats it can read, best first: `raw`, `qcow2`, `tar`, …
	InputFormats []string
	// OutputFormats are the formats it can write.
	OutputFormats []string
	// ParametersSchema is the JSON Schema (2020-12) of the parameters; empty: any. A property with
	// `"x-factory-sensitive": true` is passed as a secret.
	ParametersSchema json.RawMessage
	// ProviderSchema is the JSON Schema of a provider definition; empty: any text.
	ProviderSchema json.RawMessage
	// CredentialsSchema is the JSON Schema of credentials; empty: any text.
	CredentialsSchema json.RawMessage
	// Needs is what it needs from its machine; nil: it does not say.
	Needs *Needs
	// OperationsMax is how many operations it can run at once; the SDK refuses more. 0: any number.
	OperationsMax int
	// Maintainer is who keeps the plugin.
	Maintainer string
	// License is an SPDX licence expression.
	License string
	// Warnings are what a person should know, one sentence each.
	Warnings []string

	kind    pluginv1.PluginKind
	targets []*pluginv1.PluginTarget
}

// FromInfo starts a description from the text of the plugin's own `.info` file, so that the two never disagree:
//
//	//go:embed debian.info
//	var info string
//
// It has name, kind, targets, summary, version, licence and maintainer. It panics if the text is no valid `.info` file: a mistake of
// the author, found by the first test.
func FromInfo(name, text string) Description {
	info, err := parseInfo(text)
	if err != nil {
		panic(fmt.Sprintf("%s.info can't be used: %v", name, err))
	}
	return Description{
		Name: name, Version: info.version, Summary: info.description, Maintainer: info.maintainer,
		License: info.license, kind: info.kind, targets: info.targets,
	}
}

// response returns the answer to Describe, as it travels.
func (d *Description) response() *pluginv1.DescribeResponse {
	response := &pluginv1.DescribeResponse{
		Name: d.Name, Version: d.Version, Kind: d.kind, Description: d.Summary, Targets: d.targets,
		Capabilities: d.Capabilities, InputFormats: d.InputFormats, OutputFormats: d.OutputFormats,
		ParametersSchemaJson: string(d.ParametersSchema), ProviderSchemaJson: string(d.ProviderSchema),
		CredentialsSchemaJson: string(d.CredentialsSchema), Needs: d.Needs.proto(),
		MaxConcurrentOperations: uint32(d.OperationsMax), Maintainer: d.Maintainer, License: d.License,
		Sdk: "factory-plugin-sdk/" + Version + " (go)", Warnings: d.Warnings,
	}
	for _, tool := range response.GetNeeds().GetTools() {
		if _, err := exec.LookPath(tool.Program); err != nil {
			warning := tool.Program + " is missing: install the package " + tool.DebianPackage
			response.Warnings = append(response.Warnings, warning)
		}
	}
	makeValid(response)
	return response
}

func (n *Needs) proto() *pluginv1.Needs {
	if n == nil {
		return nil
	}
	return &pluginv1.Needs{
		Devices: n.Devices, Network: pluginv1.Needs_Network(n.Network), Hosts: n.Hosts, ReadPaths: n.ReadPaths,
		WritePaths: n.WritePaths, UserNamespaces: n.UserNamespaces, Credentials: n.Credentials,
		Tools: each(n.Tools, func(tool Tool) *pluginv1.Tool {
			return &pluginv1.Tool{Program: tool.Program, DebianPackage: tool.DebianPackage, Optional: tool.Optional}
		}),
	}
}

// describeJSON writes an answer to Describe as JSON: the .proto's field names, schemas as JSON values.
func describeJSON(response *pluginv1.DescribeResponse) ([]byte, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(response)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	for _, name := range []string{"parameters_schema_json", "provider_schema_json", "credentials_schema_json"} {
		var schema any
		if json.Unmarshal([]byte(fields[name].(string)), &schema) == nil {
			fields[name] = schema
		}
	}
	return json.MarshalIndent(fields, "", "  ")
}
