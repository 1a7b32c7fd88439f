package inspect

// Tracing is what a debugger does with a process.
type Tracing uint8

const (
	Untraced Tracing = iota // no debugger is attached, as far as the system tells
	Traced                  // a debugger is attached, and the process runs
	Stopped                 // a debugger has stopped the process
)

// TracingOf returns what debuggers do with a process or its descendants. The process may be a debugger with the program
// as its child, so the greatest value counts.
func TracingOf(pid int) Tracing { return tracingOf(pid) }
