package process

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Tell reports hotreload's state to its starter, usually systemd: READY=1, RELOADING=1, STOPPING=1, each with further
// lines if needed (sd_notify(3)). If the starter has not asked for reports, Tell does nothing.
func Tell(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	socket, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: path})
	if err != nil {
		return
	}
	defer socket.Close()
	if state == "RELOADING=1" { // systemd wants to know since when
		var now unix.Timespec
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) == nil {
			state += fmt.Sprintf("\nMONOTONIC_USEC=%d", now.Nano()/1000)
		}
	}
	_, _ = socket.Write([]byte(state))
}
