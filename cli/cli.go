package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/gobuild"
	"hotreload/problems"
	"hotreload/process"
	"hotreload/runner"
	"hotreload/settings"
	"hotreload/supervisor"
)

// Main runs the command line args, without the program's name, and returns the exit code.
func Main(args, env []string) int {
	setColor("auto")
	l := &line{values: settings.NewValues(), env: env}
	command := newCommand(l)
	words, last, asked := completing(args)
	if asked && complete(os.Stdout, command, args[0], words, last) {
		return 0
	}
	own, goFlags, rest, err := settings.Split(args, command.Flags())
	if err == nil {
		l.goFlags = goFlags
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
	case errors.As(err, new(settings.UsageError)) || runner.IsUsage(err) && !errors.Is(err, gobuild.NoGo):
		complain(os.Stderr, err)
		return 2
	default:
		complain(os.Stderr, err)
		return 1
	}
}

// complain prints an error as one sentence, and its hint on a separate line.
func complain(w io.Writer, err error) {
	fmt.Fprintf(w, "%s%v\n", red("hotreload: "), err)
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
}

func hintOf(err error) string {
	if hint := settings.HintOf(err); hint != "" {
		return hint
	}
	var port *supervisor.PortError
	if errors.As(err, &port) {
		return "stop that program, or choose another address with --listen"
	}
	var build *gobuild.BuildError
	if errors.As(err, &build) {
		switch {
		case build.DiskFull:
			return "free some space, or set GOCACHE, GOTMPDIR and HOTRELOAD_CACHE to folders on another disk"
		case strings.Contains(build.Text, "permission denied"):
			return "hotreload does not notice changed permissions; press R or save any file once the file is readable"
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
	return name == "help" || name == "completion" || name == cobra.ShellCompRequestCmd ||
		name == cobra.ShellCompNoDescRequestCmd
}

// resolve reads the settings and applies the one for colours.
func resolve(ctx context.Context, w *settings.Wishes) (*settings.Resolved, error) {
	r, err := w.Resolve(ctx)
	if err == nil {
		err = r.FindCommands()
	}
	if r != nil {
		setColor(settings.Color.Of(r.Values))
	}
	return r, err
}

// connected returns the runner's configurations, with the destinations of the workers' output. The service at input
// reads stdin; -1 means none. If stdin is hotreload's terminal, the service's first worker gets a terminal like it.
func connected(r *settings.Resolved, c *console, journal *control.Journal) (all []runner.Config, input int, err error) {
	all, input = r.Configs(), -1
	for i, s := range r.Services {
		out := &sink{console: c, service: s.Config.Name, number: i, slots: settings.Workers.Of(s.Values) > 1}
		all[i].Service.Output, all[i].Cache = journal.Copied(s.Config.Name, out.output()), settings.Cache.Value()
		switch stdin := settings.Stdin.Of(s.Values); {
		case stdin && input >= 0:
			err := errors.New("several services read stdin")
			return nil, -1, settings.Usage(err, "set stdin = true in one [[service]] only")
		case stdin:
			input = i
			if out.drawn = supervisor.HasTerminals && c.anyTerminal() && openKeyboard(os.Stdin) != nil; out.drawn {
				all[i].Service.Terminal = os.Stdin
			}
		}
	}
	return all, input, nil
}

// takeStdin passes stdin to the service at input, or reads keys, or both; it returns nil if there are no keys.
func takeStdin(run *runner.Group, configs []runner.Config, input int, c *console, pause *pausing,
	debug *debugging, tests *testsBeside) *keyboard {
	var to supervisor.Input
	if input >= 0 {
		to = run.Services()[input].Input()
	}
	if to != nil && configs[input].Service.Terminal == nil {
		go passStdin(to) // ends with stdin or with hotreload: a read of the terminal cannot be cancelled
		return nil
	}
	keys := openKeyboard(os.Stdin)
	if keys == nil {
		return nil
	}
	press := func(key byte) { press(key, run, c, keys, pause, debug, tests) }
	each := func(typed []byte) {
		for _, key := range typed {
			press(key)
		}
	}
	if to != nil {
		keys.all, each = true, (&typing{to: to, press: press}).keys
		said := make(chan struct{}, 1)
		c.passesAll(said)
		keys.came = func() { c.comeBack(); c.drawAgain() }
		go redraw(run, to, said) // ends with the program
	}
	go keys.read(each) // ends with close or with the program: see there
	return keys
}

// watchCommand is `hotreload [flags] PKG [args…]`. note is a line about the wishes; "" if there is none.
func watchCommand(ctx context.Context, w *settings.Wishes, note string) error {
	r, err := resolve(ctx, w)
	if err != nil {
		return err
	}
	if err := process.Setup(); err != nil {
		// One safety net for workers is missing; the others still work.
		fmt.Fprintf(os.Stderr, "hotreload: %v: if hotreload is killed (kill -9), its processes may stay behind\n", err)
	}
	pid, err := writePidFile(pidPath(w, r))
	if err != nil {
		return err
	}
	defer pid.remove()
	console := newConsole(os.Stdout, os.Stderr, settings.Color.Of(r.Values) == "always")
	console.speak(r.Values)
	if note != "" && !console.quiet() {
		console.say(dim(prefix) + note)
	}
	journal := control.NewJournal()
	configs, input, err := connected(r, console, journal)
	if err != nil {
		return err
	}
	pages := newPages(w, r, console, journal)
	defer pages.Close()
	if !settings.NoBrowser.Of(r.Values) {
		pages.hook(configs)
	}
	run, err := startServices(ctx, configs)
	if err != nil {
		return err
	}
	beside := newTestsBeside(w, r, run, console, journal)
	defer beside.close()
	defer controlled(w, r, run, journal, console, pages, beside).Close()
	pause := &pausing{file: r.KillSwitch}
	defer pause.end()
	pages.bind(run, pause)
	pages.proxy()
	debug := newDebugging(r, run, console)
	keys := takeStdin(run, configs, input, console, pause, debug, beside)
	if keys == nil && isTerminal(os.Stdin) {
		console.echoing()
	}
	defer console.close()
	defer keys.close()
	file := &settingsFile{
		now: r, again: func() (*settings.Resolved, error) { return w.Resolve(ctx) }, reconfigure: run.Reconfigure,
		asked: make(chan struct{}, 1), reload: func() { run.Do(runner.Reload) }, pages: pages.reread,
		tests: beside.reread,
		found: func(all []problems.Problem) { run.Found(ctx, all) },
	}
	defer handleSignals(run, console, keys, file)()
	for _, fault := range r.Faults {
		console.say(dim(prefix) + yellow("LISTEN_FDS: "+fault.Error()+": left alone"))
	}
	defer debug.close()
	if err := debug.open(); err != nil {
		console.say(dim(prefix) + red(err.Error()))
	}
	up := newUpward(namesOf(r.Services))
	var reporters sync.WaitGroup
	for i, service := range run.Services() {
		if note := r.Services[i].UserNote; note != "" {
			console.say(dim(prefix) + yellow(note+": workers run as hotreload's own user"))
		}
		reporter := newReporter(console, r.Services[i], w.Dir, nil)
		reporter.up = up
		if i == 0 { // news about hotreload as a whole is printed once
			reporter.keys, reporter.file = keys, file
		}
		name := r.Services[i].Config.Name
		events := journal.Pass(name, pages.hear(name, debug.hear(name, beside.hear(service.Events()))))
		reporters.Go(func() { reporter.read(events) })
	}
	return ended(run, &reporters, console)
}

// pidPath returns the path of the pid file; "" for none.
func pidPath(w *settings.Wishes, r *settings.Resolved) string {
	path := settings.PidFile.Of(r.Values)
	if path == "" {
		return ""
	}
	return settings.Absolute(w.Dir, path)
}

func namesOf(services []*settings.Service) []string {
	var names []string
	for _, s := range services {
		names = append(names, s.Config.Name)
	}
	return names
}

// startServices starts the services. The services run until stopped, not until ctx ends.
func startServices(ctx context.Context, configs []runner.Config) (*runner.Group, error) {
	run, err := runner.Start(context.WithoutCancel(ctx), configs...)
	if errors.As(err, new(*runner.OrderError)) {
		return nil, settings.Usage(err, "after = [...] in hotreload.toml")
	}
	return run, err
}

// ended waits for the end of the run, and until the events are printed, and returns why the run has ended.
func ended(run *runner.Group, reporters *sync.WaitGroup, console *console) error {
	err := run.Err()
	printed := make(chan struct{})
	go func() { reporters.Wait(); close(printed) }() // ends with the reporters, or with the program
	if console.finish(printed) {
		return err
	}
	if err != nil {
		return exitCode(1) // nobody reads why
	}
	return nil
}
