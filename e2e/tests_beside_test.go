//go:build unix

package e2e

import (
	"strings"
	"testing"
)

// forIdle is the limit of waits for processes that run only while no other wants a processor.
const forIdle = 5 * patience

// TestTestsBeside: with --test, the affected tests run after the new code serves; failures are problems, and wait
// --tests waits for the results. A saved test replaces nothing. The key t ends all this. The test is not parallel: `go
// test` at low priority would get no processor beside other tests.
func TestTestsBeside(t *testing.T) {
	const textTest = "package text\n\nimport \"testing\"\n\nfunc TestN(t *testing.T) {\n\tif N != 1 {\n" +
		"\t\tt.Error(\"N is\", N)\n\t}\n}\n"
	dir := newModule(t, map[string]string{
		"text/text.go":      "package text\n\nconst N = 1\n",
		"text/text_test.go": textTest,
		"use.go":            "package main\n\nimport \"example.com/app/text\"\n\nfunc init() { println(text.N) }\n",
	})
	s := setup{terminal: true, env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, "--test", "-v", ".",
		"{addr}")
	s.waitFor(`generation 1 serves`)
	is := func(wantCode int, want string, args ...string) {
		t.Helper()
		if out, code := s.command(args...); code != wantCode || !strings.Contains(out, want) {
			t.Errorf("%v: have exit code %d and %q, want %d and %q", args, code, out, wantCode, want)
		}
	}
	s.saveAtOnce("text/text.go", "package text\n\nconst N = 2\n")
	s.waitFor(`generation 2 serves`)
	s.waitForWithin(forIdle, `text/text_test.go:7: TestN: N is 2\n`)
	s.waitForWithin(forIdle, `tests fail: 1 of 1 test: .*after the save\n`)
	is(1, "text/text_test.go:7: TestN: N is 2", "wait", "--tests")
	is(1, "text/text_test.go:7: TestN: N is 2", "problems")
	is(0, "1 problem", "status")
	is(0, "text/text_test.go → test: ", "explain", "text/text_test.go")

	s.saveAtOnce("text/text_test.go", strings.ReplaceAll(textTest, "1", "2"))
	s.waitFor(`text/text_test.go written → test: `)
	s.waitForWithin(forIdle, `tests pass: text/text_test.go`)
	is(0, "tests pass", "wait", "--tests")
	is(0, "", "problems")
	if strings.Contains(s.text(), "generation 3 ") {
		t.Error("a saved test has replaced the program")
	}

	s.press("t")
	s.waitFor(`tests on save are off\n`)
	is(1, "tests on save are off", "wait", "--tests")
	is(0, "text/text_test.go → none: ", "explain", "text/text_test.go")
}
