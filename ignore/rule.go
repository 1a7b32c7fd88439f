package ignore

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Rule is one line of a rule file.
type Rule struct {
	File    string // the file's path; "built-in" or "--ignore" if there is no file
	Line    int    // from 1; for --ignore, the number of the pattern
	Text    string // the line as it was written
	Negated bool   // a "!" rule: a path that matches is not ignored

	layer   layer
	dirOnly bool
	pattern pattern
}

// String returns "file:line: text".
func (r *Rule) String() string { return fmt.Sprintf("%s:%d: %s", r.File, r.Line, r.Text) }

// layer tells where a rule comes from. See the package doc for the precedence.
type layer uint8

const (
	layerBuiltin layer = iota
	layerGit
	layerUser
)

// newRule reads one line that is neither blank nor a comment. The error tells why the rule can never match; the rule is
// usable all the same.
func newRule(text string) (Rule, error) {
	r := Rule{Text: text}
	p := text
	p, r.Negated = strings.CutPrefix(p, "!")
	p, r.dirOnly = strings.CutSuffix(p, "/")
	var err error
	r.pattern, err = compile(p)
	return r, err
}

// entry is a path while it is judged: the path in question, or a folder above it.
type entry struct {
	path  string // slash-separated, absolute
	name  string // its last element
	dir   bool
	ascii bool // no byte in path is above 0x7f
}

// match reports whether the rule matches e. The rule's file is in the folder base, which is above e.
func (r *Rule) match(e *entry, base string) bool {
	if r.dirOnly && !e.dir {
		return false
	}
	p := &r.pattern
	switch p.kind {
	case matchName:
		return e.name == p.literal
	case matchSuffix:
		return strings.HasSuffix(e.name, p.literal)
	case matchPath:
		return e.path[len(base)+1:] == p.literal
	case matchNameGlob:
		return p.matchGlobs(e.name, e.ascii)
	case matchPathGlob:
		rel := e.path[len(base)+1:]
		return strings.HasPrefix(rel, p.literal) && p.matchGlobs(rel, e.ascii)
	}
	return false
}

func (p *pattern) matchGlobs(name string, ascii bool) bool {
	if !ascii {
		name = bytesAsRunes(name)
	}
	for _, glob := range p.globs {
		if doublestar.MatchUnvalidated(glob, name) {
			return true
		}
	}
	return false
}

// bytesAsRunes returns s with each byte as the rune of the same number.
func bytesAsRunes(s string) string {
	var out strings.Builder
	out.Grow(len(s) * 2)
	for i := range len(s) {
		out.WriteRune(rune(s[i]))
	}
	return out.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
