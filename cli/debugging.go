package cli

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"sync"

	"hotreload/debugger"
	"hotreload/gobuild"
	"hotreload/runner"
	"hotreload/settings"
	"hotreload/supervisor"
)

// debugging connects the services with the editors' debuggers. Each service to debug has a keeper, which listens for an
// editor.
type debugging struct {
	console  *console
	services []*settings.Service
	run      *runner.Group

	mu      sync.Mutex                  // guards all below
	keepers map[string]*debugger.Keeper // by service
	closed  bool
}

func newDebugging(r *settings.Resolved, run *runner.Group, c *console) *debugging {
	return &debugging{console: c, services: r.Services, run: run, keepers: map[string]*debugger.Keeper{}}
}

// cannotDebug returns why a service cannot be debugged; "" if debugging is possible.
func cannotDebug(s *settings.Service) string {
	switch {
	case s.Config.Command != nil:
		return "it is a command, and not built by hotreload"
	case s.Config.BuildOnly:
		return "it is only built (--build-only)"
	case !debugger.Supported:
		return "this needs Linux"
	}
	return ""
}

// open listens for the services with a debugger in their settings.
func (d *debugging) open() error {
	taken := map[string]bool{}
	for _, s := range d.services {
		address := settings.Debugger.Of(s.Values)
		if address == "" || taken[address] {
			continue
		}
		if why := cannotDebug(s); why != "" {
			d.say(s, "the debugger is off: "+why, true)
			continue
		}
		taken[address] = true
		if err := d.listen(s, address); err != nil {
			return err
		}
	}
	return nil
}

// toggle is the key d: open the debugger of the first service without one, or close all.
func (d *debugging) toggle() {
	d.mu.Lock()
	open := d.keepers
	if len(open) > 0 {
		d.keepers = map[string]*debugger.Keeper{}
	}
	d.mu.Unlock()
	if len(open) > 0 {
		for _, k := range open {
			k.Close()
		}
		d.say(nil, "the debugger is off", false)
		return
	}
	why := ""
	for _, s := range d.services {
		if why = cannotDebug(s); why == "" {
			address := cmp.Or(settings.Debugger.Of(s.Values), debugger.DefaultAddress)
			if err := d.listen(s, address); err != nil {
				d.say(s, err.Error(), true)
			}
			return
		}
	}
	d.say(nil, "the debugger is off: "+why, true)
}

// listen opens the keeper of a service.
func (d *debugging) listen(s *settings.Service, address string) error {
	service := d.run.Service(s.Config.Name)
	wanted := gobuild.OwnPackages
	if settings.DebuggerAll.Of(s.Values) {
		wanted = gobuild.AllPackages
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	k, err := debugger.Open(debugger.Config{
		Address: address, Dir: s.Config.Program.Dir, Env: os.Environ(),
		Want: func(on bool) {
			request := runner.Request{Command: runner.Debug}
			if on {
				request.Debugged = wanted
				d.say(s, "an editor debugs: building with debug information", false)
			} else {
				d.say(s, "no editor debugs any more: back to fast builds", false)
			}
			service.Ask(request)
		},
		Release: service.Release, Halt: service.Halt,
		Anew: func() { service.Do(runner.RestartWorkers) },
		Say:  func(text string, bad bool) { d.say(s, text, bad) },
	})
	if err != nil {
		return err
	}
	d.keepers[s.Config.Name] = k
	_, port, _ := net.SplitHostPort(k.Address())
	d.say(s, fmt.Sprintf("debugger: %s (in the editor: attach, mode remote, port %s)", k.Address(), port), false)
	return nil
}

func (d *debugging) keeper(service string) *debugger.Keeper {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.keepers[service]
}

// switchNow makes the generations take over that wait for the user of a debugger, and returns false if none waits.
func (d *debugging) switchNow() bool {
	switched := false
	for _, s := range d.services {
		if k := d.keeper(s.Config.Name); k != nil {
			switched = k.Switch() || switched
		}
	}
	return switched
}

// hear passes events on, and gives the service's keeper its part of the news.
func (d *debugging) hear(service string, events <-chan runner.Event) <-chan runner.Event {
	passed := make(chan runner.Event)
	go func() { // ends with events, if what it passes on is read
		defer close(passed)
		for event := range events {
			d.heard(service, event)
			passed <- event
		}
	}()
	return passed
}

func (d *debugging) heard(service string, event runner.Event) {
	k := d.keeper(service)
	if k == nil {
		return
	}
	switch e := event.(type) {
	case runner.Service:
		switch e := e.Event.(type) {
		case supervisor.Held:
			k.Held(debugger.Worker{ID: e.ID, Generation: e.Generation, Pid: e.Pid})
		case supervisor.BecameReady:
			if e.Slot == 0 {
				k.Ready(debugger.Worker{ID: e.ID, Generation: e.Generation, Pid: e.Pid})
			}
		case supervisor.Exited:
			k.Exited(e.ID)
		case supervisor.Failed:
			k.Failed(e.Serving)
		}
	case runner.BuildFailed:
		k.Note(fmt.Sprintf("build failed, generation %d stays: %v", e.Serving, e.Err), true)
	case runner.Leaving:
		k.Disconnect()
	}
}

// close ends all sessions.
func (d *debugging) close() {
	d.mu.Lock()
	open := d.keepers
	d.keepers, d.closed = map[string]*debugger.Keeper{}, true
	d.mu.Unlock()
	for _, k := range open {
		k.Close()
	}
}

// say prints a line about the debugger.
func (d *debugging) say(s *settings.Service, text string, bad bool) {
	before := prefix
	if s != nil && s.Config.Name != "" {
		before = "[hotreload " + s.Config.Name + "] "
	}
	switch {
	case bad:
		d.console.say(dim(before) + yellow(text))
	case !d.console.quiet():
		d.console.say(dim(before) + text)
	}
}
