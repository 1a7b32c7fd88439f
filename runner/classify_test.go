package runner

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/gobuild"
	"hotreload/process"
	"hotreload/watch"
)

func TestMain(m *testing.M) {
	if code, helper := process.Helper(os.Args); helper {
		os.Exit(code)
	}
	if err := process.Setup(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// tree is a program with a file of every kind.
var tree = map[string]string{
	"go.mod": "module example.com/app\n\ngo 1.25\n",
	"main.go": "package main\n\nimport (\n\t_ \"embed\"\n\t_ \"example.com/app/lib\"\n)\n\n" +
		"//go:embed banner.txt\nvar banner string\n\nfunc main() {}\n",
	"banner.txt":          "hello\n",
	"main_test.go":        "package main\n",
	"other_windows_x.txt": "",
	"only_plan9.go":       "package main\n",
	"lib/lib.go":          "package lib\n",
	"unused/unused.go":    "package unused\n",
	"templates/a.html":    "",
	"notes.md":            "",
	".gitignore":          "gen_*.go\n*.log\n",
	"lib/gen_x.go":        "package lib\n",
}

func load(t *testing.T) (dir string, graph *gobuild.Graph) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range tree {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	graph, err = gobuild.Load(context.Background(), gobuild.Program{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return dir, graph
}

func TestClassify(t *testing.T) {
	dir, graph := load(t)
	cases := []struct {
		path         string
		edit         string // new content; "" = no edit
		class        Class
		graphChanged bool
		reason       string
	}{
		{"main.go", "", Rebuild, false, "compiled into example.com/app"},
		{"lib/lib.go", "package lib\n\nfunc F() {}\n", Rebuild, false, "compiled into example.com/app/lib"},
		{"lib/lib.go", "package lib\n\nimport _ \"os\"\n", Rebuild, true, "compiled into example.com/app/lib"},
		{"lib/new.go", "package lib\n", Rebuild, true, "compiled into example.com/app/lib"},
		{"lib/gen_x.go", "", Rebuild, false, "compiled into example.com/app/lib"},
		{"banner.txt", "bye\n", Rebuild, false, "embedded by example.com/app"},
		{"go.mod", "", Rebuild, true, "part of the module graph"},
		{"go.sum", "x", Rebuild, true, "part of the module graph"},
		{"main_test.go", "", None, false, "a test: not part of the program"},
		{"only_plan9.go", "", None, false, "excluded by build constraints"},
		{"unused/unused.go", "", None, false, "not part of the program"},
		{"notes.md", "", None, false, "not part of the program"},
		{"templates/a.html", "", Restart, false, "named by --watch"},
		{"templates/deep/b.html", "", Restart, false, "named by --watch"},
	}
	for _, c := range cases {
		t.Run(c.path+" "+c.reason, func(t *testing.T) {
			path := filepath.Join(dir, c.path)
			if c.edit != "" {
				if err := os.WriteFile(path, []byte(c.edit), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			class, reason, graphChanged := classifyByBuild(watch.Change{Path: path, Op: watch.Written}, graph,
				[]string{filepath.Join(dir, "templates")})
			if class != c.class || reason != c.reason || graphChanged != c.graphChanged {
				t.Errorf("have %v, %q, graphChanged %v\nwant %v, %q, graphChanged %v", class, reason, graphChanged, c.class,
					c.reason, c.graphChanged)
			}
		})
	}
}

// TestClassifyWithoutImportPaths: a file of a program that go cannot list is compiled into the program.
func TestClassifyWithoutImportPaths(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.mod": "module app\n\ngo 1.999.0\n", "main.go": "package main\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	graph, err := gobuild.Load(context.Background(), gobuild.Program{Dir: dir,
		Env: append(os.Environ(), "GOTOOLCHAIN=local")})
	if err == nil || graph == nil {
		t.Fatalf("have %v, %v, want a graph and an error", graph, err)
	}
	_, reason, _ := classifyByBuild(watch.Change{Path: filepath.Join(dir, "main.go"), Op: watch.Written}, graph, nil)
	if reason != "compiled into the program" {
		t.Errorf("have %q", reason)
	}
}

func TestUnder(t *testing.T) {
	cases := []struct {
		path string
		root string
		want bool
	}{
		{"/a/b", "/a", true},
		{"/a", "/a", true},
		{"/a/b/c", "/a", true},
		{"/ab", "/a", false},
		{"/", "/a", false},
		{"/a/..b", "/a", true},
	}
	for _, c := range cases {
		if have := under(filepath.FromSlash(c.path), []string{filepath.FromSlash(c.root)}); have != c.want {
			t.Errorf("under(%s, %s): have %v, want %v", c.path, c.root, have, c.want)
		}
	}
}

// rules ignore paths with one of their suffixes.
type rules struct {
	suffixes []string
	explicit bool
}

func (r rules) Why(string, bool) string { return "a rule" }
func (r rules) Files() []string         { return nil }
func (rules) AffectedBy(string) bool    { return false }
func (r rules) Ignored(path string, dir bool) (ignored, explicit bool) {
	for _, suffix := range r.suffixes {
		if strings.HasSuffix(path, suffix) {
			return true, r.explicit
		}
	}
	return false, false
}

// Generated code counts even if ignored by git; files hidden by the user's rules for hotreload stay hidden.
func TestHidden(t *testing.T) {
	dir, graph := load(t)
	git := rules{suffixes: []string{"gen_x.go", ".log", "gen_new.go", "unused.go"}}
	user := rules{suffixes: git.suffixes, explicit: true}
	cases := []struct {
		path  string
		rules rules
		want  bool
	}{
		{"main.go", git, false},
		{"lib/gen_x.go", git, false},
		{"lib/gen_new.go", git, false},
		{"lib/x.log", git, true},
		{"unused/unused.go", git, true},
		{"lib/gen_x.go", user, true},
	}
	for _, c := range cases {
		if have := hidden(filepath.Join(dir, c.path), false, c.rules, graph); have != c.want {
			t.Errorf("hidden(%s), explicit %v: have %v, want %v", c.path, c.rules.explicit, have, c.want)
		}
	}
}
