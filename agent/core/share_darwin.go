package core

// share leaves listeners made without net.Listen to the program.
func (a *agent) share(fd, flags int) (id, waits uint32) { return 0, 0 }
