package cli

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hotreload/settings"
)

// newMan is `hotreload man`: the manual page, from the same table and commands as --help.
func newMan(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "man", Short: "print the manual page", Args: cobra.NoArgs,
		Long: "Print the manual page, for man: hotreload man | man -l -\n\nTo keep it: hotreload man > " +
			"~/.local/share/man/man1/hotreload.1",
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := io.WriteString(c.OutOrStdout(), manual(root))
			return err
		},
	}
}

// page is a manual page in roff, with the macros of man(7).
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// paragraphs writes texts with `code`, each after a macro of its own except for the first.
func (p *page) paragraphs(macro, text string) {
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			p.line("%s", macro)
		}
		p.line("%s", inline(paragraph))
	}
}

// item writes a term and its explanation.
func (p *page) item(what, text string) {
	p.line(".TP\n%s", what)
	p.paragraphs(".IP", text)
}

// example writes preformatted text.
func (p *page) example(text string) { p.line(".PP\n.nf\n%s\n.fi", literal(text)) }

var link = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// inline converts text with `code` and [links](…) to roff.
func inline(text string) string {
	text = link.ReplaceAllString(text, "$1")
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			b.WriteString(bolded(part))
		} else {
			b.WriteString(literal(part))
		}
	}
	return guarded(b.String())
}

func bolded(text string) string { return `\fB` + literal(text) + `\fR` }
func slanted(text string) string {
	if text == "" {
		return ""
	}
	return ` \fI` + literal(text) + `\fR`
}

// literal escapes text for roff.
func literal(text string) string {
	var b strings.Builder
	for _, r := range strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n.", "\n\\&.", "\n'", "\n\\&'").Replace(text) {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		}
	}
	return guarded(b.String())
}

// guarded prevents roff from taking the beginning of a text for a macro.
func guarded(text string) string {
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		return `\&` + text
	}
	return text
}

func manual(root *cobra.Command) string {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	p := &page{}
	p.line(`.TH HOTRELOAD 1 "" "hotreload %s" "User Commands"`, literal(version))
	p.line(".SH NAME\nhotreload \\- %s", literal(root.Short))
	p.line(".SH SYNOPSIS\n%s\n.br\n%s %s %s", bolded("hotreload")+" [flags] [package] [arguments of the program]",
		bolded("hotreload"), `\fIcommand\fR`, "[flags]")
	about, examples, _ := strings.Cut(root.Long, "\n\n")
	p.line(".SH DESCRIPTION\n%s", literal(about))
	examples, more, _ := strings.Cut(examples, "\n\n")
	p.example(examples)
	p.line(".PP")
	p.paragraphs(".PP", strings.ReplaceAll(more, "\n", "\n\n"))
	p.options()
	p.commands(root)
	p.file()
	p.line(".SH ENVIRONMENT")
	for _, v := range settings.Variables() {
		p.item(inline(v.Names), v.Doc)
	}
	p.line(".SH FILES")
	p.item(bolded(settings.FileName),
		"Settings; in the module's root, or in a folder between the root and the one where hotreload "+
			"is started.")
	p.item(bolded(".reloadignore"), "Patterns of files to ignore, in gitignore syntax.")
	p.line(".SH EXIT STATUS")
	p.item("0", "Stopped by Ctrl-C, `q`, SIGTERM or SIGHUP.")
	p.item("2", "Bad usage: flags, no such package, not a main package.")
	p.item("1", "Everything else.")
	p.line(".SH SEE ALSO\n%s(1)\n.PP\nThe reference: docs/reference.md in hotreload's repository.", bolded("go"))
	return p.String()
}

func (p *page) options() {
	p.line(".SH OPTIONS")
	p.paragraphs(".PP", "Flags may be written with one dash or two, with a space or `=` before the value. Each has "+
		"a key in `hotreload.toml`, as shown. Go's build flags (`-race`, `-tags`, `-ldflags`, …) are passed to the "+
		"build unchanged.")
	for _, group := range settings.Groups {
		p.line(".SS %s", group)
		for _, s := range group.Flags() {
			text := s.Doc
			if s.Where&settings.InFile != 0 {
				text += "\n\n`" + s.Line() + "`"
			}
			if s.Change == settings.Pending {
				text += " (a change in the file takes effect at the next start of hotreload)"
			}
			name := bolded("--" + s.Name)
			if s.Short != "" {
				name = bolded("-"+s.Short) + ", " + name
			}
			p.item(name+slanted(s.Argument()), text)
		}
	}
}

func (p *page) commands(root *cobra.Command) {
	p.line(".SH COMMANDS")
	status, _, _ := root.Find([]string{"status"})
	p.paragraphs(".PP", "A command applies to all services, or to the named ones: `SERVICE`, `SERVICE/SLOT`. All "+
		"commands that talk to a running hotreload have these flags:")
	p.flagsOf(status, pflag.NewFlagSet("", pflag.ContinueOnError))
	known := status.LocalFlags()
	for _, group := range groups {
		p.line(".SS %s", strings.ToUpper(group.Title[:1])+group.Title[1:])
		for _, c := range root.Commands() {
			if c.GroupID != group.ID || c.Hidden {
				continue
			}
			name, args, _ := strings.Cut(c.Use, " ")
			p.item(bolded(name)+slanted(args), strings.TrimSuffix(c.Long, "\n\n"+target))
			p.flagsOf(c, known)
		}
	}
}

// flagsOf writes the flags of a command, except for known ones.
func (p *page) flagsOf(c *cobra.Command, known *pflag.FlagSet) {
	var flags []*pflag.Flag
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if same := known.Lookup(f.Name); f.Name != "help" && (same == nil || same.Usage != f.Usage) {
			flags = append(flags, f)
		}
	})
	if len(flags) == 0 {
		return
	}
	p.line(".RS")
	for _, f := range flags {
		value, usage := pflag.UnquoteUsage(f)
		p.item(bolded("--"+f.Name)+slanted(value), usage)
	}
	p.line(".RE")
}

func (p *page) file() {
	p.line(".SH HOTRELOAD.TOML\nBesides the flags:")
	keys := func(place settings.Where) {
		for _, s := range settings.KeysIn(place) {
			if !s.Flag() {
				p.item(bolded(s.Line()), s.Doc)
			}
		}
	}
	keys(settings.InFile)
	p.line(".SS A service: [[service]]")
	keys(settings.InService)
	p.line(".SS A rule: [[rule]]")
	keys(settings.InRule)
	p.line(".SS Pages in browsers: [browser]")
	keys(settings.InBrowser)
}
