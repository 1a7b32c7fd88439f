package problems

import (
	"regexp"
	"strconv"
	"strings"
)

// frameAt is the second line of a stack's frame: a file, a line, and addresses.
var frameAt = regexp.MustCompile(`^\t(.+?):(\d+)(?: .*)?$`)

// OfPanic reads a panic or a fatal error with its stack, as written by Go's runtime. The problem's place is the first
// frame in the user's own modules: own tells whether a file belongs to them, its absolute path and its package. Without
// such a frame, the problem has no place.
//
// If a deferred function has panicked again, the stack begins with that function, and the first error stands below the
// runtime's frame named panic.
func OfPanic(trace string, own func(file string) (path, pkg string, yes bool)) (p Problem, ok bool) {
	trace = strings.ReplaceAll(escapes.ReplaceAllString(trace, ""), "\r", "")
	head, stack, _ := strings.Cut(trace, "\n\n")
	if p = (Problem{Message: strings.TrimSpace(head), Tool: Panic}); p.Message == "" {
		return p, false
	}
	function, wanted := "", true
	for line := range strings.Lines(stack) {
		line = strings.TrimRight(line, "\n")
		m := frameAt.FindStringSubmatch(line)
		switch {
		case m == nil && line == "" && p.File != "":
			return p, true // other goroutines follow
		case m == nil:
			function = line
		case strings.HasPrefix(function, "panic("):
			wanted = true
		case wanted:
			if path, pkg, yes := own(m[1]); yes {
				p.File, p.Package, wanted = path, pkg, false
				p.Line, _ = strconv.Atoi(m[2])
			}
		}
	}
	return p, true
}
