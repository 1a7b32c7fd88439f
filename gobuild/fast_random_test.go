package gobuild

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotreload/internal/testplace"
)

// TestRandomEditsOfGeneratedModules builds after each of many random edits and compares with go build, to the byte.
// HOTRELOAD_SOAK=1 makes it 1,000.
func TestRandomEditsOfGeneratedModules(t *testing.T) {
	t.Parallel()
	notShort(t)
	n := 200
	if os.Getenv("HOTRELOAD_SOAK") != "" {
		n = 1000
	}
	seed := seedOfTests()
	random := rand.New(rand.NewPCG(seed, 6))
	for done := 0; done < n; {
		edits, own := min(n-done, 20+random.IntN(60)), rand.New(rand.NewPCG(seed, random.Uint64()))
		done += edits
		// at the same time: each waits for one tool after another
		t.Run(fmt.Sprint("until ", done), func(t *testing.T) {
			t.Parallel()
			dir := testplace.Folder(t)
			generate(t, dir, own, 4+own.IntN(5))
			editAndCompare(t, program(dir), own, edits)
		})
	}
}

// seedOfTests returns HOTRELOAD_SEED, or 1.
func seedOfTests() uint64 {
	seed := uint64(1)
	if text := os.Getenv("HOTRELOAD_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	return seed
}

// TestRandomEditsOfARealModule does the same to a copy of this very module.
func TestRandomEditsOfARealModule(t *testing.T) {
	t.Parallel()
	notShort(t)
	n := 1000
	if os.Getenv("HOTRELOAD_SOAK") == "" {
		n = 4
	}
	editAndCompare(t, realModule(t), rand.New(rand.NewPCG(2, 6)), n)
}

// realModule returns a program in a copy of HOTRELOAD_SOAK_MODULE, or of this very module.
func realModule(t *testing.T) Program {
	t.Helper()
	dir, root := testplace.Folder(t), ".."
	if other := os.Getenv("HOTRELOAD_SOAK_MODULE"); other != "" {
		root = other
	}
	copyModule(t, root, dir)
	return program(dir, strings.Fields(os.Getenv("HOTRELOAD_SOAK_PACKAGE"))...)
}

func copyModule(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		switch {
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// editAndCompare does n edits, and compares with go build after each.
func editAndCompare(t *testing.T, p Program, random *rand.Rand, n int) (ways map[string]int) {
	t.Helper()
	c := begin(t, p)
	return c.editOften(random, n, c.same, func(way string) string { return strings.TrimRight(way, "0123456789 ") })
}

// editOften does n edits, calls same after each, and counts the ways of building by their kind. An edit that does not
// compile, with the way "", is usually taken back by the next.
func (c *trial) editOften(random *rand.Rand, n int, same func() (way string), kind func(way string) string) (
	ways map[string]int) {
	c.Helper()
	c.b.settle()
	c.b.short.pause = func(ctx context.Context, d time.Duration) { // no comparison with go build in between
		if d >= confirmAfter {
			<-ctx.Done()
		}
	}
	ways = map[string]int{}
	var undo []func() // the newest last
	way := "built"
	for i := range n {
		what := "undo"
		if last := len(undo) - 1; last >= 0 && (way == "" && (c.milder > 0 || random.IntN(4) != 0) || random.IntN(8) == 0) {
			undo[last]()
			undo = undo[:last]
		} else {
			var back func()
			back, what = c.edit(random)
			undo = append(undo, back)
		}
		way = same()
		ways[kind(way)]++
		c.Logf("%d: %s: %s", i, what, way)
		if c.Failed() {
			c.Fatalf("after edit %d, %s", i, what)
		}
		if way != "" && !fast(way) {
			c.g = load(c.T, c.p) // as the runner does
			c.b.settle()
		}
	}
	c.Log(ways)
	return ways
}

// edit changes one file of the program. It returns a description, and a function that undoes the edit.
func (c *trial) edit(random *rand.Rand) (undo func(), what string) {
	c.Helper()
	var files []string
	for _, p := range c.g.Local {
		for _, path := range p.Compiled {
			if _, err := os.Stat(path); err == nil && filepath.Ext(path) == ".go" {
				files = append(files, path)
			}
		}
	}
	slices.Sort(files)
	path := files[random.IntN(len(files))]
	old, err := os.ReadFile(path)
	if err != nil {
		c.Fatal(err)
	}
	kind := random.IntN(kindsOfEdit)
	for range c.milder {
		if kind >= brokenBody && kind <= newImport { // what is not linked, or by go alone
			kind = random.IntN(kindsOfEdit)
		}
	}
	paths := slices.Sorted(maps.Keys(c.g.links))
	if random.IntN(2) == 0 { // most of them are allowed, and change the order of initialization
		paths = nil
		for _, p := range c.g.Local {
			paths = append(paths, p.ImportPath)
		}
	}
	name, now := mutate(old, kind, paths, random)
	write(c, path, string(now))
	return func() { write(c, path, string(old)) }, name + " " + filepath.Base(path)
}

// Some of the kinds of edits that mutate makes.
const (
	brokenBody  = 12
	newImport   = 15
	kindsOfEdit = 18
)

// mutate makes one edit as people do. The edit may import the given paths.
func mutate(source []byte, kind int, paths []string, random *rand.Rand) (name string, edited []byte) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", source, parser.ParseComments)
	if err != nil {
		return "repair", append(source, '\n')
	}
	at := func(pos token.Pos) int { return set.Position(pos).Offset }
	insert := func(offset int, text string) []byte {
		return slices.Concat(source[:offset], []byte(text), source[offset:])
	}
	bodies, literals, decls, structs := partsOf(file)
	id := random.IntN(1 << 30)
	switch {
	case kind < 3 && len(literals) > 0:
		l := literals[random.IntN(len(literals))]
		return "string", insert(at(l.End())-1, string(rune('a'+id%26)))
	case kind < 6 && len(bodies) > 0:
		b := bodies[random.IntN(len(bodies))]
		return "statement", insert(at(b.Lbrace)+1, fmt.Sprintf("\n\tif len(\"%d\") == 1 { println(%d) }\n", id, id))
	case kind == 6 && len(bodies) > 0:
		b := bodies[random.IntN(len(bodies))]
		return "statement in the line", insert(at(b.Lbrace)+1, fmt.Sprintf(" _ = %d;", id))
	case kind == 7 && len(decls) > 0:
		d := decls[random.IntN(len(decls))]
		return "comment above", insert(at(d.Pos()), fmt.Sprintf("// Comment %d.\n\n", id))
	case kind == 8:
		return "comment at the end", append(source, fmt.Sprintf("\n// Comment %d.\n", id)...)
	case kind == 9:
		return "exported function",
			append(source, fmt.Sprintf("\nfunc Added%d(x int) int { return x + %d }\n", id, id)...)
	case kind == 10:
		return "variable", append(source, fmt.Sprintf("\nvar added%d = map[string]int{\"a\": %d}\n", id, id)...)
	case kind == 11 && len(structs) > 0:
		s := structs[random.IntN(len(structs))]
		return "field", insert(at(s.Fields.Opening)+1, fmt.Sprintf("\n\tadded%d [3]int\n", id))
	case kind == brokenBody && len(bodies) > 0:
		b := bodies[random.IntN(len(bodies))]
		return "break a body", insert(at(b.Lbrace)+1, fmt.Sprintf(" undefined%d();", id))
	case kind == 13:
		return "break the syntax", append(source, "\nfunc {\n"...)
	case kind == 14:
		return "//go: line", append(source, fmt.Sprintf("\n//go:noinline\nfunc added%d() {}\n", id)...)
	case kind == newImport && !bytes.Contains(source, []byte(`import "C"`)) &&
		!bytes.Contains(source, []byte("unicode/utf16")):
		return "import", insert(at(file.Name.End()), "\n\nimport _ \"unicode/utf16\"\n")
	}
	switch kind {
	case 16:
		return "import what may be linked",
			insert(at(file.Name.End()), fmt.Sprintf("\n\nimport _ %q\n", paths[random.IntN(len(paths))]))
	case 17:
		for _, spec := range file.Imports {
			if spec.Name != nil && spec.Name.Name == "_" {
				return "an import less", slices.Concat(source[:at(spec.Pos())], []byte("_ \"sync\""),
					source[at(spec.End()):])
			}
		}
	}
	return "type and method", append(source,
		fmt.Sprintf("\ntype Added%d struct{ N int }\n\nfunc (a Added%d) String() string { return \"%d\" }\n", id,
			id, id)...)
}

// partsOf are the places where edits are made: function bodies, string literals, declarations and structs.
func partsOf(file *ast.File) (
	bodies []*ast.BlockStmt, literals []*ast.BasicLit, decls []ast.Decl, structs []*ast.StructType,
) {
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			continue
		}
		decls = append(decls, d)
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Body != nil {
					bodies = append(bodies, n.Body)
				}
			case *ast.BasicLit:
				if n.Kind == token.STRING && len(n.Value) > 2 && n.Value[0] == '"' {
					literals = append(literals, n)
				}
			case *ast.StructType:
				structs = append(structs, n)
			case *ast.Field:
				return n.Tag == nil
			}
			return true
		})
	}
	return bodies, literals, decls, structs
}

// generate writes a module of n packages with random imports of each other, and with functions (inlined or not,
// generic), methods, interfaces, closures, constants, package variables, and init functions that tell their order. Its
// program prints stacks: names and lines.
func generate(t testing.TB, dir string, random *rand.Rand, n int) {
	write(t, filepath.Join(dir, "go.mod"), "module example.com/made\ngo 1.25\n")
	for i := range n {
		var imports, uses strings.Builder
		for j := range i {
			if random.IntN(3) == 0 || j == i-1 {
				fmt.Fprintf(&imports, "\t\"example.com/made/p%d\"\n", j)
				fmt.Fprintf(&uses,
					"\tx += p%d.Small(x) + p%d.Large(x) + p%d.Max(x, p%d.Limit) + len(p%d.T{}.Name()) + len(p%d.Text)\n", j, j, j, j,
					j, j)
				fmt.Fprintf(&uses,
					"\tvar s%d p%d.Namer = &p%d.T{N: x}; x += len(s%d.Name()); x += p%d.Closure()(x)\n", j, j, j, j, j)
			}
		}
		if i == 0 {
			imports.WriteString("\t\"runtime\"\n")
			uses.WriteString("\tstack()\n")
		}
		name := fmt.Sprintf("p%d", i)
		var b strings.Builder
		fmt.Fprintf(&b, "package %s\n\nimport (\n%s)\n\n", name, imports.String())
		fmt.Fprintf(&b, "const Limit = %d\n\nvar Text = \"text %d\"\n\n", random.IntN(100), i)
		b.WriteString("type T struct { N int; text string }\n\ntype Namer interface{ Name() string }\n\n")
		fmt.Fprintf(&b, "func (t T) Name() string {\n\tif t.N > %d {\n\t\treturn \"large\"\n\t}\n"+
			"\treturn t.text + \"small\"\n}\n\n", i)
		fmt.Fprintf(&b, "func Small(x int) int { return x + %d }\n\n", i)
		fmt.Fprintf(&b, "func Large(x int) int {\n%s\tfor i := range x %% 7 {\n\t\tx += i * %d\n\t\tdefer print(\"\")\n\t}\n"+
			"\treturn x\n}\n\n", uses.String(), i)
		b.WriteString("func Max[N int | float64](a, b N) N {\n\tif a > b {\n\t\treturn a\n\t}\n\treturn b\n}\n\n")
		fmt.Fprintf(&b, "func Closure() func(int) int {\n\tn := %d\n\treturn func(x int) int { n += x; return n }\n}\n", i)
		if i == 0 {
			b.WriteString(printsStack)
		}
		fmt.Fprintf(&b, "\nfunc init() { println(\"init\", %q) }\n", name)
		write(t, filepath.Join(dir, name, name+".go"), b.String())
		write(t, filepath.Join(dir, name, "more.go"),
			fmt.Sprintf("package %s\n\nfunc more(s string) int { return len(s + \"more\") }\n\nvar _ = more\n", name))
	}
	last := fmt.Sprintf("p%d", n-1)
	write(t, filepath.Join(dir, "main.go"), "package main\n\nimport \"example.com/made/"+last+
		"\"\n\nfunc main() {\n\tprintln(\"main\", "+last+".Large(2))\n}\n")
}

const printsStack = `
func stack() {
	pcs := make([]uintptr, 30)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		println(f.Function, f.File, f.Line)
	}
}
`
