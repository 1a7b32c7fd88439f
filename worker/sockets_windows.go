package worker

// closeOnExec does nothing: no program inherits sockets on Windows.
func closeOnExec(int) {}
