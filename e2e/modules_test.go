//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hotreload/internal/testplace"
)

// homely answers with a word and the content of config.txt in its working folder at the start. Its address is the
// argument, or else the variable ADDR_ followed by the word.
const homely = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	address := os.Getenv("ADDR_" + os.Getenv("APP_OF") + name)
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	text, err := os.ReadFile("config.txt")
	if err != nil {
		text = []byte("nothing")
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, name, word, " ", string(text), tagged)
	})
	http.HandleFunc("/args", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, os.Getenv("APP_WRAPPED"), os.Getenv("APP_BUILD"))
	})
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	fmt.Println(http.ListenAndServe(address, nil))
}
`

// homelyIn returns the files of such a program in a folder, without its go.mod.
func homelyIn(folder, name string) map[string]string {
	at := func(file string) string { return filepath.Join(folder, file) }
	return map[string]string{
		at("main.go"):       homely,
		at("name.go"):       "package main\n\nconst name = \"" + name + "\"\n",
		at("word.go"):       word("1"),
		at("untagged.go"):   "//go:build !special\n\npackage main\n\nconst tagged = \"\"\n",
		at("tagged.go"):     "//go:build special\n\npackage main\n\nconst tagged = \" special\"\n",
		at("config.txt"):    "of " + name,
		at("name_other.go"): "package main\n",
	}
}

func word(text string) string { return "package main\n\nconst word = \"" + text + "\"\n" }

// writeTree writes files below a new folder.
func writeTree(t *testing.T, trees ...map[string]string) string {
	t.Helper()
	dir := testplace.Folder(t)
	for _, files := range trees {
		for name, text := range files {
			save(t, filepath.Join(dir, name), text)
		}
	}
	return dir
}

// TestSeveralModules: modules without a go.work run side by side, each like go run in its own root.
func TestSeveralModules(t *testing.T) {
	t.Parallel()
	modules := []map[string]string{
		homelyIn("a", "a"), {"a/go.mod": "module example.com/a\n\ngo 1.24\n"},
		homelyIn("b/cmd/b", "b"), {"b/go.mod": "module example.com/b\n\ngo 1.24\n", "b/config.txt": "root of b"},
	}
	for _, c := range []struct {
		name  string
		more  map[string]string
		args  []string
		wantB string
	}{
		{"on the command line", nil, []string{"./a", "./b/cmd/b"}, " root of b"},
		{"below a module that does not contain them",
			map[string]string{"go.mod": "module example.com/top\n\ngo 1.24\n", "top.go": "package top\n"},
			[]string{"./a", "./b/cmd/b"}, " root of b"},
		{"in hotreload.toml, with folders",
			map[string]string{"hotreload.toml": "[[service]]\nname = \"a\"\npackage = \"./a\"\n" +
				"[[service]]\nname = \"b\"\npackage = \"./b/cmd/b\"\ndir = \"b/cmd/b\"\n"}, nil, " of b"},
		{"joined by a go.work", map[string]string{"go.work": "go 1.24\n\nuse (\n\t./a\n\t./b\n)\n",
			"config.txt": "of all"},
			[]string{"./a", "./b/cmd/b"}, " of all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := writeTree(t, append(modules, c.more)...)
			other := freeAddr(t)
			addrA := freeAddr(t)
			s := setup{env: []string{"ADDR_a=" + addrA, "ADDR_b=" + other, "GOWORK=", "GOFLAGS="}}.start(t, dir,
				c.args...)
			a := &session{t: t, dir: dir, addr: addrA, done: s.done}
			b := &session{t: t, dir: dir, addr: other, done: s.done}
			wantA := " of a"
			if c.wantB == " of all" {
				wantA = c.wantB
			}
			a.serves("a1" + wantA)
			b.serves("b1" + c.wantB)
			b.save("b/cmd/b/word.go", word("2"))
			b.serves("b2" + c.wantB)
			b.save("b/cmd/b/word.go", "package main\n\nconst word = broken\n")
			s.waitFor(`build failed(.|\n)*\nb/cmd/b/word.go:3:14: undefined: broken`) // relative to the user's folder
			a.save("a/word.go", word("2"))
			a.serves("a2" + wantA)
		})
	}
}

// TestModuleBelow: in a folder without a module, the only main package in the modules below is the program.
func TestModuleBelow(t *testing.T) {
	t.Parallel()
	dir := writeTree(t, homelyIn("server", "s"), map[string]string{"server/go.mod": "module example.com/s\n\ngo 1.24\n",
		"server/testdata/x/go.mod": "module x\n", "web/package.json": "{}"})
	addr := freeAddr(t)
	s := setup{env: []string{"ADDR_s=" + addr}}.start(t, dir)
	s.addr = addr
	s.serves("s1 of s")
	s.save("server/word.go", word("2"))
	s.serves("s2 of s")
}

// TestWorkspaceAbove: a go.work in a folder above takes effect when it is created, until it is removed.
func TestWorkspaceAbove(t *testing.T) {
	t.Parallel()
	lib := func(text string) string { return "package lib\n\nconst Word = \"" + text + "\"\n" }
	dir := writeTree(t, map[string]string{
		"w/app/go.mod": "module example.com/app\n\ngo 1.24\n\nrequire example.com/lib v0.0.0\n\n" +
			"replace example.com/lib => ../other\n",
		"w/app/main.go":    strings.ReplaceAll(server, "boot()", ""),
		"w/app/version.go": "package main\n\nimport \"example.com/lib\"\n\nconst version = lib.Word\n",
		"w/lib/go.mod":     "module example.com/lib\n\ngo 1.24\n", "w/lib/lib.go": lib("lib"),
		"w/other/go.mod": "module example.com/lib\n\ngo 1.24\n", "w/other/lib.go": lib("other"),
	})
	app := filepath.Join(dir, "w", "app")
	s := setup{env: []string{"GOWORK=", "GOFLAGS="}}.start(t, app, ".", "{addr}")
	s.serves("other")
	work := filepath.Join(dir, "go.work") // two folders above
	save(t, work, "go 1.24\n\nuse (\n\t./w/app\n\t./w/lib\n)\n")
	s.serves("lib")
	save(t, filepath.Join(dir, "w/lib/lib.go"), lib("lib2"))
	s.serves("lib2")
	ensure(t, os.Remove(work))
	s.serves("other")
}

// TestBuildEnvironment: the variables of [build_env] apply only to the build.
func TestBuildEnvironment(t *testing.T) {
	t.Parallel()
	dir := writeTree(t, homelyIn(".", "x"), map[string]string{"go.mod": "module x\n\ngo 1.24\n",
		"hotreload.toml": "[build_env]\nGOFLAGS = \"-tags=special\"\nAPP_BUILD = \"seen\"\n" +
			"[[rule]]\nrun = \"echo rule$APP_BUILD > rule.txt\"\nwhen = \"start\"\n"})
	s := start(t, dir, ".", "{addr}")
	s.serves("x1 of x special")
	if seen, err := s.get("/args"); seen != "" {
		t.Errorf("the program sees %q, %v", seen, err)
	}
	s.holds("rule.txt", "rule\n")
	s.save("hotreload.toml", "[build_env]\nGOFLAGS = \"\"\n")
	s.serves("x1 of x")
	s.save("word.go", word("2"))
	s.serves("x2 of x")
}

// TestExec: with a wrapper that runs the program, hotreload keeps its promises.
func TestExec(t *testing.T) {
	t.Parallel()
	for name, wrapper := range map[string]string{
		"becomes the program":  `exec "$@"`,
		"stays its parent":     "\"$@\" &\nchild=$!\ntrap 'kill $child; wait $child' TERM\nwait $child",
		"by the shell's words": "", // env, which is in PATH
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := writeTree(t, homelyIn(".", "x"), map[string]string{"go.mod": "module x\n\ngo 1.24\n",
				"run me.sh": "#!/bin/sh\nAPP_WRAPPED=$1; export APP_WRAPPED; shift\n" +
					wrapper + "\n"})
			ensure(t, os.Chmod(filepath.Join(dir, "run me.sh"), 0o700))
			command := "'./run me.sh' 'a word'"
			if wrapper == "" {
				command = "env 'APP_WRAPPED=a word'"
			}
			s := start(t, dir, "-v", "--exec", command, ".", "{addr}")
			s.serves("x1 of x")
			if wrapped, _ := s.get("/args"); wrapped != "a word" {
				t.Errorf("the wrapper wrote %q", wrapped)
			}
			s.waitFor(`is ready after .* \(accepts\)`) // reported by the agent
			pid := s.pid()
			client := keepAsking("http://"+s.addr, func(text string) bool { return strings.HasSuffix(text, " of x") })
			for _, text := range []string{"2", "3", "4"} {
				s.save("word.go", word(text))
				s.serves("x" + text + " of x")
			}
			client.end(t)
			gone(t, pid)
		})
	}
	t.Run("is not there", func(t *testing.T) {
		dir := newModule(t, nil)
		s := start(t, dir, "--exec", "no-such-command -x", ".", "{addr}")
		s.waitFor(`--exec no-such-command: no such command\nhint: `)
		if code := s.exit(); code != 2 {
			t.Errorf("exit code %d", code)
		}
	})
}

// TestBuildOnly: a program that is only built is built at each save, to the chosen path.
func TestBuildOnly(t *testing.T) {
	t.Parallel()
	t.Run("wasm", func(t *testing.T) {
		t.Parallel()
		dir := newModule(t, map[string]string{"main.go": "package main\n\nfunc main() { println(version) }\n"})
		wasm := []string{"GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0"}
		without := setup{env: wasm}.start(t, dir, ".")
		without.waitFor(`is built for js/wasm, which does not run here\nhint: --build-only`)
		if code := without.exit(); code != 2 {
			t.Errorf("without --build-only the exit code is %d", code)
		}
		s := setup{env: wasm}.start(t, dir, "--build-only=out/app.wasm", ".")
		s.waitFor(`builds · out/app.wasm`)
		holds := func(want string) {
			t.Helper()
			s.eventually("app.wasm holds "+want, func() bool {
				text, err := os.ReadFile(filepath.Join(dir, "out", "app.wasm"))
				return err == nil && strings.HasPrefix(string(text), "\x00asm") && strings.Contains(string(text), want)
			})
		}
		s.save("version.go", "package main\n\nconst version = \"first words\"\n")
		holds("first words")
		s.save("version.go", "package main\n\nconst version = broken\n")
		s.waitFor(`build failed .*: out/app.wasm, now stale, stays as it is\nversion.go:3:17: undefined: broken`)
		holds("first words")
		s.save("version.go", "package main\n\nconst version = \"second words\"\n")
		holds("second words")
		s.waitFor(`builds: version.go → rebuild .*out/app.wasm`)
	})
	t.Run("a library, without a file", func(t *testing.T) {
		t.Parallel()
		dir := newModule(t, map[string]string{"lib/lib.go": "package lib\n\nfunc F() int { return 1 }\n"})
		s := start(t, dir, "--build-only", "./lib")
		s.waitFor(`builds`)
		s.save("lib/lib.go", "package lib\n\nfunc F() int { return x }\n")
		s.waitFor(`build failed (.|\n)*lib/lib.go:3:23: undefined: x`)
		s.save("lib/lib.go", "package lib\n\nfunc F() int { return 2 }\n")
		s.waitFor(`builds: lib/lib.go → rebuild`)
	})
	t.Run("a plugin", func(t *testing.T) {
		t.Parallel()
		if _, err := exec.LookPath("gcc"); err != nil || runtime.GOOS != "linux" {
			t.Skip("plugins need a C compiler, and are tried on Linux")
		}
		dir := newModule(t, map[string]string{"main.go": "package main\n\nfunc Word() string { return version }\n",
			"hotreload.toml": "package = \".\"\nbuild_only = \"p.so\"\nbuild_flags = [\"-buildmode=plugin\"]\n"})
		s := start(t, dir)
		s.waitFor(`builds .*p.so`)
		before, err := os.Stat(filepath.Join(dir, "p.so"))
		ensure(t, err)
		s.save("version.go", "package main\n\nconst version = \"another\"\n")
		s.waitFor(`builds: version.go → rebuild .*p.so`)
		if after, err := os.Stat(filepath.Join(dir, "p.so")); err != nil || os.SameFile(before, after) {
			t.Errorf("the plugin was not built, or was overwritten in place: %v", err)
		}
	})
}

// TestStartedInASymbolicLink: commands find the hotreload of a folder by each of its names.
func TestStartedInASymbolicLink(t *testing.T) {
	t.Parallel()
	for _, linked := range []bool{true, false} {
		name := map[bool]string{true: "started by the link", false: "started by the real name"}[linked]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			module := newModule(t, map[string]string{"main.go": paged, "page.html": " leaf", "sub/x.txt": ""})
			link := filepath.Join(filepath.Dir(module), "link")
			ensure(t, os.Symlink(module, link))
			at, other := module, link
			if linked {
				at, other = link, module
			}
			run := filepath.Join(t.TempDir(), "run")
			ensure(t, os.Mkdir(run, 0o700))
			s := setup{env: []string{"XDG_RUNTIME_DIR=" + run, "PWD=" + at}}.start(t, at, ".", "{addr}")
			s.serves("v1 leaf")
			s.waitFor(`generation 1 serves`)
			command := func(dir string, args ...string) string {
				t.Helper()
				cmd := exec.Command(os.Args[0], args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), beHotreload+"=1", "XDG_RUNTIME_DIR="+run, "PWD="+dir, "NO_COLOR=1")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Errorf("in %s, %q: %v\n%s", dir, args, err, out)
				}
				return string(out)
			}
			for _, dir := range []string{at, other, filepath.Join(other, "sub")} {
				if out := command(dir, "status"); !strings.Contains(out, "generation 1, serves") {
					t.Errorf("in %s: %s", dir, out)
				}
				command(dir, "wait")
			}
			for path, want := range map[string]string{
				"main.go": "rebuild", filepath.Join(other, "main.go"): "rebuild",
				filepath.Join(at, "main.go"): "rebuild",
				"page.html":                  "restart", filepath.Join(other, "page.html"): "restart",
				filepath.Join(at, "page.html"): "restart",
			} {
				for _, dir := range []string{at, other} {
					if out := command(dir, "explain", path); !strings.Contains(out, want) {
						t.Errorf("in %s, explain %s: %s", dir, path, out)
					}
				}
			}
			// A save by the other name takes effect, too.
			save(t, filepath.Join(other, "page.html"), " page")
			s.serves("v1 page")
			save(t, filepath.Join(other, "version.go"), version("v2", ""))
			command(other, "wait")
			if have, err := s.get("/"); have != "v2 page" {
				t.Errorf("after wait: %q, %v", have, err)
			}
		})
	}
}
