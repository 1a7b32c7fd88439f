// Package settings defines and reads hotreload's settings: flags, Go's build flags, and hotreload.toml.
//
// # The table
//
// Each setting is one row of table.go: its name, type, places, effect of a change while hotreload runs, help, and its
// paragraph in the reference. Flags, keys of the file, checks, --help, completion, the manual page and the reference
// come from the rows. The row's variable reads the value:
//
//	settings.Grace.Of(values)
//
// # How it works
//
// Wishes holds the command line. Resolve adds the current file and returns a runner.Config for each service. When the
// file changes, the caller calls Resolve again; Pending then lists the settings that take effect only at the next start
// of hotreload.
//
// The command line overrides a [[service]], and a [[service]] overrides the rest of the file. Each error has a hint,
// and names the flag or the line of the file.
//
// # What it does not do
//
// This package prints nothing, starts nothing and stores nothing: Values do not change after Resolve has returned them.
package settings
