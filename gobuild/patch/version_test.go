package patch

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// The tests in this file compare what this package knows of a version with the sources of a toolchain: that which runs
// them, and those named in HOTRELOAD_TEST_GO ("1.25.14 1.27.4"), which go fetches.

// toolchain is a version of Go with its sources.
type toolchain struct {
	*version
	root string
}

func newToolchain(t *testing.T, name string) toolchain {
	t.Helper()
	v := versionOf(name)
	if v == nil {
		t.Skip(Supported(name, "linux", "amd64"))
	}
	s := source{toolchain: strings.TrimPrefix(name, "go")}
	c := exec.Command("go", "env", "GOROOT")
	c.Env = append(os.Environ(), s.chosen())
	root, err := c.Output()
	if err != nil {
		t.Fatal(err, stderr(err))
	}
	return toolchain{v, strings.TrimSpace(string(root))}
}

func (c toolchain) file(name string) string {
	return filepath.Join(c.root, "src", filepath.FromSlash(name))
}

func TestToolchain(t *testing.T) {
	c := newToolchain(t, runtime.Version())
	t.Run("numbers", c.numbers)
	t.Run("builtins", c.listOfBuiltins)
	t.Run("module data", c.moduleData)
}

// TestGoVersions tries some edits with other versions, too.
func TestGoVersions(t *testing.T) {
	versions := strings.Fields(os.Getenv("HOTRELOAD_TEST_GO"))
	if len(versions) == 0 {
		t.Skip("HOTRELOAD_TEST_GO names no versions of Go")
	}
	var some []editCase
	for i, c := range editCases {
		if i%3 == 0 {
			some = append(some, c)
		}
	}
	for _, name := range versions {
		t.Run(name, func(t *testing.T) {
			c := newToolchain(t, "go"+name)
			t.Run("numbers", c.numbers)
			t.Run("builtins", c.listOfBuiltins)
			t.Run("module data", c.moduleData)
			s := newSource(t, baseProgram)
			s.toolchain = name
			editEach(t, s, some)
		})
	}
}

// constants returns the constants of a file of the toolchain.
func (c toolchain) constants(t *testing.T, name string) map[string]int64 {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, c.file(name), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	config := types.Config{Error: func(error) {}, FakeImportC: true} // imports are missing; constants do not need them
	p, _ := config.Check(file.Name.Name, files, []*ast.File{file}, nil)
	values := map[string]int64{}
	for _, n := range p.Scope().Names() {
		if v, ok := p.Scope().Lookup(n).(*types.Const); ok {
			values[n], _ = constant.Int64Val(constant.ToInt(v.Val()))
		}
	}
	return values
}

func (c toolchain) numbers(t *testing.T) {
	for file, want := range map[string]map[string]int64{
		"cmd/internal/objabi/symkind.go": {
			"STEXT": kindText, "STEXTFIPS": kindTextFIPS, "SRODATA": kindRodata, "SRODATAFIPS": kindRodataFIPS,
			"SNOPTRDATA": kindNoptrdata, "SNOPTRDATAFIPS": kindNoptrdataFIPS, "SDATA": kindData, "SDATAFIPS": kindDataFIPS,
			"SBSS": kindBss, "SNOPTRBSS": kindNoptrbss, "STLSBSS": kindTLS, "SDWARFCUINFO": kindDebug},
		"cmd/internal/objabi/reloctype.go": {
			"R_ADDR": relocAddr, "R_ADDROFF": relocAddrOff, "R_CALL": relocCall, "R_CALLIND": relocCallInd,
			"R_CONST": relocConst, "R_PCREL": relocPCRel, "R_TLS_LE": relocTLS, "R_USEFIELD": relocUseField,
			"R_USETYPE": relocUseType, "R_USEIFACE": relocUseIface, "R_USEIFACEMETHOD": relocUseIfaceMethod,
			"R_USENAMEDMETHOD": relocUseNamedMethod, "R_METHODOFF": relocMethodOff, "R_KEEP": relocKeep,
			"R_INITORDER": int64(c.initOrder), "R_WEAK": relocWeak - 1<<16},
		"cmd/internal/goobj/objfile.go": {
			"SymFlagDupok": symDupok, "SymFlagTypelink": symTypelink, "SymFlagReflectMethod": symReflectMethod,
			"SymFlagGoType": symType, "SymFlagUsedInIface": symUsedInIface, "SymFlagItab": symItab,
			"AuxGotype": auxGotype, "AuxFuncInfo": auxFuncInfo, "AuxFuncdata": auxFuncdata, "AuxPcsp": auxPcsp,
			"AuxPcfile": auxPcfile, "AuxPcline": auxPcline, "AuxPcinline": auxPcinline, "AuxPcdata": auxPcdata,
			"SymABIstatic": staticABI, "PkgIdxNone": refNone, "PkgIdxHashed64": refHashed64,
			"PkgIdxHashed": refHashed, "PkgIdxBuiltin": refBuiltin, "PkgIdxSelf": refSelf, "NBlk": blocks},
		"internal/abi/symtab.go": {
			"FUNCDATA_ArgsPointerMaps": funcdataArgs, "FUNCDATA_LocalsPointerMaps": funcdataLocals,
			"FUNCDATA_StackObjects": funcdataObjects, "FUNCDATA_InlTree": funcdataInlTree,
			"FUNCDATA_OpenCodedDeferInfo": funcdataOpenCode, "FUNCDATA_ArgInfo": funcdataArgInfo,
			"FUNCDATA_ArgLiveInfo": funcdataArgLive, "FUNCDATA_WrapInfo": funcdataWrapInfo,
			"PCDATA_InlTreeIndex": pcdataInlTree},
		"internal/abi/type.go": {
			"TFlagUncommon": tflagUncommon, "TFlagExtraStar": tflagExtraStar,
			"TFlagGCMaskOnDemand": tflagMaskOnDemand, "Array": typeArray, "Chan": typeChan, "Func": typeFunc,
			"Interface": typeIface, "Map": typeMap, "Pointer": typePtr, "Slice": typeSlice, "Struct": typeStruct},
	} {
		have := c.constants(t, file)
		for name, n := range want {
			if got, ok := have[name]; !ok || got != n {
				t.Errorf("%s: %s is %d (%v), not %d", file, name, got, ok, n)
			}
		}
	}
	flags := c.constants(t, "cmd/internal/goobj/objfile.go")
	if have := flags["SymFlagLinkname"] | flags["SymFlagLinknameStd"]; have != int64(c.linkname) {
		t.Errorf("the flags of linkname are %#x, not %#x", have, c.linkname)
	}
}

func (c toolchain) listOfBuiltins(t *testing.T) {
	text, err := os.ReadFile(c.file("cmd/internal/goobj/builtinlist.go"))
	if err != nil {
		t.Fatal(err)
	}
	var have strings.Builder
	for _, m := range regexp.MustCompile(`\{"([^"]+)", (\d)\},`).FindAllSubmatch(text, -1) {
		fmt.Fprintf(&have, "%s %s\n", m[1], m[2])
	}
	if have.String() != c.builtins {
		t.Errorf("the toolchain's list is\n%s", have.String())
	}
}

// moduleData adds up the sizes of the fields of runtime.moduledata.
func (c toolchain) moduleData(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), c.file("runtime/symtab.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var fields *ast.StructType
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.TypeSpec); ok && s.Name.Name == "moduledata" {
			fields = s.Type.(*ast.StructType)
		}
		return true
	})
	known := reflect.ValueOf(c.module)
	at := 0
	for _, f := range fields.Fields.List {
		size, align := sizeOf(t, f.Type)
		at = (at + align - 1) / align * align
		for _, name := range f.Names {
			if field := known.FieldByName(name.Name); !field.IsValid() || int(field.Int()) != at {
				t.Errorf("%s is at %d, not at %v", name.Name, at, field)
			}
			at += size
		}
	}
	if at != c.module.size {
		t.Errorf("the size is %d, not %d", at, c.module.size)
	}
}

func sizeOf(t *testing.T, e ast.Expr) (size, align int) {
	switch e := e.(type) {
	case *ast.StarExpr, *ast.MapType:
		return 8, 8
	case *ast.ArrayType:
		if e.Len == nil {
			return 24, 8
		}
	case *ast.SelectorExpr:
		if e.Sel.Name == "NotInHeap" {
			return 0, 1
		}
	case *ast.Ident:
		switch e.Name {
		case "uintptr":
			return 8, 8
		case "string", "bitvector":
			return 16, 8
		case "bool", "uint8":
			return 1, 1
		}
	}
	t.Fatalf("the size of %v is not known", e)
	return 0, 0
}
