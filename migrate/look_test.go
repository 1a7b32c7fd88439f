package migrate

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pelletier/go-toml/v2"
)

var update = flag.Bool("update", false, "write the expected tables and files")

// A case is a file in testdata: a sentence, then the files of a project and the expected output, each after its name in
// dashes.
const (
	wantTable = "the table"
	wantFile  = "the hotreload.toml"
	system    = "the system"
)

// sections takes a case apart.
func sections(text string) (about string, names []string, parts map[string]string) {
	parts = map[string]string{}
	current := ""
	for line := range strings.Lines(text) {
		name, found := strings.CutPrefix(strings.TrimSuffix(line, " --\n"), "-- ")
		switch {
		case found && strings.HasSuffix(line, " --\n"):
			current = name
			names = append(names, name)
			parts[name] = ""
		case current == "":
			about += line
		default:
			parts[current] += line
		}
	}
	return about, names, parts
}

// TestLook: the results for projects modelled on real ones. With -update the test writes the present results, for the
// author to check.
func TestLook(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(cases) < 30 {
		t.Fatalf("%d cases, %v; want 30", len(cases), err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			about, names, parts := sections(string(source))
			files, goos := fstest.MapFS{}, "linux"
			fresh := about
			for _, name := range names {
				switch name {
				case wantTable, wantFile:
					continue
				case system:
					goos = strings.TrimSpace(parts[name])
				default:
					files[name] = &fstest.MapFile{Data: []byte(parts[name])}
				}
				fresh += "-- " + name + " --\n" + parts[name]
			}
			plan := Look(files, goos, "amd64")
			table, file := plan.Table(100), plan.File.String()
			if err := toml.Unmarshal([]byte(file), new(map[string]any)); err != nil {
				t.Errorf("no TOML: %v\n%s", err, file)
			}
			fresh += "-- " + wantTable + " --\n" + table + "-- " + wantFile + " --\n" + file
			if *update {
				if err := os.WriteFile(path, []byte(fresh), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if table != parts[wantTable] {
				t.Errorf("the table is\n%s\nwant\n%s", table, parts[wantTable])
			}
			if file != parts[wantFile] {
				t.Errorf("the file is\n%s\nwant\n%s", file, parts[wantFile])
			}
		})
	}
}

// TestFromAir: the settings taken from .air.toml by hotreload without init.
func TestFromAir(t *testing.T) {
	files := fstest.MapFS{
		"cmd/a/main.go": {Data: []byte("package main\n")}, "cmd/b/main.go": {Data: []byte("package main\n")},
		".config/air.toml": {
			Data: []byte("env_files = [\".env\"]\n[build]\ncmd = \"go build -tags dev -o ./tmp/main ./cmd/b\"\n" +
				"args_bin = [\"--port\", \"1\"]\n"),
		},
		"Makefile": {Data: []byte("dev:\n\twgo run ./cmd/a\n")},
	}
	plan, found := FromAir(files, "linux", "amd64")
	want := "package = \"./cmd/b\"\nargs = [\"--port\", \"1\"]\nbuild_flags = [\"-tags=dev\"]\nenv_file = [\".env\"]\n"
	if have := plan.File.String(); have != want || found != ".config/air.toml" {
		t.Errorf("from %s:\n%s\nwant\n%s", found, have, want)
	}
	delete(files, ".config/air.toml")
	if plan, found := FromAir(files, "linux", "amd64"); found != "" || !plan.File.Empty() {
		t.Errorf("from %q, without a file of air:\n%s", found, plan.File)
	}
}

// TestCommands: command lines come apart as the shell would take them, and nothing is run.
func TestCommands(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`go build -o ./tmp/main .`, `go|build|-o|./tmp/main|.`},
		{`CGO_ENABLED=0 GOOS=linux go build`, `CGO_ENABLED=0 GOOS=linux: go|build`},
		{`env A='b c' ./x "d e" f\ g`, `A=b c: ./x|d e|f g`},
		{`a && b || c; d | e &`, "a\nb\nc\nd\ne"},
		{`(cd web && npm run build) && go build`, "[web] npm|run|build\n[web] go|build"},
		{`sh -c "go generate ./... && go build"`, "go|generate|./...\ngo|build"},
		{`cmd /c "go build -o tmp\main.exe ."`, `go|build|-o|tmp/main.exe|.`},
		{`go build -ldflags "-X main.v=$(git describe)" .`, `~go|build|-ldflags|-X main.v=$(git describe)|.`},
		{`echo "\$HOME" $HOME`, `~echo|$HOME|$HOME`},
		{`if true; then rm -rf /; fi`, `= if true; then rm -rf /; fi`},
		{"templ generate && \\\ngo build", "templ|generate\ngo|build"},
		{``, ``},
	} {
		all, err := commands(c.line)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
		}
		var lines []string
		for _, one := range all {
			line := strings.Join(one.words, "|")
			if one.env != nil {
				line = strings.Join(one.env, " ") + ": " + line
			}
			if one.dir != "" {
				line = "[" + one.dir + "] " + line
			}
			if one.words == nil {
				line = "= " + one.text
			} else if !one.fixed {
				line = "~" + line
			}
			lines = append(lines, line)
		}
		if have := strings.Join(lines, "\n"); have != c.want {
			t.Errorf("%s:\nhave %s\nwant %s", c.line, have, c.want)
		}
	}
	if _, err := commands(`go build "`); err == nil {
		t.Error("a quote without an end is accepted")
	}
}
