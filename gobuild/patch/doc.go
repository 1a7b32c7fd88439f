// Package patch makes the next program from the last one without the linker: it takes the ELF file that the linker
// wrote, adds a second module with the functions, types and variables that have changed, and leads every reference in
// the file to them. That takes milliseconds; the linker takes tenths of a second, whatever has changed.
//
// # What it is built on
//
// The runtime knows programs of several modules: plugins are modules. A runtime.moduledata describes each: where its
// code, variables and types are, and tables about functions and pointers. The modules are a list.
//
// A patched program is the program that the linker would make of the same archives, with other addresses, and with some
// dead code more. Panics, stacks, profiles in the process, reflection and the garbage collector follow the new code.
// The symbol table and debugging information in the file do not: they are those of the base.
//
// # A base
//
// Open needs an exact link: the image and the archives that it was made of. No special flags are needed, because the
// image itself tells all addresses (layout.go):
//
//	seed      the symbol table tells where functions of the standard library are
//	compare   the bytes of a symbol are the same in image and archive, except at relocations
//	follow    at a relocation, the image tells the address of another symbol; go on with that one
//
// In the end, every symbol that is not dead has one address, and every byte of it was compared. At the same time the
// places of all references to symbols that can move are noted (sites), and the references that the linker has left
// empty (absent): dropped methods, above all.
//
// The linker's rule for methods (live.go) and for the order of init tasks (inittask.go) are derived and compared with
// the image, too. One contradiction, and the base is Unfit. This is the check of everything that this package assumes
// about versions, flags and formats: an unknown linker would not verify.
//
// A program of 25 MB has half a million symbols, and all are kept, because dead code can come back. So nothing is
// copied from the mapped files: names and hashes are looked up in tables of ids (index.go), and compared where they
// lie.
//
// # A patch
//
//	moved.go     packages that were not compiled again, although lines of others in their code have moved
//	merge.go     the changed packages' symbols get the ids of the base's symbols, or new ones
//	changes.go   what becomes of each symbol in the base: it stays; it gets new contents at its place (variables of the
//	             same type and size); it moves to the new module; it is gone
//	reach.go     what moves, and everything that it reaches and the base lacks: dead code comes back from the archives,
//	             with the linker's rule for methods
//	module.go    the new module's segments: code, constants and tables, variables
//	pclntab.go   what the runtime knows of the new functions
//	gcmask.go    where the new variables have pointers
//	lists.go     the types and itabs that the runtime finds by itself; those of the base that it must not find any more
//	relocate.go  relocations of the new module; then the base's: sites of moved symbols, absent references to symbols
//	             that have come back, the tables of types and itabs, the list of init tasks, the list of modules
//	write.go     the file: a clone of the base, the changed pages, three segments at the end
//
// The new module continues the base. Its beginnings of text, types, read-only data and function tables are the base's,
// and the base's types end where the new module's end. So an offset means the same in both, and types and functions of
// both refer to each other. The runtime finds the module of a function by its limits, which do not overlap.
//
// Since references are redirected, what refers to a moved symbol can stay. Types, itabs and variables have one address
// for all users, moved or not: two addresses for one type would be two types.
//
// Patches do not pile up. Each is made from the exact link, with all packages that have changed since.
//
// # Comparison
//
// Linkers have many rules, and a program can run well for long with a broken one. So Compare tells whether a patched
// image is the exact link of the same archives, up to addresses (compare.go, comparetables.go): replay reads it with
// the new archives, so contents and addresses are compared; then functions (lines, files, inlined calls, sizes of
// stacks), masks of pointers, lists of types and itabs, methods, init tasks, the search for functions, module data, and
// that nothing shares memory. The patched image may have more: what the exact link has dropped. Tests plant faults in
// each of these tables, and all must be found.
//
// # Invariants
//
//   - In every doubt the result is Unfit, and the linker has to run: an unknown kind of symbol or relocation, assembly
//     or C in a changed package, an import that is not linked, a constant that is too large, a version that is not
//     listed.
//   - Patch never changes the base's file, and leaves no file behind if it fails.
//   - A panic on the way is Unfit, too.
//
// # Adding a version of Go
//
// Programs of a version are patched if version.go lists it. What differs between versions is a field of the type
// version, and nothing else in this package asks for a version. To add one:
//
//  1. Add a row to versions, with builtins-goN.txt and moduleN, and run
//     GOTOOLCHAIN=goN.M go test -run Toolchain: it compares numbers, lists and offsets with the toolchain's sources.
//  2. Compare with the version before: cmd/internal/objabi and goobj, internal/abi, runtime/symtab.go, type.go and
//     iface.go (what reads moduledata), and in cmd/link/internal: loader/loader.go (which definition wins), and in ld
//     data.go, deadcode.go, inittask.go, pcln.go and symtab.go. What has changed becomes a field.
//  3. Run all tests with it: GOTOOLCHAIN=goN.M go test ./gobuild/patch, and -run 'Patch' in gobuild with
//     HOTRELOAD_SOAK=1. A base that does not verify, or a difference, is a rule that is not known yet.
//  4. Make it tried: gobuild patches its programs from then on. Add it to .ci/run and docs/speed.md.
//
// # What it does not do
//
// Only linux/amd64, programs of ET_EXEC linked by Go's own linker, and the versions in version.go. No race detector, no
// -cover, no plugins, no C outside the standard library. It does not compile, does not link, and does not decide which
// packages have changed.
//
// For linux/arm64, this is missing:
//
//   - Addresses in instructions. amd64 has whole words (relocAddr, relocPCRel, relocCall); arm64 has pairs of
//     instructions of which each holds a part: R_ADDRARM64 (ADRP and ADD), R_ARM64_PCREL_LDST8 to 64 (ADRP and a load
//     or store), R_CALLARM64 (26 bits of a B or BL), R_ARM64_TLS_LE. Replay has to read an address out of them, compare
//     the other bits of both instructions, and write it back: layout.read and patch.encode, by architecture.
//   - Distances. A BL reaches 128 MB, and the new code lies behind the bss of the base. The linker puts trampolines in
//     text for calls that do not reach, with names and rules of its own (arm64.trampoline). A patch would have to
//     refuse when a call does not reach, or to make the same trampolines, and Compare to know them.
//     ADRP reaches 4 GB: enough.
//   - A site is not one place any more: an edit at an address becomes two instructions that must stay a pair.
//   - The jump that is left at the old entry of a moved function (E9 on amd64), the 4 bytes of INT3 between functions,
//     and the offset of the call of deferreturn are amd64's, as are alignment (largest is 32; functions on arm64 have
//     16), minLC 1 in the table of functions (arm64 has 4, and its pc tables count in 4 bytes), and relocTLS.
//   - Text in several sections: a base with more than one entry in textsectmap must be Unfit.
//   - Pages. Segments are aligned to 64 KB on arm64, the new ones must be, too (pageSize, in write.go and module.go).
package patch
