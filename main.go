// Command hotreload keeps a Go server running while its source changes. README.md is for users, CONTRIBUTING.md and
// docs/architecture.md are for people who change hotreload. In short:
//
//	main -> cli -> settings, control -> runner -> watch, supervisor, gobuild -> process
//
// No import goes up: rooms_test.go lists the allowed ones.
package main

import (
	"os"

	"hotreload/cli"
	"hotreload/process"
)

func main() {
	if code, helper := process.Helper(os.Args); helper {
		os.Exit(code)
	}
	os.Exit(cli.Main(os.Args[1:], os.Environ()))
}
