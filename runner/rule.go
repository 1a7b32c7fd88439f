package runner

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"hotreload/process"
	"hotreload/watch"
)

// Rule is what the user says of the files that match: how a change of them takes effect, or what is to be run for it
// before the program is built (a generator), or both.
type Rule struct {
	Root    string   // absolute; patterns are relative to it, and Run runs in it
	Match   []string // of package doublestar, with slashes
	Class   *Class   // nil: Rebuild
	Run     string   // a command line for the shell; "" = nothing
	Timeout time.Duration
}

// DefaultTimeout is how long a generator may take. Felt right, not measured.
const DefaultTimeout = time.Minute

func (r Rule) matches(path string) bool {
	rel, err := filepath.Rel(r.Root, path)
	rel = filepath.ToSlash(rel)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return false
	}
	for _, pattern := range r.Match {
		if ok, err := doublestar.Match(pattern, rel); ok && err == nil {
			return true
		}
	}
	return false
}

func (r Rule) class() Class {
	if r.Class == nil {
		return Rebuild
	}
	return *r.Class
}

func (r Rule) reason() string {
	if r.Run != "" {
		return "a rule runs " + r.Run
	}
	return "a rule says so"
}

// watched adds what has to be watched for the rule.
func (r Rule) watched(set *watch.Set) {
	for _, pattern := range r.Match {
		base, rest := doublestar.SplitPattern(pattern)
		dir := filepath.Join(r.Root, filepath.FromSlash(base))
		switch {
		case !strings.ContainsAny(rest, `*?[{\`):
			set.Files = append(set.Files, filepath.Join(dir, filepath.FromSlash(rest)))
		case strings.Contains(rest, "/") || strings.Contains(rest, "**"):
			set.Trees = append(set.Trees, dir)
		default:
			set.Dirs = append(set.Dirs, dir)
		}
	}
}

// ruleFor is the last rule that a path matches, as in .gitignore, or -1.
func ruleFor(rules []Rule, path string) int {
	for i := len(rules) - 1; i >= 0; i-- {
		if rules[i].matches(path) {
			return i
		}
	}
	return -1
}

// GeneratorError is a generator that failed; it is shown like a failed build.
type GeneratorError struct {
	Run    string
	Output string // all that it wrote, or the end of it
	Why    string // "exit code 1"
}

func (e *GeneratorError) Error() string {
	return strings.TrimRight(fmt.Sprintf("%s: %s\n%s", e.Run, e.Why, strings.TrimSpace(e.Output)), "\n")
}

// generators keeps account of which rules have to be run before the next build. The loop owns it.
//
// A file that changes makes its rule due, and a rule is due until it has succeeded after the change. What else changes
// while generators run is what they write, or will be read by the build that follows: either way it is no reason to
// begin anew. A generator that writes what it reads is run again twice, and then that is taken for its output too.
type generators struct {
	rules   []Rule
	due     map[int]int // rule -> its newest change, counted
	changes int
	running bool
	runs    map[int]span // rule -> when it ran last
	again   map[int]int  // rule -> how often in a row its files have changed while it ran
}

// span is a stretch of time; one that has not ended has no end.
type span struct{ began, ended time.Time }

// has reports whether a file system's time may lie in the span: its clock is a little behind.
func (s span) has(t time.Time) bool {
	return !s.began.IsZero() && !t.Before(s.began.Add(-behind)) && (s.ended.IsZero() || !t.After(s.ended))
}

func newGenerators(rules []Rule) *generators {
	g := &generators{rules: rules, due: map[int]int{}, runs: map[int]span{}, again: map[int]int{}}
	g.all()
	return g
}

// all makes every rule due: nobody knows what changed before we were started.
func (g *generators) all() {
	for i, r := range g.rules {
		if r.Run != "" {
			g.changes++
			g.due[i] = g.changes
		}
	}
}

// changed notes that a file of the rule (-1: of none) was touched, which would lead to a build, and reports whether it is
// a reason to begin one.
func (g *generators) changed(rule int, touched time.Time) bool {
	if rule < 0 || g.rules[rule].Run == "" {
		return !g.running
	}
	switch {
	case !g.runs[rule].has(touched):
		g.again[rule] = 0
	case g.again[rule] == 2:
		return false
	default:
		g.again[rule]++
	}
	g.changes++
	g.due[rule] = g.changes
	return true
}

// order is a rule to run, for its changes up to this one.
type order struct{ rule, change int }

// begin returns what is to be run before a build that begins now.
func (g *generators) begin(now time.Time) []order {
	var orders []order
	for i := range g.rules {
		if change, due := g.due[i]; due {
			orders = append(orders, order{i, change})
			g.runs[i] = span{began: now}
		}
	}
	g.running = len(orders) > 0
	return orders
}

// end notes that those that were begun run no more, however they ended.
func (g *generators) end(now time.Time) {
	g.running = false
	for i, run := range g.runs {
		if run.ended.IsZero() {
			g.runs[i] = span{run.began, now}
		}
	}
}

// done notes that these have succeeded.
func (g *generators) done(orders []order, now time.Time) {
	g.end(now)
	for _, o := range orders {
		if g.due[o.rule] == o.change {
			delete(g.due, o.rule)
		}
	}
}

// generate runs a rule. If ctx ends, everything it started is killed and gone when generate returns.
func (r Rule) generate(ctx context.Context, env []string) error {
	shell := []string{"sh", "-c", r.Run}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/c", r.Run}
	}
	var out bytes.Buffer
	cmd := exec.Command(shell[0], shell[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.Root, env, &out, &out
	failed := func(why string) error {
		text := out.String()
		const most = 64 << 10
		if len(text) > most {
			text = "…" + text[len(text)-most:]
		}
		return &GeneratorError{Run: r.Run, Output: text, Why: why}
	}
	p, err := process.Start(cmd)
	if err != nil {
		return failed(err.Error())
	}
	limit := time.NewTimer(r.Timeout)
	defer limit.Stop()
	why := ""
	select {
	case <-p.Done():
		p.Sweep()
		if exit := p.Exit(); !exit.Success() {
			return failed(exit.String())
		}
		return nil
	case <-limit.C:
		why = "no end after " + r.Timeout.String() + ": killed"
	case <-ctx.Done():
	}
	p.Kill()
	<-p.Done() // has an end: killed, and its output is not waited for longer than process's delay
	p.Sweep()
	if why == "" {
		return ctx.Err()
	}
	return failed(why)
}
