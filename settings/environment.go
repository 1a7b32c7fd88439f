package settings

import "os"

// Variable is a variable of hotreload's own environment that it reads.
type Variable struct {
	Names string // as written in the reference
	Doc   string
	name  string
}

// Variables returns all variables, in the order of the reference.
func Variables() []Variable { return []Variable{Cache, Colors, ForGo, Given, Upward} }

var (
	Cache = Variable{
		Names: "`HOTRELOAD_CACHE`", name: "HOTRELOAD_CACHE",
		Doc: "The folder for the binaries, instead of `hotreload` in the user's cache folder.",
	}
	Colors = Variable{Names: "`NO_COLOR`, `TERM=dumb`", name: "NO_COLOR", Doc: "No colours."}
	ForGo  = Variable{
		Names: "`GOFLAGS`, `GOOS`, `CGO_ENABLED`, …", name: "GOFLAGS",
		Doc: "As for `go build`. `-ldflags` in GOFLAGS are kept and joined with hotreload's.",
	}
)

var (
	// Given is read by package supervisor, Upward by package process.
	Given = Variable{
		Names: "`LISTEN_FDS`, `LISTEN_PID`, `LISTEN_FDNAMES`", name: "LISTEN_FDS",
		Doc: "The sockets of systemd's socket activation (`systemd-socket-activate -l 8080 hotreload .`). Workers get " +
			"them as if by `--listen`. Of several services, the one with the socket's name gets it, else the first one.",
	}
	Upward = Variable{
		Names: "`NOTIFY_SOCKET`", name: "NOTIFY_SOCKET",
		Doc: "hotreload sends systemd `READY=1` when all services serve, `RELOADING=1` and `READY=1` when a generation " +
			"replaces another one or after SIGHUP, and `STOPPING=1` (`Type=notify`, `Type=notify-reload`; Linux).",
	}
)

// Value returns the variable's value.
func (v Variable) Value() string { return os.Getenv(v.name) }
