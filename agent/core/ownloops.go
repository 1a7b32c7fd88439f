//go:build linux || darwin

package core

import (
	"sync/atomic"
	"time"
)

// Programs with their own event loops (netpoll, gnet) accept, read and close by system calls without a hook. Only
// while the worker drains, the agent looks for these descriptors in /proc/self. The agent takes the listeners from
// the loops. The worker is quiet once the connections unknown to package net are closed, too.

// ownLoops is the agent's knowledge of the program's own loops.
type ownLoops struct {
	at   map[spot]bool // where the loops accepted
	busy int32         // connections whose client waits for an answer, at the last look
}

// loopLook is the pause between two looks for connections. Felt right, not measured. Each look reads the whole table
// of descriptors; if reading takes long, the next look comes later.
const loopLook = 20 * time.Millisecond

// stopLoops is called once, at the beginning of the drain, and returns the resulting news.
func (a *agent) stopLoops() news {
	at := ownAddresses() // before the loops lose the listeners
	if !a.stopOwnLoops() {
		return a.looked(0)
	}
	loops := &ownLoops{at: at, busy: 1} // until the first look
	a.loops.Store(loops)
	go a.awaitLoops(loops) // ends when no connection is left, or with the process
	return a.looked(1)
}

// awaitLoops waits until two looks in a row have found no connection. An accept that was in the kernel when the loop
// lost its listener has returned long before the second look.
func (a *agent) awaitLoops(loops *ownLoops) {
	for none := 0; none < 2; {
		began := time.Now()
		open, busy := a.unknownConnections(loops.at)
		if none++; open > 0 {
			none = 0
		}
		atomic.StoreInt32(&loops.busy, int32(busy))
		if none == 0 {
			a.say(a.looked(open))
		}
		time.Sleep(loopLook + 10*time.Since(began))
	}
	a.say(a.looked(0))
}

// loopsBusy reports whether one of the program's own loops has a request in flight.
func (a *agent) loopsBusy() bool {
	loops, _ := a.loops.Load().(*ownLoops)
	return loops != nil && atomic.LoadInt32(&loops.busy) > 0
}
