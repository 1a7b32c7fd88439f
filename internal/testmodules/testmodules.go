// Package testmodules is for tests with third-party modules. Such a test is skipped if go cannot download the modules,
// and for no other reason: a missing folder or a broken program fails it.
package testmodules

import (
	"strings"
	"testing"
)

// Offline reports whether a go command that printed output had no access to modules.
func Offline(output string) bool {
	return strings.Contains(output, "dial tcp") || strings.Contains(output, "module lookup disabled")
}

// Require skips the test if a go command ended with err because modules cannot be downloaded, and fails it if the
// command ended with another error. Output is what the command printed.
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
