// Package gobuild drives the Go toolchain: it finds the packages of a program and builds its binary.
//
// # Theory of operation
//
// Load runs `go list -e -deps`, with the build's own flags, and keeps the packages that users edit: all packages
// outside the standard library and the module cache. The result is a Graph, an immutable value. The graph tells which
// paths to watch (Dirs, Files), what a changed path means (Classify), and whether a change may change the graph
// (ChangedBy). There are no guesses from a file's name. Load stores a fingerprint of everything read by `go list` in
// each file: package clause, imports, build constraints, //go:embed, the preamble of import "C". So an edit of a
// function body needs no new graph.
//
// A Builder runs `go build` and owns the results. Each run of hotreload has its own folder in the user's cache folder,
// protected by a lock. The next run removes folders without a lock, however their owner ended.
//
//	ROOT/run-PID-RANDOM.lock    locked as long as the run lives
//	ROOT/run-PID-RANDOM/
//	    work/N/                 one build: GOTMPDIR and the file that go writes; removed with the build
//	    bin/HASH/NAME           one artifact; removed with its last reference
//
// An artifact's ID is the content hash put by go into the binary (the last part of the build ID), or the SHA-256 of a
// binary without one. The content hash saves time (54 ms for 60 MB), and comments in package main do not change the
// hash. The SHA-256 of the binary would change, because the build ID also contains the hashes of the inputs.
//
// The last binary of a program is a hard link at the path where go writes the next binary. If no linked package has
// changed, go finds this file and does not link again: after an undone edit, a comment in an imported package, a second
// build after a change during the first (0.13 s instead of 0.38 s for a net/http server). If go links, the result is
// renamed over the hard link, so no artifact is ever written to.
//
// # Faster than go build
//
// Package plan explains the steps of go build, and why most edits do not need most of them. After a build by go, this
// package draws a blueprint (learn.go): the exact commands of compiler and linker, the state of each local package's
// sources, and the paths of the archives. The next build follows the blueprint (fast.go):
//
//	look        which sources have changed? If a change may change the commands, run go build
//	compile     the changed packages, and direct importers as long as export data differ
//	link        and compute the content hash that go would have put into the binary: the artifact's ID
//
// The fast build never guesses. A blueprint is used only if the link command has reproduced the binary of go, and a
// package's compile command only if it has reproduced the archive of go, byte for byte. Every uncertain case falls back
// to go build, usually before the first compiler runs: changed build constraints, package clauses, embed patterns or
// //go: lines, added or removed files, go.mod and similar files, tools, settings, packages with several compiler runs
// (cgo, assembly), flags that change what go build does. Imports may change if the set of packages stays the same and
// go certainly allows the import (imports.go). If one package does not compile, the fast build reports the error in
// go's words; if several do not, go build reports the errors.
//
// The blueprint and the first proof are made right after a successful go build. The rest happens on an idle machine, at
// low priority (shortcut.go): the proofs for the other packages and, two seconds after a fast build, the same build by
// go. This fills the build cache for go test and gopls, and confirms the result. If the results differed, fast builds
// would be switched off for this run, the user would be told, and the program built again. A new build kills all this
// work.
//
//	ROOT/run-PID-RANDOM/archives/N.a    archives of fast builds; the shared build cache contains only archives of go
//
// # Importers that stay behind
//
// Most edits that change export data change nothing but lines in them: everything below has moved. Package lines tells
// how the compiler finds that out. If the program is patched, the importers are not compiled then (behind.go):
//
//	seen        what importers have seen of a package, by the sum of its export data; made on the idle machine
//	edit        the package is also compiled from spread files; if these say so, its importers stay behind
//	patch       the lines in the code of importers that are behind are corrected
//	catch up    on the idle machine, the importers are compiled, before the program is linked and compared
//
// Only one package at a time has importers that are behind. A change of another one lets them catch up in its build.
//
// # Faster than the linker
//
// With Program.Patch, a fast build tries to do without the linker (patching.go; package patch does the work):
//
//	base        the newest linked program, read and verified on the idle machine (renewBase)
//	patch       a copy of the base with all packages that differ from the base's (patchTo)
//	link        on the idle machine, the same archives again, exactly; compared with the patched program (compare)
//
// A patched program without a difference counts as the linked one from then on: a build that makes the linked one
// returns the artifact of the patched one, so nothing is replaced. Then go confirms the linked one as after any fast
// build. A difference ends patching for this run; go builds the program again, and its other ID replaces the workers.
// Patches never pile up, because all are made from the last base until the linked program is the next one.
//
// The ID of a patched program is a hash of the base's ID and of the patched archives. Its build ID is new, so go does
// not take it for the base.
//
// # Invariants
//
//   - A fast build makes the binary of go build, byte for byte except for the build ID, or none; with Program.Patch, a
//     binary that is compared with this one afterwards.
//   - A file of an Artifact never changes, and stays until its last Release or Close.
//   - When Build returns, all its processes have ended, and only the artifact is left.
//   - If Moved is false, the artifact was built from the inputs on the disk at the time when Build returns (as far as
//     size, time and inode tell).
//   - The user's flags, GOFLAGS and environment keep their meaning. hotreload adds -w at the front of each list of
//     linker flags, so the user's flags come last.
//
// # What it does not do
//
// This package does not watch, does not decide when to build, does not choose among programs, and does not print. Files
// unseen by go are unseen here, too: a header for cgo in a folder without a package, or an input of a code generator.
package gobuild
