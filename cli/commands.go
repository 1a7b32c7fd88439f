package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/process"
	"hotreload/runner"
	"hotreload/settings"
	"hotreload/supervisor"
)

// remote holds the common flags of all commands for a running hotreload.
type remote struct {
	asJSON  bool
	pid     int
	at      string
	token   string
	wait    bool
	ready   bool // of status: not ready is an error
	timeout time.Duration
	order   control.Order  // for commands that replace workers
	tests   bool           // of wait: also for the tests,
	tested  *control.Tests // and their result
}

func (m *remote) flags(c *cobra.Command) {
	c.Flags().BoolVar(&m.asJSON, "json", false, "print JSON")
	c.Flags().IntVar(&m.pid, "pid", 0, "`pid` of the hotreload to talk to, if several run here")
	c.Flags().StringVar(&m.at, "at", "", "`address` of a hotreload that was started with --control")
	c.Flags().StringVar(&m.token, "token-file", "", "file (`path`) with the token for --at; default: the token file in "+
		"your configuration folder")
}

func (m *remote) find(ctx context.Context) (*control.Client, error) {
	if m.at != "" {
		return m.dial(ctx)
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	client, err := control.Find(ctx, dir, m.pid)
	var several *control.SeveralError
	switch {
	case errors.Is(err, control.ErrNone):
		return nil, settings.Hint(err, "start it with hotreload ./cmd/server; commands find it from the folder where it "+
			"was started, and from its module")
	case errors.As(err, &several):
		return nil, settings.Usage(err, fmt.Sprintf("choose one: --pid %d", several.Infos[0].Pid))
	}
	return client, err
}

// dial connects to a hotreload, possibly on another machine.
func (m *remote) dial(ctx context.Context) (*control.Client, error) {
	token := m.token
	if token == "" {
		if token = ownToken(); !exists(token) {
			token = ""
		}
	}
	client, err := control.Dial(ctx, m.at, token)
	switch {
	case errors.Is(err, control.ErrDenied):
		return client, settings.Hint(err, "pass its token with --token-file; hotreload prints the token's path at its start")
	case err != nil:
		return nil, fmt.Errorf("ask %s: %w", m.at, err)
	}
	return client, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// ownToken returns the path of the user's token.
func ownToken() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "hotreload", "token")
}

// target is the help about a command's services and slots.
const target = `Without arguments: all services. SERVICE is one service, SERVICE/SLOT one of its workers.`

// newCommands returns the commands for a running hotreload, and doctor.
func newCommands(l *line, root *cobra.Command) []*cobra.Command {
	var m remote
	all := slices.Concat(
		grouped(everyday,
			m.status(),
			m.awaiting(),
			m.replacing("reload", "replace the workers and wait for the outcome; services with reloadable = false are only "+
				"notified"),
			m.replacing("restart", "replace the workers, even with reloadable = false, and wait for the outcome"),
			m.replacing("rebuild", "build, replace the workers and wait for the outcome"),
			m.stop(), m.logs(), m.explaining(l, root), newTest(l, root), newDoctor(l, root), newInit()),
		grouped(workers, m.scale(), m.signal(), m.disable(), m.enable(), m.disabled(), m.connections()),
		grouped(talking, m.send(false), m.send(true), m.query()),
		grouped(tools, m.problems(), m.events(), m.ui(), m.mcp(), m.check(), newMan(root)),
		grouped(tools, newSchema()),
	)
	m.completeArguments(all)
	return all
}

// ask does something for a service or one of its slots, and returns the resulting state.
type ask func(c *control.Client, ctx context.Context, to string) ([]runner.Status, error)

// asking returns a command that handles each named service and shows the resulting states.
func (m *remote) asking(use, short string, waits bool, do ask) *cobra.Command {
	command := &cobra.Command{
		Use: use + " [service…]", Short: short, Long: sentence(short) + "\n\n" + target,
		RunE: func(c *cobra.Command, names []string) error { return m.run(c, names, waits, do) },
	}
	m.flags(command)
	if waits {
		command.Flags().DurationVar(&m.timeout, "timeout", 0, "stop waiting after this `time`; 0: wait for ever")
	}
	return command
}

// replacing returns a command that replaces workers.
func (m *remote) replacing(use, short string) *cobra.Command {
	do := func(c *control.Client, ctx context.Context, to string) ([]runner.Status, error) {
		if m.order.Strategy != "" {
			if _, err := supervisor.ParseStrategy(m.order.Strategy); err != nil {
				return nil, settings.Usage(err, "as in --strategy rolling")
			}
		}
		return c.Replace(ctx, use, to, m.order, m.wait)
	}
	command := m.asking(use, short, true, do)
	flags := command.Flags()
	flags.StringVar(&m.order.Strategy, "strategy", "", "strategy for this time (`name`): parallel, rolling or stop-first")
	flags.BoolVar(&m.wait, "wait", true, "wait for the outcome; --wait=false returns at once")
	flags.StringVar(&m.order.Surge, "surge", "",
		"for rolling, this time: `n` = 1 starts the new worker before the old one exits, 0 after")
	return command
}

// stop is `hotreload stop [service…]`.
func (m *remote) stop() *cobra.Command {
	command := &cobra.Command{
		Use: "stop [service…]", Short: "stop the workers gracefully and end hotreload",
		Long: "Stop the workers gracefully and end hotreload. With services (SERVICE, SERVICE/SLOT), stop only their " +
			"workers, until hotreload reload or restart starts them again.",
		RunE: func(c *cobra.Command, names []string) error {
			if len(names) > 0 {
				return m.run(c, names, true, (*control.Client).StopWorkers)
			}
			ctx := contextOf(c)
			client, err := m.find(ctx)
			if err != nil {
				return err
			}
			return client.Stop(ctx)
		},
	}
	m.flags(command)
	command.Flags().DurationVar(&m.timeout, "timeout", 0, "with services: stop waiting after this `time`; 0: wait for "+
		"ever")
	return command
}

// scale is `hotreload scale [service] n`.
func (m *remote) scale() *cobra.Command {
	command := &cobra.Command{
		Use: "scale [service] n", Short: "run n workers from now on", Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			workers, err := strconv.Atoi(args[len(args)-1])
			if err != nil || workers < 1 {
				return settings.Usage(fmt.Errorf("%q is not a number of workers", args[len(args)-1]), "hotreload scale web 4")
			}
			do := func(c *control.Client, ctx context.Context, to string) ([]runner.Status, error) {
				return c.Scale(ctx, to, workers)
			}
			return m.run(c, args[:len(args)-1], true, do)
		},
	}
	m.flags(command)
	command.Flags().DurationVar(&m.timeout, "timeout", 0, "stop waiting after this `time`; 0: wait for ever")
	return command
}

// sentence makes a sentence from a short description.
func sentence(short string) string { return strings.ToUpper(short[:1]) + short[1:] + "." }

// run calls do for each named service, or for all, and shows the resulting states.
func (m *remote) run(c *cobra.Command, names []string, waits bool, do ask) error {
	ctx := contextOf(c)
	client, err := m.find(ctx)
	if errors.Is(err, control.ErrDenied) && client != nil && !waits {
		return m.showPublic(ctx, c.OutOrStdout(), client)
	}
	if err != nil {
		return err
	}
	waits = waits && m.wait
	if m.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, m.timeout)
		defer cancel()
	}
	var all []runner.Status
	for _, name := range orAll(names) {
		some, err := do(client, ctx, name)
		switch {
		case m.ready && errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("not ready: no answer within %v", m.timeout)
		case errors.Is(err, context.DeadlineExceeded):
			return noOutcome(m.timeout)
		case err != nil:
			return wrongTarget(err)
		}
		all = append(all, some...)
	}
	return m.show(c.OutOrStdout(), all, waits)
}

// signal is `hotreload signal NAME [service…]`.
func (m *remote) signal() *cobra.Command {
	command := &cobra.Command{
		Use: "signal name [service…]", Short: "send the workers a signal",
		Long: "Send the workers a signal, by name or number.\n\n" + target, Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx := contextOf(c)
			sig, err := settings.SignalNamed(args[0])
			if err != nil {
				return settings.Usage(err, "as in HUP, USR1, WINCH")
			}
			client, err := m.find(ctx)
			if err != nil {
				return err
			}
			all := []int{}
			for _, name := range orAll(args[1:]) {
				pids, err := client.Signal(ctx, name, sig)
				if err != nil {
					return wrongTarget(err)
				}
				all = append(all, pids...)
			}
			if m.asJSON {
				return json.NewEncoder(c.OutOrStdout()).Encode(control.Signalled{Pids: all})
			}
			if len(all) == 0 {
				return errors.New("no worker was signalled: none is running, or permission was denied")
			}
			for _, pid := range all {
				fmt.Fprintln(c.OutOrStdout(), pid)
			}
			return nil
		},
	}
	m.flags(command)
	return command
}

// show prints the states of services. If the command waited and the outcome is bad, show returns an error.
func (m *remote) show(out io.Writer, all []runner.Status, waited bool) error {
	if m.asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(control.Services{Services: all, Tests: m.tested}); err != nil {
			return err
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	var faults []error
	for _, s := range all {
		if !m.asJSON && (!waited || !s.Stale) {
			showStatus(out, s)
		}
		of := ""
		if s.Name != "" {
			of = s.Name + ": "
		}
		switch {
		case !waited:
		case s.Blocked != "" && (s.Serving == 0 || s.Serving != s.Newest):
			faults = append(faults, settings.Hint(errors.New(of+s.Blocked+": starting workers is off"), enableHint(s)))
		case s.Stale:
			faults = append(faults, fmt.Errorf("%sgeneration %d is stale:\n%s", of, s.Serving, failure(s, dir)))
		}
	}
	if m.tested != nil {
		faults = append(faults, m.showTests(out, m.tested, dir))
	}
	return errors.Join(append(faults, m.judge(control.PublicOf(all)))...)
}

// showPublic prints the public part of the state.
func (m *remote) showPublic(ctx context.Context, out io.Writer, client *control.Client) error {
	public, err := client.Public(ctx)
	if err != nil {
		return err
	}
	if m.asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return errors.Join(encoder.Encode(public), m.judge(public))
	}
	for _, s := range public.Services {
		state := s.Phase
		if s.Stale {
			state = yellow("stale")
		}
		fmt.Fprintf(out, "%s  generation %d, %s, %d of %s ready\n", cmp.Or(s.Name, "service"), s.Serving, state, s.Ready,
			count(s.Wanted, "worker"))
	}
	fmt.Fprintln(out, dim("more is shown with --token-file"))
	return m.judge(public)
}

func showStatus(out io.Writer, s runner.Status) {
	state := s.Phase
	switch {
	case s.Blocked != "":
		state = yellow("starting workers is off: " + s.Blocked)
	case s.Stale:
		state = yellow("stale")
	case s.Waits:
		state = "waits for other services"
	case s.BuildOnly && s.Phase == "idle":
		state = green("is built, and not run")
	case s.Wanted == 0 && !s.BuildOnly:
		state = yellow("stopped")
	case s.Old:
		state = yellow("serves old code: hotreload restart " + s.Name)
	case s.Phase == "idle":
		state = green("serves")
	}
	name := s.Program
	if s.Name != "" {
		name = bold(s.Name) + "  " + name
	}
	if len(s.Listen) > 0 {
		name += "  " + strings.Join(s.Listen, " ")
	}
	fmt.Fprintf(out, "%s  generation %d, %s\n", name, s.Serving, state)
	if len(s.Pending) > 0 {
		fmt.Fprintln(out, yellow(strings.Join(s.Pending, ", ")+": takes effect at the next start of hotreload"))
	}
	if s.Failure != "" {
		fmt.Fprintln(out, s.Failure)
	} else if n := len(s.Problems); n > 0 {
		fmt.Fprintln(out, yellow(count(n, "problem")+": hotreload problems"))
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, w := range s.Workers {
		fmt.Fprintf(table, "  slot %d\tgeneration %d\tpid %d\t%s\tup %s\t%s\n", w.Slot, w.Generation, w.Pid, w.State,
			w.Uptime.Round(time.Second), countersLine(w))
	}
	_ = table.Flush()
	if s.Alone != "" {
		fmt.Fprintf(out, "  old workers exit before new ones start (stop-first): %s\n", s.Alone)
	}
	if s.Built != "" {
		fmt.Fprintf(out, "  last build: %s\n", s.Built)
	}
}

// countersLine returns the most useful known counters of a worker.
func countersLine(w runner.Worker) string {
	var parts []string
	if w.Unresponsive {
		parts = append(parts, yellow("does not answer"))
	}
	if w.Text != "" {
		parts = append(parts, w.Text)
	}
	for _, c := range w.Counters {
		switch {
		case c.Name == "rss":
			parts = append(parts, fmt.Sprintf("%.1f MB", c.Value/1e6))
		case c.Name == "cpu":
			parts = append(parts, fmt.Sprintf("%.1f s CPU", c.Value))
		case c.Name == "restarts" && c.Value > 0:
			parts = append(parts, count(int(c.Value), "restart"))
		case c.Name == "connections":
			parts = append(parts, count(int(c.Value), "connection"))
		case c.Name == "requests":
			parts = append(parts, count(int(c.Value), "request"))
		}
	}
	return strings.Join(parts, ", ")
}

// controlled opens the control socket of a run. Without the socket hotreload works all the same.
func controlled(w *settings.Wishes, r *settings.Resolved, run *runner.Group, journal *control.Journal,
	console *console, pages *pages, beside *testsBeside) *control.Server {
	root := w.Dir
	if r.Path != "" {
		root = filepath.Dir(r.Path)
	}
	token := settings.ControlToken.Of(r.Values)
	if token == "" {
		token = ownToken()
	}
	refusals := newSeldom()
	info := control.Info{Pid: os.Getpid(), Dir: w.Dir, Root: root, Program: shownAll(r.Services),
		Switch: r.KillSwitch.Path, Events: control.EventsVersion}
	options := control.Options{
		Listen: settings.Control.Of(r.Values), TokenFile: settings.Absolute(w.Dir, token),
		Refused: func(from, why string) {
			if n, say := refusals.again(why); say {
				console.say(dim(prefix) + yellow(fmt.Sprintf("a command from %s was denied: %s%s", from, why, n)))
			}
		},
	}
	if pages != nil {
		options.Page = pages.Address
	}
	if beside != nil {
		options.Tests = beside.await
	}
	server, err := control.Serve(info, run, journal, options)
	if err != nil && options.Listen != "" {
		console.say(dim(prefix) + red("--control: "+err.Error()))
		options.Listen = ""
		server, err = control.Serve(info, run, journal, options)
	}
	if err != nil {
		console.say(dim(prefix) + yellow("commands such as hotreload status are unavailable: "+err.Error()))
		return nil
	}
	if pages != nil {
		pages.SetAPI(server.Trusted())
	}
	if address := server.Address(); address != nil && !settings.Quiet.Of(r.Values) {
		console.say(dim(prefix) + "accepting commands at " + address.String() + ", with the token in " + options.TokenFile)
	}
	process.Bequeath(server.Path())
	return server
}

// shownAll returns the packages and commands of all services, as given by the user.
func shownAll(services []*settings.Service) string {
	var all []string
	for _, s := range services {
		all = append(all, s.Shown())
	}
	return strings.Join(all, ", ")
}
