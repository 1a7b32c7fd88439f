// Package plan reads the steps of `go build`: the runs of the compiler and the linker, and the files that pass between
// them. With a plan, part of a build can be repeated with identical bytes. This package starts no process and makes no
// decision.
//
// # The steps of go build
//
// Go compiles a program package by package. For each package, go runs `compile` once, with the package's .go files and
// an importcfg, a text with the file of each imported package. The result is an archive with two parts:
//
//	__.PKGDEF   export data: everything that importers can know about the package. Types and signatures, but also the
//	            bodies of functions that may be inlined, the results of escape analysis, positions of declarations, and
//	            the numbers that object code uses for the package's symbols
//	_go_.o      object code, for the linker
//
// Then `link` reads the archives of all packages, whose paths are in an importcfg.link, and writes the binary. Compiler
// and linker are functions: the same arguments and files give the same bytes, at any place and time.
//
// Go puts a build ID into every archive and binary: hashes of the inputs and of the output. An archive's ID is part of
// its importers' IDs, so after any change go build compiles all direct and indirect importers again. But the compiler
// reads only the export data of an imported package, without the ID. If the export data are identical, each importer's
// archive would also be identical, except for the build ID. So the old archive can be used.
//
// # How a plan is made
//
// `go build -n -a` prints every command of a full build without running it, quoted for a shell, and the importcfg
// files, with $WORK for the temporary folder. Parse reads this output (script.go). One run of `compile` makes most
// packages. A package that needs more runs (cgo, assembly, coverage) is marked Odd, and only go compiles it.
//
// Nothing here is trusted without proof: the caller runs the parsed commands and compares bytes, with Export
// (archive.go) and ContentHash (binary.go).
package plan
