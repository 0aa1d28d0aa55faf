// Package pluginv1 is the contract between the image factory and its plugins, generated from proto/factory/plugin/v1.
// Plugins written with the SDK, package plugin, need nothing of it.
package pluginv1

//go:generate go -C ../generate run .
