//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// tells answers with its arguments and a variable.
const tells = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, word, os.Args[2:], os.Getenv("WHO"), tagged)
	})
	fmt.Println(http.ListenAndServe(os.Args[1], nil))
}
`

// newAirProject creates a module with two main packages, whose .air.toml names the program to run. The program answers
// want.
func newAirProject(t *testing.T, addr string) (dir, want string) {
	t.Helper()
	dir = newModule(t, map[string]string{
		"main.go": "package app\n", "version.go": "package app\n",
		"cmd/api/main.go":   tells,
		"cmd/api/word.go":   "package main\n\nconst word = \"one\"\n",
		"cmd/api/tag.go":    "//go:build dev\n\npackage main\n\nconst tagged = \"dev\"\n",
		"cmd/api/tagged.go": "//go:build !dev\n\npackage main\n\nconst tagged = \"\"\n",
		"cmd/tool/main.go":  "package main\n\nfunc main() {}\n",
		".env":              "WHO=me\n",
		".air.toml": "env_files = [\".env\", \".env.local\"]\n[build]\n" +
			"cmd = \"lsof -ti:1 | xargs kill; go build -tags dev -o ./tmp/api ./cmd/api/main.go\"\n" +
			"bin = \"./tmp/api " + addr + " serve\"\nargs_bin = [\"--name\", \"'a b'\"]\nstop_on_root = true\n",
	})
	return dir, "one [serve --name a b] me dev\n"
}

// TestFromAir: without a configuration, hotreload runs air's program, prints a line about this choice, and reloads.
// With the file written by init, hotreload does the same.
func TestFromAir(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	dir, want := newAirProject(t, addr)
	s := start(t, dir)
	s.addr = addr
	s.waitFor(`from \.air\.toml: hotreload -e \.env -tags=dev \./cmd/api ` + regexp.QuoteMeta(addr) +
		` serve --name 'a b' \(hotreload init shows all of it\)\n`)
	s.serves(want)
	s.save("cmd/api/word.go", "package main\n\nconst word = \"two\"\n")
	s.serves(strings.Replace(want, "one", "two", 1))
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	s.exit()

	if code := start(t, dir, "init").exit(); code != 0 {
		t.Errorf("init: exit code %d", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "hotreload.toml")); err == nil {
		t.Error("init wrote a file without --write")
	}
	if code := start(t, dir, "init", "--write").exit(); code != 0 {
		t.Errorf("init --write: exit code %d", code)
	}
	written, err := os.ReadFile(filepath.Join(dir, "hotreload.toml"))
	if err != nil {
		t.Fatal(err)
	}
	again := start(t, dir, "init", "--write")
	const refusal = "hotreload.toml exists and stays as it is\nhint: "
	if code := again.exit(); code != 1 || !strings.Contains(again.text(), refusal) {
		t.Errorf("init --write over a file: exit code %d\n%s", code, again.text())
	}
	if now, _ := os.ReadFile(filepath.Join(dir, "hotreload.toml")); string(now) != string(written) {
		t.Error("init overwrote a file")
	}

	s = start(t, dir)
	s.addr = addr
	s.serves(strings.Replace(want, "one", "two", 1))
	s.save("cmd/api/word.go", "package main\n\nconst word = \"three\"\n")
	s.serves(strings.Replace(want, "one", "three", 1))
	if s.count(`from \.air\.toml`) > 0 {
		t.Error(".air.toml was read although there is a hotreload.toml")
	}
}

// TestFromAirLeftOut: the command line has precedence over .air.toml, and -c none ignores the file.
func TestFromAirLeftOut(t *testing.T) {
	t.Parallel()
	dir, _ := newAirProject(t, "127.0.0.1:1")
	s := start(t, dir, "./cmd/tool")
	s.waitFor(`building ./cmd/tool`)
	if s.count(`from \.air\.toml`) > 0 {
		t.Error(".air.toml was read although a package was given")
	}
	s = start(t, dir, "-c", "none")
	if code := s.exit(); code != 2 || !strings.Contains(s.text(), "several main packages") {
		t.Errorf("-c none: exit code %d\n%s", code, s.text())
	}
}

// TestFromAirWithGenerators: hotreload alone runs no generator of air's file, and names the generator.
func TestFromAirWithGenerators(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{
		".air.toml": "[build]\ncmd = \"templ generate && go build -o ./tmp/main .\"\n",
	})
	s := start(t, dir, "-q=false")
	s.waitFor(`\.air\.toml also runs templ generate: hotreload init --write makes a hotreload\.toml that does, too\n`)
}
