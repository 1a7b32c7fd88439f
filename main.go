// Command hotreload keeps a Go server running while its source changes. The README is for its users; DESIGN in short:
// main -> cli -> runner -> { watch, supervisor, gobuild } -> process, with ignore beside. No import runs upward.
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
