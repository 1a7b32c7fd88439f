//go:build unix

package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hotreload/control"
	"hotreload/internal/testmodules"
	"hotreload/problems"
)

// crashing panics on request, in a function of its own that the standard library calls. Its stack is longer than the
// printed part of a worker's last output.
const crashing = `package main

import (
	"slices"
	"net/http"
)

func init() {
	http.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { go sortBadly(80) })
}

func sortBadly(depth int) {
	if depth > 0 {
		sortBadly(depth - 1)
		return
	}
	slices.SortFunc([]int{2, 1}, func(a, b int) int {
		panic("cannot compare")
	})
}
`

// problems runs `hotreload problems` in a folder below the session's, and returns the output and the exit code.
func (s *session) problems(below string, args ...string) (string, int) {
	s.t.Helper()
	out, code := runCommand(s.t, filepath.Join(s.dir, below), s.runtime(), append([]string{"problems"}, args...)...)
	return strings.TrimSpace(out), code
}

// TestProblemsAsData: compiler errors, a generator's messages and a worker's panic are reported with file, line and
// column by events, status and wait, and by hotreload problems, with paths relative to the folder in which it runs.
func TestProblemsAsData(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{
		"crash.go": crashing, "sub/sub.go": "package sub\n", "words.in": "fine",
		"hotreload.toml": "[[rule]]\nmatch = \"words.in\"\nrun = \"sh check.sh\"\nclass = \"none\"\n",
		"check.sh":       "grep -q fine words.in || { echo 'words.in:1:3: is not fine'; exit 1; }\n",
	})
	s := setup{env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	next, _ := s.follow()
	if have, code := s.problems(""); have != "" || code != 0 {
		t.Fatalf("without problems: have %q and exit code %d", have, code)
	}

	s.save("version.go", "package main\n\nconst version = undefined\n\nfunc boot() { x }\n")
	event := next("build_failed")
	want := problems.Problem{File: filepath.Join(dir, "version.go"), Line: 3, Column: 17,
		Message: "undefined: undefined", Package: "example.com/app", Tool: problems.Go}
	if len(event.Diagnostics) != 2 || event.Diagnostics[0] != want {
		t.Errorf("build_failed: have %+v\nwant %+v and another", event.Diagnostics, want)
	}
	if now := next("problems"); !slices.Equal(now.Diagnostics, event.Diagnostics) {
		t.Errorf("problems: have %+v, want those of build_failed", now.Diagnostics)
	}
	if late, _ := s.follow(); len(late("").Diagnostics) != 2 {
		t.Error("a later listener does not get the problems first")
	}
	text := "version.go:3:17: undefined: undefined\nversion.go:5:15: undefined: x"
	if have, code := s.problems(""); have != text || code != 1 {
		t.Errorf("have exit code %d and\n%s\nwant 1 and\n%s", code, have, text)
	}
	if have, _ := s.problems("sub", "--wait"); have != strings.ReplaceAll(text, "version.go", "../version.go") {
		t.Errorf("below: have\n%s", have)
	}
	s.saysProblems(want)

	s.save("version.go", version("v2", ""))
	s.serves("v2")
	if now := next("problems"); now.Diagnostics == nil || len(now.Diagnostics) != 0 {
		t.Errorf("after the repair: have %#v, want an empty list", now.Diagnostics)
	}
	s.save("words.in", "bad")
	if have, code := s.problems("", "--wait"); have != "words.in:1:3: is not fine" || code != 1 {
		t.Errorf("a generator: have %q and exit code %d", have, code)
	}
	if event := next("build_failed"); len(event.Diagnostics) != 1 || event.Diagnostics[0].Tool != "sh" {
		t.Errorf("a generator: have %+v", event.Diagnostics)
	}
	s.save("words.in", "fine")
	if have, code := s.problems("", "--wait"); have != "" || code != 0 {
		t.Errorf("repaired: have %q and exit code %d", have, code)
	}

	_, _ = s.get("/panic")
	event = next("worker_died")
	if len(event.Diagnostics) != 1 || event.Diagnostics[0].Package != "example.com/app" {
		t.Errorf("a panic: have %+v", event.Diagnostics)
	}
	s.serves("v2")
	if have, code := s.problems(""); have != "crash.go:18: panic: cannot compare" || code != 1 {
		t.Errorf("a panic: have %q and exit code %d", have, code)
	}
	s.save("version.go", version("v3", "panic(\"at the start\")"))
	want3 := "version.go:6: panic: at the start\ncrash.go:18: panic: cannot compare"
	if have, code := s.problems("", "--wait"); have != want3 || code != 1 {
		t.Errorf("a panic at the start: have %q and exit code %d", have, code)
	}
	s.save("version.go", version("v4", "os.Exit(3)"))
	if have, _ := s.problems("", "--wait"); !strings.HasPrefix(have, "hotreload: exit code 3\n") {
		t.Errorf("an exit without output: have %q", have)
	}
	s.save("version.go", version("v5", ""))
	s.serves("v5")
	if have, code := s.problems("", "--wait"); have != "" || code != 0 {
		t.Errorf("at the end: have %q and exit code %d", have, code)
	}
	s.brokenSettings(next)
}

// brokenSettings breaks and mends hotreload.toml, which a running hotreload reads again.
func (s *session) brokenSettings(next func(event string) control.News) {
	s.t.Helper()
	broken := func(event control.News) bool {
		return len(event.Diagnostics) == 1 && event.Diagnostics[0].File == filepath.Join(s.dir, "hotreload.toml")
	}
	s.save("hotreload.toml", "quiet = true\ncolour = true\n")
	for !broken(next("problems")) { // those before are of earlier changes
		continue
	}
	if have, code := s.problems(""); have != `hotreload.toml:2: unknown key "colour"` || code != 1 {
		s.t.Errorf("broken settings: have %q and exit code %d", have, code)
	}
	s.save("hotreload.toml", "quiet = true\n")
	if event := next("problems"); len(event.Diagnostics) != 0 {
		s.t.Errorf("mended settings: have %+v", event.Diagnostics)
	}
	if have, code := s.problems(""); have != "" || code != 0 {
		s.t.Errorf("mended settings: have %q and exit code %d", have, code)
	}
}

// saysProblems checks that status and wait report a problem, and that hotreload's SARIF is valid.
func (s *session) saysProblems(want problems.Problem) {
	s.t.Helper()
	for _, command := range []string{"status", "wait"} {
		out, _ := s.command(command, "--json")
		var all control.Services
		if err := json.NewDecoder(strings.NewReader(out)).Decode(&all); err != nil {
			s.t.Errorf("%s: %v in %s", command, err, out)
		} else if have := all.Services[0].Problems; len(have) == 0 || have[0] != want {
			s.t.Errorf("%s: have %+v, want %+v", command, have, want)
		}
	}
	out, code := s.problems("sub", "--format", "sarif")
	if code != 1 || !strings.Contains(out, `"uri": "file://`+want.File+`"`) {
		s.t.Errorf("SARIF in a folder below: exit code %d and %s", code, out)
	}
	validSARIF(s.t, out)
	if out, _ = s.problems("", "--format", "sarif"); !strings.Contains(out, `"uri": "version.go"`) {
		s.t.Errorf("SARIF: %s", out)
	}
	validSARIF(s.t, out)
}

// validSARIF checks a log with the schema that OASIS has published.
func validSARIF(t *testing.T, log string) {
	t.Helper()
	check := func(log string) (string, error) {
		command := exec.Command("go", "run", "-buildvcs=false", ".")
		command.Dir, command.Stdin = "testdata/sarif", strings.NewReader(log)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	out, err := check(log)
	if err != nil && testmodules.Offline(out) {
		t.Logf("the schema was not checked, because its module cannot be downloaded:\n%s", out)
		return
	}
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, out, log)
	}
	if out, err := check(strings.Replace(log, `"results"`, `"findings"`, 1)); err == nil {
		t.Errorf("the schema accepts an invalid log: %s", out)
	}
}

// TestPanicInATerminal: in a terminal, a worker's stdout and stderr are the same, and its panic has a place, too. wait
// prints the place in front of the stack, relative to the folder of the command.
func TestPanicInATerminal(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"sub/sub.go": "package sub\n"})
	s := setup{terminal: true, env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.save("version.go", version("v2", "panic(\"at the start\")"))
	want := "../version.go:6: panic: at the start"
	if have, code := s.problems("sub", "--wait"); have != want || code != 1 {
		t.Errorf("have %q and exit code %d, want %q", have, code, want)
	}
	out, code := runCommand(t, filepath.Join(dir, "sub"), s.runtime(), "wait")
	if code != 1 || !strings.Contains(out, "is stale:\n"+want+"\nexit code 2\npanic: at the start") ||
		!strings.Contains(out, "goroutine 1 [running]") {
		t.Errorf("wait: exit code %d and %s", code, out)
	}
	s.save("version.go", "package main\n\nconst version = undefined\n\nfunc boot() {}\n")
	out, code = runCommand(t, filepath.Join(dir, "sub"), s.runtime(), "wait")
	if code != 1 || !strings.Contains(out, "is stale:\n../version.go:3:17: undefined: undefined\n") {
		t.Errorf("wait: exit code %d and %s", code, out)
	}
}

// TestProblemsOfServices: services with the same broken code share one problem, with their names; other services have
// none.
func TestProblemsOfServices(t *testing.T) {
	t.Parallel()
	program := "package main\n\nimport (\n\"example.com/app/lib\"\n\"time\"\n)\n\n" +
		"func main() { println(lib.Word); time.Sleep(time.Hour) }\n"
	dir := newModule(t, map[string]string{
		"lib/lib.go": "package lib\n\nconst Word = \"one\"\n", "cmd/a/main.go": program, "cmd/b/main.go": program,
		"cmd/c/main.go": "package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n",
	})
	s := setup{env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, "./cmd/a", "./cmd/b", "./cmd/c")
	for _, name := range []string{"a", "b", "c"} {
		s.eventually(name+" runs", func() bool { return s.count(`hotreload `+name+`\] generation 1 is running`) == 1 })
	}
	s.save("lib/lib.go", "package lib\n\nconst Word = one\n")
	want := "lib/lib.go:3:14: undefined: one"
	for _, c := range []struct {
		services []string
		want     string
		code     int
	}{{nil, want, 1}, {[]string{"a", "b"}, want, 1}, {[]string{"b"}, want, 1}, {[]string{"c"}, "", 0}} {
		if have, code := s.problems("", append(c.services, "--wait")...); have != c.want || code != c.code {
			t.Errorf("of %v: have %q and exit code %d", c.services, have, code)
		}
	}
	out, _ := s.problems("", "--json")
	var all control.Problems
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all.Problems) != 1 ||
		!slices.Equal(all.Problems[0].Services, []string{"a", "b"}) {
		t.Errorf("%v: have %s", err, out)
	}
	if out, code := s.problems("", "d"); code != 2 || !strings.Contains(out, "no such service") {
		t.Errorf("exit code %d and %s", code, out)
	}
}

func TestProblemsWhereNothingRuns(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	out, code := runCommand(t, dir, runtimeOf(t, dir), "problems")
	if code != 1 || !strings.Contains(out, "no hotreload runs here") || !strings.Contains(out, "hint: ") {
		t.Errorf("exit code %d and %s", code, out)
	}
	out, code = runCommand(t, dir, runtimeOf(t, dir), "problems", "--format", "xml")
	if code != 2 || !strings.Contains(out, `"xml" is none of text, json, sarif`) {
		t.Errorf("exit code %d and %s", code, out)
	}
}
