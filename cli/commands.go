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
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/gobuild"
	"hotreload/process"
	"hotreload/runner"
)

// remote is what the commands for a running hotreload have in common.
type remote struct {
	asJSON  bool
	pid     int
	timeout time.Duration
}

func (m *remote) flags(c *cobra.Command) {
	c.Flags().BoolVar(&m.asJSON, "json", false, "answer in JSON")
	c.Flags().IntVar(&m.pid, "pid", 0, "`pid` of the hotreload that is meant, if several run here")
}

func (m *remote) find(ctx context.Context) (*control.Client, error) {
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

// newCommands are those that talk to a running hotreload.
func newCommands(o *options, env []string, root *cobra.Command) []*cobra.Command {
	var m remote
	ask := func(use, short string, do func(ctx context.Context, c *control.Client) (runner.Status, error), waits bool) *cobra.Command {
		command := &cobra.Command{
			Use: use, Short: short, Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				ctx := cmp.Or(c.Context(), context.Background())
				client, err := m.find(ctx)
				if err != nil {
					return err
				}
				if m.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, m.timeout)
					defer cancel()
				}
				status, err := do(ctx, client)
				if errors.Is(err, context.DeadlineExceeded) {
					return hinted{fmt.Errorf("it has not come to an end within %s", m.timeout), "hotreload status says what is going on"}
				}
				if err != nil {
					return err
				}
				return m.show(c.OutOrStdout(), status, waits)
			},
		}
		m.flags(command)
		if waits {
			command.Flags().DurationVar(&m.timeout, "timeout", 0, "give up after this `time`; 0: never")
		}
		return command
	}
	stop := &cobra.Command{
		Use: "stop", Short: "let the workers finish, and end hotreload", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := cmp.Or(c.Context(), context.Background())
			client, err := m.find(ctx)
			if err != nil {
				return err
			}
			return client.Stop(ctx)
		},
	}
	m.flags(stop)
	explain := &cobra.Command{
		Use: "explain [flags] path…", Short: "say how a change of these files takes effect, and why", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error {
			return m.explain(cmp.Or(c.Context(), context.Background()), c.OutOrStdout(), o, env, root, paths)
		},
	}
	m.flags(explain)
	return []*cobra.Command{
		ask("status", "say how things stand", func(ctx context.Context, c *control.Client) (runner.Status, error) { return c.Status(ctx) }, false),
		ask("wait", "wait until the tree as saved serves, or does not build; exit code 0 if it serves", func(ctx context.Context, c *control.Client) (runner.Status, error) { return c.Wait(ctx) }, true),
		ask("reload", "replace the workers, and wait for the outcome", func(ctx context.Context, c *control.Client) (runner.Status, error) { return c.Reload(ctx) }, true),
		ask("rebuild", "build, replace the workers, and wait for the outcome", func(ctx context.Context, c *control.Client) (runner.Status, error) { return c.Rebuild(ctx) }, true),
		stop,
		explain,
	}
}

// show prints a status. One that was waited for and is not what was hoped for is an error.
func (m *remote) show(out io.Writer, s runner.Status, waited bool) error {
	if m.asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(s); err != nil {
			return err
		}
	} else if !waited || !s.Stale {
		showStatus(out, s)
	}
	switch {
	case !waited:
		return nil
	case s.Paused:
		return hinted{errors.New("paused: changes wait"), "p on hotreload's terminal goes on"}
	case s.Stale:
		return fmt.Errorf("generation %d is stale:\n%s", s.Serving, s.Failure)
	}
	return nil
}

func showStatus(out io.Writer, s runner.Status) {
	state := s.Phase
	switch {
	case s.Paused:
		state = "paused"
	case s.Stale:
		state = yellow("stale")
	case s.Phase == "idle":
		state = green("serves")
	}
	fmt.Fprintf(out, "%s  generation %d, %s\n", s.Program, s.Serving, state)
	if s.Failure != "" {
		fmt.Fprintln(out, s.Failure)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, w := range s.Workers {
		fmt.Fprintf(table, "  slot %d\tgeneration %d\tpid %d\t%s\tup %s\n", w.Slot, w.Generation, w.Pid, w.State, w.Uptime.Round(time.Second))
	}
	_ = table.Flush()
	if s.Built != "" {
		fmt.Fprintf(out, "  last build: %s\n", s.Built)
	}
}

// explain asks the running hotreload, or if there is none finds out as much as can be known without one.
func (m *remote) explain(ctx context.Context, out io.Writer, o *options, env []string, root *cobra.Command, paths []string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	var ask func(path string) (runner.Explanation, error)
	alone := false
	client, err := m.find(ctx)
	switch {
	case err == nil:
		ask = func(path string) (runner.Explanation, error) { return client.Explain(ctx, path) }
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
		graph, err := gobuild.Load(ctx, r.config.Program)
		if err != nil {
			return err
		}
		ask = func(path string) (runner.Explanation, error) { return runner.ExplainAlone(r.config, graph, path), nil }
	default:
		return err
	}
	var all []runner.Explanation
	for _, path := range paths {
		e, err := ask(absolute(dir, path))
		if err != nil {
			return err
		}
		all = append(all, e)
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
		fmt.Fprintf(out, "%s → %s: %s · %s\n", relative(dir, e.Path), bold(e.Class), e.Reason, strings.Join(notes, " · "))
	}
	if alone {
		fmt.Fprintln(out, dim("no hotreload runs here: what workers read while they run is not known"))
	}
	return nil
}

// controlled has other programs talk to a run, from when it begins. A hotreload that nobody can talk to works all the
// same.
func controlled(w *wishes, r *resolved, run *runner.Runner, console *console) *control.Server {
	root := w.dir
	if r.path != "" {
		root = filepath.Dir(r.path)
	}
	server, err := control.Serve(control.Info{Pid: os.Getpid(), Dir: w.dir, Root: root, Program: strings.Join(r.pkg, " ")}, run)
	if err != nil {
		console.say(dim(prefix) + yellow("no commands from outside: "+err.Error()))
		return nil
	}
	process.Bequeath(server.Path())
	return server
}
