// Package gobuild is the Go toolchain: what a program is made of, and how its binary is built.
//
// # Theory of operation
//
// Load asks `go list -e -deps`, with the build's own flags, which packages a program is made of and keeps those that
// somebody may edit: packages outside the standard library and the module cache, wherever they lie. The answer is a
// Graph, a value that never changes. From it follow what has to be watched (Dirs, Files), what a changed path means
// (Classify), and whether the graph itself may have changed with it (Renews). Renews does not guess from the name: Load
// remembers of every file a fingerprint of what `go list` reads (package clause, imports, build constraints,
// //go:embed, the preamble of import "C"), so an edit of a function body asks nobody anything.
//
// A Builder runs `go build` and owns its results. Every run of hotreload has a folder of its own in the user's cache
// folder, held by a lock: the next run removes the folders whose lock nobody holds, whatever ended their owner.
//
//	ROOT/run-PID-RANDOM.lock    locked as long as the run lives
//	ROOT/run-PID-RANDOM/
//	    work/N/                 one build: GOTMPDIR and the file that go writes; gone with the build
//	    bin/HASH/NAME           one artifact; gone with its last reference
//
// An artifact's ID is the content hash that the go command itself has put into the binary (the last part of the build
// ID); of a binary without one, its SHA-256. The difference is not only speed (54 ms for 60 MB): the bytes of a binary
// change with each comment of package main, because the build ID also names the inputs; the content hash does not.
//
// The last binary of a program lies, as a hard link, where go is told to write the next. Go looks there and does not
// link again if nothing that is linked has changed: after an edit that was taken back, a comment in an imported package,
// a second build because something moved (0.13 s instead of 0.38 s for a net/http server). If it does link it renames
// the result over our link, so that no artifact is ever written to.
//
// # Invariants
//
//   - A file that an Artifact names is never changed, and stays until its last Release or Close.
//   - When Build returns, nothing that it started is running, and nothing is left of it but the artifact.
//   - An artifact with Moved false was built from the inputs as they are on the disk when Build returns (as far as size,
//     time and inode tell).
//   - The user's flags, GOFLAGS and environment keep their meaning: what we add, -w, is added to each list of linker
//     flags, in front, so that the user's word is the last one.
//
// # What it does not do
//
// It does not watch, decide when to build, choose among several programs or print. It does not see what the go command
// itself does not see: a header that cgo code includes from a folder that is no package, or a file that a code
// generator reads.
package gobuild
