// Package problems contains the messages of tools and programs about places in the source, as data: for editors,
// scripts and coding agents.
//
// # Theory of operation
//
// A Problem is a value. Find reads problems from the output of a command, by patterns; OfPanic reads one from the
// output of Go's runtime at a panic. Text and SARIF write problems down. All are pure functions: the caller tells which
// files exist and are the user's. The compiler's messages are read by package gobuild.
package problems

import (
	"fmt"
	"strings"
)

// Problem is one message, with its place, if known.
type Problem struct {
	File    string `json:"file,omitempty"`   // absolute
	Line    int    `json:"line,omitempty"`   // from 1
	Column  int    `json:"column,omitempty"` // from 1, in bytes
	Message string `json:"message"`          // may have several lines
	Package string `json:"package,omitempty"`
	Tool    string `json:"tool"` // the source of the message
}

// Tools that are no command of the user's.
const (
	Go        = "go"        // the compiler, the linker, the go command
	Panic     = "panic"     // the program itself, at its end
	Browser   = "browser"   // a page of the program, in a browser
	Hotreload = "hotreload" // a fault without words of its own: a worker does not become ready
)

// Text writes a problem as compilers do, without a place after the name of its tool. Only the first line looks like a
// problem: others are indented. name returns a file's name for the reader.
func (p Problem) Text(name func(file string) string) string {
	message := p.Message
	if lines := strings.Split(message, "\n"); len(lines) > 1 {
		for i, line := range lines[1:] {
			if line != "" && !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, " ") {
				lines[i+1] = "\t" + line
			}
		}
		message = strings.Join(lines, "\n")
	}
	switch {
	case p.File == "" && strings.HasPrefix(message, p.Tool+": "):
		return message
	case p.File == "":
		return p.Tool + ": " + message
	case p.Line == 0:
		return name(p.File) + ": " + message
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", name(p.File), p.Line, message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", name(p.File), p.Line, p.Column, message)
}
