package gobuild

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotreload/gobuild/lines"
)

// layered prints lines of package low, which the other packages have inlined.
const layered = `-- go.mod
module example.com/layered

go 1.25
-- main.go
package main

import (
	"fmt"

	"example.com/layered/low"
	"example.com/layered/mid"
)

func main() { fmt.Println(low.Word(), low.At(), mid.At(), low.Each("x")) }
-- mid/mid.go
package mid

import "example.com/layered/low"

func At() string { return low.At() + low.Each(1) }

var _ low.Kind = 3
-- low/low.go
package low

import (
	"fmt"
	"runtime"
)

func Word() string {
	defer func() {}()
	return "one"
}

func At() string { return line() }

func Each[T any](v T) string {
	for range 2 {
		_ = line()
	}
	return line()
}

type Kind int

//go:noinline
func line() string {
	_, _, n, _ := runtime.Caller(1)
	return fmt.Sprint(n)
}
`

// layers is a trial of the program layered, in which the importers of low can stay behind.
type layers struct {
	*trial
	waits atomic.Bool // idle work waits for the next build
}

func layeredTrial(t *testing.T, change func(p *Program)) *layers {
	t.Helper()
	p := program(tree(t, layered))
	p.Patch = true
	if change != nil {
		change(&p)
	}
	c := &layers{trial: begin(t, p)}
	c.needsPatches()
	c.b.settle()
	c.b.short.pause = func(ctx context.Context, _ time.Duration) {
		if c.waits.Load() {
			<-ctx.Done()
		}
	}
	return c
}

// inLow replaces texts of low's first version.
func (c *layers) inLow(replace ...string) {
	c.Helper()
	_, low, _ := strings.Cut(layered, "-- low/low.go\n")
	write(c, filepath.Join(c.p.Dir, "low/low.go"), strings.NewReplacer(replace...).Replace(low))
}

const onlyLow = "compiled 1 of 3 packages, moved lines in 2, and patched"

// Importers are not compiled if nothing but lines has changed for them, but their lines are the new ones. The linked
// program, for which they were compiled, confirms that.
func TestImportersStayBehind(t *testing.T) {
	notShort(t)
	t.Parallel()
	c := layeredTrial(t, nil)
	c.inLow(`return "one"`, "_ = 1\n\n\treturn \"two\"")
	a := c.must()
	c.says(a, onlyLow, "two 15 1521 21")
	if c.b.settle(); !c.confirmed(a) {
		t.Fatalf("the program is not confirmed: %s", c.doubted())
	}
	if again := c.must(); again.ID != a.ID || !strings.Contains(again.Way, "nothing that is compiled has changed") {
		t.Errorf("then %s: %s", again.Way, again.ID)
	}
	c.b.settle()
	c.p.Slow = true
	if again := c.must(); again.ID != a.ID || fast(again.Way) {
		t.Errorf("go build makes %s instead of %s", again.ID, a.ID)
	}
	c.p.Slow = false
	c.b.settle()

	c.waits.Store(true)
	c.inLow(`return "one"`, `return "three"`, "func At", "\n\n\nfunc At")
	c.says(c.must(), onlyLow, "three 16 1622 22")
	c.inLow(`return "one"`, `return "four"`, "\n\nfunc Each", "\nfunc Each")
	c.says(c.must(), onlyLow, "four 13 1318 18")
	c.inLow(`return "one"`, "_ = 1\n\n\treturn \"two\"")
	c.says(c.must(), "compiled 1 of 3 packages, and the program is the one linked before", "two 15 1521 21")
	c.inLow(`return "one"`, `return "five"`)
	c.says(c.must(), onlyLow, "five 13 1319 19")
	c.waits.Store(false)
	if again := c.must(); !strings.Contains(again.Way, "nothing that is compiled has changed") {
		t.Error(again.Way)
	}
	c.b.settle()
	if doubt := c.doubted(); doubt != "" {
		t.Error(doubt)
	}
	if bp := c.b.short.at(c.p.key()).blueprint; len(bp.behind()) > 0 {
		t.Errorf("the importers of %v are still behind", bp.behind())
	}
}

// Importers that are behind are compiled with the next change of another package, and if low changes for them.
func TestImportersCatchUp(t *testing.T) {
	notShort(t)
	t.Parallel()
	c := layeredTrial(t, nil)
	c.waits.Store(true)
	main := filepath.Join(c.p.Dir, "main.go")
	text, err := os.ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	c.inLow("func At", "\n\nfunc At")
	c.says(c.must(), onlyLow, "one 15 1521 21")
	write(t, main, strings.Replace(string(text), "fmt.Println(", "fmt.Println(1, ", 1))
	c.says(c.must(), "compiled 2 of 3 packages, and patched", "1 one 15 1521 21")
	write(t, main, string(text))
	c.says(c.must(), "compiled 1 of 3 packages, and patched", "one 15 1521 21")

	c.inLow("func At", "\n\n\nfunc At")
	c.says(c.must(), onlyLow, "one 16 1622 22")
	c.inLow("func At() string {", "\n\n\nfunc At() string { _ = 1;")
	c.says(c.must(), "compiled 3 of 3 packages, and patched", "one 16 1622 22")
	c.inLow("func At() string {", "\n\n\nfunc More() {}\n\nfunc At() string { _ = 1;")
	c.says(c.must(), "compiled 3 of 3 packages, and patched", "one 18 1824 24")
}

// Where importers cannot stay behind, they are compiled.
func TestImportersAreCompiled(t *testing.T) {
	notShort(t)
	t.Parallel()
	for _, e := range []struct {
		name   string
		change func(p *Program)
		before func(c *layers)
		way    string
	}{
		{"linked", func(p *Program) { p.Patch = false }, nil, "compiled 3 of 3 packages and linked"},
		{"-trimpath", func(p *Program) { p.Flags = []string{"-trimpath"} }, nil, "compiled 3 of 3 packages, and patched"},
		{"no base", nil, func(c *layers) { c.b.putAway(c.p.key(), c.b.short.at(c.p.key()).patching.base) },
			"compiled 3 of 3 packages and linked, not patched: the last linked program was put away"},
		{"no view", nil, func(c *layers) { c.b.short.at(c.p.key()).views = newViews() },
			"compiled 3 of 3 packages, and patched"},
	} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			c := layeredTrial(t, e.change)
			if e.before != nil {
				e.before(c)
			}
			c.waits.Store(true)
			c.inLow("func At", "\n\nfunc At")
			c.says(c.must(), e.way, "one 15 1521 21")
		})
	}
}

// If the compiler were wrong about an edit, and the importers did not compile, go would build the program.
func TestImportersDoNotCompile(t *testing.T) {
	notShort(t)
	t.Parallel()
	c := layeredTrial(t, nil)
	c.inLow("func At", "\n\nfunc At", "Kind int", "Kind string")
	bp, _, doubt := c.b.short.at(c.p.key()).blueprint.look()
	tools, err := c.p.toolchain()
	if doubt != "" || err != nil {
		t.Fatal(doubt, err)
	}
	low := bp.units["example.com/layered/low"]
	before := c.b.short.at(c.p.key()).views.get(low.seen)
	_, texts := low.nextView(before)
	r := &remake{t: tools, bp: bp, work: t.TempDir(), thrift: &c.b.thrift}
	spread, ok := r.compileSpread(t.Context(), low, bp.archivesFor(low), texts)
	if !ok || spread == before.spread {
		t.Fatalf("compiled: %v, changed: %v", ok, spread != before.spread)
	}
	before.spread = spread // the wrong answer

	c.says(c.must(), onlyLow, "one 15 1521 21")
	c.b.settle()
	if have := c.doubted(); !strings.Contains(have, "example.com/layered/mid does not compile") {
		t.Errorf("reported %q", have)
	}
	var failed *BuildError
	if _, err := c.build(); !errors.As(err, &failed) || !strings.Contains(failed.Text, "mid/mid.go:7") {
		t.Errorf("then the build ends with %v", err)
	}
}

// Lines that nobody knows are refused, and the importers are compiled.
func TestWronglyBehind(t *testing.T) {
	notShort(t)
	t.Parallel()
	c := layeredTrial(t, nil)
	c.inLow("func At", "\n\nfunc At")
	c.waits.Store(true)
	c.says(c.must(), onlyLow, "one 15 1521 21")
	s := c.b.short.at(c.p.key())
	path := filepath.Join(c.p.Dir, "low/low.go")
	before := s.views.get(s.blueprint.units["example.com/layered/low"].seen)
	wrong, _, ok := lines.New([]byte("package low\n\n\nfunc At() string { return line() }\n"))
	if !ok {
		t.Fatal("no layout")
	}
	before.layouts[path] = wrong
	c.inLow("func At", "\n\n\nfunc At")
	c.waits.Store(false)
	a := c.must()
	c.says(a, "compiled 3 of 3 packages, and patched", "one 16 1622 22")
	c.b.settle()
	if !c.confirmed(a) {
		t.Errorf("not confirmed: %s", c.doubted())
	}
}
