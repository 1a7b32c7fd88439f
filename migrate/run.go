package migrate

import (
	"path"
	"slices"
	"strings"
)

// runs takes over a command line that runs the program: its last command is the program.
func (l *look) runs(line, dir string) {
	all, err := commands(line)
	if err != nil || len(all) == 0 {
		l.decide("cannot be read as a command line: %s", line)
		return
	}
	for i, c := range all {
		c.dir = path.Join(dir, c.dir)
		if i < len(all)-1 {
			l.deed(c)
		} else {
			l.launch(c)
		}
	}
}

// launch takes over the command that runs the program: its variables, its runner, and its arguments.
func (l *look) launch(c command) {
	if len(c.words) == 0 {
		l.decide("hotreload runs the program itself, without %s", c.text)
		return
	}
	if len(c.env) > 0 {
		env := map[string]string{}
		for _, entry := range c.env {
			name, value, _ := strings.Cut(entry, "=")
			env[name] = value
		}
		l.set("env", env)
	}
	if c.dir != "" && c.dir != "." && l.File.Text("dir") == "" {
		l.set("dir", c.dir)
	}
	name := c.name()
	at := slices.IndexFunc(c.words, func(w string) bool { return isBinary(w) })
	switch {
	case name == "dlv":
		l.debugger(c, at)
	case name == "go" && len(c.words) > 1 && c.words[1] == "run":
		l.build(c)
	case at < 0 && len(c.words) == 1 && !strings.ContainsAny(name, ".$"): // a bare name: a binary all the same
		l.needless("hotreload runs what it builds")
	case at < 0:
		l.decide(
			"%s: hotreload runs the program itself; exec = […] puts a command in front of it",
			strings.Join(c.words, " "),
		)
	default:
		if at > 0 {
			l.wrapper(c.words[:at])
		} else if len(c.words) == 1 {
			l.needless("hotreload runs what it builds")
		}
		l.arguments(c.words[at+1:], c.fixed)
	}
}

// isBinary reports whether a word is the path of a built program.
func isBinary(word string) bool {
	word = strings.ReplaceAll(word, `\`, "/")
	return !strings.HasPrefix(word, "-") && strings.Contains(word, "/") && !strings.Contains(word, "://") &&
		!strings.HasSuffix(word, ".sh") && !strings.Contains(word, "=") || strings.HasSuffix(word, ".exe")
}

// wrapper takes over a command that runs the program.
func (l *look) wrapper(words []string) {
	if words[len(words)-1] == "--" && len(words) == 1 {
		return
	}
	name := path.Base(words[0])
	if name == "godotenv" || name == "dotenv" {
		files := []string{".env"}
		for i, w := range words {
			if (w == "-f" || w == "-e") && i+1 < len(words) {
				files = strings.Split(words[i+1], ",")
			}
		}
		l.set("env_file", files)
		return
	}
	if name == "exec" || name == "command" {
		return
	}
	l.set("exec", words)
}

// debugger takes over dlv: the program keeps its debug information, and dlv attaches.
func (l *look) debugger(c command, at int) {
	if slices.ContainsFunc(l.File.List("build_flags"), func(flag string) bool {
		return strings.HasPrefix(flag, "-gcflags") && strings.Contains(flag, "-N")
	}) {
		l.needless("with -N in -gcflags, the program keeps its debug information")
	} else {
		l.set("debug", true)
	}
	l.decide(
		"dlv attach PID debugs a worker (hotreload status shows the pid); hotreload runs the program without dlv, so " +
			"nothing waits for an editor",
	)
	if i := slices.Index(c.words, "--"); i >= 0 && at >= 0 {
		l.arguments(c.words[i+1:], c.fixed)
	}
}
