package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"hotreload/gobuild"
	"hotreload/settings"
	"hotreload/tests"
)

// testReporter prints the news of tests. One goroutine uses it.
type testReporter struct {
	console *console
	dir     string // paths are shown relative to it
	keys    *keyboard
	alone   bool // nothing but tests runs

	began    time.Time // of the run that goes on; zero: none
	packages int
	ended    int // of these packages
	failed   int // tests, of the run that goes on
	said     map[string]bool
	greeted  bool
}

func newTestReporter(c *console, dir string, keys *keyboard) *testReporter {
	return &testReporter{console: c, dir: dir, keys: keys, alone: true}
}

// read prints events until stop; it returns an error if there is nothing to test at all.
func (r *testReporter) read(events <-chan tests.Event, stop <-chan struct{}) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case event, ok := <-events:
			if !ok {
				return nil
			}
			if broken, ok := event.(tests.Broken); ok && broken.First && r.alone {
				return broken.Err
			}
			r.report(event)
		case <-ticker.C:
			r.progress()
		case <-stop:
			return nil
		}
	}
}

func (r *testReporter) line(text string) {
	if !r.console.quiet() {
		r.console.say(dim(prefix) + text)
	}
}

func (r *testReporter) detail(text string) {
	if r.console.verbose() {
		r.console.say(dim(prefix + text))
	}
}

// report prints what an event means.
func (r *testReporter) report(event tests.Event) {
	switch e := event.(type) {
	case tests.Started:
		r.began, r.packages, r.ended, r.failed, r.said = time.Now(), e.Packages, 0, 0, map[string]bool{}
		text := "testing " + count(e.Packages, "package")
		if len(e.Files) == 0 && !r.greeted && r.alone {
			if r.keys.taken() {
				text += dim(separator + "h for keys")
			}
			r.line(text)
		} else {
			r.detail(text)
		}
		r.greeted = true
	case tests.Failed:
		r.failure(e)
	case tests.Tested:
		r.ended++
		if result := "ok"; r.console.verbose() {
			if !e.Passed {
				result = "FAIL"
			}
			r.detail(fmt.Sprintf("%-4s %s: %s", result, e.Package, count(e.Tests, "test")))
		}
	case tests.Ended:
		r.end()
		r.result(e.Report)
	case tests.Interrupted:
		r.end()
		r.detail("a newer save has ended the tests")
	case tests.Unreached:
		say := r.line
		if !r.alone {
			say = r.detail
		}
		say(r.files(e.Files) + ": no test is reached")
	case tests.Broken:
		r.end()
		r.broken(e.Err)
	case tests.Unwatched:
		r.console.say(dim(prefix) + yellow("not watched: "+settings.Relative(r.dir, e.Path)+": "+e.Err.Error()))
	}
}

func (r *testReporter) end() {
	r.began = time.Time{}
	r.console.setProgress("tests", "")
}

// progress shows that tests run.
func (r *testReporter) progress() {
	if r.began.IsZero() || r.console.quiet() {
		return
	}
	if took := time.Since(r.began); took >= longBuild {
		text := fmt.Sprintf("%d of %s tested … %d s", min(r.ended, r.packages), count(r.packages, "package"),
			int(took.Seconds()))
		if r.failed > 0 {
			text += separator + count(r.failed, "failure")
		}
		r.console.setProgress("tests", text)
	}
}

// mostBeside is the number of failures that are printed in a run beside a service. Felt right, not measured.
const mostBeside = 3

// failure prints a failed test, once in a run: tests that failed last time run first, and then with all others.
func (r *testReporter) failure(e tests.Failed) {
	key := e.Package + "\n" + e.Test
	if r.said[key] {
		return
	}
	r.said[key] = true
	if r.failed++; !r.alone && r.failed > mostBeside {
		return
	}
	var lines []string
	for _, p := range e.Problems {
		place, message, found := strings.Cut(p.Text(func(file string) string { return settings.Relative(r.dir, file) }), ": ")
		if found && p.File != "" {
			lines = append(lines, bold(place)+": "+message)
		} else {
			lines = append(lines, p.Text(nil))
		}
	}
	r.console.say(strings.Join(lines, "\n"))
}

// result prints the result of a run in one line.
func (r *testReporter) result(report tests.Report) {
	all := report.Passed + report.Failed + report.Skipped
	in := " in " + count(report.Packages, "package")
	var text string
	switch {
	case report.Bad == 0:
		text = green("tests pass")
	case report.Failed == 0:
		text = red(bold("tests fail")) + ": " + count(report.Bad, "package") + " cannot be tested"
	default:
		text = red(bold("tests fail")) + fmt.Sprintf(": %d of %s", report.Failed, count(all, "test"))
		if report.Packages > 1 {
			in = fmt.Sprintf(" in %d of %s", report.Bad, count(report.Packages, "package"))
		}
	}
	if len(report.Files) > 0 {
		text += ": " + r.files(report.Files)
	}
	if report.Bad == 0 {
		text += dim(separator + count(all, "test") + in)
	} else {
		text += dim(separator + strings.TrimPrefix(in, " "))
	}
	if report.Elsewhere > 0 {
		text += yellow(separator + count(report.Elsewhere, "package") + " failed before")
	}
	if !r.alone && r.failed > mostBeside {
		text += dim(separator + "all by hotreload problems")
	}
	after := " after the start"
	if len(report.Files) > 0 {
		after = " after the save"
	}
	if text += dim(separator + short(report.Total) + after); report.OK() {
		r.line(text)
	} else {
		r.console.say(dim(prefix) + text)
	}
}

// broken prints why nothing was tested.
func (r *testReporter) broken(err error) {
	text, rest, _ := strings.Cut(err.Error(), "\n")
	var known *gobuild.Error
	if errors.As(err, &known) {
		text, rest = known.Text, strings.TrimSpace(known.Detail+lineOf(hintLine(known.Hint)))
	}
	r.console.say(dim(prefix) + red(text) + lineOf(rest))
}

// files names files, as many as fit into a line.
func (r *testReporter) files(files []string) string {
	var names []string
	for _, path := range files {
		names = append(names, settings.Relative(r.dir, path))
	}
	const most = 3
	if len(names) > most {
		names = append(names[:most-1], fmt.Sprintf("%d more", len(names)-most+1))
	}
	return strings.Join(names, ", ")
}
