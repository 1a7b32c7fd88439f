//go:build unix

package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// TestTestOnSave: hotreload test runs all tests, then those affected by a save. It prints failures and compiler errors
// with their places, and ends with exit code 0.
func TestTestOnSave(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{
		"text/text.go":   "package text\n\nconst N = 1\n",
		"store/store.go": "package store\n\nimport \"example.com/app/text\"\n\nconst N = text.N\n",
		"store/some_test.go": "package store\n\nimport \"testing\"\n\nfunc TestN(t *testing.T) {\n\tif N != 1 {\n" +
			"\t\tt.Error(\"N is\", N)\n\t}\n}\n",
	})
	s := start(t, dir, "test", "./store", "./text")
	s.waitFor(`testing 1 package\n`)
	s.waitFor(`tests pass · 1 test in 1 package · .* after the start\n`)
	s.saveAtOnce("text/text.go", "package text\n\nconst N = 2\n")
	s.waitFor(`store/some_test.go:7: TestN: N is 2\n`)
	s.waitFor(`tests fail: 1 of 1 test: text/text.go · in 1 package · .* after the save\n`)
	s.saveAtOnce("text/text.go", "package text\n\nconst N = nothing\n")
	s.waitFor(`text/text.go:3:11: undefined: nothing\n`)
	s.waitFor(`tests fail: 1 package cannot be tested: text/text.go`)
	s.saveAtOnce("text/text.go", "package text\n\nconst N = 1\n")
	s.waitFor(`tests pass: text/text.go · 1 test in 1 package`)
	s.signal(syscall.SIGTERM)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}

	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"test -- -c", "-c cannot be used", 2},
		{"test --workers 2", "--workers means nothing for hotreload test", 2},
		{"test ./... -short", "-short stands after a package", 2},
		{"test ./nowhere", "no such package: ./nowhere", 2},
	} {
		out, code := runCommand(t, dir, runtimeOf(t, dir), strings.Fields(c.args)...)
		if !strings.Contains(out, c.want) || code != c.code {
			t.Errorf("%s: have exit code %d and %q, want %d and %q", c.args, code, out, c.code, c.want)
		}
	}
}
