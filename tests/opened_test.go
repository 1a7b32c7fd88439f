package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/watch"
)

func TestInLog(t *testing.T) {
	wanted := func(path string) bool { return strings.HasPrefix(path, filepath.FromSlash("/m/")) }
	folders := func(path string) bool { return filepath.Ext(path) == "" }
	for name, c := range map[string]struct{ log, want string }{
		"a file":               {"open ../page.html\n", "/m/page.html"},
		"an absolute name":     {"open /m/x/y.txt\n", "/m/x/y.txt"},
		"a name with a blank":  {"open ../a b.html\n", "/m/a b.html"},
		"only looked at":       {"stat ../page.html\n", "/m/page.html"},
		"twice":                {"open ../b.html\nopen ../a.html\nopen ../b.html\n", "/m/a.html /m/b.html"},
		"elsewhere":            {"open /etc/hosts.conf\n", ""},
		"variables":            {"getenv HOME.x\n", ""},
		"another folder later": {"open a.html\nchdir /m/x\nopen a.html\n", "/m/text/a.html /m/x/a.html"},
		"a list":               {"open ../pages\n", "/m/pages/"},
		"a folder, looked at":  {"stat ../pages\n", ""},
	} {
		have, ok := inLog(logMagic+c.log, filepath.FromSlash("/m/text"), wanted, folders)
		if text := filepath.ToSlash(strings.Join(have, " ")); !ok || text != c.want {
			t.Errorf("%s: have %q (%v), want %q", name, text, ok, c.want)
		}
	}
	for _, text := range []string{"", "open x\n"} {
		if have, ok := inLog(text, "/m", wanted, folders); ok {
			t.Errorf("%q is a log of %q", text, have)
		}
	}
}

func TestTouchOpened(t *testing.T) {
	local := func(paths ...string) (all []string) {
		for _, path := range paths {
			all = append(all, filepath.FromSlash(path))
		}
		return all
	}
	o := opened{}.with("m/web", local("/m/pages/a.html", "/m/pages/", "/m/text/text.go", "/m/text/testdata/x"), false)
	o = o.with("m/gone", local("/m/pages/a.html"), false)
	for name, c := range map[string]struct {
		path string
		op   watch.Op
		want string
	}{
		"opened":                      {"/m/pages/a.html", watch.Written, "m/web 3"},
		"in a listed folder":          {"/m/pages/b.html", watch.Created, "m/web 3"},
		"gone from it":                {"/m/pages/b.html", watch.Removed, "m/web 3"},
		"an editor's file in it":      {"/m/pages/.b.html.swp", watch.Created, ""},
		"written in it":               {"/m/pages/b.html", watch.Written, ""},
		"below it":                    {"/m/pages/deep/b.html", watch.Created, ""},
		"a source of another package": {"/m/text/text.go", watch.Written, "m/text 1, m/web 5"},
		"testdata of another package": {"/m/text/testdata/x", watch.Written, "m/text 3, m/web 3"},
	} {
		reached, _ := chain().touch(watch.Change{Path: filepath.FromSlash(c.path), Op: c.op}, o)
		var have []string
		for _, s := range reached {
			have = append(have, s.pkg+" "+string('0'+rune(s.kind)))
		}
		if text := strings.Join(have, ", "); text != c.want {
			t.Errorf("%s: have %q, want %q", name, text, c.want)
		}
	}
	if have := o.with("m/web", local("/m/y"), true); len(have["m/web"]) != 5 {
		t.Errorf("after some tests: have %v", have)
	}
	if have := o.with("m/web", local("/m/y"), false); len(have["m/web"]) != 1 {
		t.Errorf("after all tests: have %v", have)
	}
}

const readsTest = "package web\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestPage(t *testing.T) {\n" +
	"\ttext, err := os.ReadFile(\"../pages/a.html\")\n\tif string(text) != \"a\" {\n" +
	"\t\tt.Error(string(text), err)\n\t}\n}\n"

// A saved file that tests have opened reaches them, wherever it lies: also in the next run of hotreload, in which go
// has the results in its cache. go's temporary folders are removed, and what go caches is the same as without us.
func TestOpenedFiles(t *testing.T) {
	t.Parallel()
	tmp, memory := t.TempDir(), filepath.Join(t.TempDir(), "tests", "memory.json")
	config := Config{AtStart: true, Memory: memory}
	config.Program.Env = append(os.Environ(), "TMPDIR="+tmp, "TMP="+tmp)
	files := map[string]string{"web/web.go": "package web\n", "web/web_test.go": readsTest, "pages/a.html": "a",
		"pages/b.html": "b", "other/other.go": "package other\n", "other/other_test.go": "package other\n"}
	b := newBenchWith(t, config, files)
	b.until("ended")
	byPerson := func(b *bench, name, content string) {
		time.Sleep(2 * slack) // what changes sooner after tests may be theirs
		b.save(name, content)
	}
	byPerson(b, "pages/b.html", "not opened")
	byPerson(b, "pages/a.html", "x")
	b.want(b.until("ended"), "started 1", "failed TestPage web_test.go:11", "tested m/web false", "ended 0 1 0")
	byPerson(b, "pages/a.html", "a")
	b.want(b.until("ended"), "started 1", "tested m/web true", "tested m/web true", "ended 1 0 0")
	b.Close()
	left, err := filepath.Glob(filepath.Join(tmp, "go-build*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	// go does not cache a result for a file that was written less than two seconds ago.
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(b.dir, "pages", "a.html"), old, old); err != nil {
		t.Fatal(err)
	}

	goTest := func() string {
		cmd := exec.Command("go", "test", "./web")
		cmd.Dir, cmd.Env = b.dir, config.Program.Env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	goTest()
	if out := goTest(); !strings.Contains(out, "(cached)") {
		t.Fatalf("go test does not cache: %s", out)
	}
	again := b.another(config)
	again.until("ended")
	byPerson(again, "pages/a.html", "x")
	again.want(again.until("ended"), "started 1", "failed TestPage web_test.go:11", "tested m/web false", "ended 0 1 0")
}

// TestCacheStaysGos: what a Tester has tested, go test finds in its cache.
func TestCacheStaysGos(t *testing.T) {
	t.Parallel()
	test := "package web\n\nimport \"testing\"\n\nfunc TestPage(t *testing.T) {}\n"
	b := newBench(t, map[string]string{"web/web.go": "package web\n", "web/web_test.go": test})
	b.until("ended")
	cmd := exec.Command("go", "test", "-json", "./web")
	cmd.Dir = b.dir
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "(cached)") {
		t.Errorf("go test has no result in its cache: %v: %s", err, out)
	}
}

func TestWorkspace(t *testing.T) {
	var w workspace
	dir := filepath.Join(t.TempDir(), "go-build1")
	for name, text := range map[string]string{
		"b001/_testmain.go": "package main\n\nfunc init() {\n\ttestdeps.ImportPath = \"m/web\"\n}\n",
		"b001/testlog.txt":  logMagic, "b001/web.test": "binary", "b002/web.a": "",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if os.MkdirAll(filepath.Dir(path), 0o777) != nil || os.WriteFile(path, []byte(text), 0o666) != nil {
			t.Fatal("cannot write " + path)
		}
	}
	if w.told("ok m/web\n") || w.log("m/web") != "" {
		t.Error("without a folder, there is a log")
	}
	if !w.told("WORK="+dir+"\n") || w.log("m/web") != logMagic || w.log("m/none") != "" {
		t.Errorf("have %+v", w)
	}
	if _, err := os.Stat(filepath.Join(dir, "b001", "web.test")); err == nil {
		t.Error("the executable is left")
	}
	if have := w.unread([]string{"m/none", "m/web"}); !slices.Equal(have, []string{"m/none"}) {
		t.Errorf("unread: have %q", have)
	}
	w.remove()
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder is left")
	}
	w = workspace{dir: t.TempDir()} // no folder of go's
	w.remove()
	if _, err := os.Stat(w.dir); err != nil {
		t.Error(err)
	}
}
