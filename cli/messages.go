package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/settings"
)

// send is `hotreload send [service[/slot]] MESSAGE`, and broadcast.
func (m *remote) send(all bool) *cobra.Command {
	var timeout time.Duration
	command := &cobra.Command{
		Use: "send [service] message", Short: "send a message to the next idle worker and print its replies",
		Args: cobra.RangeArgs(1, 2),
		Long: "Send a message, a JSON document (- reads stdin), to the next idle worker of a service or to one slot " +
			"(SERVICE/SLOT), " +
			"and print the replies. The program receives messages with package hotreload/worker.",
	}
	if all {
		command.Use, command.Short = "broadcast [service] message",
			"send a message to all workers that accept messages and print their replies"
		command.Long = "Send a message, a JSON document (- reads stdin), to all workers of a service, or of all services, " +
			"that accept messages, " +
			"and print the replies."
	}
	command.RunE = func(c *cobra.Command, args []string) error {
		ctx := contextOf(c)
		data := []byte(args[len(args)-1])
		if string(data) == "-" {
			var err error
			if data, err = io.ReadAll(io.LimitReader(c.InOrStdin(), control.MaxMessage+1)); err != nil {
				return fmt.Errorf("read the message: %w", err)
			}
		}
		if !json.Valid(data) {
			return settings.Usage(errors.New("a message must be a JSON document"),
				`hotreload `+c.Name()+` '{"hello": "world"}'; a plain text needs double quotes of its own: '"hello"'`)
		}
		client, err := m.find(ctx)
		if err != nil {
			return err
		}
		to := ""
		if len(args) == 2 {
			to = args[0]
		}
		encoder := json.NewEncoder(c.OutOrStdout())
		err = client.Send(ctx, to, all, data, timeout, func(a control.Answer) {
			if m.asJSON {
				_ = encoder.Encode(a)
			} else {
				fmt.Fprintf(c.OutOrStdout(), "%s\n", a.Reply)
			}
		})
		return wrongTarget(err)
	}
	m.flags(command)
	command.Flags().DurationVar(&timeout, "timeout", 0, "stop waiting after this `time`; 0: 10s")
	return command
}

// query is `hotreload query [service…]`.
func (m *remote) query() *cobra.Command {
	command := &cobra.Command{
		Use: "query [service…]", Short: "show what workers report about themselves",
		Long: "Show what workers report about themselves, and their own counters.\n\n" + target,
		RunE: func(c *cobra.Command, names []string) error {
			ctx := contextOf(c)
			client, err := m.find(ctx)
			if err != nil && (!errors.Is(err, control.ErrDenied) ||
				client == nil) { // a client without the token gets the public part
				return err
			}
			all := control.Reports{Workers: []control.Report{}}
			for _, name := range orAll(names) {
				some, err := client.Query(ctx, name)
				if err != nil {
					return wrongTarget(err)
				}
				all.Workers = append(all.Workers, some.Workers...)
			}
			if m.asJSON {
				encoder := json.NewEncoder(c.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(all)
			}
			return showReports(c.OutOrStdout(), all)
		},
	}
	m.flags(command)
	return command
}

func showReports(out io.Writer, all control.Reports) error {
	for _, w := range all.Workers {
		text := w.Text
		switch {
		case w.Unresponsive:
			text = yellow("does not answer")
		case w.Silent:
			text = dim("reports nothing")
		}
		fmt.Fprintf(out, "%s  generation %d  %s\n", bold(slotName(w.Service, w.Worker.Slot)), w.Worker.Generation, text)
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, c := range w.Counters {
			limit := ""
			if c.Max != nil {
				limit = "of " + strconv.FormatFloat(*c.Max, 'g', -1, 64)
			}
			unit := c.Unit
			if unit == "c" {
				unit = ""
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", c.Name, strconv.FormatFloat(c.Value, 'f', -1, 64), unit, limit)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// slotName is a worker's name on the command line.
func slotName(service string, slot int) string {
	if service == "" {
		return strconv.Itoa(slot)
	}
	return service + "/" + strconv.Itoa(slot)
}
