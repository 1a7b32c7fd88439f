package problems

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Pattern finds problems in the lines of a command's output.
type Pattern struct {
	re    *regexp.Regexp
	usual bool // not the user's, and matches too much
}

// groups are the names of a pattern's parts.
var groups = []string{"file", "line", "column", "message"}

// ParsePattern reads a regular expression, with the parts of a problem as named groups; file is needed.
func ParsePattern(text string) (Pattern, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return Pattern{}, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	for _, name := range re.SubexpNames() {
		if name != "" && !slices.Contains(groups, name) {
			return Pattern{}, fmt.Errorf("the group %q is none of %s", name, strings.Join(groups, ", "))
		}
	}
	if re.SubexpIndex("file") < 0 {
		return Pattern{}, errors.New("it has no group with the name file")
	}
	return Pattern{re: re}, nil
}

// Usual is how most tools write: FILE:LINE:COLUMN: MESSAGE, without the column, or with " - " in front of the message.
// The message may stand on the line before.
var Usual = Pattern{usual: true, re: regexp.MustCompile(`^[ \t]*(?P<file>(?:[A-Za-z]:[/\\])?[^:\s][^:]*)` +
	`:(?P<line>\d+)(?::(?P<column>\d+))?(?::| - )[ \t]*(?P<message>.*)$`)}

// escapes are the colours of a terminal.
var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// Find returns the problems in a tool's output, in order, each once. If a pattern's message is empty, the line before
// is the message. absolute makes a file's name absolute and tells whether the file exists: an address with a port looks
// like a file with a line to the usual pattern.
func Find(output, tool string, patterns []Pattern, absolute func(name string) (path string, exists bool)) []Problem {
	var all []Problem
	before := tool + " reports this place"
	for line := range strings.Lines(escapes.ReplaceAllString(output, "")) {
		line = strings.TrimRight(line, "\r\n")
		for _, pattern := range patterns {
			p, ok := pattern.match(line, before, absolute)
			p.Tool = tool
			if ok && !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
		if text := strings.TrimSpace(line); text != "" {
			before = text
		}
	}
	return all
}

// match reads one line.
func (p Pattern) match(line, before string, absolute func(name string) (string, bool)) (found Problem, ok bool) {
	parts := p.re.FindStringSubmatch(line)
	part := func(name string) string {
		if i := p.re.SubexpIndex(name); i >= 0 && parts != nil {
			return strings.TrimSpace(parts[i])
		}
		return ""
	}
	name := part("file")
	if name == "" {
		return found, false
	}
	path, exists := absolute(name)
	if p.usual && !exists {
		return found, false
	}
	found = Problem{File: path, Message: cmp.Or(part("message"), before)}
	if p.re.SubexpIndex("message") < 0 {
		found.Message = strings.TrimSpace(parts[0])
	}
	found.Line, _ = strconv.Atoi(part("line"))
	if found.Line > 0 {
		found.Column, _ = strconv.Atoi(part("column"))
	}
	return found, true
}
