//go:build !linux

package process

// Tell does nothing: there is no systemd here.
func Tell(string) {}
