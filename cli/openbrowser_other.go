//go:build !linux && !darwin && !windows

package cli

func openCommand() []string { return []string{"xdg-open"} }
