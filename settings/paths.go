package settings

import (
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Absolute returns the absolute path, relative to a folder.
func Absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// Relative returns the path to print for a user in a folder.
func Relative(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(rel, ".."+string(filepath.Separator)+"..") {
		path = rel
	}
	return Harmless(path)
}

// Harmless quotes a name with line breaks, control characters or invalid UTF-8. Otherwise the name could garble the
// screen, or look like a line of hotreload.
func Harmless(name string) string {
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}
