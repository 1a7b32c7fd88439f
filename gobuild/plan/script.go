package plan

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Work stands for the temporary folder in commands and configurations.
const Work = "$WORK"

// Command is one run of a tool.
type Command struct {
	Dir  string   // in which it runs
	Env  []string // beyond that of the go command
	Argv []string // the tool's path and its arguments
}

// Key identifies a command by everything except build IDs: two commands with the same key do the same.
func (c Command) Key() string {
	argv := slices.Clone(c.Argv)
	for i, arg := range argv {
		if name, _, joined := strings.Cut(arg, "="); joined && name == "-buildid" {
			argv[i] = name
		} else if arg == "-buildid" && i+1 < len(argv) {
			argv[i+1] = ""
		}
	}
	return fmt.Sprintf("%q %q %q", c.Dir, c.Env, argv)
}

// Compile tells how to make the archive of a package.
type Compile struct {
	Command
	ImportPath string
	Folder     string   // Work/bNNN, the package's folder in the script
	Config     string   // the importcfg, with the script's names of archives
	Imports    []string // import paths of the packages in Config
	Embed      string   // the embedcfg, "" for none
	Files      []string // the .go files, absolute
	Odd        string   // why one run of the compiler is not enough: a clause; "" if it is
}

// Link tells how to make the program from the archives.
type Link struct {
	Command
	Main    string   // import path of the main package
	Folder  string   // Work/bNNN
	Config  string   // the importcfg.link
	Imports []string // import paths of all packages, main's included
}

// Script contains the commands of a build from scratch.
type Script struct {
	Compiles []*Compile // in the script's order: a package comes after its imports
	Link     Link
}

// Parse reads the output of `go build -n -a` in dir. It drops packages without a wanted file. If it does not understand
// something, the package becomes odd, or Parse returns an error.
func Parse(text, dir string, wanted func(file string) bool) (*Script, error) {
	p := parser{dir: dir, cwd: dir, configs: map[string]string{}, odd: map[string]string{}}
	for len(text) > 0 {
		line := ""
		line, text, _ = strings.Cut(text, "\n")
		var err error
		if text, err = p.line(strings.TrimSuffix(line, "\r"), text); err != nil {
			return nil, err
		}
	}
	return p.finish(wanted)
}

type parser struct {
	dir, cwd string
	compiles []*Compile
	links    []Link
	configs  map[string]string // path in the script -> text
	odd      map[string]string // folder -> another tool than the compiler that runs there
}

var (
	here      = regexp.MustCompile(`^cat >(\S+) << 'EOF' # internal$`)
	echo      = regexp.MustCompile(`^echo '([^']*)' > (\S+) # internal$`)
	assigning = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)=('[^']*'|"(?:[^"\\]|\\.)*") +`)
	folder    = regexp.MustCompile(`\$WORK[/\\](b\d+)`)
)

// line reads a line of the script, and the following lines that belong to it.
func (p *parser) line(line, rest string) (string, error) {
	if m := here.FindStringSubmatch(line); m != nil {
		var text strings.Builder
		for {
			next, after, found := strings.Cut(rest, "\n")
			rest = after
			switch {
			case next == "EOF":
				p.configs[m[1]] = text.String()
				return rest, nil
			case next == "}EOF": // the text has no line break at its end
				text.WriteString("}")
				p.configs[m[1]] = text.String()
				return rest, nil
			case !found:
				return "", errors.New("a file in the script of go build has no end")
			}
			text.WriteString(next + "\n")
		}
	}
	if m := echo.FindStringSubmatch(line); m != nil {
		p.configs[m[2]] = m[1] + "\n"
		return rest, nil
	}
	switch {
	case line == "", line == "#", strings.HasPrefix(line, "# "), strings.HasPrefix(line, "WORK="):
		return rest, nil
	case strings.HasPrefix(line, "cd "):
		p.cwd = strings.TrimPrefix(line, "cd ")
		return rest, nil
	}
	return rest, p.command(line)
}

func (p *parser) command(line string) error {
	bare, c := line, Command{Dir: p.cwd}
	if p.cwd == "." {
		c.Dir = p.dir
	}
	for m := assigning.FindStringSubmatch(bare); m != nil; m = assigning.FindStringSubmatch(bare) {
		value := strings.Trim(m[2], "'")
		if m[2][0] == '"' {
			var err error
			if value, err = strconv.Unquote(m[2]); err != nil {
				return fmt.Errorf("read the script of go build: %q: %w", line, err)
			}
		}
		c.Env = append(c.Env, m[1]+"="+value)
		bare = bare[len(m[0]):]
	}
	words, unsure, err := split(bare, p.cwd)
	if err != nil {
		return fmt.Errorf("read the script of go build: %q: %w", line, err)
	}
	c.Argv = words
	tool := ""
	if len(words) > 0 {
		tool = strings.TrimSuffix(filepath.Base(words[0]), ".exe")
	}
	switch {
	case tool == "mkdir", tool == "mv", tool == "cp", tool == "rm", tool == "go" && len(words) > 2 &&
		words[2] == "buildid":
		return nil
	case tool == "compile" && after(words, "-p") != "":
		compile := &Compile{Command: c, ImportPath: after(words, "-p"), Folder: folder.FindString(after(words, "-o"))}
		if unsure {
			compile.Odd = "a name with a space and a dot"
		}
		p.compiles = append(p.compiles, compile)
		return nil
	case tool == "link" && after(words, "-importcfg") != "":
		if unsure {
			return errors.New("a name with a space and a dot")
		}
		p.links = append(p.links, Link{Command: c, Folder: folder.FindString(after(words, "-o"))})
		return nil
	}
	if tool == "go" && len(words) > 2 { // go tool pack, say
		tool = words[2]
	}
	for _, name := range folder.FindAllString(line, -1) {
		if old := p.odd[name]; old == "" || old == "echo" {
			p.odd[name] = tool
		}
	}
	return nil
}

// finish puts the results together.
func (p *parser) finish(wanted func(string) bool) (*Script, error) {
	if len(p.links) != 1 {
		return nil, fmt.Errorf("the script of go build links %d programs", len(p.links))
	}
	s := &Script{Link: p.links[0]}
	l := &s.Link
	l.Config = p.configs[after(l.Argv, "-importcfg")]
	paths := map[string]string{} // folder -> import path
	for importPath, file := range packageFiles(l.Config) {
		l.Imports = append(l.Imports, strings.Clone(importPath))
		paths[folder.FindString(file)] = importPath
	}
	main := len(l.Argv) - 1
	if l.Main = paths[l.Folder]; l.Main == "" || folder.FindString(l.Argv[main]) != l.Folder {
		return nil, errors.New("the script of go build does not say which package is main")
	}
	for i, arg := range l.Argv[:main] {
		if name := l.Argv[max(i-1, 0)]; strings.Contains(arg, Work) && name != "-o" && name != "-importcfg" {
			return nil, fmt.Errorf("the linker reads a file that another tool writes: %s", arg)
		}
	}
	*l = l.clone()
	for _, c := range p.compiles {
		importPath := paths[c.Folder]
		if importPath == "" {
			continue // built for the build itself: a tool
		}
		c.ImportPath = importPath
		n := len(c.Argv)
		for n > 0 && strings.HasSuffix(c.Argv[n-1], ".go") {
			n--
		}
		c.Files = c.Argv[n:]
		if !slices.ContainsFunc(c.Files, wanted) {
			continue
		}
		c.Config, c.Embed = p.configs[after(c.Argv, "-importcfg")], p.configs[after(c.Argv, "-embedcfg")]
		for importPath := range packageFiles(c.Config) {
			c.Imports = append(c.Imports, strings.Clone(importPath))
		}
		if tool := p.odd[c.Folder]; tool != "" {
			c.Odd = tool + " has a part in it"
		}
		for i, arg := range c.Argv {
			switch c.Argv[max(i-1, 0)] {
			case "-o", "-trimpath", "-importcfg", "-embedcfg":
			default:
				if c.Odd == "" && strings.Contains(arg, Work) {
					c.Odd = "the compiler reads a file that another tool writes"
				}
			}
		}
		s.Compiles = append(s.Compiles, c.clone())
	}
	return s, nil
}

// clone copies the strings, so that the parsed text can be freed: it is large, and mostly about packages that nobody
// edits.
func (c *Compile) clone() *Compile {
	return &Compile{
		Command: c.Command.clone(), ImportPath: strings.Clone(c.ImportPath), Folder: strings.Clone(c.Folder),
		Config: strings.Clone(c.Config), Imports: c.Imports, Embed: strings.Clone(c.Embed), Files: cloned(c.Files),
		Odd: c.Odd,
	}
}

func (l *Link) clone() Link {
	return Link{
		Command: l.Command.clone(), Main: strings.Clone(l.Main), Folder: strings.Clone(l.Folder),
		Config: strings.Clone(l.Config), Imports: l.Imports,
	}
}

func (c Command) clone() Command {
	return Command{Dir: strings.Clone(c.Dir), Env: cloned(c.Env), Argv: cloned(c.Argv)}
}

func cloned(list []string) []string {
	var copies []string
	for _, s := range list {
		copies = append(copies, strings.Clone(s))
	}
	return copies
}

// after returns the word that follows flag.
func after(words []string, flag string) string {
	if i := slices.Index(words, flag); i >= 0 && i+1 < len(words) {
		return words[i+1]
	}
	return ""
}

// split splits a line into words, as go has joined them: words that a shell would split are quoted as Go strings. At
// the beginning of words, go has replaced cwd by a dot. Inside a quoted word it may have done so, too, which cannot be
// known: unsure.
func split(line, cwd string) (words []string, unsure bool, err error) {
	for {
		line = strings.TrimLeft(line, " ")
		if line == "" {
			return words, unsure, nil
		}
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, false, err
			}
			word, _ := strconv.Unquote(quoted)
			unsure = unsure || strings.Contains(word, " .")
			words, line = append(words, word), line[len(quoted):]
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if word[0] == '.' && cwd != "." {
			word = cwd + word[1:]
		}
		words, line = append(words, word), rest
	}
}

const packageFile = "packagefile "

// packageFiles yields the lines of an importcfg with the file of a package.
func packageFiles(config string) func(yield func(importPath, file string) bool) {
	return func(yield func(string, string) bool) {
		for line := range strings.Lines(config) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), packageFile); ok {
				if importPath, file, ok := strings.Cut(rest, "="); ok && !yield(importPath, file) {
					return
				}
			}
		}
	}
}

// Fill returns an importcfg with the real paths of the archives; "" for a package that archive does not know.
func Fill(config string, archive func(importPath string) string) string {
	var b strings.Builder
	for line := range strings.Lines(config) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), packageFile); ok {
			importPath, _, _ := strings.Cut(rest, "=")
			line = packageFile + importPath + "=" + archive(importPath) + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// Importing returns the compilation of a package with these imports added and removed.
func (c *Compile) Importing(added, removed []string) *Compile {
	again := *c
	again.Imports = slices.Concat(c.Imports, added)
	gone := func(importPath string) bool { return slices.Contains(removed, importPath) }
	again.Imports = slices.DeleteFunc(again.Imports, gone)
	var config strings.Builder
	for line := range strings.Lines(c.Config) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), packageFile)
		if importPath, _, _ := strings.Cut(rest, "="); !ok || !gone(importPath) {
			config.WriteString(line)
		}
	}
	for _, importPath := range added {
		config.WriteString(packageFile + importPath + "=\n")
	}
	again.Config = config.String()
	return &again
}

// In returns the command with dir in place of folder, a name of the script, and with this build ID in place of go's.
func (c Command) In(folder, dir, id string) Command {
	argv := slices.Clone(c.Argv)
	stamped := false
	for i, arg := range argv {
		switch {
		case !stamped && arg == "-buildid" && i+1 < len(argv):
			argv[i+1], stamped = id, true
		case !stamped && strings.HasPrefix(arg, "-buildid="):
			argv[i], stamped = "-buildid="+id, true
		default:
			if rest, ok := strings.CutPrefix(arg, folder); ok {
				argv[i] = dir + rest
			}
		}
	}
	c.Argv = argv
	return c
}
