package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hotreload/control"
)

// connections is `hotreload connections [service…]`.
func (m *remote) connections() *cobra.Command {
	command := &cobra.Command{
		Use: "connections [service…]", Short: "say who is connected to the workers", Long: "Say who is connected to the workers, and to whom they are.\n\n" + target,
		RunE: func(c *cobra.Command, names []string) error {
			ctx := cmp.Or(c.Context(), context.Background())
			client, err := m.find(ctx)
			if err != nil {
				return err
			}
			all := control.Connections{Connections: []control.Connection{}, Known: true}
			for _, name := range orAll(names) {
				some, err := client.Connections(ctx, name)
				if err != nil {
					return wrongTarget(err)
				}
				all.Known = all.Known && some.Known
				all.Connections = append(all.Connections, some.Connections...)
			}
			if m.asJSON {
				encoder := json.NewEncoder(c.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(all)
			}
			if !all.Known {
				return errors.New("this system does not tell who is connected")
			}
			return showConnections(c.OutOrStdout(), all.Connections)
		},
	}
	m.flags(command)
	return command
}

func showConnections(out io.Writer, all []control.Connection) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(all) > 0 {
		fmt.Fprintln(table, "SERVICE\tSLOT\tGENERATION\tPID\tLOCAL\tREMOTE\tSTATE\tUNREAD\tUNSENT")
	}
	for _, c := range all {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%d\t%d\n", cmp.Or(c.Service, "-"), c.Slot, c.Generation, c.Pid, c.Local, c.Remote, c.State, c.Unread, c.Unsent)
	}
	return table.Flush()
}

func orAll(names []string) []string {
	if len(names) == 0 {
		return []string{""}
	}
	return names
}

// wrongTarget makes an error about what a command is for one of usage.
func wrongTarget(err error) error {
	if errors.Is(err, control.ErrBad) {
		return usageError{hinted{err, "hotreload status lists the services and their slots"}}
	}
	return err
}

// events is `hotreload events [service…]`.
func (m *remote) events() *cobra.Command {
	var output bool
	command := &cobra.Command{
		Use: "events [service…]", Short: "tell what happens, a line of JSON each, until hotreload ends", Long: "Tell what happens, a line of JSON each, until hotreload ends.\n\n" + target,
		RunE: func(c *cobra.Command, names []string) error {
			encoder := json.NewEncoder(c.OutOrStdout())
			return m.follow(c, names, control.Stream{What: "events", Output: output}, func(n control.News) error { return encoder.Encode(n) })
		},
	}
	m.flags(command)
	command.Flags().BoolVar(&output, "output", false, "the workers' output, too")
	return command
}

// logs is `hotreload logs [service…]`.
func (m *remote) logs() *cobra.Command {
	var follow bool
	var last int
	command := &cobra.Command{
		Use: "logs [service…]", Short: "show what the workers wrote last", Long: "Show what the workers wrote last.\n\n" + target,
		RunE: func(c *cobra.Command, names []string) error {
			out, encoder := c.OutOrStdout(), json.NewEncoder(c.OutOrStdout())
			return m.follow(c, names, control.Stream{What: "logs", Last: last, Ends: !follow}, func(n control.News) error {
				if m.asJSON {
					return encoder.Encode(n)
				}
				if n.Event == "dropped" {
					_, err := fmt.Fprintln(out, dim(n.Text+" lines are missing here: they came too fast"))
					return err
				}
				_, err := fmt.Fprintln(out, n.Text)
				return err
			})
		},
	}
	m.flags(command)
	command.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what they write, until hotreload ends")
	command.Flags().IntVarP(&last, "lines", "n", 100, "`n` lines from before")
	return command
}

// follow reads news of all services that are named, at the same time.
func (m *remote) follow(c *cobra.Command, names []string, s control.Stream, tell func(control.News) error) error {
	ctx, stop := signal.NotifyContext(cmp.Or(c.Context(), context.Background()), os.Interrupt)
	defer stop()
	client, err := m.find(ctx)
	if err != nil {
		return err
	}
	names = orAll(names)
	errs := make([]error, len(names))
	var all sync.WaitGroup
	var one sync.Mutex
	for i, name := range names {
		s := s
		s.To = name
		all.Go(func() {
			errs[i] = client.Follow(ctx, s, func(n control.News) error {
				one.Lock()
				defer one.Unlock()
				return tell(n)
			})
		})
	}
	all.Wait()
	if err := errors.Join(errs...); ctx.Err() == nil {
		return wrongTarget(err)
	}
	return nil // Ctrl-C
}

// seldomly counts things that would be said again and again.
type seldomly struct {
	mu    sync.Mutex
	times map[string]int
}

func newSeldom() *seldomly { return &seldomly{times: map[string]int{}} }

// again reports whether this time is worth a line, and what to add to it.
func (s *seldomly) again(what string) (note string, say bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times[what]++
	n := s.times[what]
	if n > 1 {
		note = " (" + strconv.Itoa(n) + " times)"
	}
	return note, n == 1 || seldom(n)
}
