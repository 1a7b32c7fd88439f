// Package e2e tests hotreload as a whole. The test binary runs itself as the command hotreload, on real programs below
// testdata and in temporary modules. The tests check what a user sees: answers of the server, lines on the terminal,
// exit codes, remaining processes. The package has no code of its own. hotreload_test.go starts sessions; each other
// file contains the tests of one subject.
package e2e
