package supervisor

import (
	"time"

	"hotreload/process"
	"hotreload/worker/host"
)

// Event is something that has happened, a value that is never changed after it was sent.
type Event interface{ event() }

// Exit is how a worker ended, with what is needed to say so in one line.
type Exit struct {
	process.Exit
	StartError   error  // it could not be started at all; Exit is then empty
	Tail         string // the last lines that it wrote to stderr, at most tailSize bytes
	AddressInUse string // the address it failed to bind, if that is what the tail says; "?" if the tail names none
	Holder       Holder // who listens there, where that can be found out
	Left         int    // processes that it left behind and that had to be killed
	OOM          OOM    // whether the kernel killed it for lack of memory
}

// Success reports whether the worker ended by itself with code 0.
func (e Exit) Success() bool { return e.StartError == nil && e.Exit.Success() }

func (e Exit) String() string {
	if e.StartError != nil {
		return e.StartError.Error()
	}
	if e.OOM != NotOOM {
		return e.Exit.String() + ", " + e.OOM.String()
	}
	return e.Exit.String()
}

// heldByOurs reports whether it failed over an address that, for all that is known, an older worker holds.
func (e Exit) heldByOurs() bool { return e.AddressInUse != "" && (e.Holder.Pid == 0 || e.Holder.Ours) }

// Holder is a process that holds a socket; Pid 0 = nobody was found.
type Holder struct {
	Pid  int
	Name string
	Ours bool // it is a worker of ours, or was started by one, or it is we, who keep what workers asked for
}

// FileUse is how a worker opened a file, as far as the function that it called tells.
type FileUse = host.How

const (
	ToRead        = host.ToRead        // os.Open, os.ReadFile, os.ReadDir
	ToReadOrWrite = host.ToReadOrWrite // os.OpenFile
	ToWrite       = host.ToWrite       // os.Create, os.WriteFile, os.CreateTemp
)

// Retry is what happens after an unexpected exit: at once, after a delay, when it may be, or (zero) nothing.
type Retry struct {
	Now      bool
	In       time.Duration
	Failures int    // in a row
	Blocked  string // why it may not be started again for now
}

type (
	// Started: a worker's process runs.
	Started struct{ Worker }

	// BecameReady: a worker serves.
	BecameReady struct {
		Worker
		How   How
		After time.Duration // since its start
	}

	// Serving: the generation is ready in every slot; older ones have been asked to leave, at the latest now.
	Serving struct {
		Generation int
		After      time.Duration // since Replace
	}

	// Replaced: no worker of another generation accepts connections any more. A connection made after this meets
	// the new code.
	Replaced struct {
		Generation int
		After      time.Duration // since Replace
	}

	// Forecast: a rolling replacement has done some of its slots, and the rest will take a while.
	Forecast struct {
		Generation int
		Done, Of   int // slots
		Rest       time.Duration
	}

	// Scaled: after Adopt or Shut there are as many workers as there should be, and no others accept connections.
	Scaled struct{ Workers int }

	// Blocked: no worker may be started from here on, by what Config.Allowed says; those that run, run on. It comes again
	// with another reason.
	Blocked struct{ Reason string }

	// Unblocked: workers may be started again, and those that are missing are.
	Unblocked struct{}

	// Failed: a generation died, or hung, before it was ready in every slot and stable, and an older one serves on or
	// is started again.
	Failed struct {
		Generation, Serving int
		Worker              Worker
		Exit                Exit
		Reason              string        // why we killed it; "" if it ended by itself
		After               time.Duration // since its start
	}

	// Exited: a worker is gone, and all that it had started.
	Exited struct {
		Worker
		State    State // in which it was
		Exit     Exit
		Expected bool          // we asked for it, or it ended with code 0
		Reason   string        // why we killed it before it was ready
		After    time.Duration // since its start
		Retry    Retry
	}

	// Retiring: a worker is to be replaced by another of its generation. It serves until that one does.
	Retiring struct {
		Worker
		Why string // the limit that it has come to; "" if it has asked for it
	}

	// Message: a worker has something to say to whoever listens. Data is a JSON document.
	Message struct {
		Worker
		Data []byte

		heard func() // it is no longer kept here
	}

	// Throttled: a worker says more than is listened to, and has to wait. It is said once of each.
	Throttled struct{ Worker }

	// Drains: a worker was asked to finish and leave.
	Drains struct{ Worker }

	// GraceOver: a worker did not leave in time and is killed.
	GraceOver struct {
		Worker
		Grace time.Duration
	}

	// HandedOver: a new worker was not ready while an old one served; the old one leaves first now and for the rest
	// of the run.
	HandedOver struct {
		Worker
		After time.Duration
	}

	// SwitchedToStopFirst: a worker could not bind an address that an older worker of the same service holds. From
	// now on the old ones leave first.
	SwitchedToStopFirst struct {
		Worker
		Address string
	}

	// CannotHandOver: a worker with an agent has a socket that no other can take over (UDP, an abstract name). As long
	// as it does, the old ones leave first.
	CannotHandOver struct {
		Worker
		Address Address
	}

	// Kept: the supervisor has become the owner of a listener that a worker asked for through its agent.
	Kept struct {
		Worker
		Address Address
	}

	// FileOpened: a worker has opened a file, or a folder to read it, before it was ready or (Late) since.
	FileOpened struct {
		Worker
		Path string // absolute
		How  FileUse
		At   time.Time // just before it was opened
		Late bool
	}

	// FilesTold: see Supervisor.AskFiles.
	FilesTold struct{}

	// NoAgent: a worker's agent cannot do its work, or (Worker zero) none of them can.
	NoAgent struct {
		Worker
		Reason string
	}

	// Rejected: somebody who is no worker, or a worker that misbehaves, was turned away from the agents' socket. Pid
	// is 0 if the system does not tell.
	Rejected struct {
		Pid    int
		Reason string
	}

	// GenerationGone: nothing runs, or will run, the program of this generation.
	GenerationGone struct{ Generation int }

	// Dropped: the terminal was stopped, and the oldest of what a worker wrote meanwhile was lost.
	Dropped struct {
		Worker
		Bytes int64
	}

	// ListenerMended: a worker had called shutdown(2) on a socket that all share, so that nobody could connect to it any
	// more. It listens again, unless Err says why not; connections that waited are lost. Or (Blocking) it had made it
	// blocking for all, which holds up their accepts, and it is not any more. Suspect was the last to be asked to leave,
	// or to go.
	ListenerMended struct {
		Address  Address
		Suspect  Worker
		Blocking bool
		Err      error
	}

	// Stopped: the last worker is gone after Stop or Kill. No event comes after it.
	Stopped struct{}
)

func (Started) event()             {}
func (BecameReady) event()         {}
func (Serving) event()             {}
func (Replaced) event()            {}
func (Forecast) event()            {}
func (Scaled) event()              {}
func (Blocked) event()             {}
func (Unblocked) event()           {}
func (Failed) event()              {}
func (Exited) event()              {}
func (Retiring) event()            {}
func (Message) event()             {}
func (Throttled) event()           {}
func (Drains) event()              {}
func (GraceOver) event()           {}
func (HandedOver) event()          {}
func (SwitchedToStopFirst) event() {}
func (CannotHandOver) event()      {}
func (Kept) event()                {}
func (FileOpened) event()          {}
func (FilesTold) event()           {}
func (NoAgent) event()             {}
func (Rejected) event()            {}
func (GenerationGone) event()      {}
func (Dropped) event()             {}
func (ListenerMended) event()      {}
func (Stopped) event()             {}
