package tests

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// absIn makes a file name absolute.
func absIn(dir, name string) string {
	if name = filepath.FromSlash(name); filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, name)
}

// within reports whether path is dir or lies below it.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// top returns the top-level test of a subtest.
func top(test string) string {
	name, _, _ := strings.Cut(test, "/")
	return name
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// lineOf returns a line of a file, or false if the file has no such line.
func lineOf(path string, number int) (string, bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for ; ; number-- {
		text, err := lines.ReadString('\n')
		if number == 1 || err != nil {
			return text, true
		}
	}
}

// testsIn returns the test functions of a file, as go test selects them, with their lines. If a file does not parse,
// the result has the functions before the error.
func testsIn(path string) map[string]int {
	set := token.NewFileSet()
	file, _ := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if file == nil {
		return nil
	}
	found := map[string]int{}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil {
			continue
		}
		for _, prefix := range []string{"Test", "Example", "Fuzz"} {
			if strings.HasPrefix(f.Name.Name, prefix) && f.Name.Name != "TestMain" {
				found[f.Name.Name] = set.Position(f.Pos()).Line
			}
		}
	}
	return found
}
