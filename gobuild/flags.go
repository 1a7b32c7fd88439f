package gobuild

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// valued are the flags of `go help build` that have a value, true, and those that are switches, false.
var valued = map[string]bool{
	"C": true, "asmflags": true, "buildmode": true, "compiler": true, "covermode": true, "coverpkg": true,
	"gccgoflags": true, "gcflags": true, "installsuffix": true, "ldflags": true, "mod": true, "modfile": true,
	"o": true, "overlay": true, "p": true, "pgo": true, "pkgdir": true, "tags": true, "toolexec": true,

	"a": false, "asan": false, "buildvcs": false, "cover": false, "json": false, "linkshared": false,
	"modcacherw": false, "msan": false, "n": false, "race": false, "trimpath": false, "v": false, "work": false,
	"x": false,
}

// IsFlag reports whether arg is one of Go's build flags (-tags, --tags, -tags=x), and whether the next argument is its
// value. Some of them are refused later, with the reason.
func IsFlag(arg string) (takesValue, ok bool) {
	name, _, joined := cutFlag(arg)
	takesValue, ok = valued[name]
	return takesValue && !joined, ok
}

// cutFlag takes -name=value or --name=value apart. The name of what is no flag is "".
func cutFlag(arg string) (name, value string, joined bool) {
	rest, ok := strings.CutPrefix(arg, "-")
	if !ok {
		return "", "", false
	}
	rest = strings.TrimPrefix(rest, "-")
	return strings.Cut(rest, "=")
}

// flag is one build flag of the user's; without a value it is a switch.
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

// parseFlags reads the user's flags, in any of the forms go allows, and refuses those that make no sense here.
func parseFlags(args []string) ([]flag, error) {
	var flags []flag
	for i := 0; i < len(args); i++ {
		takesValue, ok := IsFlag(args[i])
		if !ok {
			return nil, &Error{Problem: BadFlag, Text: fmt.Sprintf("%s is not a build flag of go", args[i]), Hint: "go help build lists them"}
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
		if why, hint := refused(f); why != "" {
			return nil, &Error{Problem: BadFlag, Text: why, Hint: hint}
		}
		flags = append(flags, f)
	}
	return flags, nil
}

// refused says why a flag cannot be used for a program that is to be run and replaced.
func refused(f flag) (why, hint string) {
	on := !f.joined || f.value != "false"
	switch {
	case f.name == "o":
		return "-o cannot be used: hotreload decides where the binary lies", "to keep a binary, run go build -o"
	case f.name == "C":
		return "-C cannot be used", "run hotreload in that folder: (cd " + f.value + " && hotreload …)"
	case f.name == "n" && on:
		return "-n cannot be used: it builds nothing", ""
	case f.name == "json" && on:
		return "-json cannot be used: hotreload reads the compiler's messages itself", ""
	case f.name == "buildmode" && !slices.Contains([]string{"exe", "pie", "default"}, f.value):
		return "-buildmode=" + f.value + " makes nothing that can be run", ""
	}
	return "", ""
}

// fromGOFLAGS reads the flags of GOFLAGS that matter here. What is wrong with the others go will say.
func fromGOFLAGS(goflags string) []flag {
	fields, err := splitQuoted(goflags)
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

// buildArgs are the arguments of `go build` for the user's flags and GOFLAGS, without output and package.
//
// Linker flags come in lists, each for the packages of a pattern, and the last list that matches the main package is
// the only one used. We need not know which that is: link is put in front of every list, of GOFLAGS (which a
// list on the command line would otherwise replace) as of the command line, and is a list of its own before them all.
// In front, so that what the user says (-w=false, an -X) comes later and wins.
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
		return list // neither form: go will say so
	}
	if pattern != "" {
		pattern += "="
	}
	return pattern + strings.TrimSpace(add+" "+strings.TrimSpace(args))
}

// cutPattern takes `pattern=args` apart; a list that begins with a flag has no pattern.
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

// unoptimised reports whether the flag asks the compiler for code that is good to debug: such a build keeps its DWARF.
func unoptimised(f flag) bool {
	if f.name != "gcflags" {
		return false
	}
	_, list := cutPattern(f.value)
	args, err := splitQuoted(list)
	return err == nil && slices.Contains(args, "-N")
}

// last is the value of the last flag of that name, of GOFLAGS and then of the command line, which wins.
func last(goflags string, flags []flag, name string) string {
	value := ""
	for _, f := range slices.Concat(fromGOFLAGS(goflags), flags) {
		if f.name == name {
			value = f.value
		}
	}
	return value
}

// splitQuoted splits at white space. A word that begins with ' or " ends at the next such quote; there are no escapes.
// These are the rules of GOFLAGS and of lists of flags in go.
func splitQuoted(s string) ([]string, error) {
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
