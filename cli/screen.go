package cli

import (
	"fmt"
	"slices"
	"strings"
)

// screen tracks the terminal's state as changed by a program's escape sequences, as far as the state would disturb the
// next program: another screen, a hidden cursor, mouse reports. A killed program does not reset the terminal.
type screen struct {
	changed []string // private modes that differ from the default, in the order of their changes
	pushed  int      // keyboard modes of kitty's protocol
	begun   string   // bytes of the current sequence so far
}

// usuallyOn are the modes that are on by default: line wrapping, a visible cursor.
var usuallyOn = []string{"7", "25"}

// longestSequence is longer than any relevant sequence.
const longestSequence = 64

// sees reads the program's output.
func (s *screen) sees(p []byte) {
	for _, b := range p {
		switch {
		case b == 27:
			s.begun = "\x1b"
		case s.begun == "":
		case s.begun == "\x1b" && b != '[' || len(s.begun) > longestSequence || b < ' ':
			s.begun = ""
		case s.begun != "\x1b" && b >= '@':
			s.sequence(strings.TrimPrefix(s.begun, "\x1b["), b)
			s.begun = ""
		default:
			s.begun += string(b)
		}
	}
}

// sequence handles a complete sequence: the bytes between CSI and the last byte.
func (s *screen) sequence(parameters string, last byte) {
	switch {
	case last == 'u' && strings.HasPrefix(parameters, ">"):
		s.pushed++
	case last == 'u' && strings.HasPrefix(parameters, "<"):
		s.pushed = max(s.pushed-1, 0)
	case (last == 'h' || last == 'l') && strings.HasPrefix(parameters, "?"):
		for mode := range strings.SplitSeq(parameters[1:], ";") {
			s.changed = slices.DeleteFunc(s.changed, func(other string) bool { return other == mode })
			if on := last == 'h'; on != slices.Contains(usuallyOn, mode) {
				s.changed = append(s.changed, mode)
			}
		}
	}
}

// undo returns the sequences that reset the terminal, the last change first; none if nothing differs.
func (s *screen) undo() []byte {
	var out []byte
	for _, mode := range slices.Backward(s.changed) {
		out = set(out, mode, slices.Contains(usuallyOn, mode))
	}
	if s.pushed > 0 {
		out = fmt.Appendf(out, "\x1b[<%du", s.pushed)
	}
	if len(out) > 0 {
		out = append(out, "\x1b[0m"...) // colours, too
	}
	return out
}

// redo returns the sequences that restore the state before undo, without the screen's contents.
func (s *screen) redo() []byte {
	var out []byte
	for _, mode := range s.changed {
		out = set(out, mode, !slices.Contains(usuallyOn, mode))
	}
	return out
}

func set(out []byte, mode string, on bool) []byte {
	end := 'l'
	if on {
		end = 'h'
	}
	return fmt.Appendf(out, "\x1b[?%s%c", mode, end)
}
