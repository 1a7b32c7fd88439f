package supervisor

import (
	"errors"
	"net"
)

// inherit fails, because there is no systemd on Windows.
func inherit(int) (net.Listener, error) { return nil, errors.New("sockets are not inherited here") }
