package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"hotreload/migrate"
	"hotreload/settings"
)

const aboutOthers = `Show what becomes of the settings of other tools, and the shortest hotreload.toml that does the
same. Often none is needed.

init reads .air.toml, templier.yml, modd.conf, reflex.conf, the command lines of air, CompileDaemon,
gow, wgo, reflex, templ and Tailwind CSS in the Makefile and in package.json, .env, and the files of
templ, sqlc, Tailwind CSS, buf and swag. It runs nothing, and deletes nothing.

With the name of an editor: print what this editor needs to work with hotreload, or write it.`

// fromOthers prints the plan for the project in dir, and, with write, writes the plan's file.
func fromOthers(out io.Writer, dir string, write bool) error {
	plan := migrate.Look(os.DirFS(dir), runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(out, "%s\n", plan.Table(tableWidth()))
	present, found := settings.Find(dir)
	shown := settings.Relative(dir, present)
	text := plan.File.String()
	switch {
	case plan.File.Empty():
		fmt.Fprintf(out, "No %s is needed: start hotreload.\n", settings.FileName)
		return nil
	case write && found:
		return settings.Hint(fmt.Errorf("%s exists and stays as it is", shown),
			"copy what is missing from the output of hotreload init")
	case !write:
		fmt.Fprintf(out, "%s\n\n%s\n", bold(settings.FileName), indented(text))
		if found {
			fmt.Fprintf(out, "%s exists. Copy from here what is missing there.\n", shown)
			return nil
		}
		fmt.Fprintln(out, "hint: hotreload init --write writes this file; it deletes nothing")
		return nil
	}
	if err := writeNew(filepath.Join(dir, settings.FileName), text); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is written, nothing is deleted: start hotreload.\n\n%s", settings.FileName, indented(text))
	return nil
}

func indented(text string) string {
	return strings.TrimSuffix("    "+strings.ReplaceAll(text, "\n", "\n    "), "    ")
}

// tableWidth is the width of tables: of the terminal, within limits.
func tableWidth() int {
	_, columns := terminalSize(os.Stdout)
	if !isTerminal(os.Stdout) || columns == 0 {
		return helpWidth
	}
	return min(max(int(columns)-1, 80), 140)
}
