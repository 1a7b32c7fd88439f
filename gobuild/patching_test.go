package gobuild

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hotreload/gobuild/patch"
	"hotreload/gobuild/plan"
)

// linker is a patcher that links: its programs are right, whatever package patch can do. Tests tell it what to refuse
// and what to find.
type linker struct {
	testing.TB
	unable string // why nothing is patched

	mu      sync.Mutex // guards all below
	refuses string     // why a program cannot be read
	finds   []patch.Difference
	fails   error // of a comparison
	starved bool  // comparisons with a limit of time get no processor
	opened  int
	closed  int
	patched []string // the names of the packages of each patch
}

func (l *linker) supported(goVersion, goos, goarch string) string {
	if goVersion == "" || goos == "" || goarch == "" {
		return "nobody knows for what"
	}
	return l.unable
}

func (l *linker) open(ctx context.Context, link patch.Link) (patchable, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuses != "" {
		return nil, &patch.Unfit{Why: l.refuses}
	}
	if link.Archives["main"] == "" || link.Archives["runtime"] == "" || statOrNil(link.Image) == nil {
		return nil, errors.New("something is missing")
	}
	l.opened++
	return &linked{l, link}, nil
}

// linked is a base of linker.
type linked struct {
	*linker
	link patch.Link
}

func (l *linked) Patch(ctx context.Context, changes map[string]patch.Change, out string) (patch.Report, error) {
	var names []string
	var config strings.Builder
	main := ""
	for name, archive := range l.link.Archives {
		if change := changes[name]; change.Archive != "" {
			names, archive = append(names, name), change.Archive
		}
		if name == "main" {
			main = archive
		}
		fmt.Fprintf(&config, "packagefile %s=%s\n", name, archive)
	}
	if len(names) != len(changes) {
		return patch.Report{}, errors.New("a changed package is not in the base")
	}
	file := out + ".importcfg"
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		return patch.Report{}, err
	}
	t, err := program(filepath.Dir(out)).toolchain()
	if err != nil {
		return patch.Report{}, err
	}
	got, err := t.run(ctx, nil, "tool", "link", "-o", out, "-importcfg", file, "-w", "-buildid="+plan.NewID(), main)
	if err == nil && !got.exit.Success() {
		err = errors.New(got.text)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.patched = append(l.patched, strings.Join(slices.Sorted(slices.Values(names)), " "))
	return patch.Report{}, err
}

func (l *linked) Compare(ctx context.Context, patched string, limit int) ([]patch.Difference, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, limited := ctx.Deadline(); l.starved && limited {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if statOrNil(patched) == nil {
		return nil, errors.New("there is no patched program")
	}
	return l.finds[:min(len(l.finds), limit)], l.fails
}

func (l *linked) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed++
	return nil
}

// patchTrial is begin for a program that is patched by linker.
func patchTrial(t *testing.T, change func(l *linker, p *Program)) (*trial, *linker) {
	t.Helper()
	l := &linker{TB: t}
	p := program(tree(t, small))
	p.Patch = true
	if change != nil {
		change(l, &p)
	}
	c := &trial{T: t, b: fastBuilder(t), p: p, g: load(t, p)}
	c.b.short.patcher = l
	c.must()
	c.b.settle()
	return c, l
}

// must builds, and requires a program.
func (c *trial) must() *Artifact {
	c.Helper()
	a, err := c.build()
	if err != nil {
		c.Fatal(err)
	}
	return a
}

// says requires the way of a build and the output of the program.
func (c *trial) says(a *Artifact, way, text string) {
	c.Helper()
	if have := strings.TrimSuffix(output(c, a), " none"); !strings.HasSuffix(a.Way, way) || have != text {
		c.Fatalf("%s: %q; want %s, %q", a.Way, have, way, text)
	}
}

// confirmed reports whether a patched program was confirmed by now.
func (c *trial) confirmed(a *Artifact) bool {
	for {
		select {
		case news := <-c.b.Adopted():
			if news == (Adopted{a.ID, true}) {
				return true
			}
		default:
			return false
		}
	}
}

// doubted returns what was reported, "" if nothing was.
func (c *trial) doubted() string {
	select {
	case err := <-c.b.Doubts():
		if !errors.Is(err, Doubtful) {
			c.Errorf("have %v", err)
		}
		return err.Error()
	default:
		return ""
	}
}

// A result that nobody holds any more is made again, without go and without the compiler: a save in several steps can
// be built before its last step, which changes nothing.
func TestBuiltAgain(t *testing.T) {
	t.Parallel()
	notShort(t)
	for _, e := range []struct {
		name, way string
		patch     bool
	}{{"patched", ", and patched", true}, {"linked", " and linked", false}} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			c, _ := patchTrial(t, func(_ *linker, p *Program) { p.Patch = e.patch })
			c.edited("one")
			a, err := c.b.Build(t.Context(), c.p, c.g)
			if err != nil {
				t.Fatal(err)
			}
			if c.b.Release(a); statOrNil(a.Path) != nil {
				t.Fatal("the binary is still there")
			}
			now := time.Now().Add(time.Second)
			if err := os.Chtimes(filepath.Join(c.p.Dir, "word/word.go"), now, now); err != nil {
				t.Fatal(err)
			}
			again := c.must()
			if c.says(again, "of 2 packages"+e.way, "one"); again.ID != a.ID {
				t.Errorf("first %s, then %s", a.ID, again.ID)
			}
			if last := c.must(); last.ID != a.ID || !strings.Contains(last.Way, "nothing that is compiled has changed") {
				t.Errorf("then %s: %s", last.ID, last.Way)
			}
		})
	}
}

// A patched program is confirmed by the linked one, which then counts as the same: nothing is replaced. The next patch
// is made from the linked one.
func TestPatched(t *testing.T) {
	notShort(t)
	c, l := patchTrial(t, nil)
	for _, word := range []string{"one", "two"} {
		c.edited(word)
		a := c.must()
		c.says(a, "compiled 2 of 2 packages, and patched", word)
		if a.Steps.Link == 0 || a.Steps.Compile == 0 {
			t.Errorf("have %+v", a.Steps)
		}
		c.b.settle()
		if !c.confirmed(a) {
			t.Error("nothing is confirmed")
		}
		if again := c.must(); again.ID != a.ID || !strings.Contains(again.Way, "nothing that is compiled has changed") {
			t.Errorf("%s: %s, want %s", again.Way, again.ID, a.ID)
		}
		c.b.settle()
		c.p.Slow = true
		if again := c.must(); again.ID != a.ID || fast(again.Way) {
			t.Errorf("%s: %s, want %s", again.Way, again.ID, a.ID)
		}
		c.p.Slow = false
		c.b.settle()
		if again := c.must(); again.ID != a.ID {
			t.Errorf("%s: %s, want %s", again.Way, again.ID, a.ID)
		}
		c.b.settle()
	}
	if doubt := c.doubted(); doubt != "" {
		t.Error(doubt)
	}
	if s := c.b.short.at(c.p.key()); s.unsure != "" || s.off != "" || s.patching.patched != nil || s.patching.base == nil {
		t.Errorf("have %+v", s)
	}
	c.b.short.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	want := "example.com/hello/word main"
	equal(t, "patched", l.patched, []string{want, want})
	if left, _ := os.ReadDir(filepath.Join(c.b.run.dir, "bases")); l.opened != l.closed || len(left) > 0 {
		t.Errorf("%d programs opened, %d closed; left are %v", l.opened, l.closed, left)
	}
}

// While the linked program is not there yet, all patches are made from the same base, and an undone edit is the base.
func TestPatchesDoNotPileUp(t *testing.T) {
	notShort(t)
	c, l := patchTrial(t, nil)
	c.b.short.pause = func(ctx context.Context, _ time.Duration) { <-ctx.Done() }
	first := strings.TrimSuffix(output(t, c.must()), " none")
	ids := map[string]string{}
	for _, word := range []string{"one", "two", "one"} {
		c.edited(word)
		a := c.must()
		c.says(a, ", and patched", word)
		if ids[word] != "" && ids[word] != a.ID {
			t.Errorf("the same code has the IDs %s and %s", ids[word], a.ID)
		}
		ids[word] = a.ID
	}
	c.edited(first)
	base := c.b.short.at(c.p.key()).patching.base.bp.artifact
	a := c.must()
	if c.says(a, "the program is the one linked before", first); a.ID != base {
		t.Errorf("the undone edit has the ID %s, want %s", a.ID, base)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.opened != 1 || len(l.patched) != 3 {
		t.Errorf("%d programs opened, patched %v", l.opened, l.patched)
	}
}

// If the linked program is another one, it takes the place of the patched one, and nothing is patched any more.
func TestWrongPatch(t *testing.T) {
	notShort(t)
	for _, e := range []struct {
		name  string
		wrong func(l *linker)
		want  string
	}{
		{"a difference", func(l *linker) {
			l.finds = []patch.Difference{{Kind: "contents", Symbol: "main.main", Detail: "12 bytes"}}
		}, "contents: main.main: 12 bytes"},
		{"no comparison", func(l *linker) { l.fails = errors.New("the table is odd") }, "the table is odd"},
		{"no base", func(l *linker) { l.refuses = "it is strange" }, "it is strange"},
	} {
		t.Run(e.name, func(t *testing.T) {
			c, l := patchTrial(t, nil)
			l.mu.Lock()
			e.wrong(l)
			l.mu.Unlock()
			c.edited("one")
			a := c.must()
			c.says(a, ", and patched", "one")
			c.b.settle()
			doubt := c.doubted()
			if !strings.Contains(doubt, e.want) || !strings.Contains(doubt, "--build=link") {
				t.Errorf("have %q", doubt)
			}
			reports, _ := filepath.Glob(filepath.Join(c.b.Root(), "patch-*.txt"))
			if len(reports) != 1 || !strings.Contains(doubt, reports[0]) {
				t.Fatalf("have %v, told %q", reports, doubt)
			}
			text, _ := os.ReadFile(reports[0])
			if !strings.Contains(string(text), e.want) || !strings.Contains(string(text), "example.com/hello/word") {
				t.Errorf("have %s", text)
			}
			exact := c.must()
			if c.says(exact, "nothing is patched: a patch was wrong", "one"); fast(exact.Way) || exact.ID == a.ID {
				t.Errorf("%s: %s is not replaced", exact.Way, a.ID)
			}
			c.b.settle()
			c.edited("two")
			if way := c.same(); way != "compiled 2 of 2 packages and linked, not patched: a patch was wrong" {
				t.Error(way)
			}
		})
	}
}

// What is not patched is linked, is the same as go's, and says why.
func TestNotPatched(t *testing.T) {
	t.Parallel()
	notShort(t)
	for _, e := range []struct {
		name   string
		change func(l *linker, p *Program)
		why    string
	}{
		{"another system", func(l *linker, _ *Program) { l.unable = "not on this system" }, "not on this system"},
		{"a debugger", func(_ *linker, p *Program) { p.Debugged = OwnPackages }, "debuggers read the program's file"},
		{"with DWARF", func(_ *linker, p *Program) { p.Debug = true }, "debuggers read the program's file"},
		{"position-independent", func(_ *linker, p *Program) { p.Flags = []string{"-buildmode=pie"} },
			"the linker is given -buildmode=pie"},
		{"with the C linker", func(_ *linker, p *Program) { p.Flags = []string{"-ldflags=-linkmode external"} },
			"the linker is given -linkmode"},
		{"unreadable", func(l *linker, _ *Program) { l.refuses = "it is strange" }, "it is strange"},
		{"only built", func(_ *linker, p *Program) { p.Foreign = true }, "the program is only built"},
	} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			c, l := patchTrial(t, e.change)
			c.edited("one")
			if way := c.same(); !strings.HasSuffix(way, "packages and linked, not patched: "+e.why) {
				t.Error(way)
			}
			if len(l.patched) > 0 {
				t.Errorf("patched %v", l.patched)
			}
		})
	}
}

// An import of a package that is linked already comes and goes by a patch. A package that is new to the program is
// linked, and so is one that leaves it.
func TestImportsPatched(t *testing.T) {
	notShort(t)
	c, _ := patchTrial(t, func(_ *linker, p *Program) {
		write(t, filepath.Join(p.Dir, "other.go"), "package main\n\nimport _ \"strings\"\n")
	})
	word := func(imported, text string) {
		t.Helper()
		write(t, filepath.Join(c.p.Dir, "word/word.go"), "package word\n\n"+imported+
			"\n\nfunc Word() string { return "+text+" }\n")
	}
	word(`import "strings"`, `strings.Repeat("one", 2)`)
	c.says(c.must(), ", and patched", "oneone")
	word("", `"two"`) // from the base before: nothing was linked in between
	c.says(c.must(), ", and patched", "two")
	c.b.settle()
	word(`import "strings"`, `strings.ToUpper("three")`)
	c.says(c.must(), ", and patched", "THREE")
	c.b.settle()
	word(`import "text/tabwriter"`, `string(tabwriter.Escape) + "four"`)
	if way := c.same(); fast(way) {
		t.Error(way)
	}
	c.b.settle()
	word("", `"five"`)
	if way := c.same(); fast(way) {
		t.Error(way)
	}
	c.b.settle()
	word("", `"six"`)
	c.says(c.must(), ", and patched", "six")
	if doubt := c.doubted(); doubt != "" {
		t.Error(doubt)
	}
}

// A base that nobody needs for long is put away; the next build links, and then there is a base again.
func TestBaseIsPutAway(t *testing.T) {
	notShort(t)
	c, l := patchTrial(t, nil)
	c.b.putAway(c.p.key(), c.b.short.at(c.p.key()).patching.base)
	l.mu.Lock()
	if l.closed != 1 {
		t.Errorf("%d closed", l.closed)
	}
	l.mu.Unlock()
	c.edited("one")
	if way := c.same(); !strings.HasSuffix(way, "not patched: the last linked program was put away") {
		t.Fatal(way)
	}
	c.b.settle()
	c.edited("two")
	c.says(c.must(), ", and patched", "two")
}

// On a machine that is busy for long, a patched program is confirmed nevertheless.
func TestPatchedOnABusyMachine(t *testing.T) {
	notShort(t)
	c, l := patchTrial(t, nil)
	c.b.short.waive = time.Second
	l.starved = true
	c.edited("one")
	a := c.must()
	c.says(a, ", and patched", "one")
	c.b.settle()
	if !c.confirmed(a) {
		t.Error("nothing is confirmed")
	}
}

// go must not take a patched program for the one it was made from.
func TestGoDoesNotKnowPatchedPrograms(t *testing.T) {
	notShort(t)
	c, _ := patchTrial(t, nil)
	c.b.short.pause = func(ctx context.Context, _ time.Duration) { <-ctx.Done() }
	first := strings.TrimSuffix(output(t, c.must()), " none")
	c.edited("one")
	c.says(c.must(), ", and patched", "one")
	c.edited(first)
	c.p.Slow = true
	c.says(c.must(), "go build: asked to", first)
}

func TestGiveWay(t *testing.T) {
	done := false
	if giveWay(func() { done = true }); !done {
		t.Error("nothing was done")
	}
}

// The flags -X of a link command are found in all forms that its parser of flags knows.
func TestSetBy(t *testing.T) {
	argv := []string{"link", "-o", "x", "-X", "main.a=1", "-X=main.b=2 3", "--X", "example.com/c.d=", "--X=main.e=-X",
		"-w", "-extld=-X", "main.a", "-X"}
	equal(t, "set", setBy(argv), []string{"main.a=1", "main.b=2 3", "example.com/c.d=", "main.e=-X"})
}
