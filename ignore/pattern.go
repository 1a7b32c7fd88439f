package ignore

import (
	"errors"
	"strings"
)

// Reasons why a pattern can never match. git is silent about them.
var (
	errNothing   = errors.New("the pattern is empty")
	errBackslash = errors.New("nothing follows the backslash")
	errSlashes   = errors.New("there is an empty name between slashes")
	errDot       = errors.New(`a pattern begins at the folder of its file, "." and ".." have no meaning in it`)
	errUnclosed  = errors.New("the bracket is not closed")
	errClass     = errors.New("the bracket holds an unknown [:class:]")
	errEmptySet  = errors.New("the bracket stands for no character at all")
)

// wildcards are the bytes with a meaning in git's patterns, apart from the slash.
const wildcards = `*?[\`

type kind uint8

const (
	matchNothing kind = iota
	matchName         // a name anywhere below the file
	matchSuffix       // the end of such a name, as in "*.log"
	matchNameGlob
	matchPath // a path relative to the file's folder
	matchPathGlob
)

// pattern is a compiled pattern: a rule without its "!" and without the slash at its end.
type pattern struct {
	kind    kind
	literal string   // for matchName, matchSuffix, matchPath: everything; for matchPathGlob: each match begins so
	globs   []string // in doublestar's language: one of them must match
}

// compile translates p. If there is an error, the pattern matches nothing.
func compile(p string) (pattern, error) {
	if p == "" || p == "/" {
		return pattern{}, errNothing
	}
	if !strings.Contains(p, "/") {
		return compileName(p)
	}
	p = strings.TrimPrefix(p, "/")
	for name := range strings.SplitSeq(p, "/") {
		if name == "." || name == ".." {
			return pattern{}, errDot
		}
	}
	n := strings.IndexAny(p, wildcards)
	if n < 0 {
		if strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") || strings.Contains(p, "//") {
			return pattern{}, errSlashes
		}
		return pattern{kind: matchPath, literal: p}, nil
	}
	globs, err := pathGlobs(p[:n], p[n:])
	if err != nil {
		return pattern{}, err
	}
	return pattern{kind: matchPathGlob, literal: p[:n], globs: globs}, nil
}

func compileName(p string) (pattern, error) {
	if p == "." || p == ".." {
		return pattern{}, errDot
	}
	if !strings.ContainsAny(p, wildcards) {
		return pattern{kind: matchName, literal: p}, nil
	}
	if p[0] == '*' && !strings.ContainsAny(p[1:], wildcards) {
		return pattern{kind: matchSuffix, literal: p[1:]}, nil
	}
	t := translator{slash: true}
	glob, err := t.translate(p)
	if err != nil {
		return pattern{}, err
	}
	return pattern{kind: matchNameGlob, globs: []string{glob}}, nil
}

// pathGlobs translates a pattern that has a literal prefix and a rest that begins with a wildcard.
//
// git compares the prefix as a string and gives only the rest to its matcher. The matcher then treats a "**" at the
// beginning of the rest as if it followed a slash, even in the middle of a name. Hence "foo**/bar" means foobar (no
// folder in between) or foo*/**/bar: two globs.
func pathGlobs(prefix, rest string) ([]string, error) {
	span, after := doubleStar(rest)
	if span == 0 || prefix == "" || strings.HasSuffix(prefix, "/") {
		t := translator{slash: true}
		glob, err := t.translate(prefix + rest)
		if err != nil {
			return nil, err
		}
		return []string{glob}, nil
	}
	// Of several "**/" in a row one is enough. The last one decides what follows.
	for after == beforeSlash {
		rest = rest[span:]
		var next follows
		if span, next = doubleStar(rest); span == 0 {
			break
		}
		after = next
	}
	literal := escape(prefix)
	switch after {
	case atEnd:
		return []string{literal + "*", literal + "*/**/*"}, nil
	case beforeEscapedSlash:
		rest = rest[span:]
	}
	var globs []string
	t := translator{slash: true}
	t.out.WriteString(literal + "*/**/")
	glob, err := t.translate(rest)
	if err == nil {
		globs = append(globs, glob)
	}
	if after == beforeSlash {
		t := translator{}
		t.out.WriteString(literal)
		if glob, e := t.translate(rest); e == nil {
			globs = append(globs, glob)
		}
	}
	if len(globs) > 0 {
		err = nil
	}
	return globs, err
}

// follows tells what comes after a "**" that matches several folders.
type follows uint8

const (
	atEnd follows = iota
	beforeSlash
	beforeEscapedSlash // "**\/": not a plain slash, so git requires at least one folder
)

// doubleStar looks at the beginning of p, where a name begins. If two stars or more match several folders, it returns
// the number of bytes of these stars and the slash after them, else 0.
func doubleStar(p string) (int, follows) {
	rest := strings.TrimLeft(p, "*")
	stars := len(p) - len(rest)
	switch {
	case stars < 2:
	case rest == "":
		return stars, atEnd
	case rest[0] == '/':
		return stars + 1, beforeSlash
	case strings.HasPrefix(rest, `\/`):
		return stars + 2, beforeEscapedSlash
	}
	return 0, atEnd
}

// translator writes a pattern in doublestar's language.
type translator struct {
	out   strings.Builder
	slash bool // at the beginning of a name
}

func (t *translator) translate(p string) (string, error) {
	for i := 0; i < len(p); {
		switch c := p[i]; c {
		case '\\':
			if i++; i == len(p) {
				return "", errBackslash
			}
			if !t.literal(p[i]) {
				return "", errSlashes
			}
			i++
		case '?':
			t.wild("?")
			i++
		case '*':
			if i == 0 || p[i-1] == '/' {
				if span, after := doubleStar(p[i:]); span > 0 {
					t.doubleStar(after)
					i += span
					continue
				}
			}
			t.wild("*")
			for i < len(p) && p[i] == '*' {
				i++
			}
		case '[':
			set, n, err := parseBracket(p[i:])
			if err != nil {
				return "", err
			}
			t.wild(set.glob())
			i += n
		default:
			if !t.literal(c) {
				return "", errSlashes
			}
			i++
		}
	}
	if t.slash {
		return "", errSlashes
	}
	return t.out.String(), nil
}

func (t *translator) wild(glob string) {
	t.out.WriteString(glob)
	t.slash = false
}

func (t *translator) doubleStar(after follows) {
	switch after {
	case atEnd:
		t.wild("**/*") // doublestar's own "a/**" would match a as well
	case beforeSlash:
		t.out.WriteString("**/")
		t.slash = true
	case beforeEscapedSlash:
		t.out.WriteString("*/**/")
		t.slash = true
	}
}

// literal writes one byte that has no special meaning. It returns false for a slash after a slash.
func (t *translator) literal(c byte) bool {
	if c == '/' && t.slash {
		return false
	}
	t.slash = c == '/'
	writeLiteral(&t.out, c)
	return true
}

func writeLiteral(out *strings.Builder, c byte) {
	if strings.IndexByte(`*?[]{},\`, c) >= 0 {
		out.WriteByte('\\')
	}
	out.WriteRune(rune(c))
}

func escape(s string) string {
	var out strings.Builder
	for i := range len(s) {
		writeLiteral(&out, s[i])
	}
	return out.String()
}
