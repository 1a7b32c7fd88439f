package runner

import (
	"time"

	"hotreload/gobuild"
	"hotreload/problems"
	"hotreload/supervisor"
	"hotreload/watch"
)

// Event is news for users and programs: a value that does not change after it was sent.
type Event interface{ event() }

// Effect is a changed file and how it takes effect.
type Effect struct {
	watch.Change
	Class  Class
	Reason string // a clause: "compiled into hotreload/testdata/hello"
	Runs   bool   // commands of rules run before the change takes effect
}

type (
	// Listening: the service's sockets are open. The first event; sent again when the sockets change.
	Listening struct{ Addresses []supervisor.Address }

	// NoAgent: the program is built without the agent, although the settings ask for it. Sent once for each reason.
	NoAgent struct{ Reason string }

	// Noticed: news about the machine for the user. hotreload works all the same.
	Noticed struct{ Err error }

	// Watching: the folders to watch are known, for the first time or again.
	Watching struct {
		Program  string // import path of the main package
		Packages int    // in the program, the standard library included
		Folders  int
		FastHTTP bool // the program links a server for whose pages hotreload has no script
	}

	// Unwatched: a path cannot be watched as it should.
	Unwatched struct {
		Path string
		Err  error
	}

	// GraphFailed: the go command cannot list the program's packages. The known ones are watched, so hotreload notices
	// the repair.
	GraphFailed struct{ Err error }

	// Changed: files changed. Live ones are sent at once, all others when the tree is quiet; each change is sent once.
	Changed struct {
		Effects  []Effect
		Overflow bool // the kernel dropped events; everything was scanned again
	}

	// HookEnded: the command of a hook has written something or, with Why, has failed.
	HookEnded struct {
		Hook   Hook
		Output string
		Why    string
	}

	// EnvFailed: an environment file cannot be read; workers get the variables from before.
	EnvFailed struct{ Err error }

	// Beside: the program opens a file to write next to its binary, in hotreload's cache folder. Sent once.
	Beside struct{ Path string }

	// Postponed: a file read by workers changes just after each replacement for this file. The workers are replaced
	// when the file was quiet for the time For. Sent at the beginning of each wait.
	Postponed struct {
		Path string
		For  time.Duration
	}

	// BuildStarted: a build has begun. A build that ran before was killed.
	BuildStarted struct{}

	// BuildEnded: no build runs any more. Another event tells the outcome, at once or when the tree is quiet. Way is a
	// clause about the way of the build; "" if no program was built.
	BuildEnded struct{ Way string }

	// Patchable: the newest program has been read, so that the next builds can patch it.
	Patchable struct{}

	// Confirmed: the linker has made the same program as the patch by which the newest program was built.
	Confirmed struct{}

	// BuildFailed: the tree is quiet and does not build. Serving is the generation that keeps serving; 0 if none
	// serves.
	BuildFailed struct {
		Err     error // a *gobuild.BuildError holds the compiler's messages; or a *GeneratorError
		Took    time.Duration
		Serving int

		Problems []problems.Problem // at least one
	}

	// Unchanged: the build has made the serving program again, so nothing is replaced.
	Unchanged struct {
		Effects []Effect
		Took    time.Duration
	}

	// Ran: the commands of rules were run for the changes. The changes are in effect, and nothing is replaced for them.
	Ran struct {
		Effects []Effect
		Took    time.Duration
	}

	// Replacement: the supervisor starts a generation.
	Replacement struct {
		Generation int
		Effects    []Effect      // the changes behind it; none at the start and on request
		Build      time.Duration // time of the build; 0 if the program existed already
		Steps      gobuild.Steps // parts of Build
	}

	// Reloaded: a generation serves, and every older worker has stopped accepting.
	Reloaded struct {
		Replacement
		Start time.Duration // time since the order to replace
		Total time.Duration // time since the first change; 0 if there was none
		Runs  bool          // the program runs; whether it serves is unknown: see supervisor.Listens
	}

	// Service is an event of the supervisor.
	Service struct {
		supervisor.Event
		Problems []problems.Problem // of a failed generation, and of a worker's panic
	}

	// ProblemsNow: the present problems of the code; there may be none. Sent at each change of the list. Tests are those
	// in All that only tests have found.
	ProblemsNow struct{ All, Tests []problems.Problem }

	// Waits: the service starts when the services in For serve.
	Waits struct{ For []string }

	// LeftRunning: files of a pinned service have changed. The workers are not replaced until RestartWorkers. Told are
	// the pids of the notified workers.
	LeftRunning struct {
		Effects []Effect
		Told    []int
	}

	// SlotsStopped: users have stopped this number of the service's slots until they are started again.
	SlotsStopped struct{ Slots, Of int }

	// Leaving: hotreload was asked to end. hotreload waits for Workers, ordered by slot, at most for AtMost. Their
	// exits are events, too.
	Leaving struct {
		Workers []supervisor.Worker
		AtMost  time.Duration
	}
)

func (Listening) event()    {}
func (NoAgent) event()      {}
func (Noticed) event()      {}
func (Watching) event()     {}
func (Unwatched) event()    {}
func (GraphFailed) event()  {}
func (Changed) event()      {}
func (HookEnded) event()    {}
func (EnvFailed) event()    {}
func (Beside) event()       {}
func (Postponed) event()    {}
func (BuildStarted) event() {}
func (BuildEnded) event()   {}
func (Patchable) event()    {}
func (Confirmed) event()    {}
func (BuildFailed) event()  {}
func (Unchanged) event()    {}
func (Ran) event()          {}
func (Replacement) event()  {}
func (Reloaded) event()     {}
func (Service) event()      {}
func (ProblemsNow) event()  {}
func (Waits) event()        {}
func (LeftRunning) event()  {}
func (SlotsStopped) event() {}
func (Leaving) event()      {}
