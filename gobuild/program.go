package gobuild

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Program is one main package to build. A Program is a value, and never changes.
type Program struct {
	Dir      string   // absolute folder in which go runs; Args and relative flags refer to it
	Args     []string // the package: a folder, an import path, or .go files; none is "."
	Flags    []string // Go's build flags as the user gave them; see IsFlag
	Env      []string // complete environment; nil is os.Environ()
	Set      []string // additional variables for the build alone; they override Env
	Debug    bool     // keep DWARF, for a debugger
	Plain    bool     // without the agent
	Debugged Debugged
	Slow     bool // always build by go build
	Patch    bool // patch the last program instead of linking, where possible; Slow excludes it

	Foreign bool // need not run on this machine, and need not be a program
}

func (p Program) args() []string {
	if len(p.Args) == 0 {
		return []string{"."}
	}
	return p.Args
}

func (p Program) env() []string {
	env := p.Env
	if env == nil {
		env = os.Environ()
	}
	return append(slices.Clip(env), p.Set...)
}

// ofFiles reports whether the program is given as a list of .go files.
func (p Program) ofFiles() bool { return strings.HasSuffix(p.args()[0], ".go") }

// abs makes a path of the user absolute.
func (p Program) abs(path string) string { return absIn(p.Dir, path) }

func absIn(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// name returns the binary's name, by go's rules: the last part of the import path, major versions apart, or the first
// .go file. ps and os.Args[0] then show the expected name.
func (p Program) name(importPath string) string {
	if p.ofFiles() {
		return strings.TrimSuffix(filepath.Base(p.args()[0]), ".go")
	}
	dir, last := path.Split(importPath)
	if isMajor(last) && dir != "" {
		last = path.Base(dir)
	}
	if last == "" || last == "." || last == "command-line-arguments" {
		return filepath.Base(p.Dir)
	}
	return last
}

// isMajor reports whether the part of an import path is v2, v3, ...
func isMajor(part string) bool {
	digits, ok := strings.CutPrefix(part, "v")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == "" && digits[0] != '0' && digits != "1"
}

// within reports whether path is dir or lies below dir. Both are clean and absolute.
func within(path, dir string) bool {
	if dir == "" {
		return false
	}
	if path == dir {
		return true
	}
	if !strings.HasSuffix(dir, string(filepath.Separator)) {
		dir += string(filepath.Separator)
	}
	return strings.HasPrefix(path, dir)
}
