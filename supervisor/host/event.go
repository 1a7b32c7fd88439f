package host

import (
	"net"
	"time"

	"hotreload/agent/protocol"
)

// Event is an act of an agent, or of an unknown client. Worker is the number given to Admit.
type Event interface{ event() }

type (
	// Hello: the worker has an agent. Held: the worker waits before the program's main until Release.
	Hello struct {
		Worker, Pid int
		Held        bool
	}

	// Absent: the worker's agent cannot work, and gives the reason. Nothing else comes from this agent.
	Absent struct {
		Worker int
		Reason string
	}

	// Asked: the worker got the listener of this address; or Err, the error of the worker's own call.
	Asked struct {
		Worker  int
		Network string // tcp4, tcp6 (IPv6 alone), tcp, unix or unixpacket
		Address string
		New     bool // nothing listened there before
		Err     error
	}

	// Ready: the worker accepts on every listener on which the last ready worker accepted, or has accepted on some of
	// these for ReadyAfter. The first worker is ready when it has accepted somewhere for FirstReadyAfter.
	Ready struct{ Worker int }

	// Released: after Drain, the worker accepts no more connections.
	Released struct{ Worker int }

	// Moved: after Drain and Released, no connection of the worker waits for a request that another worker could
	// answer.
	Moved struct{ Worker int }

	// Quiet: after Drain, all connections accepted by the worker are closed.
	Quiet struct{ Worker int }

	// Idle: after Leave, no request is in flight.
	Idle struct{ Worker int }

	// Opened: the program has opened a file, or a folder for reading. Each path comes once, and once more after the
	// first accept. Paths opened before the worker is ready come before Ready.
	Opened struct {
		Worker  int
		Path    string // absolute, not clean
		How     How
		Purpose Purpose
		Missing bool      // the file did not exist
		At      time.Time // just before the opening
		Count   int       // number of openings for reading so far, since the first accept if there was one
		Caller  string    // the function that opened the file
	}

	// Wrote: the program closes a file that was open for writing, or (Held) still has the file open. A file with the
	// same inode and time has the worker's content, under every name.
	Wrote struct {
		Worker     int
		Path       string    // "" if unknown
		Held, Only bool      // Only: not for reading
		At, Since  time.Time // opened at Since or later
		Inode      uint64
		Modified   time.Time
	}

	// Visited: a browser asks for one of the supervisor's paths on this connection. The receiver has to close the
	// connection. The first bytes are the request, which asks for the connection to be closed after the answer.
	Visited struct {
		Worker int
		Conn   net.Conn
	}

	// Untagged: the document at this path got no tag, although documents should have one.
	Untagged struct {
		Worker       int
		Path, Reason string
	}

	// Counts: the answer of an agent to Count.
	Counts struct {
		Worker int
		ID     uint32
		Known
	}

	// Gone: the connection to the worker's agent has ended.
	Gone struct{ Worker int }

	// Rejected: a connection was refused. Pid is 0 if the kernel does not tell.
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
func (Moved) event()    {}
func (Quiet) event()    {}
func (Idle) event()     {}
func (Opened) event()   {}
func (Wrote) event()    {}
func (Visited) event()  {}
func (Untagged) event() {}
func (Counts) event()   {}
func (Gone) event()     {}
func (Rejected) event() {}

// Browser is the agents' configuration for browsers.
type Browser = protocol.Browser

// Values of Browser.Cache, and the longest tag.
const (
	CacheProgram    = protocol.CacheProgram
	CacheRevalidate = protocol.CacheRevalidate
	CacheOff        = protocol.CacheOff
	MaxTag          = protocol.MaxTag
)

// Known contains an agent's counts.
type Known = protocol.Known

// ReadyAfter is how long a worker that accepts on one listener may take to accept on the others. The program may no
// longer want the others. Felt right, not measured.
const ReadyAfter = 300 * time.Millisecond

// FirstReadyAfter is how long the first worker, whose listeners nobody knows yet, may take to accept on further
// listeners after the first. Of 25 quick starts of a program with two listeners, two opened the second 1 to 4 ms after
// the first accept; a busy machine takes longer.
const FirstReadyAfter = 50 * time.Millisecond

// How tells how a file was opened, as far as the program's call shows; or more about the file.
type How byte

const (
	ToRead        = How(protocol.ToRead)        // os.Open, os.ReadFile, os.ReadDir
	ToReadOrWrite = How(protocol.ToReadOrWrite) // os.OpenFile
	ToWrite       = How(protocol.ToWrite)       // os.Create, os.WriteFile, os.CreateTemp
	Again         = How(protocol.Again)         // opened again for a later request: opened whenever needed
	Counted       = How(protocol.Counted)       // only Count has changed
	TooMany       = How(protocol.TooMany)       // from now on, new paths are not reported
)

// Purpose tells why a file was opened, as far as the calling function shows.
type Purpose byte

const (
	ForProgram = Purpose(protocol.ForProgram)
	ForItself  = Purpose(protocol.ForItself) // for the standard library itself: resolv.conf, zoneinfo, certificates
	ToServe    = Purpose(protocol.ToServe)   // by code that opens its files at each use: net/http
)
