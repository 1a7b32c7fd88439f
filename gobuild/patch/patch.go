package patch

import (
	"context"
	"fmt"
)

// Link names one exact link: what the linker has read, and what it has written.
type Link struct {
	// Image is the program, an ELF file. It must not change until Close.
	Image string

	// Archives has the archive of every linked package by its import path; package main has the path "main". ReadConfig
	// makes it from the linker's importcfg. The files must not change until Close.
	Archives map[string]string

	// Set has the arguments of the linker's flags -X, like "main.version=1.2".
	Set []string

	// Likely has import paths of packages that are likely to change next. The first patch for them is faster.
	Likely []string

	// GoVersion is the toolchain's version as go tells it, like "go1.26.8".
	GoVersion string
}

// Unfit says that a link cannot be patched, or not with these changes. The real linker has to run. Everything that this
// package is not sure about is Unfit.
type Unfit struct {
	Why   string // a clause for people, like "package x has assembly"
	Stack string // where the fault in this package is, for a report; usually ""
}

func (u *Unfit) Error() string { return u.Why }

// Report tells what a patch consists of.
type Report struct {
	Functions int // functions in the new module
	Symbols   int // symbols in the new module, with functions
	Pulled    int // of these, symbols of unchanged packages that dead code elimination had dropped
	InPlace   int // variables and tables whose contents were replaced at their place
	Sites     int // references in the base that lead to a new address
	Relined   int // packages that were not compiled again, and have functions with other lines
	Bytes     int // size of the new segments in the file
}

// A Base is an exact link that has been read and verified. Any number of patches can be made from it, one at a time. It
// holds about 60 bytes for each symbol until Close: 28 MB for a program of 25 MB. The archives and the image are
// mapped; between uses, only what the next patch reads counts as this process's memory.
type Base struct {
	base
}

// Open reads the archives of an exact link, finds the address of every symbol in the image, and compares all contents.
// An *Unfit error says why the image cannot be patched. Open takes 0.1 to 0.5 s of one processor.
func Open(ctx context.Context, link Link) (*Base, error) { return open(ctx, link) }

// Patch writes to out, which must not exist, the program with the changes (by import path, package main as "main") made
// to packages of the base. The image of the base stays as it is. An *Unfit error says why the real linker has to run;
// then out does not exist.
func (b *Base) Patch(ctx context.Context, changes map[string]Change, out string) (Report, error) {
	return b.patch(ctx, changes, out)
}

// Difference is one finding of Compare.
type Difference struct {
	Kind   string // what is compared, like "contents", "address", "function", "init tasks"
	Symbol string // the symbol's name; "" if the finding concerns a table
	Detail string
}

func (d Difference) String() string { return fmt.Sprintf("%s: %s: %s", d.Kind, d.Symbol, d.Detail) }

// Compare tells in what the patched image differs from the base, which must be the exact link of the same archives. It
// compares everything that the linker makes, up to addresses, and reports at most limit differences. None means that
// the patched program is the exact one, with other addresses.
func (b *Base) Compare(ctx context.Context, patched string, limit int) ([]Difference, error) {
	return b.compare(ctx, patched, limit)
}

// Close releases the memory. It waits for a Patch or Compare that runs.
func (b *Base) Close() error { return b.close() }

// ReadConfig returns the archives that an importcfg of the linker names, with the archive of package main. mainPath is
// the import path of package main, which the importcfg may name, too.
func ReadConfig(importcfg, mainPath, mainArchive string) (map[string]string, error) {
	return readConfig(importcfg, mainPath, mainArchive)
}

// System tells whether there are patches for an operating system and its processor at all.
func System(goos, goarch string) bool { return goos == "linux" && goarch == "amd64" }

// Supported tells why programs of this toolchain cannot be patched, as a clause; "" if they can. goVersion is like
// "go1.26.8".
func Supported(goVersion, goos, goarch string) string { return supported(goVersion, goos, goarch) }
