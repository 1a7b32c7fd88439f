package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/gobuild"
	"hotreload/process"
	"hotreload/runner"
	"hotreload/supervisor"
)

// version is what --version says; a release sets it with -ldflags=-X.
var version = "dev"

// usageError is the user's mistake: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// hinted is an error with a line that says what to do about it.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

// Main runs the command line args, without the program's name, and returns the exit code.
func Main(args, env []string) int {
	setColor("auto")
	var o options
	command := newCommand(&o, env)
	own, goFlags, rest, err := splitArgs(args, command.Flags())
	if err == nil {
		o.goFlags = goFlags
		command.SetArgs(append(append(own, "--"), rest...))
		if len(rest) > 0 && isSubcommand(command, rest[0]) {
			command.SetArgs(append(own, rest...))
		}
		err = command.Execute()
	}
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usageError{}) || runner.IsUsage(err) && !errors.Is(err, gobuild.NoGo):
		complain(os.Stderr, err)
		return 2
	default:
		complain(os.Stderr, err)
		return 1
	}
}

// complain prints an error as one sentence, and its hint on a line of its own.
func complain(w io.Writer, err error) {
	fmt.Fprintf(w, "%s%v\n", red("hotreload: "), err)
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
}

func hintOf(err error) string {
	var own hinted
	if errors.As(err, &own) {
		return own.hint
	}
	var port *supervisor.PortError
	if errors.As(err, &port) {
		return "stop it, or choose another address with --listen"
	}
	var build *gobuild.BuildError
	if errors.As(err, &build) {
		switch {
		case build.DiskFull:
			return "free some space, or let GOCACHE, GOTMPDIR and HOTRELOAD_CACHE name folders elsewhere"
		case strings.Contains(build.Text, "permission denied"):
			return "a change of permissions is not noticed: press R, or save any file, when it can be read"
		}
	}
	if errors.Is(err, supervisor.ErrNotSocket) {
		return "choose another path, or remove the file if you do not need it"
	}
	return ""
}

func isSubcommand(root *cobra.Command, name string) bool {
	for _, c := range root.Commands() {
		if c.Name() == name {
			return true
		}
	}
	return name == "help" || name == "completion" || name == cobra.ShellCompRequestCmd
}

// watchCommand is `hotreload [flags] PKG [args…]`.
func watchCommand(ctx context.Context, w *wishes) error {
	r, err := w.resolve(ctx)
	if err != nil {
		return err
	}
	o := r.o
	if err := process.Setup(); err != nil {
		// One net below the workers is missing; the others hold.
		fmt.Fprintf(os.Stderr, "hotreload: %v: after kill -9 of hotreload, processes may stay behind\n", err)
	}
	path := o.pidFile
	if path != "" {
		path = absolute(w.dir, path)
	}
	pid, err := writePidFile(path)
	if err != nil {
		return err
	}
	defer pid.remove()
	console := newConsole(os.Stdout, os.Stderr, o.color == "always")
	journal := control.NewJournal()
	configs := r.configs()
	input := -1 // the service that reads stdin
	for i := range configs {
		s := r.services[i]
		out := &sink{console: console, service: s.config.Name, number: i, slots: s.o.workers > 1, journal: journal}
		configs[i].Service.Output, configs[i].Cache = out.output(), os.Getenv("HOTRELOAD_CACHE")
		if s.o.stdin && input >= 0 {
			return usageError{hinted{errors.New("several services read stdin"), "stdin = true can stand in one [[service]] only"}}
		}
		if s.o.stdin {
			input = i
		}
	}
	run, err := runner.Start(context.WithoutCancel(ctx), configs...)
	if err != nil {
		var order *runner.OrderError
		if errors.As(err, &order) {
			return usageError{hinted{err, "after = [...] in hotreload.toml"}}
		}
		return err
	}
	defer controlled(w, r, run, journal, console).Close()
	var keys *keyboard
	pause := &pausing{file: r.killSwitch}
	defer pause.end()
	if input >= 0 {
		stdin := run.Services()[input].Input()
		go func() { // ends with stdin, or with the program: a read of the terminal cannot be ended
			_, _ = io.Copy(stdin, os.Stdin)
			stdin.Close()
		}()
	} else if keys = openKeyboard(os.Stdin); keys != nil {
		go keys.read(func(key byte) { press(key, run, console, keys, pause) }) // ends with close or with the program: see there
	}
	if keys == nil && isTerminal(os.Stdin) {
		console.echoing()
	}
	defer console.close()
	defer keys.close()
	settings := &settingsFile{
		now: r, again: func() (*resolved, error) { return w.resolve(ctx) }, reconfigure: run.Reconfigure,
		asked: make(chan struct{}, 1), reload: func() { run.Do(runner.Reload) },
	}
	defer handleSignals(run, console, keys, settings)()
	var reporters sync.WaitGroup
	for i, service := range run.Services() {
		if note := r.services[i].userNote; note != "" {
			console.say(dim(prefix) + yellow(note+": they run as who hotreload runs as"))
		}
		reporter := newReporter(console, journal, r.services[i], w.dir, nil)
		if i == 0 { // what is said once, of all
			reporter.keys, reporter.settings = keys, settings
		}
		reporters.Go(func() { reporter.read(service.Events()) })
	}
	reporters.Wait()
	return run.Err()
}

// choosePackage takes the package, one argument or several .go files, off the front of args. Without one it is the
// main package here or the only one under cmd/.
func (o *options) choosePackage(ctx context.Context, dir string, env, args []string) (pkg, rest []string, err error) {
	if len(args) > 0 {
		n := 1
		for strings.HasSuffix(args[0], ".go") && n < len(args) && strings.HasSuffix(args[n], ".go") {
			n++
		}
		for _, file := range args[:n] {
			if _, err := os.Lstat(filepath.Join(dir, file)); strings.HasSuffix(file, ".go") && !filepath.IsAbs(file) && errors.Is(err, os.ErrNotExist) {
				return nil, nil, usageError{hinted{fmt.Errorf("no such file: %s", file), "if it is an argument of the program, name the folder instead of .go files"}}
			}
		}
		return args[:n], args[n:], nil
	}
	found, err := gobuild.Choose(ctx, dir, o.goFlags, env)
	if err != nil {
		return nil, nil, err
	}
	switch len(found) {
	case 0:
		return nil, nil, usageError{hinted{errors.New("there is no main package here"), "name one: hotreload ./cmd/server"}}
	case 1:
		return found, nil, nil
	default:
		return nil, nil, usageError{hinted{
			fmt.Errorf("there are several main packages here:\n  %s", strings.Join(found, "\n  ")),
			"name one: hotreload " + found[0] + ", or several: hotreload " + strings.Join(found[:2], " "),
		}}
	}
}

// programName is what the program calls itself: os.Args[0], as `go build` would name the file.
func programName(dir string, pkg []string) string {
	name := filepath.Base(pkg[0])
	if file, ok := strings.CutSuffix(name, ".go"); ok {
		return file
	}
	if name == "." || name == ".." {
		return filepath.Base(filepath.Join(dir, pkg[0]))
	}
	return name
}
