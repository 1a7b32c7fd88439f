//go:build unix

package e2e

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// upper is a generator: it writes version.go from version.txt.
const upper = `word=$(tr a-z A-Z < version.txt | tr -d "\n")
printf 'package main\n\nconst version = "%s"\n\nfunc boot() {}\n' "$word" > version.go`

func TestGeneratorRunsBeforeTheBuild(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{
		"version.txt":    "one",
		"generate.sh":    "echo run >> ../runs\n" + upper,
		"hotreload.toml": "package = \".\"\n[[rule]]\nmatch = \"version.txt\"\nrun = \"sh generate.sh\"\ntimeout = \"3s\"\n",
	})
	s := start(t, dir, "-v", ".", "{addr}")
	s.serves("ONE") // also at the start, because earlier changes are unknown
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
	s.waitFor(`sh generate.sh: did not end within 3s: killed`)
	s.save("generate.sh", upper+"\necho x >> version.txt") // the generator writes its own input
	s.save("version.txt", "six")
	s.waitFor(`generation \d+ serves`)
	s.save("generate.sh", upper)
	s.save("version.txt", "seven")
	s.serves("SEVEN")
	s.save("generate.sh", "rm version.go") // the generator deletes its output
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
		"version.go": "package main\n\nimport \"os\"\n\nvar version = os.Getenv(\"APP_WORD\") + os.Getenv(\"APP_MORE\")\n" +
			"\nfunc boot() {}\n",
		".env": "APP_WORD=one\n",
	})
	s := start(t, dir, "-v", "--env-file", ".env", ".", "{addr}")
	s.serves("one")
	s.waitFor(`generation 1 serves`)
	s.save(".env", "APP_WORD=two\nAPP_MORE=' words'\n")
	s.waitFor(`\.env written → restart: an environment file`)
	s.serves("two words")
	s.save(".env", "this is none\n")
	s.waitFor(`environment file: .*\.env: (.|\n)*hint: workers get the variables from before the change`)
	s.serves("two words")
	s.save(".env", "APP_WORD=three\n")
	s.serves("three")
}

func TestSettingsChangeWhileRunning(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{
		"version.go": "package main\n\nimport (\n\t\"os\"\n\t\"strings\"\n)\n\n" +
			"var version = strings.Join(os.Args[2:], \" \") + os.Getenv(\"APP_WORD\") + tag\n\nfunc boot() {}\n",
		"plain.go":  "//go:build !fancy\n\npackage main\n\nconst tag = \"\"\n",
		"fancy.go":  "//go:build fancy\n\npackage main\n\nconst tag = \" fancy\"\n",
		"notes.txt": "a",
	})
	addr := freeAddr(t)
	settings := func(more string) string { return "package = \".\"\nargs = [\"" + addr + "\", \"one\"]\n" + more }
	save(t, filepath.Join(dir, "hotreload.toml"), settings(""))
	s := startControlled(t, dir, "-v")
	s.addr = addr
	s.serves("one")
	s.waitFor(`generation 1 serves`)
	s.save("hotreload.toml", settings("[env]\nAPP_WORD = \" two\"\n"))
	s.waitFor(`hotreload.toml: in effect`)
	s.serves("one two")
	s.save("hotreload.toml", settings("build_flags = [\"-tags=fancy\"]\n"))
	s.serves("one fancy")
	s.save("hotreload.toml", settings("build_flags = [\"-tags=fancy\"]\nwtch = [\"notes.txt\"]\n"))
	s.waitFor(`hotreload.toml:4: unknown key "wtch": the old settings stay in effect\nhint: did you mean "watch"`)
	s.serves("one fancy")
	s.save("hotreload.toml", settings("build_flags = [\"-tags=fancy\"]\nwatch = [\"notes.txt\"]\n"))
	s.waitFor(`hotreload.toml: in effect`)
	s.save("notes.txt", "b")
	s.waitFor(`notes.txt written → restart: named by --watch`)
	s.save("hotreload.toml", settings("workers = 2\n"))
	s.waitFor(`2 workers now`)
	s.save("hotreload.toml", settings("no_agent = true\n"))
	s.waitFor(`hotreload.toml → startup: no_agent will take effect at the next start of hotreload`)
	s.waitFor(`1 worker now`)
	if out, _ := s.command("status"); !strings.Contains(out, "no_agent: takes effect at the next start of hotreload") {
		t.Errorf("the status does not name the pending settings: %q", out)
	}
	s.serves("one")
	s.save("hotreload.toml", settings("[[rule]]\nmatch = \"notes.txt\"\nclass = \"none\"\n"))
	s.waitFor(`hotreload.toml: in effect`)
	s.save("notes.txt", "c")
	s.waitFor(`notes.txt written → none: set by a rule`)
}

// A changed listen opens the new socket, moves the workers and closes the old one. An address that cannot be bound
// changes nothing.
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
	s.waitFor(`hotreload.toml → startup: listen: ` + regexp.QuoteMeta(old) +
		` is in use by .*: the service stays on its old address\nhint: `)
	if out, _ := s.command("status"); !strings.Contains(out, "listen: takes effect at the next start of hotreload") {
		t.Errorf("the status does not name the pending settings: %q", out)
	}
	s.save("hotreload.toml", settings(fresh, fresh))
	s.waitFor(`hotreload.toml: in effect`)
	s.serves("v1")
	if out, _ := s.command("status"); strings.Contains(out, "next start of hotreload") {
		t.Errorf("the status names pending settings: %q", out)
	}
}

// quiet and verbose hold for all services, so a change reaches each of them. Failures are printed in any case.
func TestQuietReachesEveryService(t *testing.T) {
	t.Parallel()
	const services = "[[service]]\nname = \"web\"\npackage = \"./cmd/web\"\n\n[[service]]\nname = \"api\"\n" +
		"package = \"./cmd/api\"\n"
	dir, at := newServices(t, services)
	s := start(t, dir)
	names := []string{"web", "api"}
	for _, name := range names {
		eventually(t, name+" serves", func() bool { return s.count(`hotreload `+name+`\] generation 1 serves`) == 1 })
	}
	said := func(name string) int { return s.count(`hotreload ` + name + `\] .*(serves|in effect|watched)`) }
	rewrite := func(name, boot string) {
		before := workerAt(t, at[name])
		s.save("cmd/"+name+"/boot.go", "package main\n\nfunc boot() { "+boot+" }\n")
		eventually(t, name+" is replaced", func() bool { return workerAt(t, at[name]) != before })
	}
	for _, c := range []struct{ setting, boot, says string }{
		{"quiet = true\n\n", "println(1)", ""},
		{"", "println(2)", `generation \d+ serves`},
		{"verbose = true\n\n", "println(3)", `worker of generation \d+ is ready`},
		{"quiet = true\n\n", "println(4)", ""},
	} {
		effect := s.count(`hotreload.toml: in effect`)
		s.save("hotreload.toml", c.setting+services)
		if strings.HasPrefix(c.setting, "quiet") { // no line confirms quiet; errors are printed all the same
			s.save("cmd/web/boot.go", "package main\n\nfunc boot() { unknown(\""+c.boot+"\") }\n")
			s.waitFor(`cmd/web/boot.go:\d+:\d+: `)
		} else {
			eventually(t, "the settings are in effect", func() bool { return s.count(`hotreload.toml: in effect`) > effect })
		}
		for _, name := range names {
			before, began := said(name), len(s.text())
			rewrite(name, c.boot)
			if c.says != "" {
				eventually(t, name+" says "+c.says, func() bool {
					return regexp.MustCompile(`hotreload ` + name + `\] ` + c.says).MatchString(s.text()[began:])
				})
			}
			s.save("cmd/"+name+"/boot.go", "package main\n\n"+
				"func boot() { broken }\n") // printed after everything about the replacement
			s.waitFor(`cmd/` + name + `/boot.go:\d+:\d+: `)
			if have := said(name) - before; c.says == "" && have != 0 {
				t.Errorf("with %q %s prints %d lines, want none", c.setting, name, have)
			}
		}
	}
}

// workerAt returns the pid of the answering worker at an address.
func workerAt(t *testing.T, address string) (pid int) {
	t.Helper()
	eventually(t, "an answer", func() bool {
		text, err := (&session{t: t, addr: address}).get("/pid")
		pid, _ = strconv.Atoi(text)
		return err == nil && pid != 0
	})
	return pid
}
