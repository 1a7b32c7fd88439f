package host

import "hotreload/agent/protocol"

// There is no Attendant on macOS, where the agent cannot hand connections to the program.

func (h *Host) giveWaiting(in *reader, _ uint32) error {
	return send(in.conn, protocol.Waiting, protocol.Numbers(0), -1)
}

func (h *Host) hangUp() {}
