package patch

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// base is a program with the things that a linker treats in their own way.
const baseProgram = `
-- main.go --
package main

import (
	"errors"
	"fmt"
	_ "reflect"
	"runtime"
	_ "sort"
	"strings"

	"example/lib"
	"example/util"
)

var words = []string{"a", "b"}
var counts = map[string]int{"a": 1}
var last struct {
	p *int
	n int
}
var zero [4]int
var number = 7

type namer interface{ Name() string }

type named struct{ name string }

type cell struct{ n int }

var cells [4]cell
var asNamer namer = named{name: "namer"}
var large [20000]*int

func (n named) Name() string { return n.name }

func (n *named) close(what string) { fmt.Println("closed", n.name, what) }

func deferring(n *named) {
	defer n.close("it")
	fmt.Println("open")
}

func init() { words = append(words, "init") }

func main() {
	var it lib.Named = named{"main"}
	large[len(large)-1] = &number
	fmt.Println(cells, asNamer.Name(), any(it).(namer) == asNamer, *large[len(large)-1])
	fmt.Println(it.Name(), lib.Describe(it), lib.Default, number, words, counts["a"], zero)
	fmt.Println(util.Sum([]int{1, 2, 3}), util.Keep(4), lib.Count)
	fmt.Printf("%T %v %v\n", last, last, lib.Shape{W: 1, H: 2})
	deferring(&named{name: "closing"})
	fmt.Printf("%T %T %T %T %T %T\n", map[cell]string{}, make(chan []cell), func(cell) *cell { return nil },
		[7]cell{}, struct{ c cell }{}, (*interface{ Of(cell) })(nil))
	err := lib.Fail("x")
	var f *lib.Failure
	fmt.Println(errors.As(err, &f), err)
	fmt.Println(strings.ToUpper(where()))
}

func where() string {
	_, file, line, ok := runtime.Caller(1)
	return fmt.Sprint(filepathBase(file), line, ok)
}

func filepathBase(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }
-- lib/lib.go --
package lib

import "fmt"

type Named interface{ Name() string }

type Shape struct{ W, H int }

func (s Shape) String() string { return fmt.Sprintf("%dx%d", s.W, s.H) }

type Failure struct{ why string }

func (f *Failure) Error() string { return "failed: " + f.why }

func Fail(why string) error { return &Failure{why} }

var Default = "default"
var Count = count()

func count() int { return 3 }

func Describe(n Named) string { return "named " + n.Name() }
-- util/util.go --
package util

type Number interface{ ~int | ~float64 }

func Sum[T Number](list []T) (sum T) {
	for _, n := range list {
		sum += n
	}
	return sum
}

func Keep(n int) int { return helper(n) + 1 }

func helper(n int) int { return n * 2 }
`

// editCase is a save: in a file, a text is replaced by another one.
type editCase struct {
	name string
	file string
	edit []string // old, new, old, new …
	why  string   // part of the refusal; "" if the edit can be patched
}

var editCases = []editCase{
	{"a string", "main.go", []string{`"main"`, `"another main"`}, ""},
	{"a body in main", "main.go", []string{"return s[", "println(len(s)); return s["}, ""},
	{"lines added in main", "main.go", []string{"func where", "\n\n\nfunc where"}, ""},
	{"a body in a library", "lib/lib.go", []string{`"named "`, `"NAMED "`}, ""},
	{"lines added in a library", "lib/lib.go", []string{"type Named", "\n\n\ntype Named"}, ""},
	{"a generic function", "util/util.go", []string{"sum += n", "sum += n + n"}, ""},
	{"an inlined function", "util/util.go", []string{"n * 2", "n * 3"}, ""},
	{"an integer variable", "main.go", []string{"number = 7", "number = 8"}, ""},
	{"a string variable", "lib/lib.go", []string{`"default"`, `"another"`}, ""},
	{"a variable that a function sets", "lib/lib.go", []string{"return 3", "return 4"}, ""},
	{"a slice grows", "main.go", []string{`"a", "b"}`, `"a", "b", "c"}`}, ""},
	{"a map grows", "main.go", []string{`"a": 1}`, `"a": 2, "b": 3}`}, ""},
	{"a variable changes its type", "main.go", []string{"p *int\n\tn int", "n int\n\tp *int"}, ""},
	{"an array grows", "main.go", []string{"zero [4]int", "zero [40]int"}, ""},
	{"a new variable with pointers", "main.go", []string{"var number", "var more = map[string]*int{}\nvar number",
		`"main"}`, `fmt.Sprint("main", len(more))}`, "func init() {", "func init() { more[\"x\"] = &number;"}, ""},
	{"a type gets a field", "main.go", []string{"name string }", "name string; extra []int }",
		`named{"main"}`, `named{"main", nil}`}, ""},
	{"a type of a library gets a field", "lib/lib.go", []string{"W, H int", "W, H, D int"}, ""},
	{"a type gets a method", "main.go", []string{"func init",
		"func (n named) String() string { return \"S\" + n.name }\n\nfunc init",
		"it.Name()", "it, it.Name()"}, ""},
	{"a method is called by an interface for the first time", "main.go", []string{"fmt.Println(it.Name()",
		"var s interface{ Unwrap() []error } = errors.Join(errors.New(\"q\")).(interface{ Unwrap() []error }); " +
			"fmt.Println(s.Unwrap(), it.Name()"}, ""},
	{"an init function comes", "lib/lib.go", []string{"func count",
		"func init() { Default += \" more\" }\n\nfunc count"}, ""},
	{"an init function goes", "main.go", []string{"func init()", "func notInit()"}, ""},
	{"a package gets an init task", "util/util.go", []string{"func Keep",
		"var table = map[int]int{4: 5}\n\nfunc Keep",
		"helper(n)", "helper(table[n])"}, ""},
	{"goroutines, closures and channels", "main.go", []string{"err := lib", `c := make(chan func() int)
	go func() { c <- func() int { return number * len(words) } }()
	fmt.Println((<-c)())
	err := lib`}, ""},
	{"defer, panic and recover", "main.go", []string{"err := lib", `
	defer func() { fmt.Println("recovered", recover(), where()) }()
	var p *named
	defer func() { fmt.Println(p.name) }()
	err := lib`}, ""},
	{"recursion and growing stacks", "main.go", []string{"func where", `type tree struct{ l, r *tree; pad [20]int }

func grow(n int) *tree {
	if n == 0 {
		runtime.GC()
		return nil
	}
	var big [200]*tree
	big[n] = &tree{l: grow(n - 1)}
	return &tree{r: big[n], l: big[n].l}
}

func where`, "err := lib", "fmt.Println(grow(100) != nil)\n\terr := lib"}, ""},
	{"code of the standard library that was dropped", "main.go", []string{"err := lib",
		"fmt.Println(strings.Map(func(r rune) rune { return r + 1 }, \"abc\"), strings.EqualFold(\"a\", \"A\"))\n" +
			"\terr := lib"}, ""},
	{"types of the standard library that were dropped", "main.go", []string{"err := lib",
		"fmt.Printf(\"%T %v\\n\", strings.NewReplacer(\"a\", \"b\"), " +
			"strings.NewReplacer(\"a\", \"b\").Replace(\"cab\"))\n\terr := lib"}, ""},
	{"an import that is linked", "lib/lib.go", []string{"import \"fmt\"", "import (\"fmt\"; \"strings\")",
		"\"named \" +", "strings.Repeat(\"named \", 2) +"}, ""},
	{"an import that is not linked", "lib/lib.go", []string{"import \"fmt\"", "import (\"fmt\"; \"text/tabwriter\")",
		"return 3", "return int(tabwriter.TabIndent)"}, "not linked"},
	{"reflection is used", "main.go", []string{"_ \"reflect\"", "\"reflect\"", "err := lib",
		"t := reflect.TypeOf(map[string][]*named{})\n\tfmt.Println(t, t.Elem().Elem() == reflect.TypeFor[*named](), " +
			"reflect.PointerTo(reflect.TypeFor[named]()) == t.Elem().Elem())\n\terr := lib"}, ""},
	{"an interface gets a method, and values are converted to it", "main.go", []string{
		"type namer interface{ Name", "func (n named) A() string { return \"A\" }\n\ntype namer interface{ A() string; Name",
		"asNamer.Name(), any(it).(namer) == asNamer",
		"any(it).(namer).A(), any(it).(namer).Name(), any(it).(namer) == namer(named{\"main\"})"}, ""},
	{"a type changes, and an array of it is only made by reflection", "main.go", []string{
		"_ \"reflect\"", "\"reflect\"", "cell struct{ n int }", "cell struct{ n, m int }", "cells [4]cell", "cells cell",
		"err := lib", "fmt.Println(reflect.ArrayOf(4, reflect.TypeFor[cell]()).Size())\n\terr := lib"}, ""},
	{"the only use of a type of each kind goes", "main.go", []string{
		`map[cell]string{}, make(chan []cell), func(cell) *cell { return nil }`, "1, 2, 3",
		`[7]cell{}, struct{ c cell }{}, (*interface{ Of(cell) })(nil)`, "4, 5, 6"}, ""},
	{"a variable with many pointers grows", "main.go", []string{"[20000]*int", "[20001]*int"}, ""},
	{"a new variable with many pointers in structs", "main.go", []string{
		"var cells", "type wide struct {\n\tn int\n\tlist [9000]struct{ text string; n int; m map[int]*int }\n" +
			"\tend []*int\n}\n\nvar many [2]wide\n\nvar cells",
		"large[len(large)-1] = &number", "large[len(large)-1] = &number\n" +
			"\tmany[1].list[8999].m = map[int]*int{1: &number}\n\tmany[1].end = []*int{large[0]}\n" +
			"\truntime.GC()\n\tfmt.Println(*many[1].list[8999].m[1], many[1].end)"}, ""},
	{"types are compared as some of package runtime", "main.go", []string{
		"var cells", "type two struct{ a, b string }\n\ntype mixed struct {\n\ttext string\n\tn [3]int\n}\n\nvar cells",
		"err := lib", "var x, y, z any = two{a: words[0]}, two{b: words[1]}, mixed{text: words[0]}\n" +
			"\tfmt.Println(x == y, x == any(two{a: \"a\"}), z == any(mixed{text: \"a\"}))\n\terr := lib"}, ""},
	{"methods by reflection", "main.go", []string{"_ \"reflect\"", "\"reflect\"", "err := lib",
		"fmt.Println(reflect.ValueOf(it).MethodByName(words[0]).IsValid())\n\terr := lib"}, "reflection"},
	{"the only function that changes tells its name", "main.go", []string{"err := lib",
		"pc, _, _, _ := runtime.Caller(0)\n\tfmt.Println(runtime.FuncForPC(pc).Name())\n\terr := lib"}, ""},
	{"a method that is deferred", "main.go", []string{`"closed"`, `"CLOSED"`}, ""},
	{"a method that is deferred, and numbers shift", "main.go", []string{`"closed"`, `"CLOSED"`,
		"number = 7", "number = 7; func added() []string { return append(words, \"added\") }",
		"lib.Default, number", "lib.Default, added(), number"}, ""},
	{"only numbers shift", "main.go", []string{
		"number = 7", "number = 7; func added() []string { return append(words, \"added\") }",
		"lib.Default, number", "lib.Default, added(), number"}, ""},
	{"nothing", "main.go", nil, ""},
	{"a comment", "main.go", []string{"func where", "// where tells.\nfunc where"}, ""},
}

func TestEdits(t *testing.T) { editEach(t, newSource(t, baseProgram), editCases) }

// editEach makes each edit of a program and checks its patch. All are patches of the same base.
func editEach(t *testing.T, s *source, cases []editCase) {
	s.compile(t)
	before := s.archives
	b := s.open(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			edited := s.texts[c.file]
			for i := 0; i < len(c.edit); i += 2 {
				if !strings.Contains(edited, c.edit[i]) {
					t.Fatalf("%s does not contain %q", c.file, c.edit[i])
				}
				edited = strings.Replace(edited, c.edit[i], c.edit[i+1], 1)
			}
			s.archives = before
			s.save(t, "-- "+c.file+" --\n"+edited)
			defer s.save(t, "-- "+c.file+" --\n"+s.texts[c.file])
			s.check(t, b, s.compile(t), c.why)
		})
	}
}

// check patches, and compares with the exact link: what it prints, and all that the linker makes.
func (s *source) check(t *testing.T, b *Base, changed map[string]string, why string) {
	t.Helper()
	s.checkChanges(t, b, changes(changed), why)
}

func (s *source) checkChanges(t *testing.T, b *Base, changed map[string]Change, why string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "patched")
	report, err := b.Patch(t.Context(), changed, out)
	var unfit *Unfit
	switch {
	case why != "" && errors.As(err, &unfit) && strings.Contains(unfit.Why, why):
		return
	case why != "" || err != nil:
		t.Fatalf("the patch ends with %v, not with %q", err, why)
	}
	t.Logf("%d packages changed: %+v", len(changed), report)
	exact := s.open(t)
	defer exact.Close()
	differences, err := exact.Compare(t.Context(), out, 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
	for _, env := range [][]string{nil, {"GOGC=1", "GODEBUG=gccheckmark=1,clobberfree=1,adaptivestackstart=1"}} {
		have, want := run(t, out, env...), run(t, exact.layout.image.path, env...)
		if have != want {
			t.Errorf("with %v the patched program prints\n%s\ninstead of\n%s", env, have, want)
		}
	}
}

func sources(text string) map[string]string {
	files := map[string]string{}
	for _, part := range strings.Split(text, "\n-- ")[1:] {
		name, body, _ := strings.Cut(part, " --\n")
		files[name] = body
	}
	return files
}
