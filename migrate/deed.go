package migrate

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Reasons why something is not needed.
const (
	portIsKept    = "the port is kept over reloads, and no process stays behind"
	inCache       = "hotreload builds into its cache folder"
	watchedByUse  = "watched is what the program is built from and what it opens; nothing else"
	likeAir       = "as in air without a file"
	notAirs       = "air has no such key, and ignores it"
	withoutPause  = "the build starts at once, and a newer save kills it"
	asFastAsItCan = "a worker gets what it needs to finish, up to grace (5s)"
)

// line takes over a command line run before or at each build.
func (l *look) line(line, dir string) {
	all, err := commands(line)
	if err != nil {
		l.decide("cannot be read as a command line: %s", line)
		return
	}
	for _, c := range all {
		c.dir = path.Join(dir, c.dir)
		l.deed(c)
	}
}

// deed takes over one command run before or at each build.
func (l *look) deed(c command) {
	if len(c.words) == 0 {
		if c.text != "" && len(c.env) == 0 {
			l.decide("%s: with run = … in a [[rule]], if files of the program come from it", c.text)
		}
		return
	}
	name, words := tool(c)
	switch {
	case name == "go" && len(words) > 1:
		l.goCommand(c, words)
	case formats(name, words):
		l.decide("%s: editors and CI do it; it would hold up each reload", c.text)
	case l.generator(c, name, words):
	case killsPorts(name, c.text):
		l.needless(portIsKept)
	case name == "clear" || name == "cls":
		l.set("clear", true)
	case slices.Contains([]string{"echo", "printf", "true", "exit", "date", "time", ":"}, name):
		l.needless("hotreload says what it does")
	case name == "sleep":
		l.needless("hotreload waits for facts, not for a time")
	case slices.Contains([]string{"mkdir", "rm", "touch", "chmod"}, name) && onlyOutput(words):
		l.needless(inCache)
	case name == "make" || name == "gmake":
		l.targets(c, words[1:])
	case name == "task" || name == "go-task":
		l.tasks(c, words[1:])
	case slices.Contains([]string{"npm", "pnpm", "yarn", "bun"}, name):
		l.script(c, words)
	default:
		l.decide("%s: as run = … in a [[rule]] with the files that it reads, or leave it out", c.text)
	}
}

// goCommand takes over a command of go.
func (l *look) goCommand(c command, words []string) {
	switch words[1] {
	case "build", "install", "run":
		c.words = words
		l.build(c)
	case "generate":
		rule := Rule{Run: c.text, When: "start"}
		l.rule(rule)
	case "mod", "get", "clean", "env", "version", "work":
		l.needless("hotreload builds with go.mod as it is, and shows what go says of it")
	default:
		l.decide("%s: editors and CI do it; it would hold up each reload", c.text)
	}
}

// rule adds a [[rule]], and says so.
func (l *look) rule(r Rule) {
	same := func(other Rule) bool { return other.Run == r.Run }
	if !slices.ContainsFunc(l.File.Rules, same) {
		l.File.Rules = append(l.File.Rules, r)
	}
	text := "[[rule]] run = " + written(r.Run)
	switch {
	case len(r.Match) > 0:
		text += ", for " + strings.Join(r.Match, ", ")
	case r.When == "start":
		text += ", at the start; with match it is run when files change"
	}
	l.becomes("%s", text)
}

// beside adds a command to run beside the program, and a row about the command.
func (l *look) beside(s Service) {
	for _, other := range l.File.Watches {
		if other.Name == s.Name && !slices.Equal(other.Command, s.Command) {
			l.needless("%s runs beside the program already", s.Name)
			return
		}
	}
	if !slices.ContainsFunc(l.File.Watches, func(other Service) bool { return other.Name == s.Name }) {
		l.File.Watches = append(l.File.Watches, s)
	}
	l.becomes("[[service]] %s: command = %s", s.Name, written(s.Command))
}

// runners are commands that run the tool named next.
var runners = [][]string{
	{"go", "tool"},
	{"npx", "--yes"},
	{"npx", "-y"},
	{"npx"},
	{"bunx"},
	{"pnpm", "dlx"},
	{"pnpm", "exec"},
	{"yarn", "dlx"},
	{"npm", "exec", "--"},
	{"npm", "exec"},
	{"nice"},
	{"time"},
	{"exec"},
	{"command"},
}

var versioned = regexp.MustCompile(`@[^/]*$|/v[0-9]+$`)

// tool returns the name and the words of a command without its runner: npx, go tool, go run PATH@VERSION.
func tool(c command) (name string, words []string) {
	words = c.words
	for _, r := range runners {
		if len(words) > len(r) && slices.Equal(words[:len(r)], r) {
			words = words[len(r):]
		}
	}
	c.words = words
	if len(words) > 2 && c.name() == "go" && words[1] == "run" && strings.Contains(words[2], "@") {
		words = words[2:]
		c.words = words
	}
	name = c.name()
	if len(words) > 0 && strings.Contains(words[0], "@") && !strings.HasPrefix(words[0], "@") {
		bare := versioned.ReplaceAllString(words[0], "")
		name = path.Base(versioned.ReplaceAllString(bare, ""))
	}
	if len(words) > 0 && strings.HasPrefix(words[0], "@tailwindcss/cli") || name == "tailwind" ||
		strings.HasPrefix(name, "tailwindcss-") { // its stand-alone programs
		name = "tailwindcss"
	}
	return name, words
}

// formats reports whether a command formats or checks sources.
func formats(name string, words []string) bool {
	tools := []string{"gofmt", "gofumpt", "goimports", "golangci-lint", "staticcheck", "eslint", "prettier"}
	return slices.Contains(tools, name) || len(words) > 1 && words[1] == "fmt"
}

// killsPorts reports whether a command frees a port: lsof -ti:8080 | xargs kill -9.
func killsPorts(name, text string) bool {
	if name == "xargs" {
		return strings.Contains(text, "kill")
	}
	return slices.Contains(
		[]string{"lsof", "fuser", "kill", "pkill", "killall", "taskkill", "kill-port", "netstat", "Stop-Process"},
		name,
	)
}

// onlyOutput reports whether a command only prepares folders for binaries.
func onlyOutput(words []string) bool {
	for _, w := range words[1:] {
		first, _, _ := strings.Cut(strings.TrimPrefix(w, "./"), "/")
		if !strings.HasPrefix(w, "-") &&
			!slices.Contains([]string{"tmp", "bin", "build", "dist", "out", "log", "logs"}, first) {
			return false
		}
	}
	return true
}
