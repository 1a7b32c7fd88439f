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
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/gobuild"
	"hotreload/process"
	"hotreload/runner"
	"hotreload/supervisor"
)

// remote is what the commands for a running hotreload have in common.
type remote struct {
	asJSON  bool
	pid     int
	at      string
	token   string
	wait    bool
	timeout time.Duration
}

func (m *remote) flags(c *cobra.Command) {
	c.Flags().BoolVar(&m.asJSON, "json", false, "answer in JSON")
	c.Flags().IntVar(&m.pid, "pid", 0, "`pid` of the hotreload that is meant, if several run here")
	c.Flags().StringVar(&m.at, "at", "", "`address` of the hotreload that is meant, if it was started with --control")
	c.Flags().StringVar(&m.token, "token-file", "", "file (`path`) with the token that --at needs; else the user's own")
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
		return nil, hinted{err, "start it: hotreload ./cmd/server; it is found from its own folder, and from its module"}
	case errors.As(err, &several):
		return nil, usageError{hinted{err, fmt.Sprintf("say which: --pid %d", several.Infos[0].Pid)}}
	}
	return client, err
}

// dial talks to a hotreload that may be on another machine.
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
		return client, hinted{err, "--token-file names the token of the hotreload that is meant, which prints where it lies"}
	case err != nil:
		return nil, fmt.Errorf("ask %s: %w", m.at, err)
	}
	return client, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// ownToken is where the user's token lies.
func ownToken() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "hotreload", "token")
}

// target says what a command is for.
const target = `It is for all services, or for those that are named: SERVICE, SERVICE/SLOT.`

// newCommands are those that talk to a running hotreload.
func newCommands(o *options, env []string, root *cobra.Command) []*cobra.Command {
	var m remote
	// asking is a command that is for some services, each on its own, and that shows how they stand.
	asking := func(use, short string, waits bool, do func(ctx context.Context, c *control.Client, to string) ([]runner.Status, error)) *cobra.Command {
		command := &cobra.Command{
			Use: use + " [service…]", Short: short, Long: sentence(short) + "\n\n" + target,
			RunE: func(c *cobra.Command, names []string) error { return m.run(c, names, waits, do) },
		}
		m.flags(command)
		if waits {
			command.Flags().DurationVar(&m.timeout, "timeout", 0, "give up after this `time`; 0: never")
		}
		return command
	}
	var order control.Order
	replacing := func(use, short string) *cobra.Command {
		command := asking(use, short, true, func(ctx context.Context, c *control.Client, to string) ([]runner.Status, error) {
			if order.Strategy != "" {
				if _, err := supervisor.ParseStrategy(order.Strategy); err != nil {
					return nil, usageError{hinted{err, "as in --strategy rolling"}}
				}
			}
			return c.Replace(ctx, use, to, order, m.wait)
		})
		command.Flags().StringVar(&order.Strategy, "strategy", "", "replace them this time by `name`: parallel, rolling, stop-first")
		command.Flags().BoolVar(&m.wait, "wait", true, "wait for the outcome; --wait=false returns at once")
		command.Flags().StringVar(&order.Surge, "surge", "", "rolling, this time: with `n` = 1 the new worker starts before the old one leaves, with 0 after")
		return command
	}
	stop := &cobra.Command{
		Use: "stop [service…]", Short: "let the workers finish, and end hotreload",
		Long: "Let the workers finish, and end hotreload; or, of the services that are named (SERVICE, SERVICE/SLOT), only send the workers away, until reload or restart.",
		RunE: func(c *cobra.Command, names []string) error {
			if len(names) > 0 {
				return m.run(c, names, true, func(ctx context.Context, c *control.Client, to string) ([]runner.Status, error) {
					return c.Halt(ctx, to)
				})
			}
			ctx := cmp.Or(c.Context(), context.Background())
			client, err := m.find(ctx)
			if err != nil {
				return err
			}
			return client.Stop(ctx)
		},
	}
	m.flags(stop)
	stop.Flags().DurationVar(&m.timeout, "timeout", 0, "with services: give up after this `time`; 0: never")
	scale := &cobra.Command{
		Use: "scale [service] n", Short: "keep n workers from now on", Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			workers, err := strconv.Atoi(args[len(args)-1])
			if err != nil || workers < 1 {
				return usageError{hinted{fmt.Errorf("%q is no number of workers", args[len(args)-1]), "hotreload scale web 4"}}
			}
			return m.run(c, args[:len(args)-1], true, func(ctx context.Context, c *control.Client, to string) ([]runner.Status, error) {
				return c.Scale(ctx, to, workers)
			})
		},
	}
	m.flags(scale)
	scale.Flags().DurationVar(&m.timeout, "timeout", 0, "give up after this `time`; 0: never")
	explain := &cobra.Command{
		Use: "explain [flags] path…", Short: "say how a change of these files takes effect, and why", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error {
			return m.explain(cmp.Or(c.Context(), context.Background()), c.OutOrStdout(), o, env, root, paths)
		},
	}
	m.flags(explain)
	return []*cobra.Command{
		asking("status", "say how things stand", false, func(ctx context.Context, c *control.Client, to string) ([]runner.Status, error) {
			return c.Status(ctx, to)
		}),
		asking("wait", "wait until the tree as saved serves, or does not build; exit code 0 if it serves", true, func(ctx context.Context, c *control.Client, to string) ([]runner.Status, error) {
			return c.Wait(ctx, to)
		}),
		replacing("reload", "replace the workers, and wait for the outcome; those that are not reloadable are told"),
		replacing("restart", "replace the workers, also those that are not reloadable, and wait for the outcome"),
		replacing("rebuild", "build, replace the workers, and wait for the outcome"),
		stop,
		scale,
		m.signal(),
		m.disable(),
		m.enable(),
		m.disabled(),
		m.connections(),
		m.events(),
		m.send(false),
		m.send(true),
		m.query(),
		m.logs(),
		m.check(),
		explain,
	}
}

// sentence is a short description as a whole sentence.
func sentence(short string) string { return strings.ToUpper(short[:1]) + short[1:] + "." }

// run does something for each of the services that are named, or for all, and shows how they stand then.
func (m *remote) run(c *cobra.Command, names []string, waits bool, do func(ctx context.Context, c *control.Client, to string) ([]runner.Status, error)) error {
	ctx := cmp.Or(c.Context(), context.Background())
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
		some, err := do(ctx, client, name)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return hinted{fmt.Errorf("it has not come to an end within %s", m.timeout), "hotreload status says what is going on"}
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
		Use: "signal name [service…]", Short: "send the workers a signal", Long: "Send the workers a signal, by name or number.\n\n" + target, Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx := cmp.Or(c.Context(), context.Background())
			sig, err := signalNamed(args[0])
			if err != nil {
				return usageError{hinted{err, "as in HUP, USR1, WINCH"}}
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
				return errors.New("no worker got it: none is there, or the system did not let us")
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

// show prints how services stand. If that was waited for and is not what was hoped for, it is an error.
func (m *remote) show(out io.Writer, all []runner.Status, waited bool) error {
	if m.asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(control.Services{Services: all}); err != nil {
			return err
		}
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
			faults = append(faults, hinted{errors.New(of + s.Blocked + ": nothing is started"), enableHint(s)})
		case s.Stale:
			faults = append(faults, fmt.Errorf("%sgeneration %d is stale:\n%s", of, s.Serving, s.Failure))
		}
	}
	return errors.Join(faults...)
}

// showPublic prints what somebody without a token may know.
func (m *remote) showPublic(ctx context.Context, out io.Writer, client *control.Client) error {
	public, err := client.Public(ctx)
	if err != nil {
		return err
	}
	if m.asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(public)
	}
	for _, s := range public.Services {
		state := s.Phase
		if s.Stale {
			state = yellow("stale")
		}
		fmt.Fprintf(out, "%s  generation %d, %s, %d of %s ready\n", cmp.Or(s.Name, "service"), s.Serving, state, s.Ready, count(s.Wanted, "worker"))
	}
	fmt.Fprintln(out, dim("this is all without a token"))
	return nil
}

func showStatus(out io.Writer, s runner.Status) {
	state := s.Phase
	switch {
	case s.Blocked != "":
		state = yellow("nothing is started: " + s.Blocked)
	case s.Stale:
		state = yellow("stale")
	case s.Waits:
		state = "waits for others"
	case s.Wanted == 0:
		state = yellow("stopped")
	case s.Old:
		state = yellow("serves, and is old: hotreload restart " + s.Name)
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
		fmt.Fprintln(out, yellow(strings.Join(s.Pending, ", ")+": in effect when hotreload is started anew"))
	}
	if s.Failure != "" {
		fmt.Fprintln(out, s.Failure)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, w := range s.Workers {
		fmt.Fprintf(table, "  slot %d\tgeneration %d\tpid %d\t%s\tup %s\t%s\n", w.Slot, w.Generation, w.Pid, w.State, w.Uptime.Round(time.Second), countersLine(w))
	}
	_ = table.Flush()
	if s.Built != "" {
		fmt.Fprintf(out, "  last build: %s\n", s.Built)
	}
}

// countersLine is what of a worker's counters a person looks for, as far as it is known.
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
			parts = append(parts, fmt.Sprintf("%.1f s of a processor", c.Value))
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

// explain asks the running hotreload, or if there is none finds out as much as can be known without one.
func (m *remote) explain(ctx context.Context, out io.Writer, o *options, env []string, root *cobra.Command, paths []string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	var ask func(path string) ([]runner.Explanation, error)
	alone := false
	client, err := m.find(ctx)
	switch {
	case err == nil:
		ask = func(path string) ([]runner.Explanation, error) { return client.Explain(ctx, path) }
	case errors.Is(err, control.ErrNone) && m.pid == 0:
		alone = true
		w, err := wishesOf(root.Flags(), o.goFlags, nil, env)
		if err != nil {
			return err
		}
		if err := process.Setup(); err != nil {
			return err
		}
		r, err := w.resolve(ctx)
		if err != nil {
			return err
		}
		graphs := make([]*gobuild.Graph, len(r.services))
		for i, service := range r.services {
			graphs[i] = gobuild.NoGraph()
			if service.config.Command == nil {
				if graphs[i], err = gobuild.Load(ctx, service.config.Program); err != nil {
					return err
				}
			}
		}
		ask = func(path string) (all []runner.Explanation, err error) {
			for i, service := range r.services {
				all = append(all, runner.ExplainAlone(service.config, graphs[i], path))
			}
			return all, nil
		}
	default:
		return err
	}
	var all []runner.Explanation
	for _, path := range paths {
		e, err := ask(absolute(dir, path))
		if err != nil {
			return err
		}
		for i := range e {
			e[i].Path = absolute(dir, path) // JSON has no room for bytes that are no UTF-8
		}
		all = append(all, e...)
	}
	if m.asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(all)
	}
	for _, e := range all {
		var notes []string
		if e.Ignored != "" {
			notes = append(notes, "by "+e.Ignored)
		}
		if e.Package != "" && !strings.Contains(e.Reason, e.Package) {
			notes = append(notes, "in the folder of "+e.Package)
		}
		var reached []string
		if len(e.Reaches) > 0 {
			reached = append(reached, count(len(e.Reaches), "package"))
		}
		if len(e.Workers) > 0 {
			reached = append(reached, count(len(e.Workers), "worker"))
		}
		if len(reached) > 0 {
			notes = append(notes, "reaches "+strings.Join(reached, " and "))
		}
		if !e.Exists {
			notes = append(notes, "it does not exist")
		}
		switch {
		case e.Polled != "":
			notes = append(notes, "polled: "+e.Polled)
		case e.Watched:
			notes = append(notes, "watched")
		default:
			notes = append(notes, "not watched")
		}
		of := ""
		if e.Service != "" {
			of = e.Service + ": "
		}
		fmt.Fprintf(out, "%s%s → %s: %s · %s\n", of, relative(dir, e.Path), bold(e.Class), e.Reason, strings.Join(notes, " · "))
	}
	if alone {
		fmt.Fprintln(out, dim("no hotreload runs here: what workers read while they run is not known"))
	}
	return nil
}

// controlled has other programs talk to a run, from when it begins. A hotreload that nobody can talk to works all the
// same.
func controlled(w *wishes, r *resolved, run *runner.Group, journal *control.Journal, console *console) *control.Server {
	root := w.dir
	if r.path != "" {
		root = filepath.Dir(r.path)
	}
	token := r.o.controlToken
	if token == "" {
		token = ownToken()
	}
	refusals := newSeldom()
	info := control.Info{Pid: os.Getpid(), Dir: w.dir, Root: root, Program: shownAll(r.services), Switch: r.killSwitch.Path}
	options := control.Options{
		Listen: r.o.control, TokenFile: absolute(w.dir, token),
		Refused: func(from, why string) {
			if n, say := refusals.again(why); say {
				console.say(dim(prefix) + yellow(fmt.Sprintf("a command from %s was denied: %s%s", from, why, n)))
			}
		},
	}
	server, err := control.Serve(info, run, journal, options)
	if err != nil && options.Listen != "" {
		console.say(dim(prefix) + red("--control: "+err.Error()))
		options.Listen = ""
		server, err = control.Serve(info, run, journal, options)
	}
	if err != nil {
		console.say(dim(prefix) + yellow("no commands from outside: "+err.Error()))
		return nil
	}
	if address := server.Address(); address != nil && !r.o.quiet {
		console.say(dim(prefix) + "commands at " + address.String() + ", with the token in " + options.TokenFile)
	}
	process.Bequeath(server.Path())
	return server
}

// shownAll is what all services run, as the user named it.
func shownAll(services []*service) string {
	var all []string
	for _, s := range services {
		all = append(all, s.shown())
	}
	return strings.Join(all, ", ")
}
