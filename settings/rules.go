package settings

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"hotreload/problems"
	"hotreload/runner"
)

// rules converts the [[rule]] tables for the runner.
func (f *file) rules() ([]runner.Rule, error) {
	var rules []runner.Rule
	for _, t := range Rules.in(f.top) {
		rule, err := f.rule(t)
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func (f *file) rule(t table) (runner.Rule, error) {
	rule := runner.Rule{Root: filepath.Dir(f.path), Match: Match.in(t), Run: Run.in(t), Timeout: runner.DefaultTimeout}
	if err := f.when(t, &rule); err != nil {
		return rule, err
	}
	if err := f.problems(t, &rule); err != nil {
		return rule, err
	}
	_, matches := t.values[Match.Key()]
	if first := When.in(t) == "start" && rule.Run != ""; !matches && !first {
		return rule, f.at(f.line(t, "match"), errors.New("a [[rule]] without match"),
			`match = "**/*.templ" says which files it is for`)
	}
	for _, pattern := range rule.Match {
		if !doublestar.ValidatePattern(pattern) || pattern == "" || filepath.IsAbs(pattern) || strings.HasPrefix(pattern,
			"..") {
			fault := fmt.Errorf("match = %q is not a pattern for files below the folder of %s", pattern, FileName)
			return rule, f.at(f.line(t, "match"), fault, `as in "templates/*.html" or "**/*.templ"`)
		}
	}
	if name := RuleClass.in(t); name != "" {
		class, known := classes[name]
		if !known {
			fault := fmt.Errorf("class = %q is none of rebuild, restart, live, none", name)
			return rule, f.at(f.line(t, "class"), fault, "without class, a rule with run has the class rebuild")
		}
		rule.Class = &class
	}
	if rule.Class == nil && rule.Run == "" {
		fault := errors.New("a [[rule]] needs class, run or both")
		return rule, f.at(f.line(t, "match"), fault, `class = "restart", or run = "templ generate"`)
	}
	if text := RunTimeout.in(t); text != "" {
		var err error
		if rule.Timeout, err = f.time(t, "timeout", text); err != nil {
			return rule, err
		}
	}
	return rule, nil
}

// when reads the time at which a rule's command runs.
func (f *file) when(t table, rule *runner.Rule) error {
	when := When.in(t)
	switch when {
	case "", "both":
	case "start":
		rule.When = runner.AtStart
	case "change":
		rule.When = runner.AtChange
	default:
		return f.at(f.line(t, "when"), fmt.Errorf("when = %q is none of start, change, both", when),
			"when says when hotreload runs the command of run")
	}
	if when != "" && rule.Run == "" {
		return f.at(f.line(t, "when"), errors.New("a [[rule]] with when and without run"),
			`add the command, such as run = "templ generate"`)
	}
	return nil
}

// problems reads the patterns for the output of a rule's command.
func (f *file) problems(t table, rule *runner.Rule) error {
	rule.Problems = Problems.in(t)
	for _, text := range rule.Problems {
		if _, err := problems.ParsePattern(text); err != nil {
			return f.at(f.line(t, "problems"), fmt.Errorf("problems = %q is not a pattern: %w", text, err),
				`as in problems = '^(?P<file>.+?):(?P<line>\d+): (?P<message>.*)$'`)
		}
	}
	if rule.Problems != nil && rule.Run == "" {
		return f.at(f.line(t, "problems"), errors.New("a [[rule]] with problems and without run"),
			`add the command, such as run = "templ generate"`)
	}
	return nil
}

// classes are the classes that a rule may set.
var classes = map[string]runner.Class{
	"rebuild": runner.Rebuild, "restart": runner.Restart, "live": runner.Live, "none": runner.None,
}

// time reads a time limit.
func (f *file) time(t table, key, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, f.at(f.line(t, key), fmt.Errorf("%s = %q is not a duration", key, text),
			"durations have a unit: 500ms, 5s, 1m")
	}
	return d, nil
}

// hooks returns the [hooks], overridden by those of a service. Commands run in the file's folder.
func (f *file) hooks(own table) (runner.Hooks, error) {
	h := runner.Hooks{Commands: map[runner.Hook]string{}, Dir: filepath.Dir(f.path)}
	for _, t := range []table{f.top, own} {
		hooks := Hooks.in(t)
		for _, name := range slices.Sorted(maps.Keys(hooks)) {
			key := "hooks." + name
			if name == "timeout" {
				var err error
				if h.Timeout, err = f.time(t, key, hooks[name]); err != nil {
					return h, err
				}
				continue
			}
			if !slices.Contains(runner.AllHooks, runner.Hook(name)) {
				return h, f.at(f.line(t, key), fmt.Errorf("unknown key %q", key), "the hooks are "+hookNames())
			}
			h.Commands[runner.Hook(name)] = hooks[name]
		}
	}
	if len(h.Commands) == 0 {
		return runner.Hooks{}, nil
	}
	return h, nil
}

func hookNames() string {
	var names []string
	for _, hook := range runner.AllHooks {
		names = append(names, string(hook))
	}
	return strings.Join(names, ", ")
}
