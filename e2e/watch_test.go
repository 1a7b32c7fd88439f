//go:build unix

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReloadignoreAtOnce(t *testing.T) {
	s := start(t, newModule(t, map[string]string{"extra.go": "package main\n"}), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.save(".reloadignore", "extra.go\n")
	s.save("extra.go", "package main\n\nfunc init() { println(1) }\n")
	s.save("version.go", version("v2", ""))
	s.waitFor(`generation 2 serves: version.go →`)
	if s.count("extra.go") > 0 {
		t.Error("an ignored file had an effect")
	}
	s.save(".reloadignore", "# nothing\n")
	s.save("version.go", version("v3", ""))
	s.waitFor(`generation 3 serves: version.go`)
	s.save("extra.go", "package main\n\nfunc init() { println(2) }\n")
	s.waitFor(`generation 4 serves: extra.go`)
}

// TestNewRulesInATree: ignore rules that are added to a folder apply at once, like those from the start.
func TestNewRulesInATree(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"assets/x/page.tmpl": "a", "assets/x/notes": "a"})
	s := startControlled(t, dir, "--watch", "assets", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.expectCommand(0, `notes → restart`, "explain", "assets/x/notes")
	s.save("assets/x/.reloadignore", "notes\n")
	eventually(t, "the new rule holds", func() bool {
		out, _ := s.command("explain", "assets/x/notes")
		return strings.Contains(out, "notes → none: ignored")
	})
	s.expectCommand(0, `page.tmpl → restart`, "explain", "assets/x/page.tmpl")
}

// Generated code is often ignored by git, but its changes count.
func TestGitignoredCodeCounts(t *testing.T) {
	dir := newModule(t, map[string]string{".gitignore": "version.go\n*.log\n"})
	s := start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.save("server.log", "x")
	s.save("version.go", version("v2", ""))
	s.serves("v2")
	s.waitFor(`generation 2 serves: version.go`)
}

func TestIgnoreFlag(t *testing.T) {
	s := start(t, newModule(t, map[string]string{"extra.go": "package main\n"}), "--ignore", "extra.go", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.save("extra.go", "package main\n\nfunc init() { println(1) }\n")
	s.save("version.go", version("v2", ""))
	s.waitFor(`generation 2 serves: version.go →`)
}

// A change of a file named by --watch restarts the workers with the present program.
func TestWatchFlagRestarts(t *testing.T) {
	code := `package main

import "os"

var version = func() string { text, _ := os.ReadFile("templates/deep/a.txt"); return string(text) }()

func boot() {}
`
	s := start(t, newModule(t, map[string]string{"version.go": code, "templates/deep/a.txt": "one"}), "-w", "templates",
		".", "{addr}")
	s.serves("one")
	s.waitFor(`generation 1 serves`)
	s.save("templates/deep/a.txt", "two")
	s.serves("two")
	line := s.waitFor(`generation 2 serves: templates/deep/a.txt → restart.*`)[0]
	if strings.Contains(line, "built") {
		t.Errorf("the program was built: %s", line)
	}
	s.save("templates/new/b.txt", "")
	s.waitFor(`generation 3 serves: templates/new.* → restart`)
}

func TestEmbeddedFiles(t *testing.T) {
	code := `package main

import (
	"embed"
	"fmt"
)

//go:embed static
var static embed.FS

var version = func() string {
	entries, _ := static.ReadDir("static")
	all := ""
	for _, e := range entries {
		text, _ := static.ReadFile("static/" + e.Name())
		all += fmt.Sprintf("%s=%s ", e.Name(), text)
	}
	return all
}()

func boot() {}
`
	s := start(t, newModule(t, map[string]string{"version.go": code, "static/a.txt": "1"}), ".", "{addr}")
	s.serves("a.txt=1 ")
	s.save("static/a.txt", "2")
	s.serves("a.txt=2 ")
	s.save("static/b.txt", "new")
	s.serves("a.txt=2 b.txt=new ")
	if err := os.Remove(filepath.Join(s.dir, "static/a.txt")); err != nil {
		t.Fatal(err)
	}
	s.serves("b.txt=new ")
}

// A go.work adds a neighbouring module.
func TestWorkspace(t *testing.T) {
	root := newModule(t, map[string]string{
		"go.work":        "go 1.25\n\nuse (\n\t./app\n\t./lib\n)\n",
		"app/go.mod":     "module example.com/app\n\ngo 1.25\n\nrequire example.com/lib v0.0.0\n",
		"app/main.go":    server,
		"app/version.go": "package main\n\nimport \"example.com/lib\"\n\nvar version = lib.Version\n\nfunc boot() {}\n",
		"lib/go.mod":     "module example.com/lib\n\ngo 1.25\n",
		"lib/lib.go":     "package lib\n\nconst Version = \"v1\"\n",
		"lib2/go.mod":    "module example.com/lib\n\ngo 1.25\n",
		"lib2/lib.go":    "package lib\n\nconst Version = \"other v1\"\n",
	})
	s := start(t, filepath.Join(root, "app"), ".", "{addr}")
	s.serves("v1")
	save(t, filepath.Join(root, "lib/lib.go"), "package lib\n\nconst Version = \"v2\"\n")
	s.serves("v2")
	save(t, filepath.Join(root, "go.work"), "go 1.25\n\nuse (\n\t./app\n\t./lib2\n)\n")
	s.serves("other v1")
	save(t, filepath.Join(root, "lib2/lib.go"), "package lib\n\nconst Version = \"other v2\"\n")
	s.serves("other v2")
}

// Every way in which tools save a file causes one reload, with the new content.
func TestWaysOfSaving(t *testing.T) {
	run := func(name string, args ...string) func(t *testing.T, path, content string) {
		return func(t *testing.T, path, content string) {
			if _, err := exec.LookPath(name); err != nil {
				t.Skipf("%s is not installed", name)
			}
			save(t, path+".src", content)
			cmd := exec.Command(name)
			for _, arg := range args {
				cmd.Args = append(cmd.Args, strings.NewReplacer("{src}", path+".src", "{path}", path).Replace(arg))
			}
			cmd.Dir = filepath.Dir(path)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
			}
		}
	}
	ways := []struct {
		name string
		save func(t *testing.T, path, content string)
	}{
		{"vim", run("vim", "-u", "NONE", "-N", "-es", "-c", "set backup writebackup", "-c", "%d", "-c", "0r {src}", "-c",
			"wq", "{path}")},
		{"vim without backup", run("vim", "-u", "NONE", "-N", "-es", "-c", "set nobackup nowritebackup", "-c", "%d", "-c",
			"0r {src}", "-c", "wq", "{path}")},
		{"mv", run("mv", "{src}", "{path}")},
		{"cp", run("cp", "{src}", "{path}")},
		{"sed -i", func(t *testing.T, path, content string) {
			run("sh", "-c", "sed -i 1,1000d {path}; cat {src} >> {path}")(t, path, content)
		}},
		{"in slow pieces", func(t *testing.T, path, content string) {
			file, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			for _, b := range []byte(content) {
				if _, err := file.Write([]byte{b}); err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"removed and written", func(t *testing.T, path, content string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			save(t, path, content)
		}},
	}
	s := start(t, newModule(t, nil), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			way.save(t, filepath.Join(s.dir, "version.go"), version(way.name, ""))
			s.serves(way.name)
			s.waitFor(`generation \d+ serves: version.go`)
		})
	}
}

// The package's folder is removed, as in a rebase, and comes back.
func TestFolderVanishes(t *testing.T) {
	root := newModule(t, map[string]string{
		"cmd/app/main.go":    server,
		"cmd/app/version.go": version("v1", ""),
	})
	for _, name := range []string{"main.go", "version.go"} {
		if err := os.Remove(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, root, "./cmd/app", "{addr}")
	s.waitFor(`generation 1 serves`)
	if err := os.Rename(filepath.Join(root, "cmd"), filepath.Join(root, "away")); err != nil {
		t.Fatal(err)
	}
	s.waitFor(`build failed .*generation 1, now stale, keeps serving`)
	s.serves("v1")
	save(t, filepath.Join(root, "away/app/version.go"), version("v2", ""))
	if err := os.Rename(filepath.Join(root, "away"), filepath.Join(root, "cmd")); err != nil {
		t.Fatal(err)
	}
	s.serves("v2")
}

// With --poll there are no events, and saves are still noticed.
func TestPollFlag(t *testing.T) {
	s := startControlled(t, newModule(t, nil), "--poll=200ms", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	const polled = "→ rebuild: compiled into example.com/app · reaches 1 package and 1 worker · " +
		"polled: every 200ms: it was asked for · last build: go build"
	if out, _ := s.command("explain", "version.go"); !strings.Contains(out, polled) {
		t.Errorf("explain says %q", out)
	}
	for i := 2; i < 5; i++ {
		s.save("version.go", version(fmt.Sprint("v", i), ""))
		s.serves(fmt.Sprint("v", i))
		s.waitFor(fmt.Sprintf(`generation %d serves: version.go`, i))
	}
}

// While hotreload is stopped, more events occur than the kernel's queue can hold (16384), with the save as the last.
// The save is not lost, and nothing is built twice.
func TestEventsOverflowWhileStopped(t *testing.T) {
	s := start(t, newModule(t, nil), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var files [2]*os.File
	for i := range files {
		var err error
		if files[i], err = os.Create(filepath.Join(s.dir, fmt.Sprint("noise", i))); err != nil {
			t.Fatal(err)
		}
		defer files[i].Close()
	}
	for i := range 20_000 { // alternating, because the kernel merges two equal events in a row
		fmt.Fprintln(files[i%2], i)
	}
	s.save("version.go", version("v2", ""))
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.serves("v2")
	s.waitFor(`generation 2 serves: version.go`)
	s.save("version.go", version("v3", ""))
	s.waitFor(`generation 3 serves: version.go`)
}
