package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSeeds: docs/seeds.md has every row of the three supervisors once, with a test or a reason, and every scenario.
// Each test named there exists.
func TestSeeds(t *testing.T) {
	tests := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				tests[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("docs/seeds.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`^\| ([AWEK]?\d+) \|(.*)\|$`)
	named := regexp.MustCompile(`\bTest[A-Z]\w*|\bFuzz[A-Z]\w*`)
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		m := row.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		if seen[m[1]] {
			t.Errorf("row %s stands twice", m[1])
		}
		seen[m[1]] = true
		names := named.FindAllString(m[2], -1)
		if len(names) == 0 && !strings.Contains(m[2], "no meaning here: ") {
			t.Errorf("row %s names no test, and no reason", m[1])
		}
		for _, name := range names {
			if !tests[name] {
				t.Errorf("row %s: there is no %s", m[1], name)
			}
		}
	}
	for seed, rows := range map[string]int{"A": 44, "W": 47, "E": 44, "": 40} {
		for n := range rows {
			id := fmt.Sprint(seed, n+1)
			if upgrade := id == "34" || id == "35"; !seen[id] && !upgrade {
				t.Errorf("row %s is missing", id)
			}
		}
	}
}
