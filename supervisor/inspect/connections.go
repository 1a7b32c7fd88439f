package inspect

// Connection is an open TCP connection of a worker.
type Connection struct {
	Network string // tcp, tcp6
	Local   string // host:port
	Remote  string // host:port
	State   string // established, close-wait, …
	Unread  int    // received bytes not yet read by the worker
	Unsent  int    // sent bytes not yet acknowledged by the other side
}

// Connections lists the TCP connections of a process and its descendants, in both directions. known is false if the
// system does not tell.
func Connections(pid int) (all []Connection, known bool) { return connectionsOf(pid) }
