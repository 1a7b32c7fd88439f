package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"hotreload/migrate"
	"hotreload/settings"
)

// wishes returns the content of the command line. If only a file of air names a program, and neither the command line
// nor a hotreload.toml does, package, arguments, build flags and env files come from air's file. note reports the
// source, or is "".
func (l *line) wishes(flags *pflag.FlagSet, goFlags, args []string) (w *settings.Wishes, note string, err error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, "", err
	}
	named, _ := flags.GetString(settings.Config.Name)
	if _, found := settings.Find(dir); !found && named == "" && len(args) == 0 {
		args, goFlags, note = adopted(dir, flags, goFlags)
	}
	w, err = settings.WishesOf(flags, goFlags, args, l.env)
	return w, note, err
}

// adopted returns the package with its arguments, and the build flags, from air's file in dir, and sets its env files
// in flags. The command line's build flags come after air's, and its env files replace those of air.
func adopted(dir string, flags *pflag.FlagSet, goFlags []string) (args, build []string, note string) {
	plan, name := migrate.FromAir(os.DirFS(dir), runtime.GOOS, runtime.GOARCH)
	file := plan.File
	var taken []string
	if pkg := file.Text("package"); pkg != "" {
		args = append([]string{pkg}, file.List("args")...)
		taken = append(taken, args...)
	}
	build = append(slices.Clone(file.List("build_flags")), goFlags...)
	taken = append(slices.Clone(file.List("build_flags")), taken...)
	if !flags.Changed(settings.EnvFile.Name) {
		for _, path := range file.List("env_file") {
			if _, err := os.Stat(filepath.Join(dir, path)); err == nil { // air goes on without missing files
				_ = flags.Set(settings.EnvFile.Name, path) // any text is valid
				taken = append([]string{"-e", path}, taken...)
			}
		}
	}
	var lines []string
	if len(taken) > 0 {
		lines = append(lines, fmt.Sprintf("from %s: hotreload %s", name, commandLine(taken)))
	}
	if runs := file.Runs(); len(runs) > 0 {
		lines = append(lines, fmt.Sprintf("%s also runs %s: hotreload init --write makes a %s that does, too", name,
			strings.Join(runs, ", "), settings.FileName))
	} else if len(taken) > 0 {
		lines[0] += " (hotreload init shows all of it)"
	}
	return args, build, strings.Join(lines, "; ")
}

// commandLine joins words for the reader, with quotes where a shell needs them.
func commandLine(words []string) string {
	var all []string
	for _, w := range words {
		if w == "" || strings.ContainsAny(w, " \t\n'\"\\$&|;<>()*?`#") {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		all = append(all, w)
	}
	return strings.Join(all, " ")
}
