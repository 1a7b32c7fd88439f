package cli

import (
	"github.com/spf13/cobra"

	"hotreload/settings"
)

// newSchema is `hotreload schema`: the JSON Schema of hotreload.toml.
func newSchema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "print the JSON Schema of hotreload.toml, for editors", Args: cobra.NoArgs,
		Long: "Print the JSON Schema of hotreload.toml, for editors:\n\n" +
			"  hotreload schema > .hotreload.schema.json\n\n" +
			"In editors with Taplo (Even Better TOML, Neovim, Helix, Zed), the first line of hotreload.toml names it:\n\n" +
			"  #:schema ./.hotreload.schema.json",
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(settings.Schema())
			return err
		},
	}
}
