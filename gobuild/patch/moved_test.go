package patch

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// movedProgram has lines of package low in all its packages: of inlined functions, generic ones, closures in both, and
// in stacks.
const movedProgram = `
-- main.go --
package main

import (
	"fmt"

	"example/low"
	"example/mid"
)

type key struct{ n int }

func main() {
	fmt.Println(low.Short(1), mid.Twice(2), low.Where(), mid.Where())
	fmt.Println(low.Map([]key{{1}}, func(k key) string { return low.Line() }), mid.Lines())
	show(func() { low.First([]int(nil)) })
	show(func() { mid.First(nil) })
	show(func() { low.Defer(func() { panic("own") }) })
}

func show(f func()) {
	defer func() { fmt.Println(recover(), low.Stack()) }()
	f()
}
-- mid/mid.go --
package mid

import "example/low"

//go:noinline
func Twice(n int) int { return low.Short(low.Short(n)) }

func Where() string { return low.Line() + low.Where() }

func First(list []string) string { return low.First(list) }

func Lines() []string { return low.Map([]int{1, 2}, func(int) string { return low.Where() }) }
-- low/low.go --
package low

import (
	"fmt"
	"runtime"
	"strings"
)

func Short(n int) int { return n + 1 }

func Long(n int) int {
	sum := 0
	for i := range n {
		sum += i
	}
	defer func() { sum++ }()
	return sum
}

func Line() string { return line(2) }

func Where() string {
	return func() string {
		return line(1) + line(2)
	}()
}

//go:noinline
func line(depth int) string {
	_, file, n, _ := runtime.Caller(depth)
	return fmt.Sprint(file[strings.LastIndexByte(file, '/')+1:], ":", n)
}

func First[T any](list []T) T {
	return list[0]
}

func Map[T, U any](list []T, f func(T) U) (made []U) {
	each := func(v T) {
		made = append(made, f(v))
		fmt.Println(line(1), line(2), Stack())
	}
	for _, v := range list {
		each(v)
	}
	return made
}

func Defer(f func()) {
	defer func() { f() }()
}

func Stack() (lines []string) {
	pcs := make([]uintptr, 50)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for {
		f, more := frames.Next()
		start := 0
		if f.Func != nil {
			_, start = f.Func.FileLine(f.Entry)
		}
		lines = append(lines, fmt.Sprint(f.Function, " ", f.Line, " ", start, "\n"))
		if !more {
			return lines
		}
	}
}
`

// movedEdits are edits of low that move lines and change nothing else that other packages know.
var movedEdits = []struct {
	name string
	edit []string // old, new, old, new …
}{
	{"down", []string{"func Short", "\n\n\nfunc Short"}},
	{"up", []string{"\n\nfunc Long", "\nfunc Long"}},
	{"a body grows", []string{"sum := 0", "sum := 0\n\tif n > 5 {\n\t\tprintln(n)\n\t}"}},
	{"far down", []string{"func Short", strings.Repeat("// A comment.\n", 5000) + "\nfunc Short"}},
	{"apart", []string{"func Line", "\nfunc Line", "func First", "\n\nfunc First", "func Defer", "\nfunc Defer"}},
}

// spansOf returns where the declarations are that two versions have in common. All are separated by an empty line.
func spansOf(old, now string) (spans []Span) {
	for from := 1; old != ""; {
		part, rest, _ := strings.Cut(old, "\n\n")
		if before, _, found := strings.Cut(now, part); found && strings.Count(old, part) == 1 {
			n := strings.Count(part, "\n") + 1
			spans = append(spans, Span{from, from + n, 1 + strings.Count(before, "\n") - from})
		}
		from += strings.Count(part, "\n") + 2
		old = rest
	}
	return spans
}

// Packages with lines of a changed one get its new lines, as if they had been compiled again.
func TestMovedLines(t *testing.T) {
	s := newSource(t, movedProgram)
	s.compile(t)
	before := s.archives
	b := s.open(t)
	path := filepath.Join(s.dir, "low/low.go")
	for _, e := range movedEdits {
		t.Run(e.name, func(t *testing.T) {
			edited := strings.NewReplacer(e.edit...).Replace(s.texts["low/low.go"])
			s.archives = before
			s.save(t, "-- low/low.go --\n"+edited)
			compiled := s.compile(t)
			if len(compiled) != 3 {
				t.Fatalf("go has compiled %v", compiled)
			}
			spans := spansOf(s.texts["low/low.go"], edited)
			moved := []File{{Path: path, Spans: spans}}
			changed := map[string]Change{"example/low": {Archive: compiled["example/low"]}, "main": {Moved: moved},
				"example/mid": {Moved: moved}}
			s.checkChanges(t, b, changed, "")

			changed["example/mid"] = Change{Archive: compiled["example/mid"]}
			s.checkChanges(t, b, changed, "")

			// A former archive can be that of the base, too.
			changed["example/mid"] = Change{Archive: before["example/mid"], Moved: moved}
			s.checkChanges(t, b, changed, "")
		})
	}
}

// Wrong lines are found by the comparison, and lines that nobody knows are refused.
func TestWronglyMovedLines(t *testing.T) {
	s := newSource(t, movedProgram)
	s.compile(t)
	b := s.open(t)
	text := s.texts["low/low.go"]
	edited := strings.Replace(text, "func Short", "\n\nfunc Short", 1)
	s.save(t, "-- low/low.go --\n"+edited)
	compiled := s.compile(t)
	exact := s.open(t)
	right := spansOf(text, edited)
	patch := func(spans []Span) (string, error) {
		moved := []File{{Path: filepath.Join(s.dir, "low/low.go"), Spans: spans}}
		out := filepath.Join(t.TempDir(), "patched")
		_, err := b.Patch(t.Context(), map[string]Change{"example/low": {Archive: compiled["example/low"]},
			"main": {Moved: moved}, "example/mid": {Moved: moved}}, out)
		return out, err
	}
	var found []string
	for i := range right {
		wrong := slices.Clone(right)
		wrong[i].Down++
		out, err := patch(wrong)
		if err != nil {
			t.Fatal(err)
		}
		differences, err := exact.Compare(t.Context(), out, 1)
		if err != nil {
			t.Fatal(err)
		}
		for range differences {
			found = append(found, strings.Split(text, "\n")[right[i].From-1])
		}

		var unfit *Unfit
		unknown := slices.Delete(slices.Clone(right), i, i+1)
		if _, err := patch(unknown); len(differences) > 0 && !errors.As(err, &unfit) {
			t.Errorf("without lines %d to %d, the patch ends with %v; with wrong lines, the comparison finds %v",
				right[i].From, right[i].To, err, differences)
		}
	}
	if len(found) != 4 {
		t.Errorf("found %q", found)
	}

	moved := []File{{Path: "low.go", Spans: right}}
	if _, err := b.Patch(t.Context(), map[string]Change{"example/low": {Archive: compiled["example/low"]},
		"main": {Moved: moved}}, filepath.Join(t.TempDir(), "patched")); err == nil {
		t.Error("a file with an unknown name is moved")
	}

	// The number of a symbol changes, which importers would have seen in the export data.
	s.save(t, "-- low/low.go --\n"+strings.Replace(text, "func Line", "func added() { line(1) }\n\nfunc Line", 1))
	compiled = s.compile(t)
	var unfit *Unfit
	if _, err := patch(right); !errors.As(err, &unfit) || !strings.Contains(unfit.Why, "former numbers") {
		t.Errorf("with other numbers, the patch ends with %v", err)
	}
}

// A table of values survives reading and writing, and equal neighbors become one.
func TestTablesByProgramCounter(t *testing.T) {
	for _, c := range []struct{ list, want []value }{
		{nil, nil},
		{[]value{{-1, 4}}, []value{{-1, 4}}},
		{[]value{{7, 1}, {9, 300}, {-1, 301}}, []value{{7, 1}, {9, 300}, {-1, 301}}},
		{[]value{{7, 1}, {7, 5}, {100000, 9}, {100000, 10}}, []value{{7, 5}, {100000, 10}}},
	} {
		if have := values(tableOf(c.list)); !slices.Equal(have, c.want) {
			t.Errorf("%v becomes %v, want %v", c.list, have, c.want)
		}
	}
}
