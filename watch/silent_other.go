//go:build !linux && !darwin

package watch

// silentSystem is not known here; polling can be asked for.
func silentSystem(string) string { return "" }
