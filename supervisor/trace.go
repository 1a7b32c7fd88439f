package supervisor

import (
	"regexp"

	"hotreload/process"
)

// tracebackExit is the exit code of a Go program ended by the runtime.
const tracebackExit = 2

var traceStart = regexp.MustCompile(`(?m)^(?:panic: |fatal error: )`)

// traceIn returns the panic or fatal error at a worker's end, with everything printed later. The runtime prints this
// error last, so earlier panics were recovered. For other exit codes the text is not trusted, because any program may
// print the same.
func traceIn(said string, exit process.Exit) string {
	if exit.Code != tracebackExit && exit.Signal == 0 {
		return ""
	}
	starts := traceStart.FindAllStringIndex(said, -1)
	if len(starts) == 0 {
		return ""
	}
	return said[starts[len(starts)-1][0]:]
}
