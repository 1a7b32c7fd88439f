package runner

import (
	"context"
	"slices"
	"strconv"
	"time"

	"hotreload/supervisor"
)

// Hook is an occasion to run a command.
type Hook string

const (
	OnStart  Hook = "on_start"  // a worker has started
	OnReady  Hook = "on_ready"  // a worker is ready
	OnReload Hook = "on_reload" // a generation has replaced another
	OnExit   Hook = "on_exit"   // a worker has exited
	OnStop   Hook = "on_stop"   // the service has ended
	OnFail   Hook = "on_fail"   // a change does not build, or the generation for a change has failed
)

// AllHooks lists all hooks.
var AllHooks = []Hook{OnStart, OnReady, OnReload, OnExit, OnStop, OnFail}

// Hooks are command lines for the shell, run when something happens to a service: one after the other, in the order of
// the occasions, while everything else goes on. Only the end of hotreload waits for hooks.
type Hooks struct {
	Commands map[Hook]string
	Dir      string
	Timeout  time.Duration // of each; 0 = DefaultHookTimeout
}

// DefaultHookTimeout is enough to send a message; felt right, not measured.
const DefaultHookTimeout = 10 * time.Second

// mostHooks is the number of hooks that may wait for a slow one. Nobody needs to know everything about a crash loop.
const mostHooks = 32

// hookCall is a command to run.
type hookCall struct {
	hook Hook
	env  []string
}

// hooks runs the commands of one service. nil: there are no commands.
type hooks struct {
	config Hooks
	env    []string
	calls  chan hookCall
	said   chan HookEnded
	cancel context.CancelFunc
	ended  bool // finish was called
	missed bool // the skipping of hooks was reported
}

// startHooks starts the goroutine for the commands. The goroutine ends after finish, and then closes said.
func startHooks(config Hooks, env []string) *hooks {
	if len(config.Commands) == 0 {
		return nil
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultHookTimeout
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &hooks{config: config, env: env, calls: make(chan hookCall, mostHooks), said: make(chan HookEnded),
		cancel: cancel}
	go func() {
		defer close(h.said)
		for call := range h.calls {
			if ctx.Err() != nil {
				continue
			}
			output, why := runLine(ctx, h.config.Commands[call.hook], h.config.Dir, slices.Concat(h.env, call.env),
				h.config.Timeout)
			if why != "" || output != "" {
				h.said <- HookEnded{Hook: call.hook, Output: output, Why: why} // the loop receives until said is closed
			}
		}
	}()
	return h
}

// news returns the channel of outcomes; nil if there are no hooks.
func (h *hooks) news() <-chan HookEnded {
	if h == nil {
		return nil
	}
	return h.said
}

// call runs a hook's command, if there is one, and returns at once. The result is false when a hook is skipped for the
// first time, because too many wait.
func (h *hooks) call(hook Hook, w supervisor.Worker, status string) bool {
	if h == nil || h.ended || h.config.Commands[hook] == "" {
		return true
	}
	env := []string{"HOTRELOAD_HOOK=" + string(hook), "HOTRELOAD_STATUS=" + status, "HOTRELOAD_GENERATION=" +
		strconv.Itoa(w.Generation)}
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

// finish lets the waiting hooks run within one timeout, and then ends.
func (h *hooks) finish() {
	if h != nil && !h.ended {
		h.ended = true
		close(h.calls)
		time.AfterFunc(h.config.Timeout, h.cancel)
	}
}

// kill ends the running hook, and drops the others.
func (h *hooks) kill() {
	if h != nil {
		h.cancel()
	}
}

// status returns how a worker has exited, for a shell: the exit code or the signal's name.
func status(exit supervisor.Exit) string {
	switch {
	case exit.StartError != nil:
		return "not started"
	case exit.Signal != 0:
		return exit.Exit.SignalName()
	}
	return strconv.Itoa(exit.Code)
}
