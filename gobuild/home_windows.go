package gobuild

import (
	"os"
	"path/filepath"
)

// hasHomes: not every user may create links here.
const hasHomes = false

// settle moves a binary to its place.
func settle(out, path, _ string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.Rename(out, path)
}
