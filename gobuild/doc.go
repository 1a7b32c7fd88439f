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
// # Faster than go build
//
// Package plan explains what go build is made of, and why most of it need not be done after most edits. Here that is put
// to use. After go has built a program, a blueprint is drawn (learn.go): the exact commands of the compiler and the
// linker, what each local package's sources were like, and where the archives are. The next build goes by it (fast.go):
//
//	look        which sources have changed? If anything has that decides about commands, go builds
//	compile     those packages, and direct importers as long as export data turn out different
//	link        and compute the content hash that go would have put into the binary: it is the artifact's ID
//
// What go build does in between is never guessed. A blueprint counts only when its link command has been seen to write
// the binary that go wrote; each package's compile command must have written, to the byte, the archive that go's did.
// Whatever is not certain is left to go build, before anything is done as a rule: changed build constraints, package
// clauses, embed patterns or //go: lines, files that come or go, go.mod and its like, tools, settings, packages that take
// more than one run of the compiler (cgo, assembly), flags that change what go build does at all. Imports may come and go
// as long as the program is made of the same packages, and go is certain to allow them (imports.go). One package that
// does not compile is told of in go's words; of several go tells.
//
// The blueprint is drawn, and the first proof given, as soon as a build by go has succeeded. The rest happens on an idle
// machine and gives way to everything (shortcut.go): the proofs for the other packages, and, two seconds after a fast build, the
// same by go build. That fills the build cache for go test and gopls, and confirms the result: if it were another, the
// fast way would be switched off for this run, the user told, and the program built again. All that work is killed when
// a build begins.
//
//	ROOT/run-PID-RANDOM/archives/N.a    what fast builds have compiled; the shared build cache only ever gets what go puts there
//
// # Invariants
//
//   - A fast build makes the binary that go build would make, to the byte, build ID aside; or none.
//
//   - A file that an Artifact names is never changed, and stays until its last Release or Close.
//
//   - When Build returns, nothing that it started is running, and nothing is left of it but the artifact.
//
//   - An artifact with Moved false was built from the inputs as they are on the disk when Build returns (as far as size,
//     time and inode tell).
//
//   - The user's flags, GOFLAGS and environment keep their meaning: what we add, -w, is added to each list of linker
//     flags, in front, so that the user's word is the last one.
//
// # What it does not do
//
// It does not watch, decide when to build, choose among several programs or print. It does not see what the go command
// itself does not see: a header that cgo code includes from a folder that is no package, or a file that a code
// generator reads.
package gobuild
