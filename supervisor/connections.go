package supervisor

// Connection is a connection that a worker has open.
type Connection struct {
	Network string // tcp, tcp6
	Local   string // host:port
	Remote  string // host:port
	State   string // established, close-wait, …
	Unread  int    // bytes that the worker has not read yet
	Unsent  int    // bytes that the other side has not acknowledged yet
}

// Connections lists the TCP connections that a process and its family have open, those that others opened to it and
// those that it opened. known is false if the system does not tell.
func Connections(pid int) (all []Connection, known bool) { return connectionsOf(pid) }
