//go:build unix

package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// After every edit, the file is valid Go, shows its word, and differs from the version before; the rest of the file
// stays.
func TestEdits(t *testing.T) {
	for name, source := range map[string]string{
		"no import":      "// Package p is small.\npackage p // here\n\nfunc F() {}\n",
		"one import":     "package p\n\nimport \"fmt\" // why\n\nvar F = fmt.Sprint\n",
		"several blocks": "package p\n\nimport (\n\t\"fmt\"\n)\nimport \"os\"\n\nvar F = fmt.Sprint(os.Args)\n",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := newMarked(dir, "p.go")
		if err != nil {
			t.Fatal(err)
		}
		before := string(m.source())
		for round := range 20 {
			for i, e := range edits(benched{leaf: "a", deep: "b"}) {
				e.change(&m.variant)
				m.mark = strings.Repeat("x", round*10+i+1) + "."
				now := string(m.source())
				if _, err := parser.ParseFile(token.NewFileSet(), "", now, parser.AllErrors); err != nil {
					t.Fatalf("%s, %s: %v\n%s", name, e.name, err, now)
				}
				if now == before || !strings.Contains(now, m.mark) || !strings.HasSuffix(now, m.tail) ||
					!strings.HasPrefix(now, m.head) {
					t.Fatalf("%s, %s: have\n%s", name, e.name, now)
				}
				before = now
			}
		}
		if !strings.Contains(m.tail, "F") || strings.Contains(m.tail, "import") {
			t.Errorf("%s: %q is what follows the imports", name, m.tail)
		}
	}
}

func TestLastWay(t *testing.T) {
	if have := lastWay("built: go build: x\nother\n\x1b[2mbuilt: compiled 1 of 2 packages\x1b[0m\n" +
		"more\n"); have != "compiled 1 of 2 packages" {
		t.Errorf("have %q", have)
	}
}
