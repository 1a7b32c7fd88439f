package gobuild

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// valued are the flags of `go help build`: true with a value, false for switches.
var valued = map[string]bool{
	"C": true, "asmflags": true, "buildmode": true, "compiler": true, "covermode": true, "coverpkg": true,
	"gccgoflags": true, "gcflags": true, "installsuffix": true, "ldflags": true, "mod": true, "modfile": true,
	"o": true, "overlay": true, "p": true, "pgo": true, "pkgdir": true, "tags": true, "toolexec": true,

	"a": false, "asan": false, "buildvcs": false, "cover": false, "json": false, "linkshared": false,
	"modcacherw": false, "msan": false, "n": false, "race": false, "trimpath": false, "v": false, "work": false,
	"x": false,
}

// BuildFlag is one of Go's build flags, as accepted by hotreload.
type BuildFlag struct {
	Name  string
	Words []string // possible values, if there is a list
}

// BuildFlags returns all accepted flags.
func BuildFlags() (all []BuildFlag) {
	words := map[string][]string{
		"buildmode": {"exe", "pie", "default"}, "compiler": {"gc", "gccgo"}, "covermode": {"set", "count", "atomic"},
		"mod": {"readonly", "vendor", "mod"}, "buildvcs": {"true", "false", "auto"}, "pgo": {"auto", "off"},
	}
	for _, name := range slices.Sorted(maps.Keys(valued)) {
		if why, _ := refused(flag{name: name, value: "exe", joined: valued[name]}); why == "" {
			all = append(all, BuildFlag{name, words[name]})
		}
	}
	return all
}

// IsFlag reports whether arg is one of Go's build flags (-tags, --tags, -tags=x), and whether the next argument is its
// value. Some flags are refused later, with the reason.
func IsFlag(arg string) (takesValue, ok bool) {
	name, _, joined := cutFlag(arg)
	takesValue, ok = valued[name]
	return takesValue && !joined, ok
}

// cutFlag splits -name=value or --name=value. The name is "" if arg is not a flag.
func cutFlag(arg string) (name, value string, joined bool) {
	rest, ok := strings.CutPrefix(arg, "-")
	if !ok {
		return "", "", false
	}
	rest = strings.TrimPrefix(rest, "-")
	return strings.Cut(rest, "=")
}

// flag is one build flag of the user; a switch has no value.
type flag struct {
	name, value string
	joined      bool
}

func (f flag) String() string {
	if !f.joined {
		return "-" + f.name
	}
	return "-" + f.name + "=" + f.value
}

// parseFlags reads the user's flags, in all forms allowed by go, and refuses senseless ones.
func (p Program) parseFlags() ([]flag, error) { return parseFlagsFor(p.Flags, p.Foreign) }

func parseFlags(args []string) ([]flag, error) { return parseFlagsFor(args, false) }

// parseFlagsFor is parseFlags; with foreign, go may also build something other than a program.
func parseFlagsFor(args []string, foreign bool) ([]flag, error) {
	var flags []flag
	for i := 0; i < len(args); i++ {
		takesValue, ok := IsFlag(args[i])
		if !ok {
			return nil, &Error{Problem: BadFlag, Text: fmt.Sprintf("%s is not a build flag of go", args[i]),
				Hint: "go help build lists them"}
		}
		f := flag{}
		f.name, f.value, f.joined = cutFlag(args[i])
		if takesValue {
			i++
			if i == len(args) {
				return nil, &Error{Problem: BadFlag, Text: fmt.Sprintf("%s needs a value", args[i-1])}
			}
			f.value, f.joined = args[i], true
		}
		if why, hint := refused(f); why != "" && !(foreign && f.name == "buildmode") {
			return nil, &Error{Problem: BadFlag, Text: why, Hint: hint}
		}
		flags = append(flags, f)
	}
	return flags, nil
}

// refused returns why a flag cannot be used for a program run and replaced by hotreload.
func refused(f flag) (why, hint string) {
	on := !f.joined || f.value != "false"
	switch {
	case f.name == "o":
		return "-o cannot be used: hotreload chooses the binary's path", "to keep a binary, run go build -o"
	case f.name == "C":
		return "-C cannot be used", "run hotreload in that folder: (cd " + f.value + " && hotreload …)"
	case f.name == "n" && on:
		return "-n cannot be used: it builds nothing", ""
	case f.name == "json" && on:
		return "-json cannot be used: hotreload reads the compiler's messages itself", ""
	case f.name == "buildmode" && !slices.Contains([]string{"exe", "pie", "default"}, f.value):
		return "-buildmode=" + f.value + " does not make a program",
			"--build-only builds at each save without running anything"
	}
	return "", ""
}

// fromGOFLAGS reads the relevant flags of GOFLAGS. go itself reports errors in the others.
func fromGOFLAGS(goflags string) []flag {
	fields, err := SplitQuoted(goflags)
	if err != nil {
		return nil
	}
	var flags []flag
	for _, field := range fields {
		f := flag{}
		f.name, f.value, f.joined = cutFlag(field)
		if f.name != "" {
			flags = append(flags, f)
		}
	}
	return flags
}

// buildArgs returns the arguments of `go build` for the user's flags and GOFLAGS, without output and package.
//
// Linker flags come in lists, each for the packages of a pattern. go uses only the last matching list of the main
// package. We need not know this list: link is put in front of every list of the command line and of GOFLAGS (otherwise
// replaced by a list on the command line), and is also a list of its own before all others. In front, because the
// user's flags (-w=false, an -X) then come later and win.
func buildArgs(goflags string, flags []flag, debug bool) []string {
	env := fromGOFLAGS(goflags)
	all := slices.Concat(env, flags)
	var args []string
	if !slices.ContainsFunc(all, func(f flag) bool { return f.name == "buildvcs" }) {
		args = append(args, "-buildvcs=false")
	}
	link := ""
	if !debug && !slices.ContainsFunc(all, unoptimised) {
		link = "-w"
	}
	if link == "" {
		return append(args, words(flags)...)
	}
	args = append(args, "-ldflags="+link)
	for _, f := range env {
		if f.name == "ldflags" {
			args = append(args, "-ldflags="+prepend(link, f.value))
		}
	}
	for _, f := range flags {
		if f.name == "ldflags" {
			f.value = prepend(link, f.value)
		}
		args = append(args, f.String())
	}
	return args
}

func words(flags []flag) []string {
	var args []string
	for _, f := range flags {
		args = append(args, f.String())
	}
	return args
}

// prepend puts add in front of a list of the form `args` or `pattern=args`.
func prepend(add, list string) string {
	list = strings.TrimSpace(list)
	pattern, args := cutPattern(list)
	if pattern == "" && !strings.HasPrefix(list, "-") && list != "" {
		return list // neither form: go reports the mistake
	}
	if pattern != "" {
		pattern += "="
	}
	return pattern + strings.TrimSpace(add+" "+strings.TrimSpace(args))
}

// cutPattern splits `pattern=args`; a list that begins with a flag has no pattern.
func cutPattern(list string) (pattern, args string) {
	list = strings.TrimSpace(list)
	if strings.HasPrefix(list, "-") {
		return "", list
	}
	pattern, args, found := strings.Cut(list, "=")
	if !found {
		return "", list
	}
	return strings.TrimSpace(pattern), args
}

// unoptimised reports whether the flag makes the compiler write code for debuggers: such a build keeps its DWARF.
func unoptimised(f flag) bool {
	if f.name != "gcflags" {
		return false
	}
	_, list := cutPattern(f.value)
	args, err := SplitQuoted(list)
	return err == nil && slices.Contains(args, "-N")
}

// last returns the value of the last flag of this name: the command line's, else GOFLAGS'.
func last(goflags string, flags []flag, name string) string {
	value := ""
	for _, f := range slices.Concat(fromGOFLAGS(goflags), flags) {
		if f.name == name {
			value = f.value
		}
	}
	return value
}

// SplitQuoted splits at white space. A word that begins with ' or " ends at the next such quote; there are no escapes.
// These are go's rules for GOFLAGS and lists of flags.
func SplitQuoted(s string) ([]string, error) {
	const space = " \t\n\r"
	var fields []string
	for {
		s = strings.TrimLeft(s, space)
		if s == "" {
			return fields, nil
		}
		if quote := s[0]; quote == '\'' || quote == '"' {
			field, rest, closed := strings.Cut(s[1:], string(quote))
			if !closed {
				return nil, errors.New("quote is not closed")
			}
			fields, s = append(fields, field), rest
			continue
		}
		end := strings.IndexAny(s, space)
		if end < 0 {
			end = len(s)
		}
		fields, s = append(fields, s[:end]), s[end:]
	}
}
