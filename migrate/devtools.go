package migrate

import (
	"iter"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

func mapKeys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

func asItIs(c command) command { return c }

// devLine takes over a command line of a recipe or a script, if the line starts one of the tools replaced by hotreload.
// Other lines are left alone. called returns a command of the line as called elsewhere.
func (l *look) devLine(line string, called func(command) command) {
	all, err := commands(line)
	if err != nil {
		return
	}
	for _, c := range all {
		name, words := tool(c)
		if len(words) == 0 {
			continue
		}
		whole := called(c)
		c.words = words
		switch name {
		case "air":
			l.airLine(c)
		case "CompileDaemon":
			l.compileDaemon(c)
		case "gow":
			l.gow(c)
		case "wgo":
			l.wgo(c)
		case "reflex":
			l.reflex(c)
		case "modd":
			l.needless("write hotreload in its place")
		case "templier":
			l.needless("write hotreload in its place")
		case "templ":
			if len(words) > 1 && words[1] == "generate" && slices.ContainsFunc(words, isWatch) {
				l.generator(whole, name, words)
			}
		case "tailwindcss":
			if slices.ContainsFunc(words, isWatch) {
				l.generator(whole, name, words)
			}
		}
	}
}

// airLine takes over a command line of air: its file, or its keys as flags, and the program's arguments.
func (l *look) airLine(c command) {
	source, key := l.source, l.key
	l.needless("write hotreload in its place")
	values := map[string]any{}
	words := c.words[1:]
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		name, value, joined := strings.Cut(strings.TrimLeft(word, "-"), "=")
		switch {
		case word == "--":
			defer func() { l.at(source, key); l.arguments(words, c.fixed) }()
			l.flagsOfAir(source, values)
			return
		case !strings.HasPrefix(word, "-"):
			continue // init, or an argument
		case !joined && len(words) > 0 && !strings.HasPrefix(words[0], "-"):
			value, words = words[0], words[1:]
		}
		switch {
		case name == "c":
			if file := path.Clean(value); file != ".air.toml" && l.exists(file) {
				l.airFile(file)
			}
		case strings.Contains(name, ".") || name == "root" || name == "tmp_dir":
			if values[name] = value; slices.Contains(listsOfAir, name) {
				values[name] = split(value)
			}
		}
	}
	l.flagsOfAir(source, values)
}

// listsOfAir are the flags of air with several values, separated by commas.
var listsOfAir = []string{
	"build.pre_cmd",
	"build.post_cmd",
	"build.args_bin",
	"build.include_ext",
	"build.include_dir",
	"build.include_file",
	"build.exclude_dir",
	"build.exclude_file",
	"build.exclude_regex",
	"build.entrypoint",
}

func split(value string) (all []any) {
	for part := range strings.SplitSeq(value, ",") {
		all = append(all, strings.TrimSpace(part))
	}
	return all
}

func (l *look) flagsOfAir(source string, values map[string]any) {
	if len(values) > 0 {
		l.airValues(source, values)
	}
}

// option takes a flag -name value or -name=value apart.
func option(words []string, withValue func(name string) bool) (name, value string, rest []string, ok bool) {
	if len(words) == 0 || !strings.HasPrefix(words[0], "-") || words[0] == "-" || words[0] == "--" {
		return "", "", words, false
	}
	name, value, joined := strings.Cut(strings.TrimLeft(words[0], "-"), "=")
	rest = words[1:]
	if !joined && withValue(name) && len(rest) > 0 {
		value, rest = rest[0], rest[1:]
	}
	return name, value, rest, true
}

// compileDaemon takes over CompileDaemon -build=… -command=….
func (l *look) compileDaemon(c command) {
	l.needless("write hotreload in its place")
	dir, build, run := "", "", ""
	switches := []string{"color", "graceful-kill", "log-prefix", "polling", "verbose", "run-dir"}
	words := c.words[1:]
	for {
		name, value, rest, ok := option(words, func(name string) bool { return !slices.Contains(switches, name) })
		if !ok {
			break
		}
		words = rest
		switch name {
		case "directory", "build-dir", "run-dir":
			if name == "directory" || name == "build-dir" {
				dir = path.Clean(value)
			}
		case "build":
			build = value
		case "command":
			run = value
		case "pattern", "include", "exclude", "exclude-dir", "recursive":
			l.needless("-%s: %s", name, watchedByUse)
		default:
			l.needless("-%s: hotreload does so anyway", name)
		}
	}
	if build == "" {
		build = "go build"
	}
	l.line(build, dir)
	if run != "" {
		l.runs(run, dir)
	}
}

// gow takes over gow run . ARGS.
func (l *look) gow(c command) {
	l.needless("write hotreload in its place")
	words := c.words[1:]
	for {
		name, _, rest, ok := option(words, func(name string) bool {
			return slices.Contains([]string{"e", "g", "P", "S", "w", "i"}, name)
		})
		if !ok {
			break
		}
		words = rest
		switch name {
		case "c":
			l.set("clear", true)
		case "e", "w", "i":
			l.needless("-%s: %s", name, watchedByUse)
		}
	}
	l.goLine(words, c)
}

// goLine takes over words after go.
func (l *look) goLine(words []string, c command) {
	if len(words) < 1 || words[0] != "run" && words[0] != "build" && words[0] != "install" {
		l.decide("go %s: hotreload keeps a program running", strings.Join(words, " "))
		return
	}
	l.build(command{env: c.env, words: append([]string{"go"}, words...), fixed: c.fixed, dir: c.dir})
}

// wgo takes over wgo run ./cmd/x ARGS, and wgo [FLAGS] go build … :: ./x ARGS.
func (l *look) wgo(c command) {
	l.needless("write hotreload in its place")
	words := c.words[1:]
	dir := c.dir
	if len(words) > 0 && words[0] == "run" {
		l.goLine(words, c)
		return
	}
	for {
		name, value, rest, ok := option(words, func(name string) bool {
			return slices.Contains([]string{"file", "xfile", "dir", "xdir", "cd", "root", "debounce"}, name)
		})
		if !ok {
			break
		}
		words = rest
		switch name {
		case "cd":
			dir = path.Join(dir, value)
		case "root":
			l.set("watch", []string{value})
		case "verbose", "exit", "stdin", "postpone", "debounce", "poll":
			l.needless("-%s: hotreload does so anyway", name)
		default:
			l.needless("-%s: %s", name, watchedByUse)
		}
	}
	var steps [][]string
	for len(words) > 0 {
		i := slices.Index(words, "::")
		if i < 0 {
			i = len(words)
		}
		if i > 0 {
			steps = append(steps, words[:i])
		}
		words = words[min(i+1, len(words)):]
	}
	for i, step := range steps {
		one := command{words: step, text: joined(step), fixed: c.fixed, dir: dir}
		if i == len(steps)-1 && (i > 0 || one.name() != "go") {
			l.launch(one)
		} else {
			l.deed(one)
		}
	}
}

// reflex takes over reflex [FLAGS] -- COMMAND. With -s the command is the program, else a command for files.
func (l *look) reflex(c command) {
	service := false
	var match []string
	words := c.words[1:]
	for {
		name, value, rest, ok := option(words, func(name string) bool {
			return slices.Contains(
				[]string{"r", "regex", "R", "inverse-regex", "g", "glob", "G", "inverse-glob", "S", "d",
					"decoration", "t", "shutdown-timeout", "c", "config"},
				name,
			)
		})
		if !ok {
			break
		}
		words = rest
		switch name {
		case "s", "start-service":
			service = true
		case "g", "glob":
			match = append(match, strings.TrimPrefix(value, "./"))
		case "r", "regex":
			match = append(match, globs(value)...)
		}
	}
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	one := command{words: words, text: joined(words), fixed: c.fixed, dir: c.dir}
	all := nested(one)
	if flag, shell := shells[one.name()]; shell && len(words) == 3 && words[1] == flag {
		one.text = words[2]
	}
	builds := slices.ContainsFunc(all, func(c command) bool { return c.name() == "go" })
	switch {
	case len(words) == 0:
		l.needless("write hotreload in its place")
	case service || builds:
		l.needless("write hotreload in its place")
		for i, c := range all {
			if i == len(all)-1 && c.name() != "go" {
				l.launch(c)
			} else {
				l.deed(c)
			}
		}
	case len(match) == 0:
		l.decide("%s: as run = … in a [[rule]] with the files that it reads", one.text)
	default:
		l.rule(Rule{Match: match, Run: strings.ReplaceAll(one.text, "{}", "{files}"), Class: "live"})
	}
}

var ending = regexp.MustCompile(`^(?:\.\*)?\\?\.\(?([A-Za-z0-9|]+)\)?\$$`)

// globs are patterns for a regular expression of endings: \.(scss|css)$.
func globs(expression string) (all []string) {
	parts := ending.FindStringSubmatch(strings.Trim(expression, `'"`))
	if parts == nil {
		return nil
	}
	for ext := range strings.SplitSeq(parts[1], "|") {
		all = append(all, "**/*."+ext)
	}
	return all
}

// reflexConf takes over reflex.conf: a command line of reflex in each line.
func (l *look) reflexConf() {
	source := strings.ReplaceAll(text(l.files, "reflex.conf"), "\\\n", " ")
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		all, err := commands("reflex " + line)
		if err != nil || len(all) == 0 {
			l.at("reflex.conf", line)
			l.decide("cannot be read as a command line")
			continue
		}
		head, _, _ := strings.Cut(line, " -- ")
		l.at("reflex.conf", head)
		l.reflex(all[0])
	}
}
