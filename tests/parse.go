package tests

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hotreload/gobuild"
	"hotreload/problems"
)

// event is a line of `go test -json`: about a test, or about a build (go help buildjson).
type event struct {
	Action, Package, Test string
	Elapsed               float64
	Output                string
	FailedBuild           string // of a package that failed: the build that failed
	ImportPath            string // of events about builds
}

// Failure is a failed test, or a failed package if no single test is to blame.
type Failure struct {
	Package  string
	Test     string // "" for the package as a whole: compile error, or end of its process
	Problems []problems.Problem
}

// Tool is the name of the tool in problems that tests report.
const Tool = "go test"

// outcome is the result of a package's tests.
type outcome struct {
	pkg                     string
	passed, failed, skipped int // top-level tests
	failures                []Failure
	bad                     bool // the package failed
	none                    bool // the package has no test to run
}

// places answers a reader's questions about the disk.
type places struct {
	dir  func(pkg string) string                        // folder of a package
	line func(path string, line int) (string, bool)     // a line of a file; false: there is no such file
	decl func(pkg, test string) (path string, line int) // the declaration of a test; "" if unknown
	mine func(path string) bool                         // whether a file belongs to the modules
	root string                                         // file names in compiler messages are relative to this folder
}

// reader turns the events of one `go test` into failures and outcomes.
type reader struct {
	places
	packages map[string]*running
	builds   map[string]*strings.Builder // package that did not build -> messages
	told     map[string]bool             // reported failures of builds
	stray    strings.Builder             // text between events: from Go before 1.24, and about arguments
	unbuilt  []*running                  // packages whose messages are in stray
}

// running is a package during its tests.
type running struct {
	tests map[string]*strings.Builder // unfinished test -> its output
	own   strings.Builder             // output that belongs to no test
	outcome
}

func newReader(p places) *reader {
	return &reader{places: p, packages: map[string]*running{}, builds: map[string]*strings.Builder{},
		told: map[string]bool{}}
}

// hear processes an event. It returns a failed test at once, and the outcome at the end of a package.
func (p *reader) hear(e event) (failed *Failure, ended *outcome) {
	if e.Package == "" {
		if e.Action == "build-output" {
			if p.builds[e.ImportPath] == nil {
				p.builds[e.ImportPath] = &strings.Builder{}
			}
			p.builds[e.ImportPath].WriteString(e.Output)
		}
		return nil, nil
	}
	r := p.packages[e.Package]
	if r == nil {
		r = &running{tests: map[string]*strings.Builder{}, outcome: outcome{pkg: e.Package}}
		p.packages[e.Package] = r
	}
	switch {
	case e.Action == "output" && r.tests[e.Test] != nil:
		r.tests[e.Test].WriteString(e.Output)
	case e.Action == "output":
		r.own.WriteString(e.Output)
	case e.Test != "" && e.Action == "run":
		r.tests[e.Test] = &strings.Builder{}
	case e.Test != "" && slices.Contains([]string{"pass", "fail", "skip", "bench"}, e.Action):
		return p.ended(r, e), nil
	case e.Test == "" && slices.Contains([]string{"pass", "fail", "skip"}, e.Action):
		delete(p.packages, e.Package)
		r.bad, r.none = e.Action == "fail", e.Action == "skip"
		switch text := r.own.String(); {
		case r.bad && e.FailedBuild == "" && (strings.Contains(text, "[build failed]") ||
			strings.Contains(text, "[setup failed]")):
			p.unbuilt = append(p.unbuilt, r)
			return nil, nil
		case r.bad && (len(r.failures) == 0 || len(r.tests) > 0):
			failed = p.whole(r, e)
		}
		return failed, &r.outcome
	}
	return nil, nil
}

// ended records the end of a test. If a subtest has failed, the parent test counts as a failure of its own only if the
// parent reports something itself.
func (p *reader) ended(r *running, e event) *Failure {
	var output string
	if b := r.tests[e.Test]; b != nil {
		output = b.String()
	}
	delete(r.tests, e.Test)
	top := !strings.Contains(e.Test, "/")
	if e.Action != "fail" {
		switch {
		case top && e.Action == "skip":
			r.skipped++
		case top && e.Action == "pass":
			r.passed++
		}
		return nil
	}
	if top {
		r.failed++
	}
	below := slices.ContainsFunc(r.failures, func(f Failure) bool { return strings.HasPrefix(f.Test, e.Test+"/") })
	found := p.problems(r.pkg, e.Test, output, below)
	if len(found) == 0 {
		return nil
	}
	f := Failure{Package: r.pkg, Test: e.Test, Problems: found}
	r.failures = append(r.failures, f)
	return &f
}

// logged matches a message of a test: t.Error and the like indent the message by four spaces. Without -fullpath, the
// file name has no folder.
var logged = regexp.MustCompile(`^    (?:[^\s:]+: )?((?:[A-Za-z]:)?[^\s:]+\.go):(\d+): (.*)$`)

// most limits the number of problems of one test, and the number of lines of one message.
const (
	most      = 10
	mostLines = 30
)

// problems reads the output of a failed test. With below, subtests have given the reason, and only the test's own
// reports count.
func (p *reader) problems(pkg, name, output string, below bool) (found []problems.Problem) {
	if trace := panicIn(output); trace != "" {
		if q, ok := problems.OfPanic(trace, p.own(pkg)); ok {
			q.Message, q.Tool = name+": "+q.Message, Tool
			if q.File == "" {
				q.File, q.Line = p.decl(pkg, name)
			}
			return []problems.Problem{q}
		}
	}
	open := -1 // the message to which the next line may belong
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		rest, indented := strings.CutPrefix(line, "        ")
		if m := logged.FindStringSubmatch(line); m != nil {
			open = -1
			path, number := absIn(p.dir(pkg), m[1]), 0
			number, _ = strconv.Atoi(m[2])
			text, there := p.line(path, number)
			if there && !onlyLogs(text) && len(found) < most {
				found = append(found, problems.Problem{File: path, Line: number, Message: m[3], Package: pkg, Tool: Tool})
				open = len(found) - 1
			}
		} else if open >= 0 && indented {
			found[open].Message += "\n" + rest
		} else {
			open = -1
		}
	}
	for i := range found {
		found[i].Message = name + ": " + tidy(found[i].Message)
	}
	if len(found) == 0 && !below {
		path, line := p.decl(pkg, name)
		found = append(found, problems.Problem{File: path, Line: line, Package: pkg, Tool: Tool,
			Message: name + ": " + tidy(lastOf(output))})
	}
	return found
}

// onlyLogs reports whether a line of Go calls t.Log and not a method that fails the test. go test prints both alike.
func onlyLogs(line string) bool {
	return (strings.Contains(line, ".Log(") || strings.Contains(line, ".Logf(")) && !strings.Contains(line, ".Error") &&
		!strings.Contains(line, ".Fatal")
}

// tidy shortens a message, and removes empty lines around it.
func tidy(message string) string {
	lines := strings.Split(strings.Trim(message, "\n \t"), "\n")
	if len(lines) > mostLines {
		lines = append(lines[:mostLines], fmt.Sprintf("… %d more lines", len(lines)-mostLines))
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t")
	}
	return strings.Join(lines, "\n")
}

// lastOf returns the end of a test's output, without the lines of go test.
func lastOf(output string) string {
	var lines []string
	for line := range strings.Lines(output) {
		if bare := strings.TrimSpace(line); bare != "" && !strings.HasPrefix(bare, "=== ") &&
			!strings.HasPrefix(bare, "--- ") {
			lines = append(lines, strings.TrimRight(line, "\r\n"))
		}
	}
	if len(lines) == 0 {
		return "failed"
	}
	return strings.Join(lines[max(0, len(lines)-mostLines):], "\n")
}

// panicIn returns the runtime's report of a panic in an output; "" if there is none.
func panicIn(output string) string {
	for _, begins := range []string{"panic: ", "fatal error: "} {
		if strings.HasPrefix(output, begins) {
			return output
		}
		if i := strings.Index(output, "\n"+begins); i >= 0 {
			return output[i+1:]
		}
	}
	return ""
}

// own returns a function that tells which files of a stack are the user's.
func (p *reader) own(pkg string) func(file string) (path, in string, yes bool) {
	return func(file string) (string, string, bool) {
		path := absIn(p.dir(pkg), file)
		_, there := p.line(path, 1)
		return path, pkg, there && p.mine(path)
	}
}

// whole returns the failure of a package without a guilty test: the package does not build, or its process has ended.
func (p *reader) whole(r *running, e event) *Failure {
	f := Failure{Package: r.pkg}
	switch broken := p.builds[e.FailedBuild]; {
	case broken != nil && p.told[e.FailedBuild]:
		r.failures = append(r.failures, f) // its problems are reported elsewhere
		return nil
	case broken != nil:
		p.told[e.FailedBuild] = true
		f.Problems = p.compilers(r.pkg, broken.String())
	default:
		for name, output := range r.tests {
			if panicIn(output.String()) != "" {
				f.Test, f.Problems = name, p.problems(r.pkg, name, output.String(), false)
				r.failed++
			}
		}
		if f.Test == "" && len(r.failures) > 0 {
			return nil
		}
	}
	if len(f.Problems) == 0 {
		f.Problems = []problems.Problem{{Message: r.pkg + ": " + tidy(lastOf(r.own.String())), Package: r.pkg, Tool: Tool}}
	}
	r.failures = append(r.failures, f)
	return &f
}

// finish returns, at the end of `go test`, the outcomes of packages whose messages came between events. The first of
// these packages gets all the messages.
func (p *reader) finish() (all []outcome) {
	for i, r := range p.unbuilt {
		f := Failure{Package: r.pkg}
		if i == 0 {
			f.Problems = p.compilers(r.pkg, p.stray.String())
		}
		r.failures = append(r.failures, f)
		all = append(all, r.outcome)
	}
	return all
}

// compilers parses messages of the compiler.
func (p *reader) compilers(pkg, text string) (found []problems.Problem) {
	for _, d := range gobuild.Diagnose(p.root, text) {
		if len(found) < most && (d.File != "" || !strings.HasPrefix(d.Text, "FAIL")) {
			found = append(found, problems.Problem{File: d.File, Line: d.Line, Column: d.Col, Message: d.Text,
				Package: pkg, Tool: problems.Go})
		}
	}
	return found
}
