package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"hotreload/problems"
	"hotreload/watch"
)

// Rule is a user's rule about matching files: the class of their changes, or a command (a generator) to run before
// changes take effect, or both. The two are independent: the last matching rule with a class gives the class, and the
// commands of all matching rules run, in the order of the rules.
type Rule struct {
	Root    string   // absolute; patterns are relative to Root, and Run runs there
	Match   []string // of package doublestar, with slashes
	Class   *Class   // nil: Rebuild, if the rule runs a command when a file changes
	Run     string   // a command line for the shell; "" = none. {file} and {files} stand for the changed files
	When    When     // when the command runs
	Timeout time.Duration

	Problems []string // patterns of package problems: how a failing Run names places in files; none = the usual pattern
}

// When tells when a rule's command runs.
type When uint8

const (
	AtBoth   When = iota // at the start, and when a matching file changes
	AtStart              // of hotreload
	AtChange             // of a matching file
)

// DefaultTimeout limits the time of a generator. Felt right, not measured.
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

// runs reports whether a change of a matching file runs the command.
func (r Rule) runs() bool { return r.Run != "" && r.When != AtStart }

func (r Rule) class() Class {
	if r.Class == nil {
		return Rebuild
	}
	return *r.Class
}

// watched adds the paths to watch for the rule.
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

// ruleFor returns the rule for the class of a path, or -1: the last matching rule with a class, as in .gitignore, or
// else the last rule whose command runs for the path.
func ruleFor(rules []Rule, path string) int {
	found := -1
	for i, r := range slices.Backward(rules) {
		switch {
		case r.Class == nil && (found >= 0 || !r.runs()) || !r.matches(path):
		case r.Class != nil:
			return i
		default:
			found = i
		}
	}
	return found
}

// commandsFor returns the rules with a command to run when a path changes, in their order.
func commandsFor(rules []Rule, path string) (which []int) {
	for i, r := range rules {
		if r.runs() && r.matches(path) {
			which = append(which, i)
		}
	}
	return which
}

// ruling returns how a change of a path takes effect by the rules; ok is false if no rule applies.
func ruling(rules []Rule, path string) (class Class, reason string, ok bool) {
	i := ruleFor(rules, path)
	if i < 0 {
		return None, "", false
	}
	var commands []string
	for _, n := range commandsFor(rules, path) {
		commands = append(commands, rules[n].Run)
	}
	if len(commands) > 0 {
		return rules[i].class(), "a rule runs " + strings.Join(commands, ", then "), true
	}
	return rules[i].class(), "set by a rule", true
}

// GeneratorError is the failure of a generator, shown like a failed build.
type GeneratorError struct {
	Run    string
	Output string // the output, or the end of the output
	Why    string // "exit code 1"

	Problems []problems.Problem // named in Output
}

func (e *GeneratorError) Error() string {
	return strings.TrimRight(fmt.Sprintf("%s: %s\n%s", e.Run, e.Why, strings.TrimSpace(e.Output)), "\n")
}

// generate runs a rule's command, for these files if the command names the changed files. If ctx ends, generate kills
// all processes of the command, and waits for their end.
func (r Rule) generate(ctx context.Context, env, files []string) error {
	for _, line := range commandLines(r.Run, r.Root, files) {
		output, why := runLine(ctx, line, r.Root, env, r.Timeout)
		switch {
		case why == "":
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			return &GeneratorError{Run: line, Output: output, Why: why, Problems: r.problems(output)}
		}
	}
	return nil
}

// problems are the places named in the output of the rule's command.
func (r Rule) problems(output string) []problems.Problem {
	var patterns []problems.Pattern
	for _, text := range r.Problems {
		if pattern, err := problems.ParsePattern(text); err == nil { // already checked by the settings
			patterns = append(patterns, pattern)
		}
	}
	if r.Problems == nil {
		patterns = []problems.Pattern{problems.Usual}
	}
	return problems.Find(output, toolOf(r.Run), patterns, func(name string) (string, bool) {
		path := filepath.FromSlash(name)
		if !filepath.IsAbs(path) {
			path = filepath.Join(r.Root, path)
		}
		info, err := os.Stat(path)
		return filepath.Clean(path), err == nil && info.Mode().IsRegular()
	})
}

// toolOf names a command line by its command, the first word without "=": templ, sqlc.
func toolOf(line string) string {
	for _, word := range strings.Fields(line) {
		if !strings.Contains(word, "=") { // a variable for the command
			return filepath.Base(word)
		}
	}
	return "sh"
}
