package cli

import (
	"fmt"
	"sync"

	"hotreload/process"
	"hotreload/runner"
	"hotreload/supervisor"
)

// upward reports hotreload's state to its starter (systemd, Type=notify or notify-reload): ready when all services
// serve, reloading during a replacement. The reporters of all services call it.
type upward struct {
	tell func(state string)

	mu    sync.Mutex      // guards all below
	waits map[string]bool // services that have not served yet
	busy  map[string]bool // services in replacement
	again bool            // RELOADING=1 was told, and READY=1 not yet again
}

func newUpward(services []string) *upward {
	u := &upward{tell: process.Tell, waits: map[string]bool{}, busy: map[string]bool{}}
	for _, name := range services {
		u.waits[name] = true
	}
	return u
}

// heard handles an event of a service.
func (u *upward) heard(service string, event runner.Event) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch e := event.(type) {
	case runner.Replacement:
		if len(u.waits) > 0 {
			return
		}
		u.busy[service] = true
		if !u.again {
			u.reloading()
		}
	case runner.Reloaded:
		delete(u.waits, service)
		u.settle(service, fmt.Sprintf("\nSTATUS=generation %d serves", e.Generation))
	case runner.Service:
		if failed, is := e.Event.(supervisor.Failed); is && failed.Serving > 0 {
			u.settle(service, fmt.Sprintf("\nSTATUS=generation %d failed, generation %d serves",
				failed.Generation, failed.Serving))
		}
	case runner.Leaving:
		u.tell("STOPPING=1")
	}
}

func (u *upward) settle(service, status string) {
	delete(u.busy, service)
	if len(u.waits)+len(u.busy) == 0 {
		u.again = false
		u.tell("READY=1" + status)
	}
}

func (u *upward) reloading() {
	u.again = true
	u.tell("RELOADING=1")
}

// reread handles SIGHUP: the sender waits for a confirmation, even if nothing changes. systemd looks for a RELOADING=1
// newer than the signal, so reread sends another one during a replacement.
func (u *upward) reread(right func() bool) bool {
	if u == nil {
		return right()
	}
	u.mu.Lock()
	ready := len(u.waits) == 0
	if ready {
		u.reloading()
	}
	u.mu.Unlock()
	if right() {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if ready && len(u.busy) == 0 { // else the replacement sends READY=1
		u.again = false
		u.tell("READY=1\nSTATUS=the settings cannot be read: they stay as they were")
	}
	return false
}
