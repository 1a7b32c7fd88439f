package runner

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

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

// generate runs a rule. If ctx ends, everything it started is killed and gone when generate returns.
func (r Rule) generate(ctx context.Context, env []string) error {
	output, why := runLine(ctx, r.Run, r.Root, env, r.Timeout)
	switch {
	case why == "":
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &GeneratorError{Run: r.Run, Output: output, Why: why}
}
