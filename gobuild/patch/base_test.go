package patch

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestSupported(t *testing.T) {
	for _, c := range []struct {
		version, os, arch string
		ok                bool
	}{
		{"go1.26", "linux", "amd64", true},
		{"go1.26.8", "linux", "amd64", true},
		{"go1.25.9", "linux", "amd64", true},
		{"go1.24.13", "linux", "amd64", false},
		{"go1.27.4", "linux", "amd64", true},
		{"go1.28.0", "linux", "amd64", false},
		{"go1.26rc1", "linux", "amd64", false},
		{"go1.26.8 X:nogreenteagc", "linux", "amd64", false},
		{"devel go1.28-abc", "linux", "amd64", false},
		{"go1.26.8", "linux", "arm64", false},
		{"go1.26.8", "darwin", "amd64", false},
	} {
		if why := Supported(c.version, c.os, c.arch); (why == "") != c.ok {
			t.Errorf("%s %s/%s: %q", c.version, c.os, c.arch, why)
		}
	}
}

// TestObjects compares what is read from archives with what the toolchain reads.
func TestObjects(t *testing.T) {
	s := newSource(t, baseProgram)
	s.compile(t)
	for _, importPath := range []string{"main", "example/lib", "fmt", "strings"} {
		a, err := readArchive(importPath, s.archives[importPath])
		if err != nil {
			t.Fatal(err)
		}
		defer a.release()
		have := map[string]int{}
		for _, o := range a.objects {
			for i := range uint32(o.refs) {
				if sym := o.sym(i); isText(sym.kind()) && o.name(i) != "" {
					have[o.name(i)+" "+strconv.Itoa(int(sym.size()))]++
				}
			}
		}
		out, err := exec.Command("go", "tool", "nm", "-size", s.archives[importPath]).Output()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(out)) {
			f := strings.Fields(line)
			if len(f) < 4 || f[2] != "T" && f[2] != "t" {
				continue
			}
			n++
			if name := strings.Join(f[3:], " ") + " " + f[1]; have[name] == 0 {
				t.Errorf("%s: nm has %s", importPath, name)
			}
		}
		total := 0
		for _, k := range have {
			total += k
		}
		if n == 0 || total != n {
			t.Errorf("%s: %d functions, nm has %d", importPath, total, n)
		}
	}
}

// TestOpenRefuses opens links that are not what the linker made of the archives.
func TestOpenRefuses(t *testing.T) {
	s := newSource(t, baseProgram)
	s.compile(t)
	good := s.link(t)
	image, err := openImage(good.Image, versionOf(good.GoVersion))
	if err != nil {
		t.Fatal(err)
	}
	defer image.close()
	before := s.archives
	s.save(t, "-- lib/lib.go --\n"+strings.Replace(sources(baseProgram)["lib/lib.go"], `"named "`, `"NAMED "`, 1))
	s.compile(t)
	other := s.archives
	flip := func(name string, off uint64) func(*Link) {
		return func(l *Link) {
			data, err := os.ReadFile(l.Image)
			if err != nil {
				t.Fatal(err)
			}
			data[image.offset(image.symbols[name])+int64(off)] ^= 1
			l.Image = filepath.Join(t.TempDir(), "damaged")
			if err := os.WriteFile(l.Image, data, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	link := func(args ...string) func(*Link) {
		return func(l *Link) {
			s.archives = before
			l.Image = s.link(t, args...).Image
		}
	}
	for _, c := range []struct {
		name   string
		change func(*Link)
		why    string
	}{
		{"nothing", func(*Link) {}, ""},
		{"another archive", func(l *Link) { l.Archives = other }, "not what the linker makes"},
		{"a missing archive", func(l *Link) { l.Archives = map[string]string{"main": before["main"]} }, "archive"},
		{"a byte of a function", flip("main.main", 30), "main.main"},
		{"a byte of the runtime", flip("runtime.mallocgc", 30), "runtime.mallocgc"},
		{"a byte of a variable", flip("main.number", 0), "main.number"},
		{"another version", func(l *Link) { l.GoVersion = "go1.21.0" }, "go1.21.0"},
		{"no symbols", link("-s"), "symbol table"},
		{"position independent", link("-buildmode=pie"), "position independent"},
		{"a variable that the linker sets", link("-X=example/lib.Default=other"), "contents"},
		{"a patched program", func(l *Link) { l.Image = patchedImage(t, s, before, other) }, "itself a patched one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := good
			c.change(&l)
			b, err := Open(t.Context(), l)
			var unfit *Unfit
			switch {
			case c.why == "" && err == nil:
				_ = b.Close()
			case c.why == "" || !errors.As(err, &unfit) || !strings.Contains(unfit.Why, c.why):
				t.Errorf("the result is %v, not %q", err, c.why)
			}
		})
	}
}

func patchedImage(t *testing.T, s *source, before, after map[string]string) string {
	s.archives = before
	b := s.open(t)
	changed := map[string]string{}
	for importPath, file := range after {
		if before[importPath] != file {
			changed[importPath] = file
		}
	}
	out := filepath.Join(t.TempDir(), "patched")
	if _, err := b.Patch(t.Context(), changes(changed), out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPatchRefuses changes packages in ways that only the linker can follow.
func TestPatchRefuses(t *testing.T) {
	s := newSource(t, baseProgram+`
-- odd/odd.go --
package odd

func Odd() int

-- odd/odd.s --
TEXT ·Odd(SB), 4, $0-8
	MOVQ $1, ret+0(FP)
	RET
`)
	s.save(t, "-- main.go --\n"+strings.Replace(sources(baseProgram)["main.go"], `"example/util"`,
		"\"example/util\"\n\t_ \"example/odd\"", 1))
	s.compile(t)
	before := s.archives
	b := s.open(t)
	edit := func(file, from, to string) map[string]string {
		s.archives = before
		text, err := os.ReadFile(filepath.Join(s.dir, file))
		if err != nil || !strings.Contains(string(text), from) {
			t.Fatalf("%s does not contain %q (%v)", file, from, err)
		}
		s.save(t, "-- "+file+" --\n"+strings.Replace(string(text), from, to, 1))
		defer s.save(t, "-- "+file+" --\n"+string(text))
		return s.compile(t)
	}
	without := func(changed map[string]string, importPath string) map[string]string {
		delete(changed, importPath)
		return changed
	}
	for _, c := range []struct {
		name    string
		changed map[string]string
		why     string
	}{
		{"assembly", edit("odd/odd.go", "func Odd", "func Even() int { return 2 }\n\nfunc Odd"), "assembly"},
		{"an importer that was not compiled again", without(edit("lib/lib.go", "W, H int", "W, H, D int"), "main"),
			"another version of example/lib"},
		{"an importer without what it imports", without(edit("lib/lib.go", "W, H int", "W, H, D int"), "example/lib"),
			"another version of example/lib"},
		{"a new name by linkname", edit("util/util.go", "package util", `package util

import _ "unsafe"

//go:linkname overflow runtime.overflowError
var overflow error

func Overflow() error { return overflow }`), "linkname"},
		{"a package that is not linked", map[string]string{"example/none": before["main"]}, "not linked"},
		{"the standard library", map[string]string{"fmt": before["fmt"]}, "standard library"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "patched")
			_, err := b.Patch(t.Context(), changes(c.changed), out)
			var unfit *Unfit
			if !errors.As(err, &unfit) || !strings.Contains(unfit.Why, c.why) {
				t.Errorf("the result is %v, not %q", err, c.why)
			}
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Errorf("there is a file: %v", err)
			}
		})
	}
}

func TestClosedBase(t *testing.T) {
	s := newSource(t, baseProgram)
	s.compile(t)
	b := s.open(t)
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	if _, err := b.Patch(t.Context(), nil, filepath.Join(t.TempDir(), "patched")); err == nil {
		t.Error("a closed base can be patched")
	}
}

// TestStopped: a save stops the reading of a base, and a comparison, wherever they are.
func TestStopped(t *testing.T) {
	s := newSource(t, baseProgram)
	s.compile(t)
	link := s.link(t)
	whole := &stopping{Context: t.Context(), after: 1 << 30}
	b, err := Open(whole, link)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	opening := whole.asked
	if least := 2 * len(b.program.objects); opening < least { // defines what each object has, and finds its references
		t.Errorf("Open asks %d times whether to stop; at least %d are expected", opening, least)
	}
	for after := 0; after < opening; after += opening/20 + 1 {
		if b, err := Open(&stopping{Context: t.Context(), after: after}, link); !errors.Is(err, context.Canceled) {
			t.Errorf("Open, stopped at %d of %d: %v, %v", after, opening, b, err)
		}
	}
	whole.asked = 0
	if _, err := b.Compare(whole, link.Image, 1); err != nil {
		t.Fatal(err)
	}
	// The last question is that of the rehearsal, which has no result.
	for after := 0; after < whole.asked-1; after += whole.asked/20 + 1 {
		if _, err := b.Compare(&stopping{Context: t.Context(), after: after}, link.Image, 1); !errors.Is(err,
			context.Canceled) {
			t.Errorf("Compare, stopped at %d of %d: %v", after, whole.asked, err)
		}
	}
}

// stopping is a context that is cancelled after a number of questions.
type stopping struct {
	context.Context
	after, asked int
}

func (s *stopping) Err() error {
	if s.asked++; s.asked > s.after {
		return context.Canceled
	}
	return nil
}
