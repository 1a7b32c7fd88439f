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

// Matcher holds the rules as they were when it was loaded. It never changes; many goroutines may use it.
type Matcher struct {
	extra    rules // --ignore
	extraDir string

	tops    []*folder          // none lies in another
	folders map[string]*folder // the folders that have something to say, by path; tops always

	files     map[string]bool // what Files returns
	trees     []string
	gitignore bool
}

// folder is a folder that holds rule files or is the root of a repository. Paths are slash-separated, without a slash at
// the end: "" is the root of the file system.
type folder struct {
	path   string
	parent *folder // the nearest folder above that has something to say; nil for a top

	user    rules // .reloadignore
	git     rules // .gitignore
	exclude rules // info/exclude of the repository
	repo    bool  // git looks no further up
}

// Match is an answer.
type Match struct {
	Ignored bool
	Rule    *Rule  // the rule that decided; nil: no rule speaks of the path
	Path    string // what that rule matched: the path itself or, for an ignored one, a folder above it
}

// Explicit reports whether the user told hotreload, by .reloadignore or --ignore, and it was not concluded from
// git's files or the built-in rules.
func (m Match) Explicit() bool { return m.Rule != nil && m.Rule.layer == layerUser }

// Match judges a path, which must be absolute and clean. isDir says whether it is a folder (or was, before it was
// removed). It costs a few microseconds and touches no disk.
//
// Of a path outside all tops only the built-in rules speak, and only of its last name. A top itself is never ignored.
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

// userRule asks --ignore and the .reloadignore files from the folder at upward.
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

// gitRule asks git's files from the folder at upward to the root of the repository. below is e itself, if it has
// something to say: the root of a repository is not judged by the repository around it.
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

// Files returns, sorted, the rule files that were read, and from the tops down to the given folders also the places where
// one would count if it appeared. Inside trees those places are too many; see AffectedBy.
func (m *Matcher) Files() []string { return slices.Sorted(maps.Keys(m.files)) }

// AffectedBy reports whether a change of this file can change answers, so that it is time to load a new Matcher.
// Ask it before Match: rule files may be ignored themselves.
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

// top returns the top above p and where in p judging begins. That is beyond the end of p if p is a top itself.
func (m *Matcher) top(p string) (*folder, int) {
	for _, t := range m.tops {
		if p == t.path || contains(t.path, p) {
			return t, len(t.path) + 1
		}
	}
	return nil, strings.LastIndexByte(p, '/') + 1
}

// slashed returns a path as it is compared: with slashes, without one at the end.
func slashed(path string) string { return strings.TrimSuffix(filepath.ToSlash(path), "/") }

// contains reports whether p lies below the folder, at any depth.
func contains(folder, p string) bool {
	return len(p) > len(folder)+1 && p[len(folder)] == '/' && p[:len(folder)] == folder
}
