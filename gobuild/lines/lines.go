// Package lines tells whether an edit of a Go package changes anything for its importers except lines.
//
// # Theory of operation
//
// The compiler writes lines into a package's export data: where each declaration is, and where each statement of a
// function that can be inlined. So a new line in one function changes the export data of all declarations below, and
// go build compiles all importers again, although their instructions stay the same.
//
// To find out, the package is compiled once more from spread files. A spread file has the same code, but much room
// between the declarations, and each declaration begins at a fixed line, in every version of the file:
//
//	first version    next version     first, spread      next, spread
//	1 package p      1 package p        1 package p        1 package p
//	2 func f() {     2 func f() {      67 func f() {      67 func f() {
//	3     g()        3     g()         68     g()         68     g()
//	4 }              4     g()         69 }               69     g()
//	5 func g() {}    5 }              134 func g() {}     70 }
//	                 6 func g() {}                       134 func g() {}
//
// If both spread versions have the same export data, then the edit has moved declarations, and has changed nothing else
// that importers see. The compiler says so; nothing here knows what it writes into export data. What importers have
// inlined is then in declarations that are the same in both versions, so Moves tells where its lines are now.
//
// This package reads and writes text. It does not compile, and looks at no file.
package lines

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
)

// Layout tells where the declarations of a file are, in the file and in its spread version. It never changes.
type Layout struct{ decls []decl }

// decl is a declaration at the top of a file, except imports.
type decl struct {
	name     string            // unique in the file
	exported bool              // importers see it for sure
	sum      [sha256.Size]byte // of its text
	first    int               // line in the file
	lines    int
	place    int // line in the spread file
}

// Move is a range of lines, From inclusive, To exclusive, that begins Down lines further down now.
type Move struct{ From, To, Down int }

const (
	room     = 64      // lines between declarations, for what will be added; half of each declaration's own more
	mostLine = 1 << 19 // the compiler counts up to 1<<20
)

// New returns the layout of a file, and its spread version. There is none for a file that does not parse, has //line
// directives, or is too long.
func New(file []byte) (l *Layout, spread []byte, ok bool) {
	l = &Layout{}
	w, parts, ok := split(file)
	for _, d := range parts {
		if !w.place(d.from, w.lineAt(d.from)+room+d.lines/2) {
			w.copy(d.from) // two declarations in a line
		}
		d.place = w.line
		w.copy(d.to)
		l.decls = append(l.decls, d.decl)
	}
	w.copy(len(file))
	return l, w.text, ok && w.line < mostLine
}

// Next returns the layout of the file's next version, and its spread version: declarations that both versions have
// begin at the same line. There is none if the exported declarations or their order have changed, or if the room does
// not suffice.
func (l *Layout) Next(file []byte) (next *Layout, spread []byte, ok bool) {
	places := map[string]int{}
	for _, d := range l.decls {
		places[d.name] = d.place
	}
	next = &Layout{}
	w, parts, ok := split(file)
	for _, d := range parts {
		place, known := places[d.name]
		if !known {
			place = w.lineAt(d.from)
		}
		if !w.place(d.from, place) {
			return nil, nil, false
		}
		d.place = w.line
		w.copy(d.to)
		next.decls = append(next.decls, d.decl)
	}
	w.copy(len(file))
	return next, w.text, ok && w.line < mostLine && slices.Equal(l.exported(), next.exported())
}

// exported returns the names of exported functions, and of some other exported declarations. If they change, the export
// data do, too.
func (l *Layout) exported() (names []string) {
	for _, d := range l.decls {
		if d.exported {
			names = append(names, d.name)
		}
	}
	return names
}

// Moves returns where the declarations of l that are the same in the next version have moved, in their order.
func (l *Layout) Moves(next *Layout) (moves []Move) {
	now := map[string]decl{}
	for _, d := range next.decls {
		now[d.name] = d
	}
	for _, d := range l.decls {
		if n, found := now[d.name]; found && n.sum == d.sum {
			moves = append(moves, Move{d.first, d.first + d.lines, n.first - d.first})
		}
	}
	return moves
}

// part is a declaration with its place in the file's text.
type part struct {
	decl
	from, to int
}

// split finds the declarations of a file, and returns a writer that has written everything before them.
func split(file []byte) (w *writer, parts []part, ok bool) {
	w = &writer{file: file, line: 1}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, "", file, parser.SkipObjectResolution)
	if err != nil || bytes.Contains(file, []byte("//line ")) || bytes.Contains(file, []byte("/*line ")) {
		return w, nil, false
	}
	at := func(pos token.Pos) int { return set.File(tree.FileStart).Offset(pos) }
	lineOf := func(pos token.Pos) int { return set.File(tree.FileStart).Line(pos) }
	head, names := at(tree.Name.End()), map[string]int{}
	for _, d := range tree.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			head = at(d.End())
			continue
		}
		p := part{from: at(d.Pos()), to: at(d.End())}
		p.sum = sha256.Sum256(file[p.from:p.to])
		p.first = lineOf(d.Pos())
		p.lines = lineOf(d.End()) - p.first + 1
		p.name, p.exported = nameOf(d)
		if names[p.name]++; names[p.name] > 1 {
			p.name += fmt.Sprint("#", names[p.name])
		}
		parts = append(parts, p)
	}
	w.copy(head)
	return w, parts, true
}

// nameOf returns what identifies a declaration, and whether importers see it for sure.
func nameOf(d ast.Decl) (name string, exported bool) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || len(d.Recv.List) == 0 {
			return "func " + d.Name.Name, d.Name.IsExported()
		}
		return "func (" + types.ExprString(d.Recv.List[0].Type) + ") " + d.Name.Name, false
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				return "type " + s.Name.Name, s.Name.IsExported()
			case *ast.ValueSpec:
				return d.Tok.String() + " " + s.Names[0].Name, s.Names[0].IsExported()
			}
		}
		return d.Tok.String() + " ()", false
	}
	return "?", false
}

// writer writes a spread file.
type writer struct {
	file []byte
	at   int // what comes before is written
	text []byte
	line int // in which the text ends
}

// copy writes the file up to an offset.
func (w *writer) copy(to int) {
	w.text = append(w.text, w.file[w.at:to]...)
	w.line += bytes.Count(w.file[w.at:to], []byte("\n"))
	w.at = to
}

// lineAt returns the line of an offset if nothing is inserted before.
func (w *writer) lineAt(offset int) int {
	return w.line + bytes.Count(w.file[w.at:offset], []byte("\n"))
}

// place writes the file up to an offset, so that what follows begins at the line. Empty lines come behind the line that
// is written by now, so comments stay with their declaration. It writes nothing if that is not possible.
func (w *writer) place(offset, line int) bool {
	missing := line - w.lineAt(offset)
	end := bytes.IndexByte(w.file[w.at:offset], '\n')
	if missing < 0 || missing > 0 && end < 0 {
		return false
	}
	if missing > 0 {
		w.copy(w.at + end + 1)
		w.text = append(w.text, bytes.Repeat([]byte("\n"), missing)...)
		w.line += missing
	}
	w.copy(offset)
	return true
}
