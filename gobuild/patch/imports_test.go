package patch

import "testing"

// importsProgram is a program whose packages say when they are initialized. Packages that do not import each other are
// initialized in the order of their names.
const importsProgram = `
-- main.go --
package main

import (
	"fmt"
	_ "log"
	_ "sort"
	_ "strings"

	"example/alpha"
	"example/beta"
	_ "example/delta"
	"example/gamma"
	"example/quiet"
)

func init() { println("init main") }

func main() { fmt.Println(alpha.Name(), beta.Name(), gamma.Name(), quiet.Name()) }
-- alpha/alpha.go --
package alpha

func init() { println("init alpha") }

func Name() string { return "alpha" }
-- beta/beta.go --
package beta

import _ "example/delta"

func init() { println("init beta") }

func Name() string { return "beta" }
-- gamma/gamma.go --
package gamma

import _ "example/delta"

func init() { println("init gamma") }

func Name() string { return "gamma" }
-- delta/delta.go --
package delta

func init() { println("init delta") }
-- quiet/quiet.go --
package quiet

func Name() string { return "quiet" }
`

var importCases = []editCase{
	{"a new import changes the order", "alpha/alpha.go", []string{"package alpha",
		`package alpha; import _ "example/gamma"`}, ""},
	{"a new import changes the order of what is below", "alpha/alpha.go", []string{"package alpha",
		`package alpha; import "example/quiet"; import _ "example/delta"`, `"alpha" }`, `"alpha" + quiet.Name() }`}, ""},
	{"an import goes, and another path to it stays", "beta/beta.go", []string{`import _ "example/delta"`, ""}, ""},
	{"an import takes the place of another one", "beta/beta.go", []string{`"example/delta"`, `"example/gamma"`}, ""},
	{"only the order changes", "alpha/alpha.go", []string{"package alpha", `package alpha; import _ "example/delta"`}, ""},
	{"main imports a package less", "main.go", []string{"\t_ \"example/delta\"\n", ""}, ""},
	{"a package without init task gets one", "quiet/quiet.go", []string{"package quiet",
		`package quiet; import _ "example/gamma"`}, ""},
	{"a package loses its init task", "beta/beta.go", []string{`import _ "example/delta"`, "",
		`func init() { println("init beta") }`, ""}, ""},
	{"a package of the standard library", "alpha/alpha.go", []string{"package alpha",
		`package alpha; import ("log"; "strings"; "sort")`, `return "alpha"`,
		`s := []string{"b", "a"}; sort.Strings(s); log.SetFlags(0); log.Print("logged"); return strings.Join(s, "-")`}, ""},
	{"a package of the standard library goes", "main.go", []string{`_ "sort"`, "", `_ "strings"`, ""}, ""},
	{"the first import of package runtime", "alpha/alpha.go", []string{"package alpha",
		`package alpha; import "runtime"`, `return "alpha"`, `runtime.GC(); return runtime.GOOS`}, ""},
	{"a package that is not linked", "alpha/alpha.go", []string{"package alpha",
		`package alpha; import _ "text/tabwriter"`}, "not linked"},
}

// Imports of packages that are linked already may come and go. Their init tasks run in the linker's order.
func TestImports(t *testing.T) { editEach(t, newSource(t, importsProgram), importCases) }

// copiesProgram has copies of the type go.shape.*uint8, which differ in whether they name the pointer to it, and copies
// of its pointer, which differ in the same. Package main decides which ones the linker takes.
const copiesProgram = `
-- main.go --
package main

import (
	"example/plain"
	"example/points"
)

func main() { println(plain.Kept(), points.Kept()) }
-- plain/plain.go --
package plain

import "example/early"

//go:noinline
func keeps[T any](v T) func() T {
	kept := struct {
		v T
		n int
	}{v: v}
	return func() T { kept.n++; return kept.v }
}

func Kept() *uint8 { early.Number(); return keeps[*uint8](nil)() }
-- points/points.go --
package points

import "example/earliest"

//go:noinline
func keeps[T any](v *T) func() *T {
	kept := struct {
		v *T
		n int
	}{v: v}
	return func() *T { kept.n++; return kept.v }
}

func Kept() **uint8 { earliest.Number(); return keeps[*uint8](nil)() }
-- early/early.go --
package early

//go:noinline
func points[T any](v T) *T { return &v }

func Number() int { points[*uint8](nil); return 3 }
-- earliest/earliest.go --
package earliest

//go:noinline
func points[T any](v T) ***T { p := &v; q := &p; return &q }

func Number() int { points[*uint8](nil); return 3 }
`

var copyCases = []editCase{
	{"a new import brings a copy of the type first", "main.go", []string{`"example/plain"`,
		"\"example/early\"\n\t\"example/plain\"", "plain.Kept()", "plain.Kept(), early.Number()"}, ""},
	{"a new import brings a copy of its pointer first", "main.go", []string{`"example/plain"`,
		"\"example/earliest\"\n\t\"example/plain\"", "plain.Kept()", "plain.Kept(), earliest.Number()"}, ""},
}

// The linker takes the first copy of a type, and imports change which one that is. A patched program keeps the one that
// it has: any is right.
func TestCopiesOfTypes(t *testing.T) { editEach(t, newSource(t, copiesProgram), copyCases) }
