package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/mcp"
)

// mcp is `hotreload mcp`.
func (m *remote) mcp() *cobra.Command {
	command := &cobra.Command{
		Use: "mcp", Short: "serve coding agents by the Model Context Protocol, on stdin and stdout", Args: cobra.NoArgs,
		Long: "Serve a coding agent by the Model Context Protocol (MCP), on stdin and stdout, with the tools status, wait, " +
			"problems, logs, explain, reload, request and browser_console. The agent starts this command; hotreload " +
			"itself may start later, or again.",
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := os.Getwd()
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(contextOf(c), os.Interrupt)
			defer stop()
			server := mcp.Server{Version: version, Dir: dir, Find: func(ctx context.Context) (*control.Client, error) {
				client, err := m.find(ctx)
				if hint := hintOf(err); hint != "" {
					err = fmt.Errorf("%w\nhint: %s", err, hint)
				}
				return client, err
			}}
			if err := server.Serve(ctx, os.Stdin, os.Stdout); err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		},
	}
	m.flags(command)
	return command
}
