package plugin

import (
	"os"

	"github.com/hashicorp/go-hclog"
)

// logger writes to the real standard error: go-plugin puts something else in its place later.
var logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: os.Stderr, JSONFormat: true})

// Logger returns the plugin's own log: for what concerns the plugin and no build. The factory says how much of it is written.
func Logger() hclog.Logger { return logger }
