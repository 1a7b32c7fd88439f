package runner

import (
	"context"
	"slices"
	"strconv"
	"time"

	"hotreload/supervisor"
)

// Hook is something that a command can be run for.
type Hook string

const (
	OnStart  Hook = "on_start"  // a worker was started
	OnReady  Hook = "on_ready"  // a worker is ready
	OnReload Hook = "on_reload" // a generation has taken the place of another
	OnExit   Hook = "on_exit"   // a worker is gone
	OnStop   Hook = "on_stop"   // the service has ended
	OnFail   Hook = "on_fail"   // a change does not build, or its generation was given up
)

// AllHooks are those that there are.
var AllHooks = []Hook{OnStart, OnReady, OnReload, OnExit, OnStop, OnFail}

// Hooks are command lines for the shell that are run when something happens to a service: one after the other, in the
// order in which it happened, beside everything else. Nothing waits for them but the end of hotreload.
type Hooks struct {
	Commands map[Hook]string
	Dir      string
	Timeout  time.Duration // of each; 0 = DefaultHookTimeout
}

// DefaultHookTimeout is enough for a message to somebody; felt right.
const DefaultHookTimeout = 10 * time.Second

// mostHooks is how many may wait for one that takes long. Of a crash loop nobody needs to be told everything.
const mostHooks = 32

// hookCall is a command to run.
type hookCall struct {
	hook Hook
	env  []string
}

// hooks runs the commands of one service. nil = there are none.
type hooks struct {
	config Hooks
	env    []string
	calls  chan hookCall
	said   chan HookEnded
	cancel context.CancelFunc
	ended  bool // finish was called
	missed bool // it was told that some were left out
}

// startHooks starts the goroutine that runs them: it ends after finish, which closes said.
func startHooks(config Hooks, env []string) *hooks {
	if len(config.Commands) == 0 {
		return nil
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultHookTimeout
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &hooks{config: config, env: env, calls: make(chan hookCall, mostHooks), said: make(chan HookEnded), cancel: cancel}
	go func() {
		defer close(h.said)
		for call := range h.calls {
			if ctx.Err() != nil {
				continue
			}
			output, why := runLine(ctx, h.config.Commands[call.hook], h.config.Dir, slices.Concat(h.env, call.env), h.config.Timeout)
			if why != "" || output != "" {
				h.said <- HookEnded{Hook: call.hook, Output: output, Why: why} // the loop takes it until said is closed
			}
		}
	}()
	return h
}

// news is where to hear what became of them; nil for none.
func (h *hooks) news() <-chan HookEnded {
	if h == nil {
		return nil
	}
	return h.said
}

// call has a command run, if there is one. It returns at once; false says that too many wait, for the first time.
func (h *hooks) call(hook Hook, w supervisor.Worker, status string) bool {
	if h == nil || h.ended || h.config.Commands[hook] == "" {
		return true
	}
	env := []string{"HOTRELOAD_HOOK=" + string(hook), "HOTRELOAD_STATUS=" + status, "HOTRELOAD_GENERATION=" + strconv.Itoa(w.Generation)}
	if w.ID != 0 {
		env = append(env, "HOTRELOAD_SLOT="+strconv.Itoa(w.Slot), "HOTRELOAD_PID="+strconv.Itoa(w.Pid))
	}
	select {
	case h.calls <- hookCall{hook, env}:
		return true
	default:
		missed := h.missed
		h.missed = true
		return missed
	}
}

// finish runs what waits, within the time that one may take, and then no more.
func (h *hooks) finish() {
	if h != nil && !h.ended {
		h.ended = true
		close(h.calls)
		time.AfterFunc(h.config.Timeout, h.cancel)
	}
}

// kill ends the one that runs and forgets the others.
func (h *hooks) kill() {
	if h != nil {
		h.cancel()
	}
}

// status is how a worker ended, for a shell: its exit code or the signal's name.
func status(exit supervisor.Exit) string {
	switch {
	case exit.StartError != nil:
		return "not started"
	case exit.Signal != 0:
		return exit.Exit.SignalName()
	}
	return strconv.Itoa(exit.Code)
}
