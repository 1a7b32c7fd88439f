package ignore

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// benchTree is a repository with the rules of a usual one: a hundred at the root, a few nested.
func benchTree(b *testing.B) (root string, m *Matcher) {
	root = b.TempDir()
	makeDir(b, filepath.Join(root, ".git"))
	var rules strings.Builder
	for i := range 25 {
		fmt.Fprintf(&rules, "name%d\n*.ext%d\n/some/path%d/\n/web/**/gen%d_*.js\n", i, i, i, i)
	}
	writeFile(b, filepath.Join(root, gitignore), rules.String())
	writeFile(b, filepath.Join(root, "internal", gitignore), "*.out\n!keep.out\n")
	writeFile(b, filepath.Join(root, reloadignore), "*.log\n/uploads/\n*_mock.go\n")
	m, _ = Load(nil, Options{Trees: []string{root}})
	return root, m
}

func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct{ name, path string }{
		{"kept", "internal/store/postgres/query.go"},
		{"kept non-ASCII", "internal/store/größe/query.go"},
		{"user", "internal/store/query_mock.go"},
		{"git", "internal/store/x.out"},
		{"closed folder", "node_modules/left-pad/lib/index.js"},
	} {
		b.Run(c.name, func(b *testing.B) {
			root, m := benchTree(b)
			path := filepath.Join(root, c.path)
			b.ReportAllocs()
			for b.Loop() {
				m.Match(path, false)
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	root, _ := benchTree(b)
	var dirs []string
	for i := range 1000 {
		dir := filepath.Join(root, "web", fmt.Sprint(i%30), fmt.Sprint(i))
		makeDir(b, dir)
		dirs = append(dirs, dir)
	}
	b.Run("1000 folders", func(b *testing.B) {
		for b.Loop() {
			Load(dirs, Options{})
		}
	})
	b.Run("tree of 1000 folders", func(b *testing.B) {
		for b.Loop() {
			Load(nil, Options{Trees: []string{root}})
		}
	})
}
