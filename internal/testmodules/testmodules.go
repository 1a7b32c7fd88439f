// Package testmodules is for tests with third-party modules. Such a test is skipped if go cannot download the modules.
// Any other fault, such as a missing folder or a broken program, fails the test.
package testmodules

import (
	"strings"
	"testing"
)

// Offline reports whether a go command with this output had no access to modules.
func Offline(output string) bool {
	return strings.Contains(output, "dial tcp") || strings.Contains(output, "module lookup disabled")
}

// Require skips the test if a go command ended with err because go cannot download modules, and fails the test after
// any other error. Output is the command's output.
func Require(t testing.TB, err error, output string) {
	t.Helper()
	switch {
	case err == nil:
	case Offline(output):
		t.Skipf("go cannot download the modules of this test:\n%s", output)
	default:
		t.Fatalf("%v\n%s", err, output)
	}
}
