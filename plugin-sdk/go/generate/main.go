// Command generate makes the Go code of the contract, package v1, from proto/. Run it after a change of the contract:
//
//	go -C plugin-sdk/go generate ./...
//
// With -check it writes nothing, and fails if what is there is not what it would write. Nothing else needs to be
// installed: the compiler is a library, and go.mod beside this file names the versions of the generators.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/pluginpb"
)

// generators run as protoc would run them.
var generators = []string{"protoc-gen-go", "protoc-gen-go-grpc"}

// packageDir is where the contract's files are, below their root and in the names of the generated ones.
const packageDir = "factory/plugin/v1"

func main() {
	check := flag.Bool("check", false, "compare instead of writing")
	protos := flag.String("proto", "../../../proto", "the root of the .proto files")
	out := flag.String("out", "../v1", "the directory of the Go package")
	flag.Parse()
	generated, err := generate(*protos)
	if err == nil {
		err = settle(generated, *out, *check)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate returns the generated files by name.
func generate(root string) (map[string][]byte, error) {
	request, err := compile(root)
	if err != nil {
		return nil, err
	}
	generated := map[string][]byte{}
	for _, generator := range generators {
		response, err := run(generator, request)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", generator, err)
		}
		for _, file := range response.File {
			generated[filepath.Base(file.GetName())] = []byte(file.GetContent())
		}
	}
	return generated, nil
}

// compile returns what protoc would ask a generator.
func compile(root string) (*pluginpb.CodeGeneratorRequest, error) {
	names, err := filepath.Glob(filepath.Join(root, packageDir, "*.proto"))
	if err != nil || len(names) == 0 {
		return nil, errors.Join(err, fmt.Errorf("no .proto files in %s", filepath.Join(root, packageDir)))
	}
	for i, name := range names {
		names[i] = packageDir + "/" + filepath.Base(name)
	}
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{root}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), names...)
	if err != nil {
		return nil, err
	}
	request := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: names,
		Parameter:      proto.String("paths=source_relative"),
	}
	addAll(request, files, map[string]bool{})
	return request, nil
}

// addAll adds the files, each after those that it imports.
func addAll(request *pluginpb.CodeGeneratorRequest, files linker.Files, added map[string]bool) {
	for _, file := range files {
		add(request, file, added)
	}
}

func add(request *pluginpb.CodeGeneratorRequest, file protoreflect.FileDescriptor, added map[string]bool) {
	if added[file.Path()] {
		return
	}
	added[file.Path()] = true
	imports := file.Imports()
	for i := range imports.Len() {
		add(request, imports.Get(i).FileDescriptor, added)
	}
	request.ProtoFile = append(request.ProtoFile, protoutil.ProtoFromFileDescriptor(file))
}

// run runs one generator.
func run(generator string, request *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	asked, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	command := exec.Command("go", "tool", generator)
	command.Stdin, command.Stderr = bytes.NewReader(asked), os.Stderr
	answered, err := command.Output()
	if err != nil {
		return nil, err
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(answered, response); err != nil {
		return nil, err
	}
	if response.Error != nil {
		return nil, errors.New(response.GetError())
	}
	return response, nil
}

// settle writes the generated files and removes others, or only compares.
func settle(generated map[string][]byte, out string, check bool) error {
	there, err := filepath.Glob(filepath.Join(out, "*.pb.go"))
	if err != nil {
		return err
	}
	for _, path := range there {
		if _, wanted := generated[filepath.Base(path)]; wanted {
			continue
		}
		if check {
			return fmt.Errorf("%s is not generated from the contract any more: run `go generate`", path)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for name, content := range generated {
		if err := settleFile(filepath.Join(out, name), content, check); err != nil {
			return err
		}
	}
	return nil
}

func settleFile(path string, content []byte, check bool) error {
	if !check {
		return os.WriteFile(path, content, 0o644)
	}
	there, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(there, content) {
		return fmt.Errorf("%s is not what the contract says: run `go generate`", path)
	}
	return nil
}
