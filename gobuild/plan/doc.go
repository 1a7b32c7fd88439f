// Package plan reads what `go build` is made of: the runs of the compiler and of the linker, and the files that pass
// between them. With it a build can be done again in part, to the same bytes. It starts no process and decides nothing.
//
// # What go build does
//
// A Go program is compiled package by package. For each, go runs `compile` once, with the package's .go files and an
// importcfg, a text that says in which file each imported package lies. The result is an archive of two parts:
//
//	__.PKGDEF   export data: all that importers can know of the package. Types and signatures, but also the bodies of
//	            functions that may be inlined, what escape analysis found out about the others, where things are
//	            declared, and the numbers by which object code refers to the package's symbols
//	_go_.o      object code, for the linker
//
// Then `link` reads the archives of all packages, of which an importcfg.link says where they are, and writes the binary.
// Compiler and linker are functions: the same arguments and files give the same bytes, wherever and whenever they run.
//
// Go puts a build ID into every archive and binary: hashes of what went in and of what came out. An archive's ID takes
// part in the IDs of its importers; so after any change go build compiles all direct and indirect importers again. The
// compiler, however, reads nothing of an imported package but its export data, and of these not the ID. As long as the
// export data are the same, to the byte, no importer's archive can differ, build ID aside, and the old one will do.
//
// # How the plan is had
//
// `go build -n -a` prints, without doing anything, every command of a build from nothing, in the quoting of a shell, and
// the importcfg files, with $WORK for the temporary folder. Parse reads that (script.go). Most packages are made by one
// run of `compile`; one that takes more (cgo, assembly, coverage) is marked Odd, and nobody compiles it but go.
//
// Nothing here trusts itself: whatever Parse makes of the text is to be proved by doing it and comparing bytes, with
// Export (archive.go) and ContentHash (binary.go).
package plan
