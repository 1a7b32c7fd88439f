package migrate

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// block is one block of modd.conf: patterns, and the commands for them.
type block struct {
	patterns []string
	dir      string
	preps    []string
	daemons  []string
}

var (
	moddVariable = regexp.MustCompile(`^(@[a-z]+)\s*=\s*(.*)$`)
	moddCommand  = regexp.MustCompile(`^(prep|daemon|indir)\s*((?:\+\w+\s*)*):\s*(.*)$`)
)

// readModd reads modd.conf. Commands may go over several lines, in quotes.
func readModd(source string) (all []block) {
	variables := map[string]string{}
	var current *block
	var patterns []string
	lines := strings.Split(source, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if parts := moddVariable.FindStringSubmatch(line); parts != nil {
			variables[parts[1]] = parts[2]
			continue
		}
		for name, value := range variables {
			line = strings.ReplaceAll(line, name, value)
		}
		parts := moddCommand.FindStringSubmatch(line)
		switch {
		case parts != nil && current != nil:
			text := strings.TrimSpace(parts[3])
			if quote := text[:min(1, len(text))]; (quote == `"` || quote == "'") && !closed(text, quote) {
				for i++; i < len(lines) && !strings.HasSuffix(strings.TrimSpace(lines[i]), quote); i++ {
					text += "\n" + strings.TrimSpace(lines[i])
				}
				if i < len(lines) {
					text += "\n" + strings.TrimSpace(lines[i])
				}
			}
			if n := len(text); n > 1 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
				text = strings.TrimSpace(text[1 : n-1])
			}
			switch parts[1] {
			case "prep":
				current.preps = append(current.preps, text)
			case "daemon":
				current.daemons = append(current.daemons, text)
			default:
				current.dir = text
			}
		case line == "}":
			current = nil
		default:
			head, opens := strings.CutSuffix(line, "{")
			patterns = append(patterns, strings.Fields(head)...)
			if opens {
				all = append(all, block{patterns: patterns})
				current, patterns = &all[len(all)-1], nil
			}
		}
	}
	return all
}

// closed reports whether a quoted text ends in its line.
func closed(text, quote string) bool { return len(text) > 1 && strings.HasSuffix(text, quote) }

// modd takes over modd.conf.
func (l *look) modd() {
	for _, b := range readModd(text(l.files, "modd.conf")) {
		files := slices.DeleteFunc(slices.Clone(b.patterns), func(p string) bool { return strings.HasPrefix(p, "!") })
		key := strings.Join(b.patterns, " ")
		ofGo := slices.ContainsFunc(files, func(p string) bool { return strings.HasSuffix(p, ".go") }) ||
			len(files) == 0
		for _, line := range b.preps {
			l.at("modd.conf", key+" prep")
			l.moddPrep(line, b.dir, files, ofGo)
		}
		for _, line := range b.daemons {
			l.at("modd.conf", key+" daemon")
			l.moddDaemon(line, b.dir)
		}
	}
}

// moddPrep takes over a command for changed files.
func (l *look) moddPrep(line, dir string, files []string, ofGo bool) {
	all, err := commands(line)
	if err != nil {
		l.decide("cannot be read as a command line: %s", line)
		return
	}
	known := slices.ContainsFunc(all, func(c command) bool {
		name := first(c)
		return name == "go" || sources[name] != nil || name == "sqlc" || watchers[name] != ""
	})
	if ofGo || known {
		l.line(line, dir)
		return
	}
	run := strings.NewReplacer("@mods", "{files}", "@dirmods", "{files}").Replace(line)
	if dir != "" {
		run = "cd " + dir + " && " + line
	}
	l.rule(Rule{Match: files, Run: strings.ReplaceAll(run, "\n", "; "), Class: "live"})
}

// moddDaemon takes over a lasting command: the program, or one beside the program.
func (l *look) moddDaemon(line, dir string) {
	all, err := commands(line)
	if err != nil || len(all) == 0 {
		l.decide("cannot be read as a command line: %s", line)
		return
	}
	last := all[len(all)-1]
	name, words := tool(last)
	switch {
	case name == "go" || l.asked && isBinary(last.words[0]) || isBinary(last.words[0]) && len(words) == len(last.words):
		l.runs(line, dir)
	case name == "devd":
		l.needless("pages reload without a proxy: open the program's own port")
	case len(l.File.Watches) == 0 && l.asked && path.Base(l.usual()) == name:
		l.runs("./"+line, dir)
	case last.fixed && len(all) == 1:
		l.beside(Service{Name: serviceName(name), Command: last.words})
	default:
		l.decide("%s: as command = [\"sh\", \"-c\", …] in a [[service]]", line)
	}
}
