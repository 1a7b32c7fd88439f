package tests

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hotreload/gobuild"
	"hotreload/watch"
)

// chain is a module: web imports store, store imports text; cli imports text in its tests alone; idle has no tests.
func chain() *graph {
	p := func(name string, imports, testImports []string) gobuild.Tested {
		dir := filepath.Join("/m", name)
		return gobuild.Tested{ImportPath: "m/" + name, Dir: dir, Wanted: true,
			Sources: []string{filepath.Join(dir, name+".go"), filepath.Join(dir, "page.html")},
			Tests:   []string{filepath.Join(dir, name+"_test.go"), filepath.Join(dir, "golden.txt")},
			Imports: imports, TestImports: testImports}
	}
	idle := p("idle", []string{"m/text"}, nil)
	idle.Tests = nil
	dep := p("dep", []string{"m/text"}, nil)
	dep.Wanted = false
	return newGraph(&gobuild.TestGraph{Roots: []string{"/m"}, Files: []string{"/m/go.mod"}, Packages: []gobuild.Tested{
		p("cli", nil, []string{"m/text"}), dep, idle, p("main", []string{"m/cli", "m/web"}, nil),
		p("store", []string{"m/text"}, nil), p("text", nil, nil), p("web", []string{"m/store"}, []string{"m/text"}),
	}})
}

func TestOrder(t *testing.T) {
	src := func(pkg string) saved { return saved{path: "/m/" + pkg + "/x.go", kind: source, pkg: "m/" + pkg} }
	body := func(pkg string) saved {
		s := src(pkg)
		s.same = true
		return s
	}
	tst := func(pkg string) saved { return saved{path: "/m/" + pkg + "/x_test.go", kind: test, pkg: "m/" + pkg} }
	dat := func(pkg string) saved { return saved{path: "/m/" + pkg + "/testdata/x", kind: data, pkg: "m/" + pkg} }
	for name, c := range map[string]struct {
		wish
		want string // steps: packages; tests follow "="
	}{
		"a leaf":                          {wish{fresh: []saved{src("main")}}, "main"},
		"importers, by nearness":          {wish{fresh: []saved{src("text")}}, "text; cli store web main"},
		"a test's import goes no further": {wish{fresh: []saved{src("cli")}}, "cli; main"},
		"one test file":                   {wish{fresh: []saved{tst("text")}}, "text=TestIn; text"},
		"test file and source":            {wish{fresh: []saved{tst("text"), src("text")}}, "text; cli store web main"},
		"two test files": {wish{fresh: []saved{tst("text"), {path: "/m/text/y_test.go", kind: test, pkg: "m/text"}}},
			"text"},
		"testdata": {wish{fresh: []saved{dat("text")}}, "text"},
		"failed last": {wish{fresh: []saved{src("text")}, failing: map[string][]string{"m/web": {"TestW"}}},
			"web=TestW; text; web cli store main"},
		"failed, and not reached": {wish{fresh: []saved{src("main")}, failing: map[string][]string{"m/web": {"TestW"}}},
			"main"},
		"failed as a whole": {wish{fresh: []saved{src("text")}, failing: map[string][]string{"m/main": {}}},
			"text; main cli store web"},
		"failed, and its file was saved": {wish{fresh: []saved{tst("web")}, failing: map[string][]string{
			"m/web": {"TestW"}}}, "web=TestIn,TestW; web"},
		"earlier saves come later": {wish{fresh: []saved{src("main")}, earlier: []saved{src("cli")}}, "main cli"},
		"the last save's importers first": {wish{fresh: []saved{src("store")}, earlier: []saved{src("cli")}},
			"store cli; web main"},
		"opened, and no source": {wish{fresh: []saved{
			{path: "/m/pages/x", kind: data, pkg: "m/web"}, {path: "/m/pages/x", kind: data, pkg: "m/cli"}}}, "cli web"},
		"only bodies of functions": {wish{fresh: []saved{body("text")}}, "text; cli store web main"},
		"importers of changed declarations first": {wish{fresh: []saved{body("text"), src("web")}},
			"text web; main cli store"},
		"also if they were saved earlier": {wish{fresh: []saved{body("text")}, earlier: []saved{src("web")}},
			"text web; main cli store"},
		"a body, and declarations elsewhere in the package": {wish{fresh: []saved{body("text"), src("text"), src("web")}},
			"text web; cli main store"},
		"but what failed comes first": {wish{fresh: []saved{body("text"), src("web")},
			failing: map[string][]string{"m/store": {}}}, "text web; store main cli"},
		"a body and go.mod": {wish{fresh: []saved{{path: "/m/go.mod", kind: module}, body("store")}},
			"store; web main cli text"},
		"a source that others open": {wish{fresh: []saved{src("store"), {path: "/m/store/x.go", kind: text, pkg: "m/cli"}}},
			"store; cli web main"},
		"go.mod": {wish{fresh: []saved{{path: "/m/go.mod", kind: module}}}, "cli main store text web"},
		"go.mod and a file": {wish{fresh: []saved{{path: "/m/go.mod", kind: module}, src("store")}},
			"store; web main cli text"},
		"everything":       {wish{all: true}, "cli main store text web"},
		"no tests":         {wish{fresh: []saved{src("idle")}}, ""},
		"nothing":          {wish{}, ""},
		"the user chooses": {wish{fresh: []saved{tst("text")}, whole: true}, "text"},
	} {
		c.inFile = func(string) []string { return []string{"TestIn"} }
		var steps []string
		for _, s := range order(chain(), c.wish) {
			text := strings.ReplaceAll(strings.Join(s.packages, " "), "m/", "")
			if s.only != nil {
				text += "=" + strings.Join(s.only, ",")
			}
			steps = append(steps, text)
		}
		have, want := strings.Join(steps, "; "), c.want
		if c.fresh != nil && c.fresh[0].kind == module && len(c.fresh) == 1 {
			have = strings.ReplaceAll(have, "; ", " ")
		}
		if have != want {
			t.Errorf("%s: have %q, want %q", name, have, want)
		}
	}
}

func TestTouch(t *testing.T) {
	file := func(path string, op watch.Op) watch.Change {
		return watch.Change{Path: filepath.FromSlash(path), Op: op}
	}
	for name, c := range map[string]struct {
		change watch.Change
		want   string // package, kind, and "anew"
	}{
		"source":                 {file("/m/text/text.go", watch.Written), "m/text 1"},
		"embedded":               {file("/m/text/page.html", watch.Written), "m/text 1"},
		"test":                   {file("/m/text/text_test.go", watch.Written), "m/text 2"},
		"embedded by a test":     {file("/m/text/golden.txt", watch.Written), "m/text 3"},
		"testdata":               {file("/m/text/testdata/deep/x", watch.Created), "m/text 3"},
		"Go in testdata":         {file("/m/text/testdata/x.go", watch.Created), "m/text 3"},
		"testdata further below": {file("/m/text/sub/testdata/x", watch.Written), "m/text 3"},
		"other":                  {file("/m/text/README", watch.Written), ""},
		"new source":             {file("/m/text/new.go", watch.Created), "m/text 1 anew"},
		"new test":               {file("/m/text/new_test.go", watch.Created), "m/text 2 anew"},
		"removed source":         {file("/m/text/text.go", watch.Removed), "m/text 1 anew"},
		"a backup":               {file("/m/text/.#text.go", watch.Created), ""},
		"new package":            {file("/m/new/new.go", watch.Created), " anew"},
		"new folder":             {watch.Change{Path: filepath.FromSlash("/m/new"), Op: watch.Created, Dir: true}, " anew"},
		"new hidden folder":      {watch.Change{Path: filepath.FromSlash("/m/.new"), Op: watch.Created, Dir: true}, ""},
		"go.mod":                 {file("/m/go.mod", watch.Written), " 4"},
	} {
		reached, anew := chain().touch(c.change, nil)
		have := ""
		for _, s := range reached {
			have += fmt.Sprintf("%s %d", s.pkg, s.kind)
		}
		if anew {
			have += " anew"
		}
		if have != c.want {
			t.Errorf("%s: have %q, want %q", name, have, c.want)
		}
	}
}

func TestParseFlags(t *testing.T) {
	words := strings.Fields
	for given, want := range map[string]struct {
		Flags
		build string
	}{
		"":                       {},
		"-short -race":           {Flags{Test: words("-short -race")}, "-race"},
		"--tags dev -run X -v":   {Flags{Test: words("--tags dev -run X")}, "--tags dev"},
		"-test.timeout=3s -json": {Flags{Test: words("-test.timeout=3s")}, ""},
		"-count 1 -args -x ./y":  {Flags{Test: words("-count 1"), Binary: words("-x ./y")}, ""},
	} {
		have, build, err := ParseFlags(words(given))
		if err != nil || !reflect.DeepEqual(have, want.Flags) || strings.Join(build, " ") != want.build {
			t.Errorf("%s: have %+v, %q, %v", given, have, build, err)
		}
	}
	for _, bad := range []string{"-c", "./x", "-C x", "-run", "-o x"} {
		if _, _, err := ParseFlags(words(bad)); err == nil {
			t.Errorf("%s is allowed", bad)
		}
	}
	flags := Flags{Test: words("-short"), Binary: words("-x")}
	have := strings.Join(flags.args(step{packages: words("a b"), only: words("TestA TestB")}, false), " ")
	if want := "test -json -work -short -run=^(TestA|TestB)$ a b -args -x"; have != want {
		t.Errorf("have %s\nwant %s", have, want)
	}
}
