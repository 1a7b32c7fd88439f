package cli

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

const separator = " · "

// lineOf is text on a line of its own below what came before; nothing if it is empty.
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

// telling is the line of a dead program's last words that says most: that of the panic, or else the last; "" in the middle
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

// width is how many columns a text takes on a terminal, for the letters that we use.
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

// short rounds a duration to what a person reads.
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
