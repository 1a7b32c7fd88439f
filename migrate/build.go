package migrate

import (
	"path"
	"slices"
	"strings"

	"hotreload/gobuild"
)

// build takes over a go build, go install or go run.
func (l *look) build(c command) {
	l.buildEnvironment(c.env)
	run := c.words[1] == "run"
	flags, rest := l.buildFlags(c.words[2:])
	var pkgs []string
	for len(rest) > 0 && (len(pkgs) == 0 || !run || strings.HasSuffix(rest[0], ".go")) {
		if run && len(pkgs) > 0 && !strings.HasSuffix(pkgs[0], ".go") {
			break
		}
		pkgs, rest = append(pkgs, rest[0]), rest[1:]
	}
	if len(flags) > 0 {
		l.set("build_flags", flags)
	}
	l.program(c.dir, pkgs)
	if run {
		l.arguments(rest, c.fixed)
	}
}

// buildFlags returns the flags to keep, and the words after all flags.
func (l *look) buildFlags(words []string) (keep, rest []string) {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") && words[0] != "-" {
		flag := words[0]
		words = words[1:]
		if flag == "--" {
			break
		}
		takesValue, known := gobuild.IsFlag(flag)
		name, value, joined := strings.Cut(strings.TrimLeft(flag, "-"), "=")
		if !joined && (takesValue || name == "o") && len(words) > 0 {
			value, words, joined = words[0], words[1:], true
		}
		text := "-" + name
		if joined {
			text += "=" + value
		}
		switch {
		case name == "o":
			l.needless("%s", "hotreload builds into its cache folder")
		case name == "v" || name == "x" || name == "a" || name == "buildvcs" && value == "false":
			l.needless("-%s changes nothing here", name)
		case name == "ldflags" && stripsOnly(value):
			l.needless("%s", "-ldflags: hotreload leaves debug information out by itself")
		case strings.ContainsAny(value, "$`"):
			l.decide(
				"-%s needs a shell; write its value into build_flags = [\"-%s=…\"], or leave the flag out",
				name,
				name,
			)
		case !known:
			l.decide("%s is no flag of go build that hotreload knows", text)
		default:
			keep = append(keep, text)
		}
	}
	return keep, words
}

// stripsOnly reports whether linker flags only leave out data for debuggers and stack traces.
func stripsOnly(value string) bool {
	for _, word := range strings.Fields(value) {
		if word != "-s" && word != "-w" {
			return false
		}
	}
	return true
}

// buildEnvironment takes over the variables in front of a build.
func (l *look) buildEnvironment(env []string) {
	kept := map[string]string{}
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case name == "GO111MODULE" || name == "GOOS" && value == l.goos || name == "GOARCH" && value == l.goarch:
			l.needless("%s=%s is so anyway", name, value)
		case name == "GOOS" || name == "GOARCH":
			l.decide("%s=%s is for another system: hotreload builds for the one where it runs", name, value)
		case strings.Contains(value, "$"):
			l.decide("%s=%s needs a shell; write its value into build_env", name, value)
		default:
			kept[name] = value
		}
	}
	if len(kept) > 0 {
		l.set("build_env", kept)
	}
}

// program takes over the package to build.
func (l *look) program(dir string, pkgs []string) {
	pkg, one := l.packageOf(dir, pkgs)
	switch known := l.File.Text("package"); {
	case !one:
		l.decide("%s is not one package: name the one to run, hotreload ./cmd/NAME", strings.Join(pkgs, " "))
	case l.asked && pkg != known && (known != "" || pkg != l.usual()):
		l.decide("another program: hotreload %s runs it", pkg)
	case l.asked:
	case pkg == l.usual():
		l.asked = true
		l.needless("hotreload runs %s by itself", pkg)
	case slices.Contains(l.Mains, pkg) || !strings.HasPrefix(pkg, ".") || strings.HasPrefix(pkg, ".."):
		l.asked = true
		l.set("package", pkg)
	default:
		l.decide("there is no main package in %s", pkg)
	}
}

// packageOf returns the package for go build, as named by hotreload.
func (l *look) packageOf(dir string, pkgs []string) (pkg string, one bool) {
	if len(pkgs) == 0 {
		return dotted(dir), true
	}
	pkg = strings.ReplaceAll(pkgs[0], `\`, "/")
	files := strings.HasSuffix(pkg, ".go")
	if len(pkgs) > 1 && !files || strings.Contains(pkg, "...") {
		return "", false
	}
	if files {
		pkg = path.Dir(pkg)
	} else if rest, inside := strings.CutPrefix(pkg+"/", l.module+"/"); inside && l.module != "" {
		pkg = dotted(strings.TrimSuffix(rest, "/"))
	} else if !strings.HasPrefix(pkg, ".") && !path.IsAbs(pkg) {
		return pkg, true // an import path
	}
	return dotted(path.Join(dir, pkg)), true
}

// arguments takes over the arguments of the program.
func (l *look) arguments(words []string, fixed bool) {
	if len(words) == 0 {
		return
	}
	if !fixed && slices.ContainsFunc(words, func(w string) bool { return strings.ContainsAny(w, "$`") }) {
		l.decide("the arguments %s need a shell; write their values into args", strings.Join(words, " "))
		return
	}
	if l.argued != "" && l.argued != l.place() {
		if !slices.Equal(l.File.List("args"), words) {
			l.decide("other arguments: %s", joined(words))
		}
		return
	}
	l.argued = l.place()
	l.set("args", words)
}

// place is the source, or the script there: the unit of things that belong together.
func (l *look) place() string {
	if l.source == "package.json" {
		return l.source + " " + l.key
	}
	return l.source
}
