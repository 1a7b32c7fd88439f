package patch

import (
	"fmt"
	"slices"
	"strings"
)

// Kinds of symbols: cmd/internal/objabi/symkind.go of Go 1.25 and 1.26.
const (
	kindText          = 1
	kindTextFIPS      = 2
	kindRodata        = 3
	kindRodataFIPS    = 4
	kindNoptrdata     = 5
	kindNoptrdataFIPS = 6
	kindData          = 7
	kindDataFIPS      = 8
	kindBss           = 9
	kindNoptrbss      = 10
	kindTLS           = 11
	kindDebug         = 12 // this one and all that follow never come to memory
)

func isText(kind uint8) bool { return kind == kindText || kind == kindTextFIPS }
func isBss(kind uint8) bool  { return kind == kindBss || kind == kindNoptrbss || kind == kindTLS }
func isFIPS(kind uint8) bool { return kind < kindBss && kind%2 == 0 && kind != 0 }

// Kinds of relocations: cmd/internal/objabi/reloctype.go of Go 1.26, those that amd64 uses.
const (
	relocAddr           = 1  // address
	relocAddrOff        = 5  // offset from the beginning of the section
	relocCall           = 7  // distance of a call
	relocCallInd        = 10 // mark: a call of an address
	relocConst          = 13 // debugging
	relocPCRel          = 14 // distance
	relocTLS            = 15 // offset in the memory of a thread
	relocUseField       = 21 // mark
	relocUseType        = 22 // mark, for debuggers
	relocUseIface       = 23 // mark: the type is converted to an interface
	relocUseIfaceMethod = 24 // mark: the method of an interface is called
	relocUseNamedMethod = 25 // mark: all methods with this name may be called
	relocMethodOff      = 26 // as relocAddrOff; -1 if the method was dropped
	relocKeep           = 27 // mark: the target is needed
	relocInitOrder      = 99 // mark: the target's package is initialized first

	relocWeak = 1 << 15 // does not keep its target alive
)

// moduleFields has the offsets of the fields of runtime.moduledata (runtime/symtab.go), and its size.
type moduleFields struct {
	pcHeader, funcnametab, cutab, filetab, pctab, pclntable, ftab, findfunctab        int
	minpc, maxpc, text, etext, noptrdata, enoptrdata, data, edata, bss, ebss          int
	noptrbss, enoptrbss, covctrs, ecovctrs, end, gcdata, gcbss, types, etypes, rodata int
	gofunc, epclntab, textsectmap, typelinks, itablinks, ptab, pluginpath, pkghashes  int
	inittasks, modulename, modulehashes, hasmain, bad, gcdatamask, gcbssmask, typemap int
	next, size                                                                        int
}

var module126 = moduleFields{
	pcHeader: 0, funcnametab: 8, cutab: 32, filetab: 56, pctab: 80, pclntable: 104, ftab: 128, findfunctab: 152,
	minpc: 160, maxpc: 168, text: 176, etext: 184, noptrdata: 192, enoptrdata: 200, data: 208, edata: 216, bss: 224,
	ebss: 232, noptrbss: 240, enoptrbss: 248, covctrs: 256, ecovctrs: 264, end: 272, gcdata: 280, gcbss: 288,
	types: 296, etypes: 304, rodata: 312, gofunc: 320, epclntab: 328, textsectmap: 336, typelinks: 360,
	itablinks: 384, ptab: 408, pluginpath: 432, pkghashes: 448, inittasks: 472, modulename: 496, modulehashes: 512,
	hasmain: 536, bad: 537, gcdatamask: 544, gcbssmask: 560, typemap: 576, next: 584, size: 592,
}

// pclnMagic is the first word of the table of functions since Go 1.20.
const pclnMagic = 0xfffffff1

// versions lists the toolchains whose programs can be patched. A version is added when all tests pass with it.
var versions = []string{"go1.26"}

func supported(goVersion, goos, goarch string) string {
	if goos != "linux" || goarch != "amd64" {
		return fmt.Sprintf("programs for %s/%s cannot be patched, only for linux/amd64", goos, goarch)
	}
	short := goVersion
	if parts := strings.SplitN(goVersion, ".", 3); len(parts) == 3 && strings.Trim(parts[2], "0123456789") == "" {
		short = parts[0] + "." + parts[1]
	}
	if !slices.Contains(versions, short) {
		return fmt.Sprintf("programs of %s cannot be patched, only of %s", goVersion, strings.Join(versions, ", "))
	}
	return ""
}
