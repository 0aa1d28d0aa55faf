package main

import (
	"testing"

	"factory.dev/plugin/factorytest"
)

func TestItReportsAndAnnouncesADisk(t *testing.T) {
	request := factorytest.BaseImage(factorytest.Template("Nova", "1", "x86_64"))
	ended := factorytest.OS(t, nova{}).Run(request).Completed()
	if id := ended.Properties()["x-image-properties-glance_id"]; id != "0c2f6a1e" {
		t.Errorf("the property is %v", id)
	}
	if ended.Artifact("disk").Format != "raw" || ended.Percentages()[0] != 10 {
		t.Errorf("%v", ended.Events)
	}
}
