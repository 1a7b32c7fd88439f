//go:build linux || darwin

package core

import (
	"runtime"

	"hotreload/agent/protocol"
)

// stack contains the return addresses of the functions that opened a file, from package os outwards: enough to
// distinguish two places.
type stack [8]uintptr

// here stores the callers of the method of Logger from which here is called.
func (s *stack) here() { runtime.Callers(4, s[:]) } // Callers, here, Open, testlog.Open

// place is the agent's knowledge of a stack.
type place struct {
	how     byte   // the called function of package os; 0: do not report
	purpose byte   // see protocol
	caller  string // the caller, for people and for comparison: "main.load, by html/template"
}

// maxPlaces is the limit of remembered places. A program has some hundreds.
const maxPlaces = 10000

// locate examines a new stack.
func (f *files) locate(s stack) *place {
	p := &place{}
	n := 0
	for n < len(s) && s[n] != 0 {
		n++
	}
	deep := make([]uintptr, 40)
	if n == len(s) { // more may follow
		n = runtime.Callers(4, deep) // Callers, locate, Open, testlog.Open
	} else {
		copy(deep, s[:n])
	}
	entry, first, own := "", "", ""
	for frames := runtime.CallersFrames(deep[:n]); own == ""; {
		frame, more := frames.Next()
		name := frame.Function
		switch {
		case name == "":
		case hasPrefix(name, "os.") && first == "":
			entry = name
		case first == "":
			first = name
			fallthrough
		default:
			if !standard(name) {
				own = name
			}
		}
		if !more {
			break
		}
	}
	p.how, p.purpose = howOpened(entry), purposeOf(first)
	switch {
	case own == "":
		p.caller = first
	case own == first:
		p.caller = own
	default:
		p.caller = own + ", by " + packageOf(first)
	}
	if len(p.caller) > protocol.MaxCaller {
		p.caller = p.caller[:protocol.MaxCaller]
	}
	if len(f.places) >= maxPlaces {
		f.places = map[stack]*place{}
	}
	f.places[s] = p
	return p
}

// howOpened returns what the called function of package os does with the file.
func howOpened(entry string) byte {
	switch entry {
	case "os.Create", "os.WriteFile", "os.CreateTemp", "os.(*Root).Create", "os.(*Root).WriteFile", "os.CopyFS":
		return protocol.ToWrite
	case "os.OpenFile", "os.(*Root).OpenFile":
		return protocol.ToReadOrWrite
	case "os.StartProcess", "os/exec.(*Cmd).Start", "os.Chdir", "os.RemoveAll", "os.(*Root).RemoveAll", "os.OpenRoot",
		"os.(*Root).OpenRoot", "":
		return 0
	}
	return protocol.ToRead
}

// purposeOf returns a file's purpose, judged by the function that called package os: the standard library reads some
// files for itself, and file servers open files for each request.
func purposeOf(function string) byte {
	name := packageOf(function)
	switch name {
	case "net", "crypto/x509", "mime", "os/user", "time", "log/syslog", "runtime/debug", "runtime/pprof":
		return protocol.ForItself
	case "net/http":
		return protocol.ToServe
	}
	switch {
	case hasPrefix(name, "internal/"), hasPrefix(name, "vendor/"):
		return protocol.ForItself
	case hasPrefix(name, "github.com/labstack/echo/"): // Echo's static files; templates are opened by the program itself
		return protocol.ToServe
	}
	return protocol.ForProgram
}

// packageOf returns the import path of a function's package.
func packageOf(function string) string {
	slash := 0
	for i := 0; i < len(function); i++ {
		if function[i] == '/' {
			slash = i
		}
		if function[i] == '[' || function[i] == '(' { // type arguments, or a receiver
			break
		}
	}
	for i := slash; i < len(function); i++ {
		if function[i] == '.' {
			return function[:i]
		}
	}
	return function
}

// standard reports whether a function is in the standard library: no module's path begins like a path in the library.
func standard(function string) bool {
	end := 0
	for end < len(function) && function[end] != '.' && function[end] != '/' {
		end++
	}
	switch function[:end] {
	case "archive", "bufio", "bytes", "compress", "container", "context", "crypto", "database", "debug", "embed",
		"encoding",
		"errors", "fmt", "go", "hash", "html", "image", "internal", "io", "iter", "log", "maps", "math", "mime", "net", "os",
		"path", "plugin", "reflect", "regexp", "runtime", "slices", "sort", "strings", "sync", "syscall", "testing", "text",
		"time", "unicode", "unique", "vendor":
		return true
	}
	return false
}
