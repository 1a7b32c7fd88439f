package cli

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

const separator = " · "

// lineOf puts text on a line of its own below the previous text; empty text gives nothing.
func lineOf(text string) string {
	if text == "" {
		return ""
	}
	return "\n" + text
}

func hintLine(hint string) string {
	if hint == "" {
		return ""
	}
	return "hint: " + hint
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// telling returns the most informative line of a dead program's output: the panic's, or else the last; "" in the middle
// of a stack.
func telling(tail string) string {
	panicked, stack, last := "", false, ""
	for line := range strings.Lines(tail) {
		line = strings.TrimSpace(colours.ReplaceAllString(line, ""))
		switch {
		case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
			panicked, stack = line, true
		case strings.HasPrefix(line, "goroutine ") && strings.HasSuffix(line, "]:"):
			stack = true
		case line != "":
			last = line
		}
	}
	if stack {
		return panicked
	}
	return last
}

// width returns the columns of a text on a terminal, for the characters used by hotreload.
func width(text string) int {
	return utf8.RuneCountInString(colours.ReplaceAllString(text, ""))
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return fmt.Sprintf("%d %ses", n, what)
	default:
		return fmt.Sprintf("%d %ss", n, what)
	}
}

// short rounds a duration for people.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}
