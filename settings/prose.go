package settings

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks a paragraph into lines of at most width columns, but never inside `code`.
func Wrap(paragraph string, width int) []string {
	var lines []string
	line, code := "", false
	for _, word := range words(paragraph, &code) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// words splits a paragraph at spaces. Text in backquotes stays in one piece.
func words(paragraph string, code *bool) []string {
	return strings.FieldsFunc(paragraph, func(r rune) bool {
		if r == '`' {
			*code = !*code
		}
		return r == ' ' && !*code
	})
}

// Argument is the name of the flag's value in help; "" if the flag has none.
func (s *Setting) Argument() string {
	_, rest, named := strings.Cut(s.Help, "`")
	name, _, _ := strings.Cut(rest, "`")
	if !named {
		return ""
	}
	return strings.ToUpper(name)
}

// Usage is the flag's synopsis: -w, --watch PATH.
func (s *Setting) Usage() string {
	usage := "--" + s.Name
	if s.Short != "" {
		usage = "-" + s.Short + ", " + usage
	}
	switch name := s.Argument(); {
	case name == "":
		return usage
	case s.Bare != "":
		return usage + "[=" + name + "]"
	default:
		return usage + " " + name
	}
}

// Line shows the key with an example, as in the file.
func (s *Setting) Line() string {
	switch {
	case s.kind.place == 0:
		return s.Key() + " = " + s.Example
	case s.kind.single:
		return "[" + s.Key() + "]"
	default:
		return "[[" + s.Key() + "]]"
	}
}

// Path reports whether the values are paths.
func (s *Setting) Path() bool { return s.kind.path }

// Repeatable reports whether the flag may be given several times.
func (s *Setting) Repeatable() bool { return s.kind.several }
