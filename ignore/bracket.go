package ignore

import "strings"

// byteSet is a set of bytes matched by a bracket, never with the slash.
type byteSet [256]bool

// parseBracket reads the bracket at the beginning of p by git's rules and returns its length. A "]" right after the
// opening belongs to the set. A range needs two ends; its first end belongs to the set even if it is higher than the
// second. "[:" without ":]" is a "[" and a ":".
func parseBracket(p string) (*byteSet, int, error) {
	at := func(i int) byte { // 0 means the end: patterns contain no NUL
		if i < len(p) {
			return p[i]
		}
		return 0
	}
	set := &byteSet{}
	i := 1
	negated := at(i) == '!' || at(i) == '^'
	if negated {
		i++
	}
	var low byte // the first end of a possible range; 0: none
	for first := true; first || at(i) != ']'; first = false {
		c := at(i)
		switch {
		case c == 0:
			return nil, 0, errUnclosed
		case c == '\\':
			i++
			if c = at(i); c == 0 {
				return nil, 0, errUnclosed
			}
			set[c] = true
		case c == '-' && low != 0 && at(i+1) != 0 && at(i+1) != ']':
			i++
			high := at(i)
			if high == '\\' {
				i++
				if high = at(i); high == 0 {
					return nil, 0, errUnclosed
				}
			}
			for b := int(low); b <= int(high); b++ {
				set[b] = true
			}
			c = 0
		case c == '[' && at(i+1) == ':':
			n, err := set.addClass(p[i:])
			if err != nil {
				return nil, 0, err
			}
			if n > 0 {
				i += n - 1
				c = 0
			}
		default:
			set[c] = true
		}
		low = c
		i++
	}
	if negated {
		for b := range set {
			set[b] = !set[b]
		}
	}
	set[0], set['/'] = false, false
	if *set == (byteSet{}) {
		return nil, 0, errEmptySet
	}
	return set, i + 1, nil
}

// addClass adds the class at the beginning of p, "[:name:]", and returns its length. Without ":]", the "[" itself is
// added, and the length is 0.
func (s *byteSet) addClass(p string) (length int, err error) {
	n := strings.IndexByte(p[2:], ']')
	if n < 0 {
		return 0, errUnclosed
	}
	name, closed := strings.CutSuffix(p[2:2+n], ":")
	if !closed {
		s['['] = true
		return 0, nil
	}
	class := classes[name]
	if class == nil {
		return 0, errClass
	}
	for b := range 0x80 {
		s[b] = s[b] || class(byte(b))
	}
	return 2 + n + 1, nil
}

// glob writes the set as a bracket of doublestar, or as "?" if it contains every byte.
func (s *byteSet) glob() string {
	all := byteSet{}
	for b := range all {
		all[b] = b != 0 && b != '/'
	}
	if *s == all {
		return "?"
	}
	var out strings.Builder
	member := func(b int) {
		out.WriteByte('\\')
		out.WriteRune(rune(b))
	}
	out.WriteByte('[')
	for b := 0; b < len(s); b++ {
		if !s[b] {
			continue
		}
		high := b
		for high+1 < len(s) && s[high+1] {
			high++
		}
		member(b)
		if high > b {
			out.WriteByte('-')
			member(high)
		}
		b = high
	}
	out.WriteByte(']')
	return out.String()
}

// classes are the POSIX classes for ASCII, by git's definition: space contains neither vertical tab nor form feed.
var classes = map[string]func(byte) bool{
	"alnum":  func(c byte) bool { return isAlpha(c) || isDigit(c) },
	"alpha":  isAlpha,
	"blank":  func(c byte) bool { return c == ' ' || c == '\t' },
	"cntrl":  func(c byte) bool { return c < ' ' || c == 0x7f },
	"digit":  isDigit,
	"graph":  func(c byte) bool { return ' ' < c && c < 0x7f },
	"lower":  isLower,
	"print":  func(c byte) bool { return ' ' <= c && c < 0x7f },
	"punct":  func(c byte) bool { return ' ' < c && c < 0x7f && !isAlpha(c) && !isDigit(c) },
	"space":  func(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' },
	"upper":  isUpper,
	"xdigit": func(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' },
}

func isAlpha(c byte) bool { return isLower(c) || isUpper(c) }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
