package gobuild

import (
	"fmt"
	"strings"
)

// Error tells why a program cannot be loaded or built at all, for the caller to act on and the user to read.
type Error struct {
	Problem Problem
	Text    string // one sentence, no full stop, no line break
	Hint    string // the next step; may be empty
	Detail  string // the toolchain's own words where they help; may have several lines
	Err     error  // the cause, if an error of the system
}

// Error returns the sentence, the toolchain's message and the hint, on separate lines.
func (e *Error) Error() string {
	text := e.Text
	if e.Detail != "" {
		text += "\n" + e.Detail
	}
	if e.Hint != "" {
		text += "\nhint: " + e.Hint
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, gobuild.NoModule) work.
func (e *Error) Is(target error) bool { return target == error(e.Problem) }

// Problem is the kind of an Error, and itself an error, for errors.Is.
type Problem string

const (
	NoGo            Problem = "no go command"
	GoTooOld        Problem = "go is too old"
	NoFolder        Problem = "no such folder"
	NoModule        Problem = "no module"
	BrokenModule    Problem = "go.mod, go.work or vendor is broken"
	NoPackage       Problem = "no such package"
	NotMain         Problem = "package is not main"
	CannotRun       Problem = "it is for another system"
	SeveralPackages Problem = "several packages"
	BadFlag         Problem = "build flag not possible"
	NoWorker        Problem = "hotreload/worker is not found"
	NoCache         Problem = "no writable cache folder"
	Doubtful        Problem = "a fast build was wrong"
	Failed          Problem = "the go command failed"
)

func (p Problem) Error() string { return string(p) }

// WorkerPath is the import path of package worker.
const WorkerPath = "hotreload/worker"

// problemOf turns go's message after a failure to list packages into an Error.
func problemOf(p Program, doing, said string) *Error {
	said = strings.TrimSpace(said)
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(said, part) {
				return true
			}
		}
		return false
	}
	switch {
	case has(WorkerPath) && has("not in std", "not in GOROOT", "malformed module path", "missing go.sum entry",
		"not required"):
		// Because its path has no dot, go looks for it in the standard library, and go get cannot fetch it.
		return &Error{Problem: NoWorker, Text: "the program imports " + WorkerPath +
			", and its module does not say where that is",
			Hint: "go mod edit -replace=hotreload=PATH && go mod tidy, with the path of hotreload's source; " +
				"or for yourself alone: go work init . PATH", Detail: said}
	case has("go.mod file not found", "cannot find main module", "cannot determine module path"):
		return &Error{Problem: NoModule, Text: fmt.Sprintf("%s is in no Go module", p.Dir),
			Hint: "run hotreload inside a module, or make one: go mod init NAME"}
	case has("requires go >=", "toolchain not available", "invalid value for -json", `for -json`):
		return &Error{Problem: GoTooOld, Text: "the installed Go is too old for this module",
			Hint: "install a newer Go, or let go fetch it: GOTOOLCHAIN=auto", Detail: said}
	case has("named files must all be in one directory", "named files must be .go files"):
		return &Error{Problem: NoPackage, Text: "these files are not one package: " + strings.Join(p.args(), " "),
			Hint: "name .go files of one folder, or the folder", Detail: said}
	case has("inconsistent vendoring"):
		return &Error{Problem: BrokenModule, Text: "the vendor folder does not fit go.mod",
			Hint: "run go mod vendor, or build with -mod=mod", Detail: said}
	case has("go.work"):
		return &Error{Problem: BrokenModule, Text: "go.work cannot be used", Detail: said,
			Hint: "correct it (go help work), or switch it off: GOWORK=off"}
	case has("go.mod", "go.sum", "vendor/modules.txt"):
		return &Error{Problem: BrokenModule, Text: "go.mod cannot be used", Detail: said,
			Hint: "correct it; go mod tidy often can"}
	case has("flag provided but not defined", "invalid value", "not supported (can be", "parsing $GOFLAGS",
		"invalid boolean"):
		return &Error{Problem: BadFlag, Text: "go does not accept the build flags", Detail: said,
			Hint: "go help build lists them"}
	}
	return &Error{Problem: Failed, Text: doing + " failed", Detail: said}
}
