package lines

import (
	"bytes"
	"go/scanner"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const first = `// Package p is an example.
package p

import (
	"fmt"
	"os"
)

import "strings"

// T has a comment.
type T struct{ a int } // and another one

//go:noinline
func (t *T) Get() int { return t.a }

var (
	X = 1
	y = 2
)

func init() { fmt.Println(os.Args) }

func init() {
	/* in
	   the way */ fmt.Println(strings.ToUpper("x"))
}

func long(n int) int {
	for i := range n {
		n += i
	}
	return n
} /* a comment
that ends later */

const _ = 3

const _ = 4

func Last() {}
`

var emptyLines = regexp.MustCompile(`\n+`)

// words returns the tokens and comments of a Go file, without empty lines in comments.
func words(t *testing.T, text []byte) (list []string) {
	t.Helper()
	var s scanner.Scanner
	s.Init(token.NewFileSet().AddFile("", -1, len(text)), text, nil, scanner.ScanComments)
	for {
		_, tok, word := s.Scan()
		if tok == token.EOF {
			return list
		}
		list = append(list, tok.String()+" "+emptyLines.ReplaceAllString(word, "\n"))
	}
}

// lineOf returns the line in which a text begins that occurs once.
func lineOf(t *testing.T, file []byte, text string) int {
	t.Helper()
	before, after, found := strings.Cut(string(file), text)
	if !found || strings.Contains(after, text) {
		t.Fatalf("%q does not occur once", text)
	}
	return 1 + strings.Count(before, "\n")
}

// Declarations have one place in all versions of a file, and the code stays the same.
func TestSpread(t *testing.T) {
	old, spread, ok := New([]byte(first))
	if !ok {
		t.Fatal("the file has no layout")
	}
	if have, want := words(t, spread), words(t, []byte(first)); !slices.Equal(have, want) {
		t.Error("the code has changed")
	}
	kept := []string{"type T", "func (t *T) Get", "X = 1", "y = 2", "func init() { fmt", "/* in", "func long", "func Last"}
	for _, c := range []struct {
		name string
		edit []string // old, new, …
		gone []string // without these
	}{
		{"nothing", nil, nil},
		{"lines", []string{"type T", "\n\n\ntype T", "func Last", "\nfunc Last"}, nil},
		{"fewer lines", []string{"\n\n//go", "\n//go", "\n\nconst", "\nconst"}, nil},
		{"a body", []string{"\t\tn += i\n", "\t\tn += i\n\t\tprintln(n)\n\t\tprintln(n)\n"}, nil},
		{"a function", []string{"var (", "func more() {\n}\n\nvar ("}, nil},
		{"a function less", []string{"func init() { fmt.Println(os.Args) }\n\n", ""}, []string{"func init() { fmt"}},
		{"an import", []string{"\t\"os\"\n", "\t\"io\"\n\t\"os\"\n"}, nil},
		{"a comment", []string{"// T has", "// T has\n// T has"}, nil},
		{"line ends", []string{"\n", "\r\n"}, nil},
	} {
		now := []byte(strings.NewReplacer(c.edit...).Replace(first))
		next, text, ok := old.Next(now)
		if !ok {
			t.Errorf("%s: the file has no layout", c.name)
			continue
		}
		if have, want := words(t, text), words(t, now); !slices.Equal(have, want) {
			t.Errorf("%s: the code has changed", c.name)
		}
		for _, k := range kept {
			if c.gone == nil && lineOf(t, text, k) != lineOf(t, spread, k) {
				t.Errorf("%s: %q is in line %d, want %d", c.name, k, lineOf(t, text, k), lineOf(t, spread, k))
			}
		}
		again, same, ok := next.Next([]byte(first))
		if c.gone == nil && (!ok || !bytes.Equal(same, spread) || len(again.Moves(old)) != len(old.decls)) {
			t.Errorf("%s: the way back does not lead to the first version", c.name)
		}
		for _, m := range old.Moves(next) {
			before := strings.Split(first, "\n")[m.From-1 : m.To-1]
			after := strings.Split(strings.ReplaceAll(string(now), "\r", ""), "\n")[m.From+m.Down-1 : m.To+m.Down-1]
			if c.name != "line ends" && !slices.Equal(before, after) {
				t.Errorf("%s: %v: %q becomes %q", c.name, m, before, after)
			}
		}
	}
}

// Declarations with another text are not among those that have moved.
func TestMoves(t *testing.T) {
	old, _, _ := New([]byte("package p\n\nfunc a() {\n}\n\nfunc b() {\n}\n\nfunc c() {\n}\n"))
	next, _, ok := old.Next([]byte("package p\n\n\nfunc a() {\n}\n\nfunc b() {\n\ta()\n}\n\nfunc d() {}\n\n" +
		"func c() {\n}\n"))
	if have, want := old.Moves(next), []Move{{3, 5, 1}, {9, 11, 4}}; !ok || !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
}

// What cannot be spread, or not to the same places, has no layout.
func TestNoLayout(t *testing.T) {
	for _, text := range []string{"", "package p\nfunc {", "package p\n\n//line x.go:3\nfunc f() {}\n",
		"package p\n\nfunc f() { /*line x.go:3*/ }\n", "package p\n" + strings.Repeat("\n", mostLine) + "func f() {}\n"} {
		if _, _, ok := New([]byte(text)); ok {
			t.Errorf("%.40q has a layout", text)
		}
	}
	old, _, _ := New([]byte("package p\n\nfunc a() {}\n\nfunc B() {}\n\nvar C, d = 1, 2; var e = 3\n"))
	for _, text := range []string{
		"package p\n\nfunc B() {}\n\nfunc a() {}\n\nvar C, d = 1, 2; var e = 3\n",                // another order
		"package p\n\nfunc a() {}\n\nfunc B() {}\n\nfunc F() {}\n\nvar C, d = 1, 2; var e = 3\n", // exported
		"package p\n\nfunc a() {}\n\nvar C, d = 1, 2; var e = 3\n",
		"package p\n\nfunc a() {" + strings.Repeat("\n", 1000) + "}\n\nfunc B() {}\n\nvar C, d = 1, 2; var e = 3\n",
		"package p\n\nfunc a() {} func B() {}\n", // broken
	} {
		if _, _, ok := old.Next([]byte(text)); ok {
			t.Errorf("%.60q has a layout", text)
		}
	}
}
