package gobuild

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const server = `-- go.mod --
module example.com/server
go 1.25
-- main.go --
package main

import (
	"fmt"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello EDIT") })
	http.ListenAndServe("localhost:8080", nil)
}
`

// BenchmarkBuild compares, in turns and for the same kind of edit: Build; a plain `go build -ldflags=-w` (the
// difference is hotreload's own cost); `go build` as users run it; and a Build without any change.
func BenchmarkBuild(b *testing.B) {
	dir := tree(b, server)
	p, builder := program(dir), builder(b)
	g := load(b, p)
	source, _ := os.ReadFile(filepath.Join(dir, "main.go"))
	edits := 0
	edit := func() {
		edits++
		write(b, filepath.Join(dir, "main.go"), strings.Replace(string(source), "EDIT", fmt.Sprint(edits), 1))
	}
	plain := func(args ...string) time.Duration {
		began := time.Now()
		cmd := exec.Command("go", slices.Concat([]string{"build", "-o", filepath.Join(b.TempDir(), "server")}, args,
			[]string{"."})...)
		cmd.Dir, cmd.Env = dir, p.Env
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		return time.Since(began)
	}
	ours := func() time.Duration {
		a, err := builder.Build(b.Context(), p, g)
		if err != nil {
			b.Fatal(err)
		}
		builder.Release(a)
		return a.Took
	}
	var build, lean, full, same []time.Duration
	for b.Loop() {
		edit()
		build = append(build, ours())
		edit()
		lean = append(lean, plain("-buildvcs=false", "-ldflags=-w"))
		edit()
		full = append(full, plain())
		edit()
		kept, err := builder.Build(b.Context(), p, g)
		if err != nil {
			b.Fatal(err)
		}
		same = append(same, ours())
		builder.Release(kept)
	}
	b.ReportMetric(0, "ns/op")
	for name, took := range map[string][]time.Duration{"Build-ms": build, "go-build-w-ms": lean,
		"go-build-ms": full, "Build-unchanged-ms": same} {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, name)
	}
}

// many is a module of n packages with ten files each; every package imports the one before.
func many(b *testing.B, n int) string {
	var text strings.Builder
	text.WriteString("-- go.mod --\nmodule example.com/many\ngo 1.25\n")
	for i := range n {
		for f := range 10 {
			fmt.Fprintf(&text, "-- p%d/f%d.go --\n// Package p%d has a comment.\npackage p%d\n\nimport (\n\t\"fmt\"\n"+
				"\t\"strings\"\n", i, f, i, i)
			if f == 0 && i > 0 {
				fmt.Fprintf(&text, "\t_ \"example.com/many/p%d\"\n", i-1)
			}
			text.WriteString(")\n\n")
			for k := range 20 {
				fmt.Fprintf(&text,
					"func F%d_%d(s string) string {\n\treturn fmt.Sprint(strings.ToUpper(s), %d)\n}\n\n", f, k, k)
			}
		}
	}
	fmt.Fprintf(&text, "-- main.go --\npackage main\n\nimport _ \"example.com/many/p%d\"\n\nfunc main() {}\n", n-1)
	return tree(b, text.String())
}

// BenchmarkLoad loads a program of 1,000 files in 100 packages; headers is the part that is not go list.
func BenchmarkLoad(b *testing.B) {
	dir := many(b, 100)
	g := load(b, program(dir))
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			load(b, program(dir))
		}
	})
	b.Run("headers", func(b *testing.B) {
		for b.Loop() {
			g.takeHeaders(time.Now())
		}
	})
	b.Run("look-twice", func(b *testing.B) {
		for b.Loop() {
			if g.moved(g.lookAt()) {
				b.Fatal("moved")
			}
		}
	})
	b.Run("ChangedBy", func(b *testing.B) {
		path := filepath.Join(dir, "p50", "f5.go")
		for b.Loop() {
			if g.ChangedBy(path) {
				b.Fatal("the graph has changed")
			}
		}
	})
	b.Run("Classify", func(b *testing.B) {
		path := filepath.Join(dir, "p50", "f5.go")
		for b.Loop() {
			g.Classify(path)
		}
	})
}

// BenchmarkContentID reads the ID of a binary of 60 MB, with a build ID and without.
func BenchmarkContentID(b *testing.B) {
	hash := "/aaaaaaaaaaaaaaaaaaaa"
	for name, start := range map[string]string{"build-id": "x" + hash + hash + hash + hash + "\x00", "sha256": "x"} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "x")
			if err := os.WriteFile(path, append([]byte(start), bytes.Repeat([]byte("0123456789abcdef"), 60<<16)...),
				0o600); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := contentID(path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
