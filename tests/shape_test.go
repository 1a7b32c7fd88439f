package tests

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotreload/watch"
)

func TestBodiesOnly(t *testing.T) {
	const before = "package p\n\nimport \"fmt\"\n\nvar v = func() int { return 1 }\n\ntype T struct{ A int }\n\n" +
		"func F(a int) int { return a }\n\nfunc (t *T) M() { fmt.Println(t) }\n"
	dir := t.TempDir()
	path := filepath.Join(dir, "p.go")
	save := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	save(path, before)
	s := shapes{path: shapeOf(path), filepath.Join(dir, "page.html"): shapeOf("page.html")}
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"nothing":      {before, true},
		"a body":       {replaced(before, "return a", "if a > 1 {\n\t\treturn 2\n\t}\n\treturn a + 1"), true},
		"a method":     {replaced(before, "fmt.Println(t)", "fmt.Println(t, t)"), true},
		"a comment":    {replaced(before, "type T", "// T is new.\ntype T"), true},
		"a blank line": {replaced(before, "type T", "\n\n\ntype T"), true},
		"a name":       {replaced(before, "func F(", "func G("), false},
		"a parameter":  {replaced(before, "(a int)", "(a int64)"), false},
		"a field":      {replaced(before, "A int", "A, B int"), false},
		"a tag":        {replaced(before, "A int", "A int `x`"), false},
		"a value":      {replaced(before, "return 1", "return 2"), false}, // of a variable that importers may call
		"an import":    {replaced(before, "\"fmt\"", "fmt \"log\""), false},
		"a function":   {before + "\nfunc New() {}\n", false},
		"broken":       {"package p\n\nfunc F(", false},
	} {
		save(path, c.text)
		if have := s.bodiesOnly(watch.Change{Path: path, Op: watch.Written}); have != c.want {
			t.Errorf("%s: have %v, want %v", name, have, c.want)
		}
	}
	for path, want := range map[string]bool{"new.go": false, "page.html": true, "new.html": false} {
		path = filepath.Join(dir, path)
		save(path, before)
		if have := s.bodiesOnly(watch.Change{Path: path, Op: watch.Written}); have != want {
			t.Errorf("%s: have %v, want %v", path, have, want)
		}
	}
	if s.bodiesOnly(watch.Change{Path: path, Op: watch.Removed}) {
		t.Error("a file that is gone leaves the declarations as they were")
	}
}

func replaced(text, old, now string) string {
	if !strings.Contains(text, old) {
		panic("no " + old)
	}
	return strings.Replace(text, old, now, 1)
}

// TestShapesInARun: the importers of a package whose declarations have changed are ordered before those of a package in
// which only a body has.
func TestShapesInARun(t *testing.T) {
	t.Parallel()
	var late atomic.Bool // then nothing is tested, so that what was saved stays untested
	hold := func(context.Context) bool { return !late.Load() }
	b := newBenchWith(t, Config{AtStart: true, Hold: hold}, map[string]string{
		"a/a.go": "package a\n\nfunc F() int { return 1 }\n", "b/b.go": "package b\n\nfunc F() int { return 1 }\n",
		"fora/x.go": "package fora\n\nimport _ \"m/a\"\n", "fora/x_test.go": "package fora\n",
		"forb/x.go": "package forb\n\nimport _ \"m/b\"\n", "forb/x_test.go": "package forb\n",
	})
	b.until("ended")
	steps := func() (all string) {
		b.t.Helper()
		done := make(chan struct{})
		b.ask(func() {
			defer close(done)
			a := newAttempt(b.Tester, func() {})
			a.fresh = nil
			for _, name := range []string{"a/a.go", "b/b.go"} {
				a.fresh = append(a.fresh, watch.Change{Path: filepath.Join(b.dir, name), Op: watch.Written})
			}
			for _, s := range order(a.graph, a.wish(a.graph)) {
				all += strings.Join(s.packages, " ") + ";"
			}
		})
		<-done
		return all
	}
	known := func() bool {
		done, yes := make(chan struct{}), false
		b.ask(func() { defer close(done); yes = len(b.shapes) >= 4 })
		<-done
		return yes
	}
	for !known() { // the shapes are read beside the tests
		time.Sleep(time.Millisecond)
	}
	late.Store(true)
	b.save("a/a.go", "package a\n\nfunc F() int { return 2 }\n")
	b.save("b/b.go", "package b\n\nfunc F() int64 { return 1 }\n")
	if have, want := steps(), "m/forb m/fora;"; have != want {
		t.Errorf("have %q, want %q", have, want)
	}
}
