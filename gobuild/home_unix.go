//go:build unix

package gobuild

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// hasHomes: binaries are started by a link.
const hasHomes = true

// mostTries is how often settle tries to put a binary into a home, while other runs remove the home. Each ending run
// removes the home at most once for each of its binaries.
const mostTries = 1000

// settle moves a binary to its place, and links name to it.
func settle(out, path, name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	if _, err := os.Lstat(out); err != nil {
		return err
	}
	for tries := 1; ; tries++ {
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = os.Rename(out, path)
		}
		if err == nil {
			break
		}
		// MkdirAll may report an existing folder, removed meanwhile.
		removed := errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist)
		if !removed || tries == mostTries {
			return err
		}
	}
	_ = os.Remove(name)
	return os.Symlink(path, name)
}
