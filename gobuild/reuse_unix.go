//go:build unix

package gobuild

import "os"

// reuse puts the binary at path, under a second name, where go is about to write: see the package doc. If it cannot,
// go links as always.
func reuse(path, out string) { _ = os.Link(path, out) }
