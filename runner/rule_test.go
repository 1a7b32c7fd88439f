package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/watch"
)

func TestRuleMatches(t *testing.T) {
	root := filepath.FromSlash("/m")
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"**/*.templ", "/m/a.templ", true},
		{"**/*.templ", "/m/x/y/a.templ", true},
		{"*.templ", "/m/x/a.templ", false},
		{"x/y.txt", "/m/x/y.txt", true},
		{"assets/**", "/m/assets/a/b", true},
		{"**", "/other/a", false},
		{"**", "/m/..a", true},
		{"**/*.{sql,yaml}", "/m/q/a.sql", true},
	} {
		r := Rule{Root: root, Match: []string{"nothing", c.pattern}}
		if have := r.matches(filepath.FromSlash(c.path)); have != c.want {
			t.Errorf("%s, %s: have %v", c.pattern, c.path, have)
		}
	}
}

// TestRuling: class and commands are each for itself.
func TestRuling(t *testing.T) {
	root := filepath.FromSlash("/m")
	class := func(c Class) *Class { return &c }
	rules := []Rule{
		{Root: root, Match: []string{"**"}, Class: class(None)},
		{Root: root, Match: []string{"**/*.css"}, Class: class(Live)},
		{Root: root, Match: []string{"*.css"}, Run: "one"},
		{Root: root, Match: []string{"*.{css,sql}"}, Run: "two"},
		{Root: root, Match: []string{"*.go"}, Class: class(Restart), Run: "three"},
		{Root: root, Match: []string{"*.go"}, Run: "never", When: AtStart},
	}
	for path, want := range map[string]string{
		"/x":         "none  false",
		"/m/x":       "none set by a rule true",
		"/m/x/a.css": "live set by a rule true",
		"/m/a.css":   "live a rule runs one, then two true",
		"/m/a.sql":   "none a rule runs two true",
		"/m/a.go":    "restart a rule runs three true",
	} {
		class, reason, ok := ruling(rules, filepath.FromSlash(path))
		if have := fmt.Sprint(class, " ", reason, " ", ok); have != want {
			t.Errorf("%s: have %q, want %q", path, have, want)
		}
	}
	if class, reason, _ := ruling(rules[2:], filepath.FromSlash("/m/a.css")); class != Rebuild {
		t.Errorf("without a class it is %v: %s", class, reason)
	}
}

func TestCommandLines(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the quotes are those of sh")
	}
	files := []string{"/m/a.css", "/m/x/b c.css", "/m/-d'.css"}
	for run, want := range map[string][]string{
		"make css":         {"make css"},
		"min {file}":       {"min a.css", "min 'x/b c.css'", `min './-d'\''.css'`},
		"min {files} -o x": {`min a.css 'x/b c.css' './-d'\''.css' -o x`},
	} {
		if have := commandLines(run, "/m", files); !slices.Equal(have, want) {
			t.Errorf("%s: have %q, want %q", run, have, want)
		}
	}
	if have := commandLines("min {files}", "/m", nil); have != nil {
		t.Errorf("for no files %q is run", have)
	}
	long := strings.Repeat("x", maxNames-10)
	if have := commandLines("min {files}", "/m", []string{"/m/" + long, "/m/abcdefghijk",
		"/m/b"}); len(have) != 2 || have[1] != "min abcdefghijk b" {
		t.Errorf("a line that is too long became %d", len(have))
	}
	// The shell is the oracle.
	for _, name := range []string{"a b", "it's", "$HOME", "`x`", `back\slash`, "a\nb", "*", "ü", "~", "#",
		"{a,b}", "-n"} {
		output, why := runLine(t.Context(), "printf %s "+quoted(name), t.TempDir(), os.Environ(), time.Minute)
		if output != name || why != "" {
			t.Errorf("%q came out as %q, %s", name, output, why)
		}
	}
}

func TestRuleFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.css", "sub/b.css", "sub/c.txt", "ignored/d.css", "e.css"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, nil, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	ignored := func(path string, _ bool) bool {
		return slices.Contains([]string{"ignored", "e.css"}, filepath.Base(path))
	}
	have := Rule{Root: dir, Match: []string{"**/*.css", "a.css", "missing/*.css"}}.files(ignored)
	slices.Sort(have)
	if want := []string{filepath.Join(dir, "a.css"), filepath.Join(dir, "sub", "b.css")}; !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
	if have := present(append(have, filepath.Join(dir, "sub"), filepath.Join(dir, "gone"))); len(have) != 2 {
		t.Errorf("present: %q", have)
	}
}

func TestRuleIsWatched(t *testing.T) {
	var set watch.Set
	Rule{Root: filepath.FromSlash("/m"), Match: []string{"**/*.templ", "css/*.css", "x/y.txt",
		"a/{b,c}/d"}}.watched(&set)
	want := watch.Set{Trees: []string{"/m", "/m/a"}, Dirs: []string{"/m/css"}, Files: []string{"/m/x/y.txt"}}
	for _, list := range [][]string{want.Trees, want.Dirs, want.Files} {
		for i := range list {
			list[i] = filepath.FromSlash(list[i])
		}
	}
	if !reflect.DeepEqual(set, want) {
		t.Errorf("have %+v, want %+v", set, want)
	}
}

func TestGenerate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are those of sh")
	}
	dir := t.TempDir()
	rule := func(run string) Rule { return Rule{Root: dir, Run: run, Timeout: time.Minute} }
	if err := rule(`echo "$X" > out`).generate(t.Context(), []string{"X=y", "PATH=" + os.Getenv("PATH")},
		nil); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "out")); string(text) != "y\n" {
		t.Errorf("have %q, %v", text, err)
	}
	var failed *GeneratorError
	if err := rule("echo out; echo err >&2; exit 3").generate(t.Context(), os.Environ(), nil); !errors.As(err,
		&failed) ||
		err.Error() != "echo out; echo err >&2; exit 3: exit code 3\nout\nerr" {
		t.Errorf("have %v", err)
	}
	hangs := rule("echo begun; sleep 600 & sleep 600")
	hangs.Timeout = 200 * time.Millisecond
	if err := hangs.generate(t.Context(), os.Environ(), nil); !errors.As(err, &failed) ||
		!strings.Contains(err.Error(), "did not end within 200ms: killed\nbegun") {
		t.Errorf("have %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if err := rule("sleep 600").generate(ctx, os.Environ(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("have %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a, b := file("a", "ONE=a\nTWO='a b' # comment\nexport THREE=\"x\\ny\"\nHOME=no\n"), file("b", "ONE=b\n")
	env, err := environment([]string{"HOME=yes"}, []string{a, b, filepath.Join(dir, "missing")})
	slices.Sort(env)
	if want := []string{"HOME=yes", "ONE=b", "THREE=x\ny", "TWO=a b"}; err != nil || !slices.Equal(env, want) {
		t.Errorf("have %q, %v; want %q", env, err, want)
	}
	if _, err := environment(nil, []string{file("broken", "no equals sign\n")}); err == nil ||
		!strings.Contains(err.Error(), "broken") {
		t.Errorf("have %v", err)
	}
}
