package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hotreload/gobuild"
	"hotreload/migrate"
	"hotreload/settings"
	"hotreload/supervisor"
)

// To complete a word, a shell runs `hotreload __complete WORDS… BEGINNING`. Cobra answers for commands. This file
// answers for everything before or instead of a command: hotreload's flags with one dash or two, Go's build flags,
// packages, services.

// completionTime limits the wait for a running hotreload, or for a walk through folders, after Tab: a longer wait feels
// like a hang.
const completionTime = 100 * time.Millisecond

// completing reports whether a shell asks for completion, and returns the words of the command line.
func completing(args []string) (words []string, last string, asked bool) {
	if len(args) < 2 || args[0] != cobra.ShellCompRequestCmd && args[0] != cobra.ShellCompNoDescRequestCmd {
		return nil, "", false
	}
	return args[1 : len(args)-1], args[len(args)-1], true
}

// complete answers a shell, unless the words belong to a command.
func complete(out io.Writer, root *cobra.Command, request string, words []string, last string) (answered bool) {
	_, _, rest, err := settings.Split(words, root.Flags())
	if err == nil && len(rest) > 0 && isSubcommand(root, rest[0]) {
		return false
	}
	candidates, directive := completions(root, words, last)
	if err == nil && len(words) == 0 {
		candidates = append(commandNames(root, last), candidates...)
	}
	for _, candidate := range candidates {
		if request == cobra.ShellCompNoDescRequestCmd {
			candidate, _, _ = strings.Cut(candidate, "\t")
		}
		fmt.Fprintln(out, candidate)
	}
	fmt.Fprintf(out, ":%d\n", directive)
	return true
}

// completions returns candidates for a beginning after these words, each with a description after a tab, and whether
// the shell may also offer files.
func completions(root *cobra.Command, words []string, last string) ([]string, cobra.ShellCompDirective) {
	own, _, rest, err := settings.Split(words, root.Flags())
	var lacks *settings.NeedsValue
	switch {
	case errors.As(err, &lacks):
		return valuesOf(strings.TrimLeft(lacks.Arg, "-"), lacks.Flag, last)
	case len(rest) == 0 && strings.HasPrefix(last, "-") && !slices.Contains(words, "--"):
		name, value, joined := strings.Cut(last, "=")
		if joined {
			name = strings.TrimLeft(name, "-")
			return valuesOf(name, root.Flags().Lookup(name), value)
		}
		return flagNames(own, last), cobra.ShellCompDirectiveNoFileComp
	case len(rest) > 0 && strings.HasSuffix(rest[0], ".go"):
		return nil, cobra.ShellCompDirectiveDefault
	}
	var all []string
	for _, candidate := range append(serviceNames(), mainPackages(last)...) {
		word, _, _ := strings.Cut(candidate, "\t")
		if strings.HasPrefix(word, last) && !slices.Contains(rest, word) {
			all = append(all, candidate)
		}
	}
	if len(rest) > 0 { // the words may be the program's
		return all, cobra.ShellCompDirectiveDefault
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

// commandNames returns the commands with this beginning.
func commandNames(root *cobra.Command, beginning string) (names []string) {
	for _, c := range root.Commands() {
		if strings.HasPrefix(c.Name(), beginning) && !c.Hidden {
			names = append(names, c.Name()+"\t"+c.Short)
		}
	}
	return names
}

// flagNames returns the flags with this beginning and as many dashes, except for given flags that are not repeatable.
func flagNames(given []string, beginning string) (names []string) {
	there := settings.NewValues().Flags()
	_ = there.Parse(given) // errors are reported when the flags are used
	dashes := beginning[:len(beginning)-len(strings.TrimLeft(beginning, "-"))]
	offer := func(dashes, name, what string) {
		if strings.HasPrefix(dashes+name, beginning) {
			names = append(names, dashes+name+"\t"+what)
		}
	}
	ours := dashes
	if beginning == "-" {
		ours = "--"
	}
	for _, s := range settings.All() {
		if s.Flag() && (s.Repeatable() || !there.Lookup(s.Name).Changed) {
			offer(ours, s.Name, strings.ReplaceAll(s.Help, "`", ""))
			if s.Short != "" && beginning == "-" {
				offer("-", s.Short, strings.ReplaceAll(s.Help, "`", ""))
			}
		}
	}
	for _, name := range []string{"help", "version"} {
		offer(ours, name, name)
	}
	for _, f := range gobuild.BuildFlags() {
		if there.Lookup(f.Name) == nil && (len(f.Name) > 1 || there.ShorthandLookup(f.Name) == nil) {
			offer(dashes, f.Name, "a build flag of Go")
		}
	}
	return names
}

// valuesOf returns the values of a flag of hotreload or Go. A flag without a list of values may take a file.
func valuesOf(name string, flag *pflag.Flag, beginning string) ([]string, cobra.ShellCompDirective) {
	var words []string
	if flag != nil {
		i := slices.IndexFunc(settings.All(), func(s *settings.Setting) bool { return s.Flag() && s.Name == flag.Name })
		if i < 0 || settings.All()[i].Path() {
			return nil, cobra.ShellCompDirectiveDefault
		}
		words = settings.All()[i].Words
	} else {
		i := slices.IndexFunc(gobuild.BuildFlags(), func(f gobuild.BuildFlag) bool { return f.Name == name })
		if i < 0 || len(gobuild.BuildFlags()[i].Words) == 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		words = gobuild.BuildFlags()[i].Words
	}
	words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return !strings.HasPrefix(word, beginning) })
	directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	if len(words) == 1 && strings.HasSuffix(words[0], "/") {
		directive |= cobra.ShellCompDirectiveNoSpace
	}
	return words, directive
}

// serviceNames returns the services in this folder's hotreload.toml.
func serviceNames() []string {
	dir, err := os.Getwd()
	if err != nil {
		return nil
	}
	names := settings.ServicesIn(dir)
	for i := range names {
		names[i] += "\ta service"
	}
	return names
}

// mainPackages returns the folders of main packages in and below the typed folder.
func mainPackages(typed string) (folders []string) {
	base := "."
	if i := strings.LastIndexByte(typed, '/'); i >= 0 {
		base = typed[:max(i, 1)]
	}
	base = path.Clean(base)
	end := time.Now().Add(completionTime)
	for _, folder := range migrate.MainFolders(os.DirFS(filepath.FromSlash(base)), end) {
		folders = append(folders, dotted(path.Join(base, folder))+"\ta main package")
	}
	return folders
}

// dotted writes a folder as a package.
func dotted(folder string) string {
	if folder == "." || folder == ".." || strings.HasPrefix(folder, "../") || path.IsAbs(folder) {
		return folder
	}
	return "./" + folder
}

// targets completes services and slots of the running hotreload.
func (m *remote) targets(c *cobra.Command, args []string, beginning string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(contextOf(c), completionTime)
	defer cancel()
	client, err := m.find(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	public, err := client.Public(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var all []string
	for _, s := range public.Services {
		slot := func(n int) string { return s.Name + "/" + strconv.Itoa(n) }
		if s.Name == "" {
			slot = strconv.Itoa
		} else {
			all = append(all, s.Name)
		}
		for n := range s.Wanted {
			if s.Wanted > 1 {
				all = append(all, slot(n))
			}
		}
	}
	return slices.DeleteFunc(all, func(name string) bool {
		return !strings.HasPrefix(name, beginning) || slices.Contains(args, name)
	}), cobra.ShellCompDirectiveNoFileComp
}

// only completes the argument at one position.
func only(place int, complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, beginning string) ([]string, cobra.ShellCompDirective) {
		if len(args) != place {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(c, args, beginning)
	}
}

// signals completes the name of a signal, and then targets.
func (m *remote) signals(c *cobra.Command, args []string, beginning string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return m.targets(c, args[1:], beginning)
	}
	return settings.Signals(), cobra.ShellCompDirectiveNoFileComp
}

// completeArguments sets the completion of arguments and flags of commands.
func (m *remote) completeArguments(commands []*cobra.Command) {
	special := map[string]cobra.CompletionFunc{
		"signal": m.signals, "scale": only(0, m.targets), "send": only(0, m.targets), "broadcast": only(0, m.targets),
		"enable": m.switched, "disable": m.switched, "disabled": cobra.NoFileCompletions,
	}
	words := map[string][]string{"strategy": supervisor.Strategies(), "surge": {"0", "1"}, "timeout": {"10s", "1m"},
		"format": formats,
		"lines":  {"100"}}
	for _, c := range commands {
		switch {
		case special[c.Name()] != nil:
			c.ValidArgsFunction = special[c.Name()]
		case strings.Contains(c.Use, "service"):
			c.ValidArgsFunction = m.targets
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if values, known := words[f.Name]; known {
				_ = c.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
			}
		})
	}
}

// switched completes services for the kill switch, even if no hotreload runs.
func (m *remote) switched(c *cobra.Command, args []string, beginning string) ([]string, cobra.ShellCompDirective) {
	all, directive := m.targets(c, args, beginning)
	for _, name := range serviceNames() {
		if name, _, _ = strings.Cut(name, "\t"); strings.HasPrefix(name, beginning) && !slices.Contains(append(all, args...),
			name) {
			all = append(all, name)
		}
	}
	return slices.DeleteFunc(all, func(name string) bool { return strings.Contains(name, "/") }), directive
}
