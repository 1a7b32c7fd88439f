package settings

import (
	"hotreload/ignore"
	"hotreload/runner"
)

// ignorer adapts package ignore for the runner.
func ignorer(v *Values, dir string) func(folders, trees []string) runner.Ignorer {
	return func(folders, trees []string) runner.Ignorer {
		rules, _ := ignore.Load(folders, ignore.Options{
			NoGitignore: NoGitignore.Of(v), Trees: trees, Extra: Ignore.Of(v), Dir: dir,
		})
		return ignoreRules{rules}
	}
}

type ignoreRules struct{ *ignore.Matcher }

func (r ignoreRules) Ignored(path string, dir bool) (ignored, explicit bool) {
	match := r.Match(path, dir)
	return match.Ignored, match.Explicit()
}

func (r ignoreRules) Why(path string, dir bool) string {
	if rule := r.Match(path, dir).Rule; rule != nil {
		return rule.String()
	}
	return ""
}
