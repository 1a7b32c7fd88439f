//go:build unix

package main

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// upper is a generator: it writes version.go from version.txt.
const upper = `printf 'package main\n\nconst version = "%s"\n\nfunc boot() {}\n' "$(tr a-z A-Z < version.txt | tr -d "\n")" > version.go`

func TestGeneratorRunsBeforeTheBuild(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{
		"version.txt":    "one",
		"generate.sh":    "echo run >> ../runs\n" + upper,
		"hotreload.toml": "package = \".\"\n[[rule]]\nmatch = \"version.txt\"\nrun = \"sh generate.sh\"\ntimeout = \"3s\"\n",
	})
	s := start(t, dir, "-v", ".", "{addr}")
	s.serves("ONE") // also at the start: nobody knows what changed before
	s.waitFor(`generation 1 serves`)
	s.save("version.txt", "two")
	s.serves("TWO")
	s.waitFor(`version.txt written → rebuild: a rule runs sh generate.sh`)
	s.waitFor(`generation 2 serves`)
	s.save("generate.sh", "echo broken; exit 3")
	s.save("version.txt", "three")
	s.waitFor(`build failed .*generation 2, now stale, keeps serving\nsh generate.sh: exit code 3\nbroken`)
	s.save("generate.sh", upper)
	s.save("version.txt", "four")
	s.serves("FOUR")
	s.save("generate.sh", "sleep 600")
	s.save("version.txt", "five")
	s.waitFor(`sh generate.sh: no end after 3s: killed`)
	s.save("generate.sh", upper+"\necho x >> version.txt") // it writes what it reads
	s.save("version.txt", "six")
	s.waitFor(`generation \d+ serves`)
	s.save("generate.sh", upper)
	s.save("version.txt", "seven")
	s.serves("SEVEN")
	s.save("generate.sh", "rm version.go") // it deletes its output
	s.save("version.txt", "eight")
	s.waitFor(`build failed (.|\n)*undefined: version`)
	s.serves("SEVEN")
	s.save("generate.sh", upper)
	s.save("version.txt", "nine")
	s.serves("NINE")
}

func TestEnvironmentFile(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{
		"version.go": "package main\n\nimport \"os\"\n\nvar version = os.Getenv(\"HOTRELOAD_TEST_WORD\") + os.Getenv(\"HOTRELOAD_TEST_MORE\")\n\nfunc boot() {}\n",
		".env":       "HOTRELOAD_TEST_WORD=one\n",
	})
	s := start(t, dir, "-v", "--env-file", ".env", ".", "{addr}")
	s.serves("one")
	s.waitFor(`generation 1 serves`)
	s.save(".env", "HOTRELOAD_TEST_WORD=two\nHOTRELOAD_TEST_MORE=' words'\n")
	s.waitFor(`\.env written → restart: an environment file`)
	s.serves("two words")
	s.save(".env", "this is none\n")
	s.waitFor(`environment file: .*\.env: (.|\n)*hint: workers get what was in it before`)
	s.serves("two words")
	s.save(".env", "HOTRELOAD_TEST_WORD=three\n")
	s.serves("three")
}

func TestSettingsChangeWhileRunning(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{
		"version.go": "package main\n\nimport (\n\t\"os\"\n\t\"strings\"\n)\n\nvar version = strings.Join(os.Args[2:], \" \") + os.Getenv(\"HOTRELOAD_TEST_WORD\") + tag\n\nfunc boot() {}\n",
		"plain.go":   "//go:build !fancy\n\npackage main\n\nconst tag = \"\"\n",
		"fancy.go":   "//go:build fancy\n\npackage main\n\nconst tag = \" fancy\"\n",
		"notes.txt":  "a",
	})
	addr := freeAddr(t)
	settings := func(more string) string { return "package = \".\"\nargs = [\"" + addr + "\", \"one\"]\n" + more }
	save(t, filepath.Join(dir, "hotreload.toml"), settings(""))
	s := startControlled(t, dir, "-v")
	s.addr = addr
	s.serves("one")
	s.waitFor(`generation 1 serves`)
	s.save("hotreload.toml", settings("[env]\nHOTRELOAD_TEST_WORD = \" two\"\n"))
	s.waitFor(`hotreload.toml: in effect`)
	s.serves("one two")
	s.save("hotreload.toml", settings("build_flags = [\"-tags=fancy\"]\n"))
	s.serves("one fancy")
	s.save("hotreload.toml", settings("build_flags = [\"-tags=fancy\"]\nwtch = [\"notes.txt\"]\n"))
	s.waitFor(`hotreload.toml:4: unknown key "wtch": the settings stay as they were\nhint: did you mean "watch"`)
	s.serves("one fancy")
	s.save("hotreload.toml", settings("build_flags = [\"-tags=fancy\"]\nwatch = [\"notes.txt\"]\n"))
	s.waitFor(`hotreload.toml: in effect`)
	s.save("notes.txt", "b")
	s.waitFor(`notes.txt written → restart: named by --watch`)
	s.save("hotreload.toml", settings("workers = 2\n"))
	s.waitFor(`2 workers now`)
	s.save("hotreload.toml", settings("no_agent = true\n"))
	s.waitFor(`hotreload.toml → startup: no_agent will take effect when hotreload is started anew`)
	s.waitFor(`1 worker now`)
	if out, _ := s.command("status"); !strings.Contains(out, "no_agent: in effect when hotreload is started anew") {
		t.Errorf("what waits for a new start is not in the status: %q", out)
	}
	s.serves("one")
	s.save("hotreload.toml", settings("[[rule]]\nmatch = \"notes.txt\"\nclass = \"none\"\n"))
	s.waitFor(`hotreload.toml: in effect`)
	s.save("notes.txt", "c")
	s.waitFor(`notes.txt written → none: a rule says so`)
}

// A changed listen opens the new socket, moves the workers and closes the old one. What cannot be bound changes nothing.
func TestListenChangesWhileRunning(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	old, fresh := freeAddr(t), freeAddr(t)
	settings := func(addr, listen string) string {
		return fmt.Sprintf("package = \".\"\nargs = [%q]\nlisten = [%q]\n", addr, listen)
	}
	save(t, filepath.Join(dir, "hotreload.toml"), settings(old, old))
	s := startControlled(t, dir)
	s.addr = old
	s.serves("v1")
	s.waitFor(`generation 1 serves`)
	s.save("hotreload.toml", settings(fresh, fresh))
	s.waitFor(`moving to ` + regexp.QuoteMeta(fresh))
	s.waitFor(`generation 2 serves: hotreload.toml → startup`)
	s.addr = fresh
	s.serves("v1")
	s.eventually("the old address is free", func() bool {
		l, err := net.Listen("tcp", old)
		if err == nil {
			l.Close()
		}
		return err == nil
	})

	other, err := net.Listen("tcp", old)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s.save("hotreload.toml", settings(old, old))
	s.waitFor(`hotreload.toml → startup: listen: ` + regexp.QuoteMeta(old) + ` is in use by .*: it listens where it did\nhint: `)
	if out, _ := s.command("status"); !strings.Contains(out, "listen: in effect when hotreload is started anew") {
		t.Errorf("what waits for a new start is not in the status: %q", out)
	}
	s.save("hotreload.toml", settings(fresh, fresh))
	s.waitFor(`hotreload.toml: in effect`)
	s.serves("v1")
	if out, _ := s.command("status"); strings.Contains(out, "started anew") {
		t.Errorf("nothing waits for a new start: %q", out)
	}
}
