package host

import (
	"time"

	"hotreload/worker/linked/protocol"
)

// Event is something that an agent, or somebody who is none, did. Worker is the number given to Admit.
type Event interface{ event() }

type (
	// Hello: the worker has an agent.
	Hello struct{ Worker, Pid int }

	// Absent: the worker's agent cannot do its work, and says why. Nothing else comes from it.
	Absent struct {
		Worker int
		Reason string
	}

	// Asked: the worker got the listener of this address, or Err, the very error that its call returned.
	Asked struct {
		Worker  int
		Network string // tcp4, tcp6 (IPv6 alone), tcp, unix or unixpacket
		Address string
		New     bool // nobody listened there before
		Err     error
	}

	// Ready: the worker accepts on every listener on which the last ready one did, or on some of them for ReadyAfter.
	Ready struct{ Worker int }

	// Released: the worker accepts no more, after Drain.
	Released struct{ Worker int }

	// Quiet: all connections that the worker had accepted are closed, after Drain.
	Quiet struct{ Worker int }

	// Idle: no request is being answered, after Leave.
	Idle struct{ Worker int }

	// Opened: the program has opened a file, or a folder to read it. Each is told once, and once more after the first
	// accept. What is opened before the worker is ready is told before Ready.
	Opened struct {
		Worker int
		Path   string // absolute, not clean
		How    How
		At     time.Time // just before it was opened
	}

	// Counts: what the agent knows, asked for by Count.
	Counts struct {
		Worker int
		ID     uint32
		Known
	}

	// Gone: the connection to the worker's agent has ended.
	Gone struct{ Worker int }

	// Rejected: somebody was turned away. Pid is 0 if the kernel does not tell.
	Rejected struct {
		Pid    int
		Reason string
	}
)

func (Hello) event()    {}
func (Absent) event()   {}
func (Asked) event()    {}
func (Ready) event()    {}
func (Released) event() {}
func (Quiet) event()    {}
func (Idle) event()     {}
func (Opened) event()   {}
func (Counts) event()   {}
func (Gone) event()     {}
func (Rejected) event() {}

// Known is what an agent counts.
type Known = protocol.Known

// ReadyAfter is how long a worker that accepts somewhere may take to accept on the other listeners, of which it is not
// known whether it still wants them. Felt right, not measured.
const ReadyAfter = 300 * time.Millisecond

// How a file was opened, as far as the function that the program called tells.
type How byte

const (
	ToRead        = How(protocol.ToRead)        // os.Open, os.ReadFile, os.ReadDir
	ToReadOrWrite = How(protocol.ToReadOrWrite) // os.OpenFile
	ToWrite       = How(protocol.ToWrite)       // os.Create, os.WriteFile, os.CreateTemp
)
