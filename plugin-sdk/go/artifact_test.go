package plugin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func hexDigest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func sparse(t *testing.T, size int64, at ...int64) (directory string, content []byte) {
	t.Helper()
	directory = t.TempDir()
	file, err := os.Create(filepath.Join(directory, "disk"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(size); err != nil {
		t.Fatal(err)
	}
	content = make([]byte, size)
	for _, offset := range at {
		if _, err := file.WriteAt([]byte("data"), offset); err != nil {
			t.Fatal(err)
		}
		copy(content[offset:], "data")
	}
	return directory, content
}

func TestASparseFileHasTheDigestOfItsFullContent(t *testing.T) {
	const size = 9*1024*1024 + 5
	for _, it := range []struct {
		size int64
		at   []int64
	}{{size, []int64{0, 3*1024*1024 + 17, size - 4}}, {0, nil}, {2*1024*1024 + 1, nil}, {4, []int64{0}}} {
		directory, content := sparse(t, it.size, it.at...)
		artifact := Artifact{File: "disk"}
		if err := artifact.measure(t.Context(), directory); err != nil {
			t.Fatal(err)
		}
		if artifact.Size != it.size || artifact.SHA256 != hexDigest(content) {
			t.Fatalf("%+v", artifact)
		}
	}
}

func TestADigestThatIsKnownIsNotComputed(t *testing.T) {
	directory, _ := sparse(t, 1)
	artifact := Artifact{File: "disk", SHA256: "known"}
	if err := artifact.measure(t.Context(), directory); err != nil || artifact.SHA256 != "known" || artifact.Size != 1 {
		t.Fatal(err, artifact)
	}
}

func TestAFileThatIsNoneOfTheWorkDirectoryIsThePluginsFault(t *testing.T) {
	directory, _ := sparse(t, 1)
	if err := errors.Join(os.Symlink("disk", filepath.Join(directory, "link")), os.Mkdir(filepath.Join(directory, "dir"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for name, reason := range map[string]string{
		"": "ARTIFACT_PATH", ".": "ARTIFACT_PATH", "..": "ARTIFACT_PATH", "../x": "ARTIFACT_PATH", "/etc/passwd": "ARTIFACT_PATH",
		"a/b": "ARTIFACT_PATH", "./disk": "ARTIFACT_PATH", "disk/": "ARTIFACT_PATH", "/": "ARTIFACT_PATH",
		"missing": "ARTIFACT_UNREADABLE", "link": "ARTIFACT_UNREADABLE", "dir": "ARTIFACT_UNREADABLE",
	} {
		artifact := Artifact{File: name}
		var failure *Failure
		if err := artifact.measure(t.Context(), directory); !errors.As(err, &failure) || failure.Reason != reason {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestACancelledOperationStopsReading(t *testing.T) {
	directory := t.TempDir()
	file, err := os.Create(filepath.Join(directory, "disk"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(1 << 40); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	artifact := Artifact{File: "disk"}
	if err := artifact.measure(ctx, directory); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
