// Command flood writes as many lines of log as the parameter `flood` says, each an event: for measurements.
package main

import (
	"context"
	_ "embed"
	"os"
	"strconv"

	"factory.dev/plugin"
)

//go:embed flood.info
var info string

type flood struct{}

func (flood) Describe() plugin.Description {
	description := plugin.FromInfo("flood", info)
	description.Needs = &plugin.Needs{Network: plugin.NetworkNone}
	return description
}

func (flood) CreateBaseImage(ctx context.Context, _ *plugin.BaseRequest, op *plugin.Operation) error {
	lines, err := op.Parameters().Int("flood", 0)
	if err != nil {
		return err
	}
	for line := int64(0); line < lines && ctx.Err() == nil; line++ {
		op.Log(plugin.Debug, "flood", "event "+strconv.FormatInt(line, 10))
	}
	if err := os.WriteFile(op.Path("disk.raw"), []byte("full"), 0o600); err != nil {
		return err
	}
	return op.Artifact(ctx, plugin.Artifact{Role: "disk", File: "disk.raw", Format: "raw"})
}

func main() { plugin.ServeOS(flood{}) }
