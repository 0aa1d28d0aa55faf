package plugin

import (
	"encoding/json"
	"fmt"
	"strings"

	pluginv1 "factory.dev/plugin/v1"
)

// info is a plugin's `.info` file: what it serves, readable without starting it.
type info struct {
	kind        pluginv1.PluginKind
	targets     []*pluginv1.PluginTarget
	description string
	version     string
	license     string
	maintainer  string
}

// parseInfo reads the text of a `.info` file. Format and matching are Image Factory's.
func parseInfo(text string) (*info, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, fmt.Errorf("it is not a JSON object: %w", err)
	}
	for _, key := range []string{"type", "targets"} {
		if raw[key] == nil {
			return nil, fmt.Errorf("key `%s` is missing", key)
		}
	}
	kind, parts, err := parseKind(raw["type"])
	if err != nil {
		return nil, err
	}
	var lines []json.RawMessage
	if err := json.Unmarshal(raw["targets"], &lines); err != nil {
		return nil, fmt.Errorf("`targets` is not a list")
	}
	read := &info{
		kind: kind, description: infoText(raw["description"]), version: infoText(raw["version"]),
		license: infoText(raw["license"]), maintainer: maintainer(raw["maintainer"]),
	}
	for index, line := range lines {
		target, err := parseTarget(line, parts)
		if err != nil {
			return nil, fmt.Errorf("`targets[%d]` is %s, but must be %w", index, line, err)
		}
		read.targets = append(read.targets, target)
	}
	return read, nil
}

// parseKind returns the kind, and how many parts its targets have.
func parseKind(raw json.RawMessage) (pluginv1.PluginKind, int, error) {
	switch strings.ToLower(infoText(raw)) {
	case "os":
		return pluginv1.PluginKind_PLUGIN_KIND_OS, 3, nil
	case "cloud":
		return pluginv1.PluginKind_PLUGIN_KIND_CLOUD, 1, nil
	}
	return 0, 0, fmt.Errorf("`type` is %s, but must be \"os\" or \"cloud\"", raw)
}

func parseTarget(line json.RawMessage, parts int) (*pluginv1.PluginTarget, error) {
	var values []*string
	if err := json.Unmarshal(line, &values); err != nil || len(values) != parts || values[0] == nil {
		if parts == 1 {
			return nil, fmt.Errorf("[target]")
		}
		return nil, fmt.Errorf("[name, version or null, arch or null]")
	}
	target := &pluginv1.PluginTarget{}
	for _, value := range values {
		target.Parts = append(target.Parts, &pluginv1.TargetPart{Value: value})
	}
	return target, nil
}

// maintainer writes the original's `{"name", "email", "url"}` as one line.
func maintainer(raw json.RawMessage) string {
	var who struct{ Name, Email, URL string }
	if json.Unmarshal(raw, &who) != nil {
		return infoText(raw)
	}
	if who.Email != "" {
		who.Email = "<" + who.Email + ">"
	}
	return strings.Join(strings.Fields(who.Name+" "+who.Email+" "+who.URL), " ")
}

func infoText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}
