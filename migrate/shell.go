package migrate

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// command is a simple command of a command line.
type command struct {
	env   []string // NAME=value, in front
	words []string // without quotes
	text  string   // as written
	fixed bool     // without a variable and without the output of a command
	dir   string   // the folder of a cd in front
}

// name is the command's name, without its folder and Windows' extension.
func (c command) name() string {
	if len(c.words) == 0 {
		return ""
	}
	return strings.TrimSuffix(path.Base(strings.ReplaceAll(c.words[0], `\`, "/")), ".exe")
}

// shells are the commands that run the command line in one of their arguments.
var shells = map[string]string{
	"sh":         "-c",
	"bash":       "-c",
	"zsh":        "-c",
	"dash":       "-c",
	"cmd":        "/c",
	"powershell": "-Command",
	"pwsh":       "-Command",
}

// commands takes a command line apart, in the order of the line, whatever joins the commands: &&, ||, ;, a pipe.
func commands(line string) ([]command, error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(line), "")
	if err != nil {
		return nil, err
	}
	var all []command
	for _, s := range file.Stmts {
		all = append(all, simple(s)...)
	}
	dir := ""
	var rest []command
	for _, c := range all {
		if c.name() == "cd" && len(c.words) == 2 && c.fixed {
			dir = path.Join(dir, c.words[1])
			continue
		}
		if c.dir = dir; dir == "." {
			c.dir = ""
		}
		rest = append(rest, c)
	}
	return rest, nil
}

// simple returns the simple commands of a statement. One with branches or loops is a single command without words.
func simple(s *syntax.Stmt) (all []command) {
	inner := func(stmts []*syntax.Stmt) {
		for _, s := range stmts {
			all = append(all, simple(s)...)
		}
	}
	switch c := s.Cmd.(type) {
	case *syntax.BinaryCmd:
		return append(simple(c.X), simple(c.Y)...)
	case *syntax.Block:
		inner(c.Stmts)
		return all
	case *syntax.Subshell:
		inner(c.Stmts)
		return all
	case *syntax.CallExpr:
		if len(c.Args) == 0 && len(c.Assigns) == 0 {
			return nil
		}
		return nested(called(s, c))
	case nil:
		return nil
	default:
		return []command{{text: printed(s)}}
	}
}

// nested looks into sh -c "…" and the like.
func nested(c command) []command {
	flag, shell := shells[c.name()]
	if !shell || len(c.words) < 3 || !strings.EqualFold(c.words[1], flag) || !c.fixed {
		return []command{c}
	}
	line := c.words[2]
	if flag != "-c" {
		line = strings.ReplaceAll(strings.Join(c.words[2:], " "), `\`, "/")
	}
	all, err := commands(line)
	if err != nil {
		return []command{c}
	}
	for i := range all {
		all[i].env = append(slices.Clip(c.env), all[i].env...)
	}
	return all
}

func called(s *syntax.Stmt, call *syntax.CallExpr) command {
	c := command{text: printed(call), fixed: true}
	literal := func(w *syntax.Word) string {
		text, fixed := literally(w)
		c.fixed = c.fixed && fixed
		return text
	}
	for _, a := range call.Assigns {
		value := ""
		if a.Value != nil {
			value = literal(a.Value)
		}
		if a.Name != nil {
			c.env = append(c.env, a.Name.Value+"="+value)
		}
	}
	for _, w := range call.Args {
		c.words = append(c.words, literal(w))
	}
	if len(c.words) > 1 && c.words[0] == "env" { // env A=b command
		c.words = c.words[1:]
		for len(c.words) > 0 && strings.Contains(c.words[0], "=") {
			c.env, c.words = append(c.env, c.words[0]), c.words[1:]
		}
	}
	return c
}

// literally returns a word without its quotes. What the shell would put in stays as written.
func literally(w *syntax.Word) (text string, fixed bool) {
	fixed = true
	var b strings.Builder
	var add func(parts []syntax.WordPart, quoted bool)
	add = func(parts []syntax.WordPart, quoted bool) {
		for _, part := range parts {
			switch p := part.(type) {
			case *syntax.Lit:
				b.WriteString(unescaped(p.Value, quoted))
			case *syntax.SglQuoted:
				b.WriteString(p.Value)
			case *syntax.DblQuoted:
				add(p.Parts, true)
			default:
				fixed = false
				b.WriteString(printed(part))
			}
		}
	}
	add(w.Parts, false)
	return b.String(), fixed
}

// unescaped removes the backslashes that quote the next character.
func unescaped(text string, quoted bool) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && (!quoted || strings.IndexByte("\"\\$`\n", text[i+1]) >= 0) {
			if i++; text[i] == '\n' {
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func printed(node syntax.Node) string {
	var b strings.Builder
	if err := syntax.NewPrinter(syntax.SingleLine(true)).Print(&b, node); err != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}

// joined is the command line of some words, with quotes where the shell needs them.
func joined(words []string) string {
	var all []string
	for _, w := range words {
		if w == "" || w != "{}" && strings.ContainsAny(w, " \t\n'\"\\$&|;<>()*?`#~![]{}") {
			if quoted, err := syntax.Quote(w, syntax.LangBash); err == nil {
				w = quoted
			}
		}
		all = append(all, w)
	}
	return strings.Join(all, " ")
}
