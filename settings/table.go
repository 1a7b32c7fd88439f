package settings

import (
	"strings"
	"time"

	"hotreload/debugger"
	"hotreload/supervisor"
	"hotreload/watch"
)

// The table of all settings. To add one:
//
//  1. Add a row here, in its group. The flag, the key in hotreload.toml, --help, the reference (go test ./settings
//     -update writes it) and the reaction to a change while hotreload runs come from the row.
//  2. Use it where it takes effect: settings.NAME.Of(values). If the runner needs it, add it to Wishes.service, and for
//     AtOnce to runner.takeOver.
//
// Rows must not use other rows: Values.check checks combinations.

// Everyday.
var (
	Listen = parsedList(supervisor.ParseAddress, Setting{
		Name: "listen", Short: "l", Group: Everyday, Where: ForEachService,
		Example: `["127.0.0.1:8080"]`,
		Help: "listen on this `address` for the program and hand over the socket: PORT, HOST:PORT, unix:PATH, " +
			"@NAME, or NAME=ADDRESS to name the socket; repeatable",
		Hint: "write PORT, HOST:PORT, unix:PATH or @NAME",
		Doc: "hotreload listens on this address for the program and hands the socket to every worker " +
			"(`LISTEN_FDS`). Allowed are `8080`, `:8080`, `127.0.0.1:8080`, `tcp4:…`, `tcp6:…`, `unix:PATH`, a " +
			"path, and `@NAME` (an abstract socket, Linux only). `NAME=` in front sets the socket's name in " +
			"`LISTEN_FDNAMES`. With port 0 the system picks a port once, and the service keeps that port.\n\n" +
			"When `listen` changes in the file, hotreload opens the new socket, replaces the workers, and closes " +
			"the old socket once no worker accepts on it. If the new socket cannot be opened, the service stays " +
			"on the old address and hotreload reports why.",
	})
	Workers = own(workerCount(1), countKind, Setting{
		Name: "workers", Group: Everyday, Where: ForEachService, Words: []string{"auto"},
		Example: "4",
		Help:    "run `n` worker processes that share the sockets; auto: one per processor",
		Hint:    `workers is a number, or "auto"`,
		Doc: "The number of worker processes that share the sockets. `auto` means one per processor, as Go counts " +
			"processors.",
	})
	Watch = paths(Setting{
		Name: "watch", Short: "w", Group: Everyday, Where: ForEachService,
		Example: `["templates"]`,
		Help:    "also watch this file or folder (`path`), and restart the workers when it changes; repeatable",
		Doc:     "Also watch this file or folder. A change restarts the workers.",
	})
	Ignore = list(Setting{
		Name: "ignore", Short: "i", Group: Everyday, Where: ForHotreload,
		Example: `["tmp"]`,
		Help: "ignore paths that match this `pattern` (gitignore syntax); overrides all .reloadignore files; " +
			"repeatable",
		Doc: "Ignore paths that match this pattern (gitignore syntax). The pattern overrides all ignore files.",
	})
	EnvFile = paths(Setting{
		Name: "env-file", Short: "e", Group: Everyday, Where: ForEachService,
		Example: `[".env"]`,
		Help: "set the program's variables from this file (`path`, .env syntax) and restart the workers when it " +
			"changes; variables in hotreload's own environment win; repeatable",
		Doc: "Set the program's environment variables from this file (`.env` syntax). Variables in hotreload's " +
			"own environment win. A change of the file restarts the workers. If several files set a variable, " +
			"the last file wins.",
	})
	Config = path(Setting{
		Name: "config", Short: "c", Group: Everyday, Where: CommandLine,
		Help: "configuration file (`path`), instead of the hotreload.toml in the module's root; none: use no file",
		Doc: "The configuration file to read, instead of `hotreload.toml` in the module's root. `none` means no " +
			"file.",
	})
	Stdin = truth(Setting{
		Name: "stdin", Group: Everyday, Where: ForEachService, Change: Pending,
		Example: "true",
		Help: "the program reads hotreload's stdin; from a terminal, the program gets a terminal of its own, and " +
			"hotreload's keys follow Ctrl-]",
		Doc: "The program reads hotreload's stdin. If stdin is a terminal, the program gets a terminal of its " +
			"own: it can draw and read single keys (see [the program's terminal](#the-programs-terminal)).",
	})
	Debug = truth(Setting{
		Name: "debug", Group: Everyday, Where: ForEachService,
		Example: "true",
		Help:    "keep debug information (DWARF) in the program, for dlv",
		Doc:     "Keep debug information (DWARF) in the program, for a debugger such as dlv.",
	})
	Debugger = parsed("", debugger.ParseAddress, Setting{
		Name: "debugger", Group: Everyday, Where: ForEachService, Change: Pending, Bare: debugger.DefaultAddress,
		Example: `"127.0.0.1:2345"`,
		Help: "let an editor attach its debugger at this `address` (127.0.0.1:2345): breakpoints and the session " +
			"survive every save; needs dlv",
		Hint: "write PORT or HOST:PORT with a host of this machine: 127.0.0.1:2345",
		Doc: "Let an editor attach its debugger at this address of this machine: `2345`, `localhost:2345`, " +
			"`[::1]:2345`. The editor attaches once; breakpoints and the session survive every save. Until an editor " +
			"connects, nothing is different. See [the debugger](debugger.md). If several services have the same " +
			"address, the first one gets the address.",
	})
	DebuggerAll = truth(Setting{
		Name: "debugger-all", Group: Everyday, Where: ForEachService, Change: Pending,
		Example: "true",
		Help:    "while an editor debugs, compile all packages without optimisation, not only your own",
		Doc: "While an editor debugs, compile all packages without optimisation: the dependencies and the standard " +
			"library, too, not only those of your own modules.",
	})
	Test = truth(Setting{
		Name: "test", Group: Everyday, Where: ForHotreload,
		Example: "true",
		Help: "beside the program, run the tests that each save reaches: after the new code serves, at low priority; " +
			"key t switches this on and off",
		Doc: "Beside the program, run the tests that each save reaches: after the new code serves, at low priority, what " +
			"failed last time first. A newer save ends them. The key `t` switches this on and off. See " +
			"[testing](testing.md#beside-a-service).",
	})
	Clear = truth(Setting{
		Name: "clear", Group: Everyday, Where: ForHotreload,
		Example: "true",
		Help:    "clear the terminal before each reload; what was there is kept above, to scroll back to",
		Doc: "Clear the terminal before each reload: when a build or a replacement begins. What was on the screen is " +
			"kept above, to scroll back to. Without a terminal, and for a program that draws on the terminal, this " +
			"does nothing.",
	})
	Quiet = truth(Setting{
		Name: "quiet", Short: "q", Group: Everyday, Where: ForHotreload,
		Example: "true",
		Help:    "print only failures, and lines that ask you to do something",
		Doc:     "Print only failures, and lines that ask you to do something.",
	})
	Verbose = truth(Setting{
		Name: "verbose", Short: "v", Group: Everyday, Where: ForHotreload,
		Example: "true",
		Help: "print more: the class of each changed file and the reason, how the program was built, each " +
			"worker's start and end",
		Doc: "Print more: the class of each changed file and the reason, how the program was built, each worker's " +
			"start and end.",
	})
)

// How new workers replace old ones.
var (
	Strategy = parsed("auto", supervisor.ParseStrategy, Setting{
		Name: "strategy", Group: Replacing, Where: ForEachService, Words: supervisor.Strategies(),
		Example: `"rolling"`,
		Help: "how new workers replace old ones, by `name`: parallel, rolling, stop-first, or auto (parallel if " +
			"all sockets can be handed over, else stop-first)",
		Hint: "auto is right for most",
		Doc: "How new workers replace old ones:\n\n" +
			"- `parallel`: start all new workers; when all are ready, all old workers drain.\n\n" +
			"- `rolling`: replace one slot after the other.\n\n" +
			"- `stop-first`: stop all old workers, then start the new ones. Meanwhile, connections wait in the " +
			"accept queue.\n\n" +
			"- `auto`: `parallel` if every socket of the old workers can be handed over (by the agent or " +
			"`--listen`), else `stop-first`.",
	})
	Surge = number(1, zeroOrOne, Setting{
		Name: "surge", Group: Replacing, Where: ForEachService, Words: []string{"0", "1"},
		Example: "0",
		Help:    "for rolling: `n` = 1 starts the new worker before the old one exits, 0 after",
		Hint:    "1 starts the new worker first, 0 stops the old one first",
		Doc:     "For `rolling`: 1 starts the new worker before the old one exits, 0 starts it afterwards.",
	})
	Ready = parsed("auto", parseReady, Setting{
		Name: "ready", Group: Replacing, Where: ForEachService, Change: Pending,
		Words: []string{"auto", "notify", "http:/", "alive"}, Pattern: "^https?:/.",
		Example: `"http:/healthz"`,
		Help: "the `rule` for when a worker is ready: notify (READY=1), http:/path or a URL, alive (for 1s), or " +
			"auto",
		Hint: "auto is right for most",
		Doc: "When a worker counts as ready:\n\n" +
			"- `notify`: it sends `READY=1` to `$NOTIFY_SOCKET`.\n\n" +
			"- `http:/path`: it answers this path with a status below 400. hotreload sends the request to an " +
			"extra socket named `probe`, or else to the address on which the worker listens.\n\n" +
			"- `http://host:port/path`: this URL answers with a status below 400.\n\n" +
			"- `alive`: it has run for 1 s.\n\n" +
			"- `auto`: it sends `READY=1`, listens on a socket of its own (Linux), or has run for 1 s, whichever " +
			"comes first. Later generations are expected to become ready in the same way as the one before. A " +
			"worker that has only run for 1 s is reported as *running*, and as *serving* when it listens (Linux; " +
			"with the agent on macOS, too). With the agent, a worker must accept on all addresses of the generation " +
			"before, or for 300 ms on some of them; the first worker, for 50 ms on any, because a program with several " +
			"addresses opens one after the other.",
	})
	Grace = duration(supervisor.DefaultGrace, func(d time.Duration) bool { return d >= 0 }, Setting{
		Name: "grace", Group: Replacing, Where: ForEachService,
		Example: `"30s"`,
		Help:    "the `time` that an old worker has to finish its requests and exit; 0 kills it at once",
		Doc: "How long an old worker may take to finish its requests and exit. Then hotreload kills its process " +
			"group. `0s` kills at once.",
	})
	StreamGrace = duration(supervisor.DefaultStreamGrace, func(d time.Duration) bool { return d >= 0 }, Setting{
		Name: "stream-grace", Group: Replacing, Where: ForEachService,
		Example: `"2s"`,
		Help: "how long event streams and WebSockets on old workers live on after the new workers serve (`time`); " +
			"0 ends them at once",
		Doc: "How long [streams](#streams) on old workers live on after the new workers serve, in programs that " +
			"use net/http. `0s` ends them at once. `--grace` is an upper limit.",
	})
	Handover = duration(supervisor.DefaultHandover, longerThanNothing, Setting{
		Name: "handover", Group: Replacing, Where: ForEachService,
		Example: `"10s"`,
		Help: "the `time` that a new worker may stay unready beside an old one; then the old one exits first if " +
			"it holds a lock that the new one needs",
		Doc: "How long a new worker may stay unready beside an old one before hotreload suspects a lock. The time " +
			"runs from the first message of the worker's agent, or, if later, from when another worker of its " +
			"generation last connected or became ready. Then the old worker exits first, if it holds a lock that " +
			"the new one waits for, or if the new one waits for nothing visible. A new worker that computes, or " +
			"waits for a timer, the network or a child process, may take until `--start-timeout`, and the old " +
			"worker keeps serving. A new worker with a debugger attached is not suspected. See [programs that run only " +
			"alone](#programs-that-run-only-alone).",
	})
	StartTimeout = duration(supervisor.DefaultStartTimeout, longerThanNothing, Setting{
		Name: "start-timeout", Group: Replacing, Where: ForEachService,
		Example: `"1m"`,
		Help:    "the `time` that a worker has to become ready, if readiness can be seen",
		Doc: "How long a worker may take to become ready, if its readiness can be seen. The time stands still while a " +
			"debugger is attached to the worker.",
	})
	OnExit = parsed("auto", supervisor.ParseOnExit, Setting{
		Name: "on-exit", Group: Replacing, Where: ForEachService, Words: supervisor.OnExits(),
		Example: `"wait"`,
		Help: "what happens when the program exits with an error, by `name`: restart, wait (for the next save) or auto " +
			"(restart what has served)",
		Hint: "auto is right for most",
		Doc: "What happens when the program exits with an error:\n\n" +
			"- `restart`: it is restarted, at once or with a growing delay.\n\n" +
			"- `wait`: it is restarted at the next save, or by `r`.\n\n" +
			"- `auto`: a program that has served in this run is restarted. One that has not (a test, a tool, a start " +
			"that fails) waits. It is retried up to three times first if its last words name a network problem " +
			"(*connection refused*, *no such host*, *timeout*, *unavailable*), if it was killed, or if it had run for a " +
			"minute. An address in use is retried until it is free.",
	})
	StopSignal = parsed("auto", stopSignalNamed, Setting{
		Name: "stop-signal", Group: Replacing, Where: ForEachService, Words: stopSignals(),
		Pattern: "^([Ss][Ii][Gg])?[A-Za-z0-9]+$",
		Example: `"INT"`,
		Help:    "the `signal` that asks a worker to exit; auto: TERM, or INT for a program that handles only INT",
		Hint:    "write auto, TERM, INT, QUIT, HUP, USR1 or USR2",
		Doc: "The signal that asks a worker to exit: `TERM`, `INT`, `QUIT`, `HUP`, `USR1` or `USR2`. `auto` means " +
			"`TERM`, or `INT` for a Go program that handles `INT` but not `TERM`, as with `signal.Notify(c, " +
			"os.Interrupt)` (Linux, unless the program's symbols are stripped).",
	})
	MaxRSS = own(Size(0), sizeKind, Setting{
		Name: "max-rss", Group: Replacing, Where: ForEachService,
		Example: `"256MB"`,
		Help:    "replace a worker when it and its child processes use more memory than this `size` (256MB, 1GB)",
		Hint:    `a size is a string with a unit: "256MB", "1GB"`,
		Doc: "Replace a worker when it and its child processes use more memory than this: `256MB`, `1GB` (Linux). " +
			"hotreload checks every 5 s, and replaces one worker at a time. The new worker serves before the old " +
			"one exits.",
	})
	MaxAge = duration(0, func(d time.Duration) bool { return d == 0 || d >= time.Second }, Setting{
		Name: "max-age", Group: Replacing, Where: ForEachService,
		Example: `"1h"`,
		Help:    "replace a worker after it has served for this `time`, or up to a tenth less",
		Doc: "Replace a worker after it has served for this time, or up to a tenth less, so workers that started " +
			"together are not all replaced at the same moment.",
	})
	MaxRequests = number(0, notNegative, Setting{
		Name: "max-requests", Group: Replacing, Where: ForEachService,
		Example: "10000",
		Help:    "replace a worker after `n` requests, as counted by its agent",
		Hint:    "leave it out for no limit",
		Doc:     "Replace a worker after this many requests, as counted by its agent.",
	})
)

// Builds and watching.
var (
	Build = choice(Setting{
		Name: "build", Group: Building, Where: ForHotreload, Words: []string{"auto", "link", "go"},
		Example: `"go"`,
		Help: "the `way` to build: auto compiles only the packages that a change affects, and patches the last " +
			"program where possible; link never patches: the program is identical to go build's; go always " +
			"runs go build",
		Hint: "auto is right for most",
		Doc: "How to build. `link` compiles only the packages that a change affects, and links, if the program is " +
			"byte for byte the one of `go build`. In all other cases, and in every doubt, hotreload falls back " +
			"to `go build`. `auto` does the same, but leaves out the linker where possible: the new code is put " +
			"into a copy of the program that was linked last, and the linked program follows for comparison (Linux " +
			"on amd64; [what this means](speed.md#patching-instead-of-linking)). `go` always runs `go build`.",
	})
	BuildOnly = own(Only{}, onlyKind, Setting{
		Name: "build-only", Group: Building, Where: ForEachService, Change: Pending, Bare: "true",
		Example: `"bin/app"`,
		Help: "build at each save but run nothing; with a `path`, write the result to this file: for wasm, " +
			"plugins, deployments",
		Doc: "Build at each save, report whether the program compiles, and run nothing: for other systems " +
			"(`GOOS=js GOARCH=wasm`), plugins (`-buildmode=plugin`) and libraries. With a path " +
			"(`--build-only=bin/app`; in the file a string instead of `true`), hotreload writes the result to " +
			"this file, like `go build -o`, and replaces the file in one step. A failed build leaves the file " +
			"unchanged.",
	})
	NoAgent = truth(Setting{
		Name: "no-agent", Group: Building, Where: ForEachService, Change: Pending,
		Example: "true",
		Help:    "do not link the agent (it hands the program's listeners to the next worker)",
		Doc: "Do not link the agent into the program. The program then binds its own port, so old workers exit " +
			"before new ones start.",
	})
	Dir = path(Setting{
		Name: "dir", Group: Building, Where: ForEachService, Change: Pending,
		Example: `"cmd/web"`,
		Help:    "working folder (`path`) of the program, instead of the folder where hotreload was started",
		Doc: "The working folder of the program or the command. By default a program runs in the folder where " +
			"hotreload was started. If the program belongs to another module, outside the module there and its " +
			"go.work, it runs in the root of its own module. A command runs in the folder of hotreload.toml.",
	})
	Exec = own(Words(nil), wordsKind, Setting{
		Name: "exec", Group: Building, Where: ForEachService, Change: Pending,
		Example: `["sudo", "-E"]`,
		Help: "a `command` that runs the program: the binary's path and the program's arguments follow its own " +
			"arguments, as with go run -exec",
		Doc: "A command that runs the program, as with `go run -exec`: the binary's path and the program's " +
			"arguments follow the command's own arguments (`sudo -E`, `strace -f`, `rr record`, `op run --`, " +
			"`mirrord exec --`; a script that runs `setcap`). On the command line, put a command with spaces in " +
			"quotes. The agent works if the command passes its environment on. Signals reach the command and the " +
			"processes that it started. `os.Args[0]` is then the binary's path, and `LISTEN_PID` is correct only " +
			"if the command becomes the program (`exec \"$@\"`).",
	})
	NoGitignore = truth(Setting{
		Name: "no-gitignore", Group: Building, Where: ForHotreload,
		Example: "true",
		Help:    "do not apply .gitignore files",
		Doc:     "Do not apply `.gitignore` files.",
	})
	Poll = duration(0, func(d time.Duration) bool { return d == 0 || d >= 10*time.Millisecond }, Setting{
		Name: "poll", Group: Building, Where: ForHotreload, Change: Pending, Bare: watch.DefaultPoll.String(),
		Example: `"1s"`,
		Help: "check every file once per `time` instead of relying on the kernel's file events; without a time: " +
			"1s",
		Doc: "Check every file once per interval (1s) instead of relying on the kernel's file events. Network and " +
			"shared file systems that hotreload knows (nfs, smb, 9p and drvfs, fuse, virtiofs, vboxsf, …) do not " +
			"need this flag: hotreload polls them in any case.",
	})
)

// Pages in browsers: the flags, and the keys of [browser].
var (
	NoBrowser = truth(Setting{
		Name: "no-browser", Group: Browsers, Where: CommandLine,
		Help: "leave the program's pages alone: no reload, no errors in the page",
		Doc:  "Leave the program's pages alone: they get no script, and no path of the program is taken.",
	})
	Open = truth(Setting{
		Name: "open", Group: Browsers, Where: CommandLine,
		Help: "open the program's page in a browser once it serves",
		Doc: "Open the program's page in the default browser once it serves: by `https` if the program's first address " +
			"speaks TLS. The key is `open` in `[browser]`.",
	})

	BrowserEnabled = fileOnly[bool](truthKind, Setting{
		Name: "enabled", Where: InBrowser,
		Example: "false",
		Doc: "With `false`, pages get no script. A change takes effect in workers that start afterwards. " +
			"`--no-browser` does the same for one run.",
	})
	BrowserReload = text(Setting{
		Name: "reload", Where: InBrowser, Words: []string{"page", "morph", "off"},
		Example: `"morph"`,
		Doc: "What a page does when new code serves: `page` reloads it, `morph` fetches it and changes only what differs " +
			"if the page has Idiomorph or Turbo, and `off` shows a badge.",
	})
	BrowserCSS = fileOnly[bool](truthKind, Setting{
		Name: "css", Where: InBrowser,
		Example: "false",
		Doc:     "With `false`, a changed stylesheet reloads the page instead of being exchanged in it.",
	})
	BrowserOverlay = fileOnly[bool](truthKind, Setting{
		Name: "overlay", Where: InBrowser,
		Example: "false",
		Doc:     "With `false`, failed builds and crashes are shown as a badge in the page, not as an overlay.",
	})
	BrowserPanics = fileOnly[bool](truthKind, Setting{
		Name: "panics", Where: InBrowser,
		Example: "false",
		Doc: "With `false`, a handler that panics before it writes closes the connection, as net/http does. Otherwise " +
			"documents show the panic. A change takes effect in workers that start afterwards.",
	})
	BrowserCache = text(Setting{
		Name: "cache", Where: InBrowser, Words: []string{"revalidate", "off", "program"},
		Example: `"off"`,
		Doc: "What browsers are told about caching stylesheets, scripts and images: `revalidate` adds `Cache-Control: " +
			"no-cache` where the program sends no `Cache-Control`, `off` replaces what the program sends, and `program` " +
			"changes nothing. A change takes effect in workers that start afterwards.",
	})
	BrowserOpen = fileOnly[bool](truthKind, Setting{
		Name: "open", Where: InBrowser, Change: Pending,
		Example: "true",
		Doc:     "With `true`, open the program's page in the default browser once it serves, as `--open` does.",
	})
	BrowserEditor = text(Setting{
		Name: "editor", Where: InBrowser,
		Example: `"code -g {file}:{line}:{col}"`,
		Doc: "The command that opens a file from the overlay. It is run without a shell; `{file}`, `{line}` and `{col}` " +
			"are replaced. `auto` finds an installed editor, beginning with the one whose terminal hotreload runs in. " +
			"`none` opens nothing.",
	})
	BrowserConsole = text(Setting{
		Name: "console", Where: InBrowser, Words: []string{"auto", "off", "errors", "all"},
		Example: `"errors"`,
		Doc: "What the terminal and `hotreload events` show of the page's console: `errors` shows uncaught errors and " +
			"rejected promises, `all` also what the page logs. `auto` means `errors` if a coding agent runs hotreload, " +
			"else `off`.",
	})
	BrowserProxy = text(Setting{
		Name: "proxy", Where: InBrowser, Change: Pending,
		Example: `":7331"`,
		Doc: "For programs whose pages get no script, because their server is not net/http (Fiber, fasthttp) or they " +
			"are no Go program: listen on this address (`PORT`, which is on localhost only, or `HOST:PORT`), pass requests " +
			"on to the program, and put the script into documents. Open the pages there. With several services it stands " +
			"before the first.",
	})
	BrowserProxyTo = text(Setting{
		Name: "proxy_to", Where: InBrowser, Change: Pending,
		Example: `"localhost:5173"`,
		Doc: "Where the proxy passes requests on to. Without it, that is the first TCP address on which the service " +
			"listens, which hotreload knows if it holds the socket.",
	})
	BrowserReloadOn = fileOnly[[]string](listKind(), Setting{
		Name: "reload_on", Where: InBrowser,
		Example: `["api"]`,
		Doc: "Services for which the pages of all services reload, as for their own: when one of these serves new code, or " +
			"a file takes effect in it for which its own pages reload. Without it, a page follows its own service only.",
	})
	BrowserHosts = fileOnly[[]string](listKind(), Setting{
		Name: "hosts", Where: InBrowser,
		Example: `["my.tunnel.dev", "*.team.dev"]`,
		Doc: "Host names by which pages may be asked for, besides `localhost`, `*.localhost`, IP addresses and this " +
			"machine's name. Pages under other names get no script, which protects against DNS rebinding. Whoever comes " +
			"by one of these names sees source lines in the overlay, as browsers on this machine do. A change takes " +
			"effect in workers that start afterwards.",
	})
)

// For operators of shared machines.
var (
	User = text(Setting{
		Name: "user", Group: Operating, Where: ForEachService, Change: Pending,
		Example: `"app"`,
		Help:    "run the workers as this `user` (NAME, UID, NAME:GROUP); fail if that is not possible",
		Hint:    "--prefer-user falls back to your own user",
		Doc: "Run the workers as this user (`NAME`, `UID`, `NAME:GROUP`) with the user's groups, `HOME` and " +
			"`USER`. hotreload has to run as root. Such workers cannot bind ports below 1024 themselves; use " +
			"`--listen` for these.",
	})
	PreferUser = text(Setting{
		Name: "prefer-user", Group: Operating, Where: ForEachService, Change: Pending,
		Example: `"nobody"`,
		Help:    "run the workers as this `user` if possible, else as hotreload's own user",
		Doc: "Like `--user` if possible. Otherwise hotreload prints a warning and runs the workers as its own " +
			"user.",
	})
	Control = parsed("", parseControl, Setting{
		Name: "control", Group: Operating, Where: ForHotreload, Change: Pending,
		Example: `"7070"`,
		Help: "also accept commands on this TCP `address`, from clients with the token: PORT or HOST:PORT; PORT " +
			"alone listens on localhost",
		Hint: "write PORT or HOST:PORT",
		Doc: "Also accept [commands](#commands) on this TCP address, from clients that have the token. Without a " +
			"host, hotreload listens on localhost only.",
	})
	ControlToken = path(Setting{
		Name: "control-token", Group: Operating, Where: ForHotreload, Change: Pending,
		Example: `"token"`,
		Help: "file (`path`) with the token for --control, created if missing; default: a file in the user's " +
			"configuration folder",
		Doc: "The file with the token for `--control`: 32 random bytes in hexadecimal. Only you may be able to " +
			"read the file. hotreload creates it if it is missing. The default is `hotreload/token` in the " +
			"user's configuration folder.",
	})
	KillSwitch = path(Setting{
		Name: "kill-switch", Group: Operating, Where: ForHotreload, Change: Pending,
		Example: `"disabled.json"`,
		Help: "file (`path`) that lists which services must not start, instead of the project's own file in the " +
			"user's state folder; see hotreload disable",
		Doc: "The file that lists which services are disabled, instead of the project's own file in the user's " +
			"state folder (`$XDG_STATE_HOME/hotreload/disabled`). An example: `{\"global\": false, \"services\": " +
			"[\"web\"]}`. You can edit the file by hand. An unreadable or invalid file disables everything; a " +
			"missing file disables nothing.",
	})
	PidFile = path(Setting{
		Name: "pid-file", Group: Operating, Where: ForHotreload, Change: Pending,
		Example: `"hotreload.pid"`,
		Help:    "write hotreload's pid to this file (`path`) while it runs",
		Doc: "Write hotreload's pid to this file, and remove the file at the end. A second hotreload with the " +
			"same file does not start. If hotreload was killed and left the file behind, the next one takes it " +
			"over, even if another process has that pid now.",
	})
	Color = choice(Setting{
		Name: "color", Group: Operating, Where: ForHotreload, Change: Pending, Words: []string{"auto", "always", "never"},
		Example: `"never"`,
		Help:    "`when` to use colours: auto, always or never; NO_COLOR is respected",
		Hint:    "NO_COLOR=1 in the environment does the same as never",
		Doc:     "When to use colours: `auto`, `always` or `never`. `NO_COLOR` is respected.",
	})
)

// Settings without a flag.
var (
	Package = text(Setting{
		Name: "package", Where: InFile | InService, Change: Pending,
		Example: `"./cmd/web"`,
		Effect:  func(s *Service) any { return strings.Join(s.Package, " ") },
		Doc:     "The package to run if the command line names none. A service has either `package` or `command`.",
	})
	Arguments = fileOnly[[]string](listKind(), Setting{
		Name: "args", Where: InFile | InService,
		Example: `["-port", "8080"]`,
		Doc:     "The program's arguments.",
	})
	BuildFlags = fileOnly[[]string](listKind(), Setting{
		Name: "build_flags", Where: InFile | InService,
		Example: `["-race", "-tags=dev"]`,
		Doc:     "Build flags of Go. The command line's build flags are added after these.",
	})
	Env = namedTexts(Setting{
		Name: "env", Where: InFile | InService,
		Example: `{ NAME = "value" }`,
		Doc: "Environment variables for the program. Variables in hotreload's own environment win. A service's " +
			"own `env` overrides the one for all services. The table form is `[env]` or `[service.env]`.",
	})
	BuildEnv = namedTexts(Setting{
		Name: "build_env", Where: InFile | InService,
		Example: `{ CGO_ENABLED = "0" }`,
		Doc: "Environment variables for the build alone: `CGO_ENABLED`, `GOEXPERIMENT`, `CC` and the like. " +
			"Variables in hotreload's own environment win. The program and the commands of rules do not get " +
			"them. The table form is `[build_env]` or `[service.build_env]`.",
	})
	Hooks = namedTexts(Setting{
		Name: "hooks", Where: InFile | InService, Change: Pending,
		Example: `{ on_start = "make assets" }`,
		Effect:  func(s *Service) any { return s.Config.Hooks },
		Doc: "Commands to run when workers start, exit and so on: see [hooks](#hooks). The table form is " +
			"`[hooks]`, or `[service.hooks]` below a `[[service]]` for that service alone.",
	})
	Rules = tables(InRule, Setting{
		Name: "rule", Where: InFile,
		Example: `[{ match = "**/*.templ", run = "templ generate" }]`,
		Doc:     "How hotreload treats the files that match a pattern: see [rules](#rules).",
	})
	BrowserTable = oneTable(InBrowser, Setting{
		Name: "browser", Where: InFile,
		Example: `{ reload = "morph" }`,
		Doc:     "What hotreload does in the program's pages: see [browser](#the-browser).",
	})
	Services = tables(InService, Setting{
		Name: "service", Where: InFile,
		Example: `[{ name = "web", package = "./cmd/web" }]`,
		Doc:     "A program or a command with its workers: see [services](#services).",
	})

	Name = text(Setting{
		Name: "name", Where: InService,
		Example: `"web"`,
		Doc:     "The service's name in output and commands. Required.",
	})
	Command = fileOnly[[]string](listKind(), Setting{
		Name: "command", Where: InService, Change: Pending,
		Example: `["npm", "run", "dev"]`,
		Effect:  func(s *Service) any { return s.Config.Command },
		Doc: "A command to run instead of a package. Its working directory is the folder of hotreload.toml. " +
			"hotreload knows only the files of it that `watch` and rules name.",
	})
	After = fileOnly[[]string](listKind(), Setting{
		Name: "after", Where: InService, Change: Pending,
		Example: `["api"]`,
		Effect:  func(s *Service) any { return s.Config.After },
		Doc: "Services that must serve before this one starts. hotreload builds this service at once, but starts " +
			"it later, and stops it before the named ones.",
	})
	Reloadable = fileOnly[bool](truthKind, Setting{
		Name: "reloadable", Where: InService, Change: Pending,
		Example: "false",
		Effect:  func(s *Service) any { return !s.Config.Pinned },
		Doc: "With `false`, workers keep their connections: only `hotreload restart` replaces them. hotreload " +
			"still builds each change and reports it, and `status` shows that the workers run old code.",
	})
	OnReload = text(Setting{
		Name: "on_reload", Where: InService,
		Example: `"HUP"`,
		Doc:     "The signal that tells workers of a service with `reloadable = false` that the code has changed.",
	})

	Match = fileOnly[[]string](patternKind, Setting{
		Name: "match", Where: InRule,
		Example: `"**/*.templ"`,
		Doc: "A pattern, or a list of patterns, for paths relative to the folder of hotreload.toml: `*`, `**`, " +
			"`?`, `[a-z]`, `{a,b}`.",
	})
	RuleClass = text(Setting{
		Name: "class", Where: InRule, Words: []string{"rebuild", "restart", "live", "none"},
		Example: `"restart"`,
		Doc: "How a change of these files takes effect: `rebuild`, `restart`, `live` or `none`. The rule " +
			"overrides everything else that hotreload knows about the file. A rule with `run` has the class " +
			"`rebuild` by default.",
	})
	Run = text(Setting{
		Name: "run", Where: InRule,
		Example: `"templ generate"`,
		Doc: "A shell command line. hotreload runs it in the folder of hotreload.toml at the start, and whenever " +
			"a matching file changes. After the command, the change takes effect according to its class. Files " +
			"that the command writes are changes, too, but do not start the same command again. hotreload shows " +
			"a failed command like a failed build.\n\n" +
			"`{file}` and `{files}` stand for the changed files (at the start: all matching files that are not " +
			"ignored), quoted and relative to the folder of hotreload.toml. `{file}` runs the command once per " +
			"file, `{files}` once for all files, as in `run = \"sqlc generate {files}\"`. If no file is left, " +
			"for example because all were removed, the command does not run.",
	})
	When = text(Setting{
		Name: "when", Where: InRule, Words: []string{"start", "change", "both"},
		Example: `"start"`,
		Doc: "When to run the command: `start` runs it when hotreload starts (`match` may then be omitted), " +
			"`change` when a matching file changes, `both` in both cases.",
	})
	RunTimeout = text(Setting{
		Name: "timeout", Where: InRule, Pattern: durations,
		Example: `"1m"`,
		Doc:     "How long the command may take.",
	})
	Problems = fileOnly[[]string](expressionKind, Setting{
		Name: "problems", Where: InRule,
		Example: `"^(?P<file>.+) line (?P<line>[0-9]+): (?P<message>.*)$"`,
		Doc: "A regular expression (Go's syntax), or a list of them, for the lines that `run` prints when it fails. The " +
			"groups `file` (needed), `line`, `column` and `message` name the parts; if `message` is empty, the line before " +
			"is the message. File names are relative to the folder of hotreload.toml. Without this key, lines of the form " +
			"`file:line:column: message` count, if the file exists. `hotreload problems`, editors and coding agents then " +
			"get the places.",
	})
)
