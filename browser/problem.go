package browser

import (
	"cmp"
	"errors"
	"path/filepath"
	"strings"

	"hotreload/gobuild"
	"hotreload/problems"
	"hotreload/runner"
	"hotreload/supervisor"
)

// Kinds of problems.
const (
	problemBuild     = "build"     // the tree does not build
	problemGenerator = "generator" // the command of a rule failed
	problemStart     = "start"     // a new generation does not start; the old one keeps serving
	problemCrash     = "crash"     // a worker died
)

// problemOf returns the problem that an event reports, or nil. Names of files are relative to dir. source returns the
// lines around a place.
func problemOf(event runner.Event, dir string, source func(path string, line int) []Line) *Problem {
	p, places := &Problem{}, []problems.Problem(nil)
	switch e := event.(type) {
	case runner.BuildFailed:
		places, p.Serving = e.Problems, e.Serving
		var build *gobuild.BuildError
		var generator *runner.GeneratorError
		switch {
		case errors.As(e.Err, &generator):
			p.Kind, p.Tool = problemGenerator, generator.Run
			p.Text = strings.TrimSpace(generator.Why + "\n\n" + generator.Output)
		case errors.As(e.Err, &build):
			p.Kind, p.Tool, p.Text = problemBuild, "go build", strings.TrimSpace(build.Text)
		default:
			p.Kind, p.Tool, p.Text = problemBuild, "go build", e.Err.Error()
		}
	case runner.Service:
		places = e.Problems
		switch e := e.Event.(type) {
		case supervisor.Failed:
			p.Kind, p.Tool, p.Serving = problemStart, "generation "+number(e.Generation), e.Serving
			p.Text = lastWords(e.Exit, e.Reason)
		case supervisor.Exited:
			if e.Expected {
				return nil
			}
			p.Kind, p.Tool, p.slot = problemCrash, "worker "+number(e.Slot), e.Slot
			p.Text = lastWords(e.Exit, e.Reason)
		default:
			return nil
		}
	default:
		return nil
	}
	if len(places) != 1 || places[0].File != "" { // else the text says the same
		p.Diagnostics = diagnostics(places, dir, source)
	}
	if p.Kind == problemBuild && len(p.Diagnostics) > 0 {
		p.Text = "" // the diagnostics say the same
	}
	return p
}

// diagnostics returns problems for pages.
func diagnostics(all []problems.Problem, dir string, source func(path string, line int) []Line) (told []Diagnostic) {
	for _, p := range all {
		d := Diagnostic{File: p.File, Line: p.Line, Col: p.Column, Text: p.Message}
		if d.File != "" {
			d.Name, d.Source = called(dir, d.File), source(d.File, d.Line)
		}
		told = append(told, d)
	}
	return told
}

// mostFailing is the number of messages of tests that a page gets. Felt right, not measured.
const mostFailing = 50

// testsOf returns the tests that fail according to an event, or nil.
func testsOf(event runner.Event, dir string) *Tests {
	e, is := event.(runner.ProblemsNow)
	if !is || len(e.Tests) == 0 {
		return nil
	}
	shown := e.Tests[:min(len(e.Tests), mostFailing)]
	none := func(string, int) []Line { return nil } // the list shows places only
	return &Tests{Label: labelOf(e.Tests), Diagnostics: diagnostics(shown, dir, none), More: len(e.Tests) - len(shown)}
}

// labelOf counts what fails: tests, and packages that do not compile. The message of a test begins with its name.
func labelOf(all []problems.Problem) string {
	failing, uncompiled := map[string]bool{}, map[string]bool{}
	for _, p := range all {
		if name, _, named := strings.Cut(p.Message, ": "); named && p.Tool != problems.Go {
			failing[p.Package+" "+name] = true
		} else {
			uncompiled[p.Package] = true
		}
	}
	count := func(n int, one, many string) string {
		if n == 1 {
			return "1 " + one
		}
		return number(n) + " " + many
	}
	var parts []string
	if n := len(failing); n > 0 {
		parts = append(parts, count(n, "test fails", "tests fail"))
	}
	if n := len(uncompiled); n > 0 {
		parts = append(parts, count(n, "package cannot be tested", "packages cannot be tested"))
	}
	return strings.Join(parts, ", ")
}

// lastWords tells how a worker ended, and its last output.
func lastWords(exit supervisor.Exit, reason string) string {
	return strings.TrimSpace(cmp.Or(reason, exit.String()) + "\n\n" + strings.TrimSpace(exit.Tail))
}

// line returns a problem in one line.
func (p *Problem) line() string {
	if len(p.Diagnostics) == 0 {
		text, _, _ := strings.Cut(p.Text, "\n")
		return p.Tool + ": " + text
	}
	d := p.Diagnostics[0]
	text, _, _ := strings.Cut(d.Text, "\n")
	if place := d.place(); place != "" {
		text = place + ": " + text
	}
	if more := len(p.Diagnostics) - 1; more > 0 {
		text += " (and " + number(more) + " more)"
	}
	return text
}

// place returns FILE:LINE:COL, as far as the place is known.
func (d Diagnostic) place() string {
	place := d.Name
	if place != "" && d.Line > 0 {
		place += ":" + number(d.Line)
		if d.Col > 0 {
			place += ":" + number(d.Col)
		}
	}
	return place
}

// called returns a file's name for people in dir.
func called(dir, path string) string {
	rel, err := filepath.Rel(dir, path)
	if err != nil || strings.HasPrefix(rel, ".."+string(filepath.Separator)+"..") {
		return filepath.ToSlash(path)
	}
	return filepath.ToSlash(rel)
}
