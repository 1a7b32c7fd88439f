package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hotreload/debugger"
	"hotreload/editors"
	"hotreload/settings"
)

// newInit is `hotreload init`: a plan for the settings of other tools; and a command for each editor.
func newInit() *cobra.Command {
	var write bool
	command := &cobra.Command{
		Use: "init", Short: "show what becomes of other tools' settings (air and others), and what editors need",
		Long: aboutOthers,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				var names []string
				for _, e := range editors.All() {
					names = append(names, e.Name)
				}
				return settings.Usage(fmt.Errorf("hotreload init does not know %q", args[0]),
					"hotreload init "+names[0]+"; there are "+strings.Join(names, ", "))
			}
			dir, err := os.Getwd()
			if err != nil {
				return err
			}
			return fromOthers(c.OutOrStdout(), dir, write)
		},
	}
	command.Flags().BoolVar(&write, "write", false, "write the hotreload.toml, if there is none")
	for _, e := range editors.All() {
		command.AddCommand(initFor(e))
	}
	return command
}

// initFor is `hotreload init EDITOR [arguments]`.
func initFor(e editors.Editor) *cobra.Command {
	var write bool
	command := &cobra.Command{
		Use: e.Name + " [hotreload's arguments]", Short: "what " + e.Title + " needs",
		Long: "Print what " + e.Title + " needs, or write it into this folder with --write. Words after the name are the " +
			"arguments with which the editor starts hotreload: a package, the program's arguments, and after -- flags.",
		RunE: func(c *cobra.Command, args []string) error {
			address, err := debuggerOf(args)
			if err != nil {
				return err
			}
			files, err := e.Files(editors.Start{Args: args, Debugger: address})
			if err != nil {
				return err
			}
			if !write {
				return printFiles(c.OutOrStdout(), c.ErrOrStderr(), e, files)
			}
			return writeFiles(c.OutOrStdout(), e, files)
		},
	}
	command.Flags().BoolVar(&write, "write", false, "write the files into this folder; files that exist stay as they are")
	command.Flags().SetInterspersed(false)
	return command
}

// debuggerOf returns where a hotreload with these arguments opens its debugger, at once or by its key d.
func debuggerOf(args []string) (string, error) {
	flags := settings.NewValues().Flags()
	address := ""
	own, _, _, err := settings.Split(args, flags)
	if err == nil {
		err = flags.Parse(own)
	}
	if err == nil {
		address, err = debugger.ParseAddress(flags.Lookup(settings.Debugger.Name).Value.String())
	}
	if err != nil {
		return "", settings.Usage(fmt.Errorf("hotreload could not start so: %w", err),
			"hotreload --help lists the flags; write the program's own flags after the package")
	}
	return cmp.Or(address, debugger.DefaultAddress), nil
}

// printFiles prints the texts. Their places are printed on stderr, so that a text can go into a file.
func printFiles(out, about io.Writer, e editors.Editor, files []editors.File) error {
	for _, f := range files {
		fmt.Fprintf(about, "# %s (--write writes it)\n", f.Path)
		if _, err := io.WriteString(out, f.Text); err != nil {
			return err
		}
	}
	fmt.Fprintf(about, "# then: %s\n", e.Next)
	return nil
}

// writeFiles writes the files that do not exist.
func writeFiles(out io.Writer, e editors.Editor, files []editors.File) error {
	var faults []error
	for _, f := range files {
		err := writeNew(filepath.FromSlash(f.Path), f.Text)
		switch {
		case errors.Is(err, fs.ErrExist):
			faults = append(faults, settings.Hint(fmt.Errorf("%s exists, and stays as it is", f.Path),
				"hotreload init "+e.Name+" prints what to add to it"))
		case err != nil:
			return err
		default:
			fmt.Fprintf(out, "wrote %s\n", f.Path)
		}
	}
	if len(faults) == 0 {
		fmt.Fprintf(out, "next: %s\n", e.Next)
	}
	return errors.Join(faults...)
}

// writeNew writes a file that must not exist yet.
func writeNew(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(f, text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
