//go:build unix

package gobuild

import "os"

// reuse adds a second name for the binary at path, where go is about to write: see the package doc. If this fails, go
// links as usual.
func reuse(path, out string) { _ = os.Link(path, out) }
