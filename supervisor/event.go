package supervisor

import (
	"time"

	"hotreload/process"
	"hotreload/supervisor/host"
	"hotreload/supervisor/inspect"
)

// Event reports a fact. Events are never changed after sending.
type Event interface{ event() }

// Exit tells how a worker ended, with the details for a line of output.
type Exit struct {
	process.Exit
	StartError   error    // the worker could not be started; the embedded Exit is empty
	Tail         string   // the last lines on stderr, at most tailSize bytes
	Trace        string   // the panic or fatal error at the end, as printed by Go's runtime; "" = none
	AddressInUse string   // the address of a failed bind, according to Tail; "?" if Tail names none
	Holder       Holder   // the process listening there, if known
	Left         int      // number of ended processes left behind by the worker
	Spared       []int    // pids of daemons started by the worker and left running
	OOM          OOM      // whether the kernel killed the worker for lack of memory
	Standing     Standing // an unready worker's situation next to old workers
	Removed      string   // a file of its successor removed by the worker at its end; "" = none
}

// Success reports whether the worker exited by itself with code 0.
func (e Exit) Success() bool { return e.StartError == nil && e.Exit.Success() }

func (e Exit) String() string {
	if e.StartError != nil {
		return e.StartError.Error()
	}
	if e.OOM != inspect.NotOOM {
		return e.Exit.String() + ", " + e.OOM.String()
	}
	return e.Exit.String()
}

// heldByOurs reports whether the worker failed because, as far as is known, an older worker holds the address.
func (e Exit) heldByOurs() bool { return e.AddressInUse != "" && (e.Holder.Pid == 0 || e.Holder.Ours) }

// Holder is the process that listens on an address.
type Holder = inspect.Holder

// OOM tells whether the kernel killed a worker for lack of memory.
type OOM = inspect.OOM

// FileUse tells how a worker opened a file, as far as the called function shows; Purpose tells the purpose.
type (
	FileUse = host.How
	Purpose = host.Purpose
)

const (
	ToRead        = host.ToRead        // os.Open, os.ReadFile, os.ReadDir
	ToReadOrWrite = host.ToReadOrWrite // os.OpenFile
	ToWrite       = host.ToWrite       // os.Create, os.WriteFile, os.CreateTemp
	Again         = host.Again         // opened again for a later request: the file is read whenever it is needed
	Counted       = host.Counted       // only Count is new
	TooMany       = host.TooMany       // other files than the reported ones will not be reported

	ForProgram = host.ForProgram
	ForItself  = host.ForItself // a file of the standard library
	ToServe    = host.ToServe   // opened by a function that opens its files for each use
)

// Retry tells what follows an unexpected exit: a restart at once, after a delay, when starts are allowed, when the old
// workers are gone; or (zero) nothing.
type Retry struct {
	Now      bool
	In       time.Duration
	Failures int    // consecutive failures
	Blocked  string // why starts are refused
	Alone    Reason // why the worker is started again after the old ones are gone
	Waits    bool   // nothing is started before a change or a request
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

	// Serving: the generation is ready in every slot; old workers have been asked to drain, at the latest now.
	Serving struct {
		Generation int
		After      time.Duration // since Replace
	}

	// Replaced: no worker of another generation accepts connections any more, and none has a movable idle connection
	// left. New requests reach the new code, except where impossible (see package agent).
	Replaced struct {
		Generation int
		After      time.Duration // since Replace
		// the age of its workers is the only sign: they run; Listens reports later whether they serve
		Runs bool
	}

	// Listens: a worker ready only by its age was found to serve.
	Listens struct {
		Worker
		After time.Duration // since its start
	}

	// Forecast: a rolling replacement has replaced some slots, and the rest will take a while.
	Forecast struct {
		Generation int
		Done, Of   int // slots
		Rest       time.Duration
	}

	// Scaled: after Adopt or Shut, the number of workers is right, and no others accept connections.
	Scaled struct{ Workers int }

	// Blocked: Config.Allowed refuses starts from now on; running workers continue. The event is repeated for another
	// reason.
	Blocked struct{ Reason string }

	// Unblocked: starts are allowed again, and missing workers are started.
	Unblocked struct{}

	// Failed: a generation exited, or hung, before it was ready in every slot and stable. An older generation keeps
	// serving or is started again.
	Failed struct {
		Generation, Serving int
		Worker              Worker
		Exit                Exit
		Reason              string        // why the supervisor killed the worker; "" if the worker exited by itself
		After               time.Duration // since its start
		Alone               Reason        // why the worker was tried without the old ones; zero if not tried alone
	}

	// Exited: a worker and all its processes are gone.
	Exited struct {
		Worker
		State    State // before the exit
		Exit     Exit
		Expected bool          // requested, or with code 0
		Reason   string        // why the supervisor killed the worker before it was ready
		After    time.Duration // since its start
		Retry    Retry
	}

	// Retiring: a worker will be replaced by another one of its generation, and serves until then.
	Retiring struct {
		Worker
		Why string // the limit reached by the worker; "" if the worker asked for its replacement
	}

	// Message: a worker sent a message to all listeners. Data is a JSON document.
	Message struct {
		Worker
		Data []byte

		heard func() // releases the message's place in the worker's quota
	}

	// Throttled: a worker sends messages faster than they are received, and has to wait. Reported once for each worker.
	Throttled struct{ Worker }

	// Undone: an exiting worker removed a file created by its successor. The supervisor does not switch to stop-first,
	// because the user chose a strategy. Reported once for each file.
	Undone struct {
		Worker
		Path string
	}

	// Drains: a worker was asked to drain.
	Drains struct{ Worker }

	// GraceOver: a worker did not exit within the grace and is killed.
	GraceOver struct {
		Worker
		Grace time.Duration
	}

	// TriedAlone: a new worker died or hangs next to an old one, and probably because of the old one. The old workers
	// exit first this time.
	TriedAlone struct {
		Worker
		Reason Reason
		Hung   bool
		After  time.Duration // since its start
	}

	// RunsAlone: the new worker served after the old ones were gone. Old workers exit first from now on.
	RunsAlone struct {
		Worker
		Reason Reason
	}

	// RunsBeside: the reason for stop-first is gone.
	RunsBeside struct{ Reason Reason }

	// CannotHandOver: a worker with an agent has a socket that no other worker can take over (UDP, an abstract name).
	// For as long, old workers exit first.
	CannotHandOver struct {
		Worker
		Address Address
	}

	// OwnsListener: the supervisor now owns a listener opened by a worker through its agent.
	OwnsListener struct {
		Worker
		Address Address
	}

	// FileOpened: a worker opened a file, or a folder to list it, before the worker was known to serve, or later
	// (Late).
	FileOpened struct {
		Worker
		Path    string // absolute
		How     FileUse
		For     Purpose
		Missing bool      // the file did not exist
		At      time.Time // just before the file was opened
		Late    bool
		Count   int    // how often the worker has opened the file to read it until now, late or not
		Caller  string // the calling function, for people
	}

	// FileWritten: a worker closes a file opened for writing, or (Held) still has the file open. While Inode and
	// Modified do not change, the file's content is the worker's, even if the file is renamed.
	FileWritten struct {
		Worker
		Path       string    // "" if unknown
		Held, Only bool      // Only: the worker cannot read the file
		At, Since  time.Time // the file was opened at Since or later
		Inode      uint64
		Modified   time.Time
	}

	// FilesTold: the answer to Supervisor.AskFiles.
	FilesTold struct{ Number int }

	// NoAgent: a worker's agent cannot work, or (zero Worker) no agent can.
	NoAgent struct {
		Worker
		Reason string
	}

	// Rejected: the agents' socket refused a process, because the process is not a worker or misbehaves. Pid is 0 if
	// unknown.
	Rejected struct {
		Pid    int
		Reason string
	}

	// GenerationGone: no worker runs the program of this generation, and none will.
	GenerationGone struct{ Generation int }

	// Dropped: the terminal was stopped, and the oldest output of a worker was lost.
	Dropped struct {
		Worker
		Bytes int64
	}

	// ListenerMended: a worker had called shutdown(2) on a shared socket, so no client could connect. The socket
	// listens again, unless Err tells why not; connections in the accept queue are lost. Or (Blocking) a worker had
	// switched a shared socket to blocking mode, where accepts hang; the supervisor switched the mode back. Suspect is
	// the worker that last drained or exited.
	ListenerMended struct {
		Address  Address
		Suspect  Worker
		Blocking bool
		Err      error
	}

	// Stopped: the last worker is gone after Stop or Kill. Stopped is the last event.
	Stopped struct{}
)

func (Started) event()        {}
func (BecameReady) event()    {}
func (Serving) event()        {}
func (Listens) event()        {}
func (Replaced) event()       {}
func (Forecast) event()       {}
func (Scaled) event()         {}
func (Blocked) event()        {}
func (Unblocked) event()      {}
func (Failed) event()         {}
func (Exited) event()         {}
func (Retiring) event()       {}
func (Message) event()        {}
func (Throttled) event()      {}
func (Drains) event()         {}
func (Undone) event()         {}
func (GraceOver) event()      {}
func (TriedAlone) event()     {}
func (RunsAlone) event()      {}
func (RunsBeside) event()     {}
func (CannotHandOver) event() {}
func (OwnsListener) event()   {}
func (FileOpened) event()     {}
func (FileWritten) event()    {}
func (FilesTold) event()      {}
func (NoAgent) event()        {}
func (Rejected) event()       {}
func (GenerationGone) event() {}
func (Dropped) event()        {}
func (ListenerMended) event() {}
func (Stopped) event()        {}
