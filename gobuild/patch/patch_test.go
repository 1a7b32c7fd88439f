package patch

import (
	"path/filepath"
	"testing"
)

const helloBefore = `
-- main.go --
package main

import (
	"fmt"
	_ "runtime/debug"
	_ "strings"
)

func main() {
	fmt.Println("hello", f(3))
}

func f(n int) int { return n * 2 }
`

const helloAfter = `
-- main.go --
package main

import (
	"fmt"
	"runtime/debug"
	"strings"
)

type shape interface{ area() int }
type square struct{ a int }

func (s *square) area() int { return s.a * s.a }
func (s square) String() string { return "square" }

var table = map[string]int{"a": 1, "b": 2}
var list = []string{"x", "y"}

func init() { list = append(list, "init") }

func main() {
	fmt.Println("hello, world", f(3), list, table["b"])
	var s shape = &square{4}
	fmt.Println(s, s.area())
	defer func() {
		fmt.Println(recover())
		stack := string(debug.Stack())
		fmt.Println(strings.Contains(stack, "main.go:3"))
	}()
	var p *square
	p.area()
}

func f(n int) string { return fmt.Sprintf("%06d", n) }
`

func TestScratchPatch(t *testing.T) {
	s := newSource(t, helloBefore)
	s.compile(t)
	b := s.open(t)
	s.save(t, helloAfter)
	changed := s.compile(t)
	out := filepath.Join(t.TempDir(), "patched")
	r, err := b.Patch(t.Context(), changed, out)
	t.Logf("%+v %v", r, err)
	if err != nil {
		t.FailNow()
	}
	t.Log(run(t, out))
	t.Log(run(t, s.link(t).Image))
	e := s.open(t)
	d, err := e.Compare(t.Context(), out, 20)
	t.Log(err)
	for _, d := range d {
		t.Log(d)
	}
	d, err = e.Compare(t.Context(), e.layout.image.path, 20)
	t.Log("self", err, d)
}
