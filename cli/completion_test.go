package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"hotreload/settings"
)

func TestCompletions(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.25\n", "main.go": "package main\n", "main_test.go": "package other\n",
		"cmd/web/main.go": "package main\n", "cmd/api/main.go": "package main\n", "lib/lib.go": "package lib\n",
		"testdata/x/main.go": "package main\n", ".git/x/main.go": "package main\n", "vendor/x/main.go": "package main\n",
		"hotreload.toml": "[[service]]\nname = \"worker\"\npackage = \"./cmd/api\"\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	root := newCommand(&line{values: settings.NewValues()})
	files, noFiles := cobra.ShellCompDirectiveDefault, cobra.ShellCompDirectiveNoFileComp
	listed := noFiles | cobra.ShellCompDirectiveKeepOrder
	for _, c := range []struct {
		name      string
		words     []string
		last      string
		want      []string
		directive cobra.ShellCompDirective
	}{
		{"packages and services", nil, "", []string{".", "./cmd/api", "./cmd/web", "worker"}, noFiles},
		{"a folder", nil, "./c", []string{"./cmd/api", "./cmd/web"}, noFiles},
		{"below a folder", nil, "./cmd/w", []string{"./cmd/web"}, noFiles},
		{"no main package", nil, "./lib", nil, noFiles},
		{"after flags of ours and of Go", []string{"-q", "--grace", "1s", "-race", "-tags", "x"}, "w", []string{"worker"},
			noFiles},
		{"after two dashes there are no flags", []string{"--"}, "-q", nil, noFiles},
		{"a second package", []string{"./cmd/web"}, "./cmd/", []string{"./cmd/api"}, files},
		{"the program's arguments", []string{"./cmd/web"}, "-q", nil, files},
		{"arguments after files", []string{"main.go"}, "", nil, files},

		{"a flag", nil, "--strat", []string{"--strategy"}, noFiles},
		{"a flag with one dash", nil, "-strat", []string{"-strategy"}, noFiles},
		{"a flag of Go", nil, "-rac", []string{"-race"}, noFiles},
		{"a flag of Go with two dashes", nil, "--trimp", []string{"--trimpath"}, noFiles},
		{"a flag that was given", []string{"--strategy=rolling"}, "--strat", nil, noFiles},
		{"a flag that is repeatable", []string{"--listen", ":1"}, "--lis", []string{"--listen"}, noFiles},
		{"a flag that is refused", nil, "-json", nil, noFiles},

		{"a value", []string{"--strategy"}, "r", []string{"rolling"}, listed},
		{"a value after =", nil, "--strategy=s", []string{"stop-first"}, listed},
		{"a value of a flag with one dash", []string{"-stop-signal"}, "HU", []string{"HUP"}, listed},
		{"a value of Go's", []string{"-mod"}, "v", []string{"vendor"}, listed},
		{"a value of Go's after =", nil, "-buildmode=p", []string{"pie"}, listed},
		{"a path", []string{"-w"}, "", nil, files},
		{"a file of Go's", []string{"-modfile"}, "", nil, files},
		{"a time", []string{"--grace"}, "", nil, listed},
		{"a URL goes on", []string{"--ready"}, "http", []string{"http:/"}, listed | cobra.ShellCompDirectiveNoSpace},
	} {
		t.Run(c.name, func(t *testing.T) {
			have, directive := completions(root, c.words, c.last)
			for i := range have {
				have[i], _, _ = strings.Cut(have[i], "\t")
			}
			slices.Sort(have)
			if !slices.Equal(have, c.want) || directive != c.directive {
				t.Errorf("have %q and %d, want %q and %d", have, directive, c.want, c.directive)
			}
		})
	}
}

// The flag accepts each word offered by completion.
func TestOfferedWordsAreTaken(t *testing.T) {
	for _, s := range settings.All() {
		for _, word := range s.Words {
			if s.Flag() {
				if err := settings.NewValues().Flags().Set(s.Name, word); err != nil {
					t.Errorf("--%s %s: %v", s.Name, word, err)
				}
			}
		}
	}
}
