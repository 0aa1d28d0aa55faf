package plugin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	pluginv1 "factory.dev/plugin/v1"
	"golang.org/x/sys/unix"
)

const bufferBytes = 1024 * 1024

// zeros is what a hole holds.
var zeros [bufferBytes]byte

// Artifact is a file of an image: whole, final.
type Artifact struct {
	// Role is what it is to the image: `disk`, `rootfs`, `archive`, `metadata`, … Each once an image; the first announced is
	// the image's body.
	Role string
	// File is a name inside the work directory, without a directory; of an image that is read, an absolute path.
	File string
	// Format is `raw`, `qcow2`, `tar`, `oci-archive`, …
	Format string
	// Size is in bytes. The SDK reads it from the file.
	Size int64
	// VirtualSize is the size that a guest sees, in bytes; 0 if that means nothing.
	VirtualSize int64
	// SHA256 is in hexadecimal digits. If it is empty the SDK computes it.
	SHA256 string
	// MediaType is its media type, if it has one.
	MediaType string
}

func artifactOf(artifact *pluginv1.Artifact) Artifact {
	return Artifact{
		artifact.Role, artifact.Path, artifact.Format, int64(artifact.Size), int64(artifact.VirtualSize),
		artifact.Sha256, artifact.MediaType,
	}
}

func (a *Artifact) proto() *pluginv1.Artifact {
	return &pluginv1.Artifact{
		Role: a.Role, Path: a.File, Format: a.Format, Size: uint64(a.Size), VirtualSize: uint64(a.VirtualSize),
		Sha256: a.SHA256, MediaType: a.MediaType,
	}
}

// measure fills in size and, unless it is known, SHA-256, without reading holes.
func (a *Artifact) measure(ctx context.Context, workDir string) error {
	if a.File == "" || a.File == "." || a.File == ".." || a.File == "/" || a.File != filepath.Base(a.File) {
		return Failf(FaultPlugin, "ARTIFACT_PATH", "artifact %q must be the name of a file in the work directory", a.File)
	}
	err := a.read(ctx, filepath.Join(workDir, a.File))
	if err == nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	return Failf(FaultPlugin, "ARTIFACT_UNREADABLE", "artifact %s can't be read: %w", a.File, err)
}

func (a *Artifact) read(ctx context.Context, path string) error {
	// Neither what a link points to, nor a pipe.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) {
		return errors.New("it is a symbolic link")
	}
	if err != nil {
		return err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return err
	}
	if !stat.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	a.Size = stat.Size()
	if a.SHA256 == "" {
		a.SHA256, err = digest(ctx, file, a.Size)
	}
	return err
}

// digest returns the SHA-256 in hexadecimal digits.
func digest(ctx context.Context, file *os.File, size int64) (string, error) {
	hash, buffer := sha256.New(), make([]byte, bufferBytes)
	for at := int64(0); at < size; {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		start, end, err := nextData(file, at, size)
		if err != nil {
			return "", err
		}
		// At most a buffer of each, so that a cancellation is seen soon.
		part := buffer[:max(0, min(end-at, bufferBytes))]
		if at < start {
			part = zeros[:min(start-at, bufferBytes)]
		} else if _, err := file.ReadAt(part, at); err != nil {
			return "", err
		}
		hash.Write(part)
		at += int64(len(part))
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// nextData returns where the next data starts and ends; both are size if only a hole is left. A file system that knows no
// holes says that all is data.
func nextData(file *os.File, at, size int64) (start, end int64, err error) {
	start, err = unix.Seek(int(file.Fd()), at, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		return size, size, nil
	case errors.Is(err, unix.EINVAL):
		return at, size, nil
	case err != nil:
		return 0, 0, err
	}
	end, err = unix.Seek(int(file.Fd()), start, unix.SEEK_HOLE)
	return min(start, size), min(end, size), err
}
