package gobuild

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Diagnostic is one message about the source.
type Diagnostic struct {
	File    string // absolute; "" if the message has no place
	Line    int    // from 1; 0 if File is ""
	Col     int    // from 1, in bytes; 0 if unknown
	Text    string // may have several lines
	Package string // import path; "" if unknown
}

func (d Diagnostic) String() string {
	switch {
	case d.File == "":
		return d.Text
	case d.Col == 0:
		return fmt.Sprintf("%s:%d: %s", d.File, d.Line, d.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Col, d.Text)
}

// BuildError is a failed build, usually because of an error in the source.
type BuildError struct {
	Diagnostics []Diagnostic // in the order of the toolchain
	Text        string       // the toolchain's output, unchanged
	More        bool         // the compiler stopped reporting errors
	DiskFull    bool         // a file system is full, or the user's quota is used up
	Moved       bool         // inputs changed during the build: the error may belong to a tree that no longer exists
	Way         string       // the way of the build, and the reason if by go: a clause
	Cause       *Error       // why the program cannot be loaded at all; nil if loaded
}

// Error returns the first message and the number of messages.
func (e *BuildError) Error() string {
	switch {
	case e.DiskFull:
		return "build: no space left on device\n" +
			"hint: free some space, or set GOTMPDIR, GOCACHE and XDG_CACHE_HOME to folders on another disk"
	case len(e.Diagnostics) == 0:
		return "build: " + strings.TrimSpace(e.Text)
	case len(e.Diagnostics) == 1 && !e.More:
		return "build: " + e.Diagnostics[0].String()
	}
	return fmt.Sprintf("build: %s (and %d more)", e.Diagnostics[0], len(e.Diagnostics)-1)
}

// place is FILE:LINE: or FILE:LINE:COL:, as all tools write it. The drive letter is Windows's.
var place = regexp.MustCompile(`^((?:[A-Za-z]:[/\\])?[^:\s][^:]*):(\d+)(?::(\d+))?$`)

var placed = regexp.MustCompile(`^((?:[A-Za-z]:[/\\])?[^:\s][^:]*):(\d+)(?::(\d+))?:\s?(.*)$`)

// position reads FILE:LINE or FILE:LINE:COL.
func position(text string) (file string, line, col int, ok bool) {
	m := place.FindStringSubmatch(text)
	if m == nil {
		return "", 0, 0, false
	}
	line, _ = strconv.Atoi(m[2])
	col, _ = strconv.Atoi(m[3])
	return filepath.FromSlash(m[1]), line, col, true
}

// diagnose reads the output of `go build` in dir. chatty: the output includes commands and package names (-x, -v,
// -work), so only messages with a place count, if there are any.
func diagnose(dir, text string, chatty bool) *BuildError {
	e := &BuildError{Text: text, DiskFull: diskFull(text)}
	pkg := ""
	open := false // the previous line belongs to the last diagnostic, and so may the next one
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		bare := strings.TrimPrefix(line, "vet: ")
		m := placed.FindStringSubmatch(bare)
		switch {
		case strings.HasPrefix(line, "# "):
			pkg, open = header(line), false
		case strings.TrimSpace(line) == "":
			open = false
		// a note of the C compiler about the previous line
		case m != nil && strings.HasPrefix(m[4], "note: ") && len(e.Diagnostics) > 0:
			e.extend(line)
			open = true
		case m != nil && m[4] == "too many errors", line == "too many errors":
			e.More, open = true, false
		case m != nil:
			d := Diagnostic{File: filepath.Clean(absIn(dir, filepath.FromSlash(m[1]))), Text: m[4], Package: pkg}
			d.Line, _ = strconv.Atoi(m[2])
			d.Col, _ = strconv.Atoi(m[3])
			e.Diagnostics, open = append(e.Diagnostics, d), true
		case noise(line):
			open = false
		case open && (indented(line) || e.lastIsBare()):
			e.extend(line)
		default:
			e.Diagnostics, open = append(e.Diagnostics, Diagnostic{Text: line, Package: pkg}), true
		}
	}
	hasPlace := func(d Diagnostic) bool { return d.File != "" }
	if chatty && slices.ContainsFunc(e.Diagnostics, hasPlace) {
		e.Diagnostics = slices.DeleteFunc(e.Diagnostics, func(d Diagnostic) bool { return !hasPlace(d) })
	}
	return e
}

func (e *BuildError) lastIsBare() bool {
	return len(e.Diagnostics) > 0 && e.Diagnostics[len(e.Diagnostics)-1].File == ""
}

func (e *BuildError) extend(line string) {
	last := &e.Diagnostics[len(e.Diagnostics)-1]
	last.Text += "\n" + line
}

func indented(line string) bool { return line[0] == '\t' || line[0] == ' ' }

// header returns the package of a line like "# example.com/a [example.com/a.test]".
func header(line string) string {
	pkg := strings.TrimPrefix(line, "# ")
	if fields := strings.Fields(strings.Trim(pkg, "[]")); len(fields) > 0 {
		pkg = fields[0]
	}
	return pkg
}

// noise reports lines without information about the error: go's progress, and headings of cgo and the C compiler, whose
// messages have their own places.
func noise(line string) bool {
	for _, prefix := range []string{"go: downloading ", "go: finding ", "go: extracting ", "go: added ",
		"go: found ", "WORK=",
		"cgo:", "gcc errors for preamble:", "In file included from "} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return strings.HasSuffix(line, ": At top level:") ||
		strings.Contains(line, ": In function ") && strings.HasSuffix(line, ":") && !strings.Contains(line, ".o: ")
}

// diskFull recognises the messages of Unix, of quotas and of Windows.
func diskFull(text string) bool {
	for _, words := range []string{"no space left on device", "disk quota exceeded", "not enough space on the disk"} {
		if strings.Contains(strings.ToLower(text), words) {
			return true
		}
	}
	return false
}
