package patch

import (
	_ "embed"
	"fmt"
	"strings"
)

// Kinds of symbols: cmd/internal/objabi/symkind.go. They are the same in all listed versions.
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

// Kinds of relocations: cmd/internal/objabi/reloctype.go, those that amd64 uses and that have the same number in all
// listed versions. See version for the others.
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

	relocWeak = 1 << 15 // does not keep its target alive
)

// pclnMagic is the first word of the table of functions since Go 1.20.
const pclnMagic = 0xfffffff1

// version has what is not the same in all toolchains whose programs can be patched.
type version struct {
	name      string       // what the toolchain's version begins with: "go1.26"
	builtins  string       // see builtin.go
	module    moduleFields // where the fields of runtime.moduledata are
	tried     bool         // gobuild's tests with patches pass, too: Supported allows it
	initOrder uint16       // kind of relocation, a mark: the target's package is initialized first
	linkname  uint8        // second byte of a symbol's flags: named by a line //go:linkname, or its kin

	// How the runtime finds the types that reflection looks for by name, and the itabs. If walked, they lie one behind the
	// other, and it walks through them; otherwise tables list them (typelinks, itablinks). See lists.go.
	walked bool

	textInHeader bool // the header of the table of functions says where text begins
	mapType      int  // bytes of internal/abi.MapType
	properWins   bool // of two definitions, one that is not dupok wins over one that is; otherwise the first wins
}

//go:embed builtins-go1.25.txt
var builtins125 string

//go:embed builtins-go1.26.txt
var builtins126 string

//go:embed builtins-go1.27.txt
var builtins127 string

// versions lists the toolchains whose programs can be patched. Doc.go tells how to add one.
var versions = []*version{
	{name: "go1.25", tried: true, builtins: builtins125, module: module125, initOrder: 95, linkname: 1 << 4,
		mapType: 112, textInHeader: true},
	{name: "go1.26", tried: true, builtins: builtins126, module: module126, initOrder: 99, linkname: 1 << 4,
		mapType: 112},
	{name: "go1.27", tried: true, builtins: builtins127, module: module127, initOrder: 102, linkname: 1<<4 | 1<<5,
		walked: true, mapType: 136, properWins: true},
}

// moduleFields has the offsets of the fields of runtime.moduledata (runtime/symtab.go), and its size. A version has the
// fields of either tables or walks; the others are 0 in it. Epclntab is 0 if there is none.
type moduleFields struct {
	pcHeader, funcnametab, cutab, filetab, pctab, pclntable, ftab, findfunctab        int
	minpc, maxpc, text, etext, noptrdata, enoptrdata, data, edata, bss, ebss          int
	noptrbss, enoptrbss, covctrs, ecovctrs, end, gcdata, gcbss, types, etypes, rodata int
	typelinks, itablinks                                                              int // tables
	typedesclen, itaboffset, itabsize                                                 int // walks
	gofunc, epclntab, textsectmap, ptab, pluginpath, pkghashes                        int
	inittasks, modulename, modulehashes, hasmain, bad, gcdatamask, gcbssmask, typemap int
	next, size                                                                        int
}

var module125 = moduleFields{
	pcHeader: 0, funcnametab: 8, cutab: 32, filetab: 56, pctab: 80, pclntable: 104, ftab: 128, findfunctab: 152,
	minpc: 160, maxpc: 168, text: 176, etext: 184, noptrdata: 192, enoptrdata: 200, data: 208, edata: 216, bss: 224,
	ebss: 232, noptrbss: 240, enoptrbss: 248, covctrs: 256, ecovctrs: 264, end: 272, gcdata: 280, gcbss: 288,
	types: 296, etypes: 304, rodata: 312, gofunc: 320, textsectmap: 328, typelinks: 352, itablinks: 376, ptab: 400,
	pluginpath: 424, pkghashes: 440, inittasks: 464, modulename: 488, modulehashes: 504, hasmain: 528, bad: 529,
	gcdatamask: 536, gcbssmask: 552, typemap: 568, next: 576, size: 584,
}

var module126 = moduleFields{
	pcHeader: 0, funcnametab: 8, cutab: 32, filetab: 56, pctab: 80, pclntable: 104, ftab: 128, findfunctab: 152,
	minpc: 160, maxpc: 168, text: 176, etext: 184, noptrdata: 192, enoptrdata: 200, data: 208, edata: 216, bss: 224,
	ebss: 232, noptrbss: 240, enoptrbss: 248, covctrs: 256, ecovctrs: 264, end: 272, gcdata: 280, gcbss: 288,
	types: 296, etypes: 304, rodata: 312, gofunc: 320, epclntab: 328, textsectmap: 336, typelinks: 360,
	itablinks: 384, ptab: 408, pluginpath: 432, pkghashes: 448, inittasks: 472, modulename: 496, modulehashes: 512,
	hasmain: 536, bad: 537, gcdatamask: 544, gcbssmask: 560, typemap: 576, next: 584, size: 592,
}

var module127 = moduleFields{
	pcHeader: 0, funcnametab: 8, cutab: 32, filetab: 56, pctab: 80, pclntable: 104, ftab: 128, findfunctab: 152,
	minpc: 160, maxpc: 168, text: 176, etext: 184, noptrdata: 192, enoptrdata: 200, data: 208, edata: 216, bss: 224,
	ebss: 232, noptrbss: 240, enoptrbss: 248, covctrs: 256, ecovctrs: 264, end: 272, gcdata: 280, gcbss: 288,
	types: 296, typedesclen: 304, etypes: 312, itaboffset: 320, itabsize: 328, rodata: 336, gofunc: 344,
	epclntab: 352, textsectmap: 360, ptab: 384, pluginpath: 408, pkghashes: 424, inittasks: 448, modulename: 472,
	modulehashes: 488, hasmain: 512, bad: 513, gcdatamask: 520, gcbssmask: 536, typemap: 552, next: 560, size: 568,
}

func supported(goVersion, goos, goarch string) string {
	if !System(goos, goarch) {
		return fmt.Sprintf("programs for %s/%s cannot be patched, only for linux/amd64", goos, goarch)
	}
	if v := versionOf(goVersion); v == nil || !v.tried {
		var names []string
		for _, v := range versions {
			if v.tried {
				names = append(names, v.name)
			}
		}
		return fmt.Sprintf("programs of %s cannot be patched, only of %s", goVersion, strings.Join(names, ", "))
	}
	return ""
}

// versionOf returns what is known of a toolchain; nil if it is not listed. Only releases are.
func versionOf(goVersion string) *version {
	short := goVersion
	if parts := strings.SplitN(goVersion, ".", 3); len(parts) == 3 && strings.Trim(parts[2], "0123456789") == "" {
		short = parts[0] + "." + parts[1]
	}
	for _, v := range versions {
		if v.name == short {
			return v
		}
	}
	return nil
}
