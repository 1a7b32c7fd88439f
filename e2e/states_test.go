//go:build unix

package e2e

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/internal/testmodules"
)

// statesFiles are the initial files of testdata/states.
var statesFiles = []string{
	"state/plain.json", "state/beside.json", "state/elsewhere.json", "state/renameio.json", "state/atomic.json",
	"state/child.json",
	"uploads/old.png", "cache/old.json", "logs/app.log", "tmp/none", "db/none",
	"templates/files.html", "templates/glob/a.html", "templates/fs.html", "templates/walk/a.md", "templates/walk/sub/b.md",
	"templates/first.html", "templates/each.html", "templates/jet/a.jet", "templates/pongo/a.html",
	"settings/start.txt", "settings/init.txt", "static/http.css", "static/gin.css", "static/echo.css", "static/fiber.css",
}

// startStates starts the program below dir, through a command if u has one. It skips the test if the modules are
// missing.
func startStates(t *testing.T, dir string, u setup) *session {
	t.Helper()
	for _, name := range statesFiles {
		save(t, filepath.Join(dir, name), "one")
	}
	save(t, filepath.Join(dir, "settings/viper.yaml"), "word: one\n")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-w", "-o", filepath.Join(dir, "..", "program"), ".")
	build.Dir = dir // this takes minutes the first time
	out, err := build.CombinedOutput()
	testmodules.Require(t, err, string(out))
	u.env = append(u.env, "XDG_RUNTIME_DIR="+runtimeOf(t, dir))
	s := u.start(t, dir, "-v", "--strategy", "stop-first", ".", "{addr}")
	s.waitForWithin(5*patience, `generation 1 serves`)
	return s
}

// deed is an action, with the effect that a user expects.
type deed struct {
	what string
	do   func(s *session)
	see  string // the name whose state must be "two" afterwards
	new  bool   // from a new worker
}

// asks returns a request to the program.
func asks(name string) func(*session) {
	return func(s *session) {
		if _, err := s.get("/do?name=" + url.QueryEscape(name)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// edits returns a save by a person.
func edits(path, text string) func(*session) { return func(s *session) { s.save(path, text) } }

// statesDeeds lists programs and deeds.
func statesDeeds() (all []deed) {
	stays := func(what string) { all = append(all, deed{what: what, do: asks(what)}) }
	for _, what := range []string{
		"plain", "beside", "elsewhere", "renameio", "atomic", "embedded", "child", // state that was read at the start
		"mkdir", "upload", "remove", // in a folder that was listed
		"log", "rotate", "sqlite", "bolt", "badger", "autocert",
	} {
		stays(what)
		stays(what) // again: now another file is overwritten
	}
	restart := func(what, path string) {
		all = append(all, deed{what: what, do: edits(path, "two"), see: what, new: true})
	}
	restart("ParseFiles", "templates/files.html")
	restart("ParseFS", "templates/fs.html")
	restart("start", "settings/start.txt")
	restart("init", "settings/init.txt")
	restart("first use", "templates/first.html")
	restart("jet", "templates/jet/a.jet")
	restart("pongo2", "templates/pongo/a.html")
	restart("state-plain", "state/plain.json")
	restart("state-renameio", "state/renameio.json")
	live := func(what, path, text string) {
		all = append(all, deed{what: what, do: edits(path, text), see: what})
	}
	live("each use", "templates/each.html", "two")
	live("viper", "settings/viper.yaml", "word: two\n")
	live("http.FileServer", "static/http.css", "two")
	live("gin", "static/gin.css", "two")
	live("echo", "static/echo.css", "two")
	restart("fiber", "static/fiber.css") // fasthttp keeps opened files for 10 s
	return append(all,
		deed{what: "a new template of a glob", do: edits("templates/glob/b.html", "new"), new: true},
		deed{what: "another file in its folder", do: edits("templates/glob/README", "new")},
		deed{what: "a new file in a new folder of a tree that was walked", do: edits("templates/walk/new/c.md", "new"),
			new: true},
		deed{what: "a folder in it", do: func(s *session) {
			_ = os.Mkdir(filepath.Join(s.dir, "templates/walk/empty"),
				0o777)
		}},
		deed{what: "a person's upload", do: edits("uploads/by-hand.png", "png")},
	)
}

// check does the action and checks its effect.
func (d deed) check(t *testing.T, s *session) {
	t.Helper()
	seen := func() string {
		have, err := s.get("/see?name=" + url.QueryEscape(d.see))
		if err != nil {
			t.Fatal(err)
		}
		return have
	}
	if d.see != "" { // twice: after this, hotreload knows that the file is read for each use
		seen()
		seen()
		s.tell("wait")
		s.knowsUse(d)
	}
	before := s.pid()
	d.do(s)
	if out, code := s.tell("wait", "--timeout", "60s"); code != 0 {
		t.Fatalf("%s: wait: exit code %d, %s", d.what, code, out)
	}
	if now := s.pid(); (now != before) != d.new {
		t.Errorf("%s: worker %d, then %d; want a new one: %v", d.what, before, now, d.new)
	}
	if d.see != "" {
		if have := seen(); have != "two" {
			t.Errorf("%s: the program has %q, want two", d.what, have)
		}
	}
}

// tell is command for a hotreload that knows its folder by another name.
func (s *session) tell(args ...string) (string, int) {
	return s.command(append(args, "--pid", fmt.Sprint(s.cmd.Process.Pid))...)
}

// knowsUse waits until hotreload knows that a file is read for each use.
func (s *session) knowsUse(d deed) {
	if d.new {
		return
	}
	for range 100 {
		out, _ := s.tell("explain")
		if !strings.Contains(out, "each.html → restart") && !strings.Contains(out, ".css → restart") {
			return
		}
		_, _ = s.get("/see?name=" + url.QueryEscape(d.see))
	}
}

// TestStates: programs that keep state, upload, log, and have databases, templates, settings and static files, in the
// ways of popular libraries.
func TestStates(t *testing.T) {
	t.Parallel()
	s := startStates(t, copyOf(t, "testdata/states"), setup{})
	for _, d := range statesDeeds() {
		d.check(t, s)
	}
	if t.Failed() {
		out, _ := s.tell("explain")
		t.Log(out)
	}
}
