// Package patch makes the program that the linker would make from the program that it made last: it writes the changed
// packages into a second module of the same ELF file, and leads every reference to them there.
package patch
