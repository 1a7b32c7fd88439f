package runner

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotreload/problems"
)

// PageError is an uncaught error of a page in a browser, or a rejected promise that nothing handles.
type PageError struct {
	Page         string // the path of the page's address
	Generation   int    // the page is of it
	Message      string
	Script       string // the path of the script's address; "" if it is not known
	Line, Column int
	At           time.Time // hotreload heard of it
}

// pageProblem is a PageError as a problem of the code.
type pageProblem struct {
	problems.Problem
	page       string
	generation int
	at         time.Time
}

// mostInPages is the number of stored errors of pages. Felt right, not measured.
const mostInPages = 20

// inPage notes an error of a page. An error of a page whose code does not serve any more is not noted: the page has yet
// to reload.
func (s *standing) inPage(e PageError, p problems.Problem, serving int) {
	if e.Generation < serving {
		return
	}
	for i, known := range s.pages {
		if known.page == e.Page && known.Problem == p {
			s.pages = slices.Clone(s.pages)
			s.pages[i].generation, s.pages[i].at = e.Generation, e.At
			return
		}
	}
	if len(s.pages) < mostInPages {
		s.pages = append(slices.Clip(s.pages), pageProblem{p, e.Page, e.Generation, e.At})
	}
}

// asked forgets the errors of a page that are older than its newest document, which was asked for at began.
func (s *standing) asked(page string, began time.Time) {
	s.pages = without(s.pages, func(p pageProblem) bool { return p.page == page && p.at.Before(began) })
}

// live forgets the errors of pages that files without a new generation may have mended: pages reload for them.
func (s *standing) live(effects []Effect) {
	reload := func(e Effect) bool { return e.Class == Live && !e.Runs && Shown(e.Path) == ShownByReload }
	if slices.ContainsFunc(effects, reload) {
		s.pages = nil
	}
}

// without returns what is not unwanted, and leaves the slice as it is.
func without(all []pageProblem, unwanted func(pageProblem) bool) []pageProblem {
	return slices.DeleteFunc(slices.Clone(all), unwanted)
}

// problem makes a problem of the code from a page's error. files are those that the program embeds or has read.
func (e PageError) problem(files []string) problems.Problem {
	p := problems.Problem{Message: e.Message, Tool: problems.Browser}
	place := fmt.Sprintf("%s:%d:%d", e.Script, e.Line, e.Column)
	switch file := fileOf(e.Script, files); {
	case e.Script == "" || e.Line == 0:
		p.Message += " (page " + e.Page + ")"
	case file != "":
		p.File, p.Line, p.Column = file, e.Line, e.Column
		p.Message += " (page " + e.Page + ")"
	case e.Script == e.Page:
		p.Message += " (page " + place + ")"
	default:
		p.Message += " (page " + e.Page + ", script " + place + ")"
	}
	return p
}

// fileOf finds the file of a script by the path of its address: the one file that has the most names at its end in
// common with the path, at least the last one. "" if no file has, or several have.
func fileOf(address string, files []string) (file string) {
	most, wanted := 0, backwards(address)
	for _, candidate := range files {
		names, n := backwards(filepath.ToSlash(candidate)), 0
		for n < min(len(names), len(wanted)) && names[n] == wanted[n] {
			n++
		}
		switch {
		case n > most:
			most, file = n, candidate
		case n == most && candidate != file:
			file = ""
		}
	}
	return file
}

// backwards returns the names of a path, the last one first.
func backwards(path string) []string {
	names := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	slices.Reverse(names)
	return names
}

// PageFailed takes an error of a page of a service.
func (g *Group) PageFailed(ctx context.Context, service string, e PageError) {
	if r := g.Service(service); r != nil {
		_ = r.query(ctx, func(l *loop) bool { // else the run has ended
			l.standing.inPage(e, e.problem(l.known.files()), l.crew.serving)
			return true
		})
	}
}

// PageAsked takes that a page of a service shows a document that a browser asked for at began.
func (g *Group) PageAsked(ctx context.Context, service, page string, began time.Time) {
	if r := g.Service(service); r != nil {
		_ = r.query(ctx, func(l *loop) bool { l.standing.asked(page, began); return true }) // else the run has ended
	}
}

// files are the files that the program embeds, and those that its workers have read.
func (k *knowledge) files() []string {
	var all []string
	if k.graph != nil {
		for _, p := range k.graph.Local {
			all = append(all, p.Embedded...)
		}
	}
	for path := range k.opened.files {
		all = append(all, path)
	}
	return all
}
