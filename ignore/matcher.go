package ignore

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Names of the rule files.
const (
	reloadignore = ".reloadignore"
	gitignore    = ".gitignore"
)

// Matcher has the rules as they were when Load read them. A Matcher never changes; any number of goroutines may use it.
type Matcher struct {
	extra    rules // --ignore
	extraDir string

	tops    []*folder          // none is inside another
	folders map[string]*folder // the folders with rules, by path; always with the tops

	files     map[string]bool // the result of Files
	trees     []string
	gitignore bool
}

// folder is a folder that contains rule files or is the root of a repository. Paths are slash-separated, without a
// slash at the end: "" is the root of the file system.
type folder struct {
	path   string
	parent *folder // the nearest folder above in Matcher.folders; nil for a top

	user    rules // .reloadignore
	git     rules // .gitignore
	exclude rules // info/exclude of the repository
	repo    bool  // git looks no further up than here
}

// Match is the answer about one path.
type Match struct {
	Ignored bool
	Rule    *Rule  // the rule that decided; nil: no rule matches
	Path    string // what the rule matched: the path itself or, if the path is ignored, a folder above it
}

// Explicit reports whether a rule of the user decided (.reloadignore or --ignore), not one of git's files or a built-in
// one.
func (m Match) Explicit() bool { return m.Rule != nil && m.Rule.layer == layerUser }

// Match judges an absolute, clean path. isDir tells whether the path is a folder, or was one before its removal. Match
// takes a few microseconds and reads no disk.
//
// Outside all tops, only the built-in rules apply, and only to the path's last name. A top itself is never ignored.
func (m *Matcher) Match(path string, isDir bool) Match {
	p := slashed(path)
	at, start := m.top(p)
	if start > len(p) {
		return Match{}
	}
	var closed Match // by a layer below the user's
	e := entry{ascii: isASCII(p)}
	for {
		end := len(p)
		if i := strings.IndexByte(p[start:], '/'); i >= 0 {
			end = start + i
		}
		e.path, e.name, e.dir = p[:end], p[start:end], end < len(p) || isDir
		below := m.folders[e.path]

		rule := m.userRule(&e, at)
		if rule == nil && closed.Rule == nil {
			if rule = gitRule(&e, at, below); rule == nil {
				rule = builtin().last(&e, "")
			}
		}
		answer := Match{Rule: rule, Ignored: rule != nil && !rule.Negated}
		if rule != nil {
			answer.Path = filepath.FromSlash(e.path)
		}
		switch {
		case answer.Ignored && rule.layer == layerUser:
			return answer
		case end == len(p) && closed.Rule == nil:
			return answer
		case end == len(p):
			return closed
		case answer.Ignored:
			closed = answer
		}
		if below != nil {
			at = below
		}
		start = end + 1
	}
}

// userRule finds the rule in --ignore and in the .reloadignore files, from the folder at upward.
func (m *Matcher) userRule(e *entry, at *folder) *Rule {
	if len(m.extra) > 0 && contains(m.extraDir, e.path) {
		if r := m.extra.last(e, m.extraDir); r != nil {
			return r
		}
	}
	for f := at; f != nil; f = f.parent {
		if r := f.user.last(e, f.path); r != nil {
			return r
		}
	}
	return nil
}

// gitRule finds the rule in git's files, from the folder at up to the root of the repository. below is e as a folder
// with rules, if there is one: the surrounding repository does not judge a repository's root.
func gitRule(e *entry, at, below *folder) *Rule {
	if e.name == ".git" || below != nil && below.repo {
		return nil
	}
	for f := at; f != nil; f = f.parent {
		if r := f.git.last(e, f.path); r != nil {
			return r
		}
		if r := f.exclude.last(e, f.path); r != nil {
			return r
		}
		if f.repo {
			break
		}
	}
	return nil
}

// Files returns, sorted, all rule files read by Load, and the missing ones from the tops down to the given folders: a
// new rule file would count there. Trees have too many such places; see AffectedBy.
func (m *Matcher) Files() []string { return slices.Sorted(maps.Keys(m.files)) }

// AffectedBy reports whether a change of this file can change answers, so that the caller needs a new Matcher. Call
// AffectedBy before Match, because rule files may be ignored themselves.
func (m *Matcher) AffectedBy(path string) bool {
	if m.files[filepath.Clean(path)] {
		return true
	}
	name := filepath.Base(path)
	if name != reloadignore && !(name == gitignore && m.gitignore) {
		return false
	}
	p := slashed(path)
	inTree := slices.ContainsFunc(m.trees, func(tree string) bool { return contains(tree, p) })
	return inTree && !m.Match(filepath.Dir(path), true).Ignored
}

// top returns the top above p, and the index in p where judging begins. If p is a top itself, the index is beyond the
// end of p.
func (m *Matcher) top(p string) (*folder, int) {
	for _, t := range m.tops {
		if p == t.path || contains(t.path, p) {
			return t, len(t.path) + 1
		}
	}
	return nil, strings.LastIndexByte(p, '/') + 1
}

// slashed returns a path in the form for comparisons: with slashes, without one at the end.
func slashed(path string) string { return strings.TrimSuffix(filepath.ToSlash(path), "/") }

// contains reports whether p lies below the folder, at any depth.
func contains(folder, p string) bool {
	return len(p) > len(folder)+1 && p[len(folder)] == '/' && p[:len(folder)] == folder
}
