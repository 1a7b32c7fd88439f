package migrate

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// makefile is a Makefile, as far as readable without make.
type makefile struct {
	targets   map[string]target
	variables map[string]string
	includes  []string // files of variables: include .env
	lines     []recipeLine
}

// target has make's commands for a target.
type target struct {
	needs []string
	lines []string
}

// recipeLine is a command line of a recipe.
type recipeLine struct {
	number int
	target string
	text   string
}

var (
	assignment = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*(?::|::|\?)?=\s*(.*)$`)
	heading    = regexp.MustCompile(`^([A-Za-z0-9_./-]+(?: [A-Za-z0-9_./-]+)*)\s*:(?:\s+(.*))?$`)
	reference  = regexp.MustCompile(`\$\(([A-Za-z_][A-Za-z0-9_]*)\)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)
	mark       = regexp.MustCompile(`^[@+-]+\s*`)
)

// readMakefile reads targets, recipes and simple variables.
func readMakefile(source string) makefile {
	m := makefile{targets: map[string]target{}, variables: map[string]string{}}
	var current []string
	lines := strings.Split(source, "\n")
	for i := 0; i < len(lines); i++ {
		number, line := i+1, lines[i]
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + " " + strings.TrimSpace(lines[i])
		}
		if recipe, found := strings.CutPrefix(line, "\t"); found {
			text := m.expand(mark.ReplaceAllString(strings.TrimSpace(recipe), ""))
			if text == "" || strings.HasPrefix(text, "#") {
				continue
			}
			for _, name := range current {
				t := m.targets[name]
				t.lines = append(t.lines, text)
				m.targets[name] = t
			}
			m.lines = append(m.lines, recipeLine{number, strings.Join(current, " "), text})
			continue
		}
		line, _, _ = strings.Cut(line, " #")
		line = strings.TrimSpace(line)
		switch {
		case assignment.MatchString(line):
			parts := assignment.FindStringSubmatch(line)
			m.variables[parts[1]] = m.expand(parts[2])
		case strings.HasPrefix(strings.TrimPrefix(line, "-"), "include "):
			m.includes = append(m.includes, strings.Fields(line)[1:]...)
		case heading.MatchString(line):
			parts := heading.FindStringSubmatch(line)
			if current = strings.Fields(parts[1]); strings.HasPrefix(current[0], ".PHONY") {
				current = nil
			}
			for _, name := range current {
				t := m.targets[name]
				t.needs = append(t.needs, strings.Fields(parts[2])...)
				m.targets[name] = t
			}
		case line != "":
			current = nil
		}
	}
	return m
}

// expand puts in the known variables.
func (m makefile) expand(text string) string {
	text = reference.ReplaceAllStringFunc(text, func(ref string) string {
		if value, known := m.variables[ref[2:len(ref)-1]]; known {
			return value
		}
		if ref == "$(MAKE)" {
			return "make"
		}
		return ref
	})
	return strings.ReplaceAll(text, "$$", "$")
}

// makefiles reads the Makefile, and takes over its command lines of other tools.
func (l *look) makefiles() {
	for _, name := range []string{"GNUmakefile", "makefile", "Makefile"} {
		if source := text(l.files, name); source != "" {
			l.make = readMakefile(source)
			for _, r := range l.make.lines {
				l.at(fmt.Sprintf("%s:%d", name, r.number), r.target)
				l.devLine(r.text, asItIs)
			}
			for _, file := range l.make.includes {
				if strings.Contains(file, ".env") && l.exists(file) &&
					!slices.Contains(l.File.List("env_file"), file) {
					l.at(name, "include "+file)
					l.set("env_file", []string{file})
				}
			}
			return
		}
	}
}

// makeDepth limits how deep targets may be in each other.
const makeDepth = 5

// targets takes over make TARGET: the commands of the recipe.
func (l *look) targets(c command, names []string) {
	if l.make.targets == nil {
		for _, file := range []string{"GNUmakefile", "makefile", "Makefile"} {
			if source := text(l.files, file); source != "" {
				l.make = readMakefile(source)
				break
			}
		}
	}
	names = slices.DeleteFunc(
		slices.Clone(names),
		func(n string) bool { return strings.HasPrefix(n, "-") || strings.Contains(n, "=") },
	)
	for _, name := range names {
		t, known := l.make.targets[name]
		if !known || l.depth == makeDepth {
			l.decide("%s: the Makefile has no target %s that can be read", c.text, name)
			continue
		}
		l.depth++
		for _, need := range t.needs {
			if _, known := l.make.targets[need]; known {
				l.targets(c, []string{need})
			}
		}
		for _, line := range t.lines {
			l.line(line, c.dir)
		}
		l.depth--
	}
}

// scripts are the scripts of package.json.
func (l *look) scripts() map[string]string {
	var file struct {
		Scripts map[string]string `json:"scripts"`
	}
	_ = json.Unmarshal([]byte(text(l.files, "package.json")), &file) // a broken one has none
	return file.Scripts
}

// script takes over npm run NAME.
func (l *look) script(c command, words []string) {
	rest := words[1:]
	if len(rest) > 0 && (rest[0] == "run" || rest[0] == "run-script") {
		rest = rest[1:]
	}
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		rest = rest[1:]
	}
	if len(rest) == 0 || rest[0] == "install" || rest[0] == "ci" || rest[0] == "i" {
		l.decide("%s: run it by hand when package.json changes", c.text)
		return
	}
	script := l.scripts()[rest[0]]
	all, err := commands(script)
	watches := strings.Contains(script, "--watch") ||
		strings.HasPrefix(script, "vite") && !strings.Contains(script, "build") ||
		strings.HasPrefix(script, "next dev")
	switch {
	case watches && c.fixed:
		l.run = append(l.run, toolsOf(all)...)
		l.beside(Service{Name: strings.ReplaceAll(rest[0], "/", "-"), Command: c.words})
	case err == nil && script != "" && slices.ContainsFunc(all, func(c command) bool { return watchers[first(c)] != "" }):
		for _, one := range all {
			l.deed(inNode(one))
		}
	default:
		l.decide("%s: as run = … in a [[rule]] with the files that it reads, or leave it out", c.text)
	}
}

// inNode is a command of a script in package.json as called outside: npm puts node_modules/.bin on the PATH.
func inNode(c command) command {
	if len(c.words) > 0 && watchers[c.name()] != "" && !strings.Contains(c.words[0], "/") {
		c.words = append([]string{"npx"}, c.words...)
		c.text = "npx " + c.text
	}
	return c
}

func first(c command) string {
	name, _ := tool(c)
	return name
}

// toolsOf names the tools of some commands.
func toolsOf(all []command) (names []string) {
	for _, c := range all {
		names = append(names, first(c))
	}
	return names
}

// packageJSON takes over command lines of other tools in package.json.
func (l *look) packageJSON() {
	scripts := l.scripts()
	for _, name := range slices.Sorted(mapKeys(scripts)) {
		l.at("package.json", "scripts."+name)
		l.devLine(scripts[name], inNode)
	}
}
