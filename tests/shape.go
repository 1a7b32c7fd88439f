package tests

import (
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotreload/gobuild"
	"hotreload/watch"
)

// shapeOf represents what the importers of a package can know of a source file: its declarations without the bodies of
// functions, comments and places. "" if the file does not parse. A file that is not Go has no declarations.
//
// go's export data say more: they also contain line numbers and the bodies of small functions, so that almost each edit
// changes them; and go would have to compile the package first. A shape only decides about the order.
func shapeOf(path string) string {
	if filepath.Ext(path) != ".go" {
		return "not Go"
	}
	source, err := os.ReadFile(path)
	set := token.NewFileSet()
	file, parseErr := parser.ParseFile(set, path, source, parser.SkipObjectResolution)
	if err != nil || parseErr != nil {
		return ""
	}
	var bodies []*ast.BlockStmt
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			bodies = append(bodies, f.Body)
		}
	}
	var tokens scanner.Scanner
	tokens.Init(set.File(file.Pos()), source, nil, 0)
	sum := sha256.New()
	for {
		at, t, text := tokens.Scan()
		if t == token.EOF {
			return string(sum.Sum(nil))
		}
		for len(bodies) > 0 && bodies[0].Rbrace < at {
			bodies = bodies[1:]
		}
		if len(bodies) == 0 || at < bodies[0].Lbrace {
			fmt.Fprintf(sum, "%d %s\x00", t, text)
		}
	}
}

// shapes is the shape of each source file when its importers were tested last.
type shapes map[string]string

// bodiesOnly reports whether a change leaves the declarations as they were.
func (s shapes) bodiesOnly(change watch.Change) bool {
	before := s[change.Path]
	return change.Op == watch.Written && before != "" && before == shapeOf(change.Path)
}

// shapesRead is a message for the owner.
type shapesRead struct{ shapes }

// readShapes reads the shapes that are not known yet, and sends them. A file that was written after asked has none.
func (t *Tester) readShapes(g *graph, asked time.Time) {
	paths := slices.DeleteFunc(sortedKeys(g.files), func(path string) bool {
		return g.files[path].kind != source || t.shapes[path] != "" || strings.HasSuffix(path, "_test.go")
	})
	go func() { // ends soon: each file is read once
		read := shapesRead{shapes{}}
		for i, shape := range gobuild.ReadBefore(paths, asked, shapeOf) {
			read.shapes[paths[i]] = shape
		}
		select {
		case t.came <- read:
		case <-t.done:
		}
	}()
}
