package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"hotreload/control"
)

// ui is `hotreload ui`.
func (m *remote) ui() *cobra.Command {
	var open bool
	command := &cobra.Command{
		Use: "ui", Short: "print the address of hotreload's own page, or open the page", Args: cobra.NoArgs,
		Long: "Print the address of the page about hotreload itself: services, generations, the last saves with times, " +
			"problems, output, counters. With --open, open the page in the default browser.",
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := cmp.Or(c.Context(), context.Background())
			client, err := m.find(ctx)
			if err != nil {
				return err
			}
			address, err := client.UI(ctx)
			switch {
			case err != nil:
				return err
			case m.asJSON:
				return json.NewEncoder(c.OutOrStdout()).Encode(control.UI{Address: address})
			}
			fmt.Fprintln(c.OutOrStdout(), address)
			if open {
				return openInBrowser(address)
			}
			return nil
		},
	}
	m.flags(command)
	command.Flags().BoolVar(&open, "open", false, "open the page in the default browser")
	return command
}
