package factorytest

import (
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"

	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/protobuf/proto"
)

// numbers tells the images of a test run apart.
var numbers atomic.Uint64

// Request is a call that starts an operation, with its parameters.
type Request struct {
	// call is one of the contract's requests, without its header.
	call       proto.Message
	header     *pluginv1.OperationHeader
	parameters map[string]any
}

// BaseImage asks for CreateBaseImage.
func BaseImage(template *pluginv1.Template) *Request {
	return newRequest("base", &pluginv1.CreateBaseImageRequest{Template: template})
}

// TargetImage asks for CreateTargetImage.
func TargetImage(target string, base *pluginv1.InputImage, content *pluginv1.CloudContent) *Request {
	return newRequest("target", &pluginv1.CreateTargetImageRequest{
		Target: target, BaseImage: base, Template: base.Template, CloudContent: content,
	})
}

// ShouldCreateTargetImage asks for ShouldCreateTargetImage.
func ShouldCreateTargetImage(target string, base *pluginv1.InputImage) *Request {
	return newRequest("target", &pluginv1.ShouldCreateTargetImageRequest{
		Target: target, BaseImage: base, Template: base.Template,
	})
}

// WillCreateTargetImage asks for WillCreateTargetImage.
func WillCreateTargetImage(target string, base *pluginv1.InputImage) *Request {
	return newRequest("target", &pluginv1.WillCreateTargetImageRequest{
		Target: target, BaseImage: base, Template: base.Template,
	})
}

// DidCreateTargetImage asks for DidCreateTargetImage.
func DidCreateTargetImage(target string, image *pluginv1.InputImage) *Request {
	return newRequest("target", &pluginv1.DidCreateTargetImageRequest{
		Target: target, TargetImage: image, Template: image.Template,
	})
}

// Push asks for PushImageToProvider.
func Push(target string, account *pluginv1.ProviderAccount, image *pluginv1.InputImage) *Request {
	return newRequest("provider", &pluginv1.PushImageToProviderRequest{
		Target: target, Account: account, TargetImage: image,
	})
}

// Snapshot asks for SnapshotImageOnProvider.
func Snapshot(target string, account *pluginv1.ProviderAccount, template *pluginv1.Template) *Request {
	return newRequest("provider", &pluginv1.SnapshotImageOnProviderRequest{
		Target: target, Account: account, Template: template,
	})
}

// Delete asks for DeleteFromProvider.
func Delete(
	target string, account *pluginv1.ProviderAccount, identifiers *pluginv1.CloudIdentifiers, image *pluginv1.InputImage,
) *Request {
	return newRequest("provider", &pluginv1.DeleteFromProviderRequest{
		Target: target, Account: account, Identifiers: identifiers, ProviderImage: image,
	})
}

// Reconcile asks to settle what other operations left over, such as [Ended.OpenIntents].
func Reconcile(account *pluginv1.ProviderAccount, intents []*pluginv1.OpenIntent) *Request {
	return newRequest("provider", &pluginv1.ReconcileRequest{Account: account, Intents: intents})
}

func newRequest(kind string, call proto.Message) *Request {
	number := numbers.Add(1)
	image := &pluginv1.ImageContext{Id: fmt.Sprintf("image-%d", number), Kind: kind, Attempt: 1}
	header := &pluginv1.OperationHeader{OperationId: fmt.Sprintf("operation-%d", number), Image: image}
	return &Request{call, header, map[string]any{}}
}

// Parameter sets a parameter.
func (r *Request) Parameter(name string, value any) *Request {
	r.parameters[name] = value
	return r
}

// SecretParameter sets a sensitive parameter.
func (r *Request) SecretParameter(name, value string) *Request {
	if r.header.SecretParameters == nil {
		r.header.SecretParameters = map[string]*pluginv1.Secret{}
	}
	r.header.SecretParameters[name] = &pluginv1.Secret{Value: value}
	return r
}

// OperationID sets the operation's id.
func (r *Request) OperationID(id string) *Request {
	r.header.OperationId = id
	return r
}

// AfterSeq sets the number after which events are wanted.
func (r *Request) AfterSeq(seq uint64) *Request {
	r.header.AfterSeq = seq
	return r
}

// Attempt sets which try this is.
func (r *Request) Attempt(attempt uint32) *Request {
	r.header.Image.Attempt = attempt
	return r
}

// message returns the request with its header, to be carried out in a directory.
func (r *Request) message(workDir string) (proto.Message, error) {
	parameters, err := json.Marshal(r.parameters)
	if err != nil {
		return nil, err
	}
	header := proto.Clone(r.header).(*pluginv1.OperationHeader)
	header.WorkDir, header.ParametersJson = workDir, string(parameters)
	message := proto.Clone(r.call).ProtoReflect()
	field := message.Descriptor().Fields().ByName("header")
	message.Set(field, protoValue(header))
	return message.Interface(), nil
}

// Template makes a template with the least that a plugin can rely on; a test adds the rest.
func Template(os, version, arch string) *pluginv1.Template {
	return &pluginv1.Template{Name: "test", Os: &pluginv1.OperatingSystem{
		Name: os, Version: version, Arch: arch,
		Install: &pluginv1.Install{Source: &pluginv1.Install_Url{Url: "apt:host"}},
	}}
}

// Account makes an account of a provider.
func Account(provider, credentials string) *pluginv1.ProviderAccount {
	return &pluginv1.ProviderAccount{Provider: provider, Credentials: &pluginv1.Secret{Value: credentials}}
}

// Image makes an image that an operation reads. Its files have absolute paths; their sizes are read.
func Image(template *pluginv1.Template, files ...*pluginv1.Artifact) *pluginv1.InputImage {
	for _, file := range files {
		if stat, err := os.Stat(file.Path); err == nil {
			file.Size = uint64(stat.Size())
		}
	}
	return &pluginv1.InputImage{
		Id: fmt.Sprintf("image-%d", numbers.Add(1)), Artifacts: files, PropertiesJson: "{}", ParametersJson: "{}",
		Template: template,
	}
}
