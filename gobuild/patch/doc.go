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
// A program of 25 MB has half a million symbols, and all are kept, because dead code can come back. So nothing is copied
// from the mapped files: names and hashes are looked up in tables of ids (index.go), and compared where they lie.
//
// # A patch
//
//	merge.go     the changed packages' symbols get the ids of the base's symbols, or new ones
//	changes.go   what becomes of each symbol in the base: it stays; it gets new contents at its place (variables of the
//	             same type and size); it moves to the new module; it is gone
//	reach.go     what moves, and everything that it reaches and the base lacks: dead code comes back from the archives,
//	             with the linker's rule for methods
//	module.go    the new module's segments: code, constants and tables, variables
//	pclntab.go   what the runtime knows of the new functions
//	gcmask.go    where the new variables have pointers
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
// # What it does not do
//
// Only linux/amd64, programs of ET_EXEC linked by Go's own linker, and the versions in version.go. No race detector, no
// -cover, no plugins, no C outside the standard library. It does not compile, does not link, and does not decide which
// packages have changed.
package patch
