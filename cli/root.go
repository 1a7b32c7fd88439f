package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"hotreload/settings"
)

// line holds the parts of the command line read before the command is known.
type line struct {
	values  *settings.Values // with hotreload's flags
	goFlags []string         // Go's build flags
	env     []string
}

const long = `hotreload keeps a Go server running while its source changes.

  hotreload ./cmd/server            build, run, and replace it at each save
  hotreload ./cmd/server -port 80   arguments after the package go to the program
  hotreload -race -tags dev .       Go's build flags are passed to the build
  hotreload --workers 2 ./cmd/server
                                    two processes share the program's port
  hotreload ./cmd/web ./cmd/api     several programs, each a service of its own
  hotreload web api                 services by name, from hotreload.toml

Without a package: the main package in this folder, or the only one under cmd/.
On a terminal: r reload, R rebuild and reload, p pause, t tests, c clear, q quit, h help.`

func newCommand(l *line) *cobra.Command {
	command := &cobra.Command{
		Use:           "hotreload [flags] [package] [arguments of the program]",
		Short:         "keep a Go server running while its source changes",
		Long:          long,
		Version:       fullVersion(),
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(c *cobra.Command, args []string) error {
			w, note, err := l.wishes(c.Flags(), l.goFlags, args)
			if err != nil {
				return err
			}
			return watchCommand(contextOf(c), w, note)
		},
	}
	command.SetVersionTemplate("hotreload {{.Version}}\n")
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return settings.Usage(err, "hotreload --help lists the flags; write the program's own flags after the package")
	})
	flags := command.Flags()
	flags.SortFlags = false
	flags.SetInterspersed(false)
	flags.AddFlagSet(l.values.Flags())
	command.AddCommand(newCommands(l, command)...)
	helpInGroups(command)
	return command
}

// contextOf returns a command's context. Commands run without cobra's Execute have none.
func contextOf(c *cobra.Command) context.Context { return cmp.Or(c.Context(), context.Background()) }
