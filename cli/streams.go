package cli

import (
	"cmp"
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
	"hotreload/settings"
)

// connections is `hotreload connections [service…]`.
func (m *remote) connections() *cobra.Command {
	command := &cobra.Command{
		Use: "connections [service…]", Short: "list the connections of the workers",
		Long: "List the connections of the workers, incoming and outgoing.\n\n" + target,
		RunE: func(c *cobra.Command, names []string) error {
			ctx := contextOf(c)
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
				return errors.New("connections cannot be listed on this system")
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
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%d\t%d\n", cmp.Or(c.Service, "-"), c.Slot, c.Generation, c.Pid,
			c.Local, c.Remote, c.State, c.Unread, c.Unsent)
	}
	return table.Flush()
}

func orAll(names []string) []string {
	if len(names) == 0 {
		return []string{""}
	}
	return names
}

// wrongTarget turns an error about a command's target into a usage error.
func wrongTarget(err error) error {
	if errors.Is(err, control.ErrBad) {
		return settings.Usage(err, "hotreload status lists the services and their slots")
	}
	return err
}

// events is `hotreload events [service…]`.
func (m *remote) events() *cobra.Command {
	var output bool
	command := &cobra.Command{
		Use: "events [service…]", Short: "print events as JSON lines until hotreload ends",
		Long: "Print events as JSON lines until hotreload ends.\n\n" + target,
		RunE: func(c *cobra.Command, names []string) error {
			encoder := json.NewEncoder(c.OutOrStdout())
			return m.follow(c, names, control.Stream{What: "events", Output: output},
				func(n control.News) error { return encoder.Encode(n) })
		},
	}
	m.flags(command)
	command.Flags().BoolVar(&output, "output", false, "also print the workers' output")
	return command
}

// logs is `hotreload logs [service…]`.
func (m *remote) logs() *cobra.Command {
	var follow bool
	var last int
	command := &cobra.Command{
		Use: "logs [service…]", Short: "print the latest output of the workers",
		Long: "Print the latest output of the workers.\n\n" + target,
		RunE: func(c *cobra.Command, names []string) error {
			out, encoder := c.OutOrStdout(), json.NewEncoder(c.OutOrStdout())
			return m.follow(c, names, control.Stream{What: "logs", Last: last, Ends: !follow}, func(n control.News) error {
				if m.asJSON {
					return encoder.Encode(n)
				}
				if n.Event == "dropped" {
					_, err := fmt.Fprintln(out, dim(n.Text+" lines are missing here: the output was too fast"))
					return err
				}
				_, err := fmt.Fprintln(out, n.Text)
				return err
			})
		},
	}
	m.flags(command)
	command.Flags().BoolVarP(&follow, "follow", "f", false, "keep printing new output until hotreload ends")
	command.Flags().IntVarP(&last, "lines", "n", 100, "print the last `n` lines")
	return command
}

// follow reads the news of all named services at the same time.
func (m *remote) follow(c *cobra.Command, names []string, s control.Stream, tell func(control.News) error) error {
	ctx, stop := signal.NotifyContext(contextOf(c), os.Interrupt)
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

// seldomly counts repeated messages.
type seldomly struct {
	mu    sync.Mutex
	times map[string]int
}

func newSeldom() *seldomly { return &seldomly{times: map[string]int{}} }

// again reports whether to print this message, and what to add to it.
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
