package cli

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hotreload/settings"
)

// helpWidth is the width of help.
const helpWidth = 100

// Groups of commands, as --help lists them.
const (
	everyday = "everyday"
	workers  = "workers"
	talking  = "talking"
	tools    = "tools"
)

var groups = []*cobra.Group{
	{ID: everyday, Title: "everyday"},
	{ID: workers, Title: "workers and services"},
	{ID: talking, Title: "messages to and from programs"},
	{ID: tools, Title: "editors, monitors and shells"},
}

// grouped puts commands into a group.
func grouped(group string, commands ...*cobra.Command) []*cobra.Command {
	for _, c := range commands {
		c.GroupID = group
	}
	return commands
}

// helpInGroups lists flags and commands in --help by purpose, everyday ones first.
func helpInGroups(root *cobra.Command) {
	root.AddGroup(groups...)
	root.SetHelpCommandGroupID(tools)
	root.SetCompletionCommandGroupID(tools)
	usual := root.UsageFunc()
	root.SetUsageFunc(func(c *cobra.Command) error {
		if c != root {
			return usual(c)
		}
		return usage(c.OutOrStderr(), root)
	})
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages",
		fmt.Sprintf(".FlagUsagesWrapped %d", helpWidth)))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		describe(c)
	}
}

// describe words cobra's own commands like ours, and breaks a command's description into lines.
func describe(c *cobra.Command) {
	switch {
	case c.Name() == "help":
		c.Short, c.Long = "show help about a command", ""
	case c.Name() == "completion":
		c.Short, c.Long = "print the completion script for a shell", "Print the completion script for a shell. "+
			"hotreload completion bash --help tells where to put the script for bash."
		for _, shell := range c.Commands() {
			shell.Short = "print the completion script for " + shell.Name()
		}
	}
	if c.Long == "" {
		c.Long = sentence(c.Short)
	}
	var paragraphs []string
	for paragraph := range strings.SplitSeq(c.Long, "\n\n") {
		lines := settings.Wrap(strings.ReplaceAll(paragraph, "\n", " "), helpWidth)
		paragraphs = append(paragraphs, strings.Join(lines, "\n"))
	}
	c.Long = strings.Join(paragraphs, "\n\n")
}

func usage(out io.Writer, root *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n  hotreload command [flags]\n", root.UseLine())
	writeFlags(&b, root, settings.Everyday, "help", "version")
	writeCommands(&b, root, groups[0])
	for _, group := range settings.Groups[1:] {
		writeFlags(&b, root, group)
	}
	for _, group := range groups[1:] {
		writeCommands(&b, root, group)
	}
	b.WriteString("\nMore: hotreload COMMAND --help about a command, hotreload man about every flag and key.\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// writeFlags lists the flags of a group, and the named ones.
func writeFlags(b *strings.Builder, root *cobra.Command, group settings.Group, more ...string) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SortFlags = false
	for _, s := range group.Flags() {
		flags.AddFlag(root.Flags().Lookup(s.Name))
	}
	for _, name := range more {
		flags.AddFlag(root.Flags().Lookup(name))
	}
	fmt.Fprintf(b, "\nFlags, %s:\n%s", strings.ToLower(group.String()), optionalValues(
		flags.FlagUsagesWrapped(helpWidth)))
}

// optional is how pflag shows a flag with an optional value: the value's name, and the value if left out.
var optional = regexp.MustCompile(` (\w+)\[=[^]]*\]`)

// optionalValues writes --poll[=time], as the user types the flag, in place of pflag's --poll time[=1s].
func optionalValues(usages string) string {
	return optional.ReplaceAllStringFunc(usages, func(shown string) string {
		return fmt.Sprintf("%-*s", len(shown), "[="+optional.FindStringSubmatch(shown)[1]+"]")
	})
}

// writeCommands lists the commands of a group.
func writeCommands(b *strings.Builder, root *cobra.Command, group *cobra.Group) {
	fmt.Fprintf(b, "\nCommands, %s:\n", group.Title)
	for _, c := range root.Commands() {
		if c.GroupID == group.ID && !c.Hidden {
			lines := settings.Wrap(c.Short, helpWidth-14)
			fmt.Fprintf(b, "  %-12s%s\n", c.Name(), strings.Join(lines, "\n"+strings.Repeat(" ", 14)))
		}
	}
}
