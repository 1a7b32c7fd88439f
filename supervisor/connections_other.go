//go:build !linux

package supervisor

func connectionsOf(int) ([]Connection, bool) { return nil, false }
