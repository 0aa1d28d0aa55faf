// Command nova is an example: it reports as a plugin does that builds inside an OpenStack cloud.
package main

import (
	"context"
	_ "embed"
	"os"

	"factory.dev/plugin"
)

//go:embed nova.info
var info string

type nova struct{}

func (nova) Describe() plugin.Description {
	description := plugin.FromInfo("nova", info)
	description.OutputFormats = []string{"raw"}
	description.Needs = &plugin.Needs{Network: plugin.NetworkNone}
	return description
}

func (nova) CreateBaseImage(ctx context.Context, request *plugin.BaseRequest, op *plugin.Operation) error {
	op.Logf("launching an instance to install %s", request.Template.Name)
	op.Progress(plugin.Progress{Percent: 10, Phase: "BUILDING", Activity: "waiting for the instance"})
	if err := op.Property("x-image-properties-glance_id", "0c2f6a1e"); err != nil {
		return err
	}
	if err := os.WriteFile(op.Path("disk.raw"), []byte(request.Template.XML), 0o600); err != nil {
		return err
	}
	return op.Artifact(ctx, plugin.Artifact{Role: "disk", File: "disk.raw", Format: "raw"})
}

func main() { plugin.ServeOS(nova{}) }
