package runner

import (
	"time"

	"hotreload/supervisor"
	"hotreload/watch"
)

// Event is news for the user: a value, never changed after it was sent.
type Event interface{ event() }

// Effect is a changed file and how it takes effect.
type Effect struct {
	watch.Change
	Class  Class
	Reason string // a clause: "compiled into hotreload/testdata/hello"
}

type (
	// Listening: the service's sockets are open. Told first, and when there are others to which the workers are to move.
	Listening struct{ Addresses []supervisor.Address }

	// NoAgent: the program is built without the agent, although it was wanted. Each reason is told once.
	NoAgent struct{ Reason string }

	// Noticed: something about the machine that the user should know, and that does not keep us from working.
	Noticed struct{ Err error }

	// Watching: what is watched is known, or known anew.
	Watching struct {
		Program  string // import path of the main package
		Packages int    // in the program, the standard library included
		Folders  int
	}

	// Unwatched: something that should be watched cannot be.
	Unwatched struct {
		Path string
		Err  error
	}

	// GraphFailed: the go command cannot list the program's packages. What it could tell is watched, so that the
	// repair is noticed.
	GraphFailed struct{ Err error }

	// Changed: files changed. Of those that are live it is told at once, of all others when the tree is quiet; of each
	// change once.
	Changed struct {
		Effects  []Effect
		Overflow bool // the kernel lost events; everything was looked at
	}

	// HookEnded: the command for a hook has said something, or (Why) has failed.
	HookEnded struct {
		Hook   Hook
		Output string
		Why    string
	}

	// EnvFailed: an environment file cannot be read; workers get what was read before.
	EnvFailed struct{ Err error }

	// TakenOff: a file that workers read at their start changes whenever they start. It does not replace them any more
	// until they are replaced for another reason.
	TakenOff struct{ Path string }

	// BuildStarted: a build began. One that was running was killed.
	BuildStarted struct{}

	// BuildEnded: no build runs any more; what it led to is told by another event, at once or when the tree is quiet.
	// Way says how the program was built, a clause; "" if it was not.
	BuildEnded struct{ Way string }

	// BuildFailed: the tree, which is quiet, does not build. Serving is the generation that goes on, 0 if none.
	BuildFailed struct {
		Err     error // a *gobuild.BuildError holds the compiler's messages; or a *GeneratorError
		Took    time.Duration
		Serving int
	}

	// Unchanged: the build led to the program that serves already; nothing is replaced.
	Unchanged struct {
		Effects []Effect
		Took    time.Duration
	}

	// Replacement: a generation was given to the supervisor.
	Replacement struct {
		Generation int
		Effects    []Effect      // what led to it; empty at the start and on request
		Build      time.Duration // 0 if the program was there already
	}

	// Reloaded: a generation serves and every older worker has stopped accepting.
	Reloaded struct {
		Replacement
		Start time.Duration // from the order to replace until then
		Total time.Duration // from the first change until then; 0 if there was none
	}

	// Service is news from the supervisor.
	Service struct{ supervisor.Event }

	// Waits: the service is started when these serve.
	Waits struct{ For []string }

	// KeptOn: something has changed for workers that are kept; they stay as they are until Renew. Told are the pids of
	// those that got the signal for it.
	KeptOn struct {
		Effects []Effect
		Told    []int
	}

	// Halted: so many of the service's slots are to have no worker until they are wanted again.
	Halted struct{ Slots, Of int }

	// Leaving: we were asked to stop. We wait for the workers, ordered by slot, at most so long; their exits are told
	// as ever.
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
func (TakenOff) event()     {}
func (BuildStarted) event() {}
func (BuildEnded) event()   {}
func (BuildFailed) event()  {}
func (Unchanged) event()    {}
func (Replacement) event()  {}
func (Reloaded) event()     {}
func (Service) event()      {}
func (Waits) event()        {}
func (KeptOn) event()       {}
func (Halted) event()       {}
func (Leaving) event()      {}
