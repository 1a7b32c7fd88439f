package supervisor

import (
	"errors"
	"maps"
	"slices"
	"time"

	"hotreload/supervisor/inspect"
)

// ErrStopped means: the supervisor has ended.
var ErrStopped = errors.New("the workers have been stopped")

type relistenInput struct {
	addresses []Address
	answer    chan<- error
}

func (in relistenInput) happen(l *loop, now time.Time) {
	l.attendance.end() // lookForNobody begins again, with the new addresses
	in.answer <- l.relisten(in.addresses, now)
	l.lookAfterSockets()
}

// Relisten changes the service's addresses. The new sockets are open when Relisten returns, and later workers inherit
// the sockets. The old sockets are closed after the last accept by a worker of the present generations, so a following
// Replace moves the service without a gap. Addresses in both lists stay open. If an address cannot be bound, nothing
// changes, and the error tells why.
func (s *Supervisor) Relisten(addresses []Address) error {
	answer := make(chan error, 1)
	s.send(relistenInput{addresses, answer})
	select {
	case err := <-answer:
		return err
	case <-s.done:
		return ErrStopped
	}
}

// sockets are the sockets for workers to inherit.
type sockets struct {
	open          listeners              // for workers started now
	retired       []retired              // inherited by workers, until these drain
	inherited     map[inspect.Inode]bool // inodes of both; replaced and never changed: other goroutines read the map
	beyondMending map[Address]bool       // sockets with a reported failure of the repair
}

func newSockets(open listeners) *sockets {
	return &sockets{open: open, inherited: open.inodes(), beyondMending: map[Address]bool{}}
}

func (s *sockets) close() {
	s.open.close()
	for _, old := range s.retired {
		old.close()
	}
}

// retired are sockets used only by generations up to a number.
type retired struct {
	listeners
	until int
}

// relisten opens the new addresses and retires the old ones.
func (l *loop) relisten(addresses []Address, now time.Time) error {
	if l.machine.stopping {
		return ErrStopped
	}
	var wanted, fresh listeners
	left := slices.Clone(l.sockets.open)
	for _, a := range addresses {
		i := slices.IndexFunc(left, func(old *listener) bool {
			return old.wished.Network == a.Network && old.wished.Addr == a.Addr
		})
		if i >= 0 {
			again := *left[i] // the name may differ
			again.Name, again.wished = a.Name, a
			wanted, left = append(wanted, &again), slices.Delete(left, i, i+1)
			continue
		}
		opened, err := openListener(a, l.config.User)
		if err == nil {
			fresh, wanted = append(fresh, opened), append(wanted, opened)
			err = l.agents.keep(listeners{opened})
		}
		if err != nil {
			l.agents.release(fresh)
			fresh.close()
			return err
		}
	}
	l.sockets.open = wanted
	if len(left) > 0 {
		l.sockets.retired = append(l.sockets.retired, retired{left, l.machine.target})
	}
	l.sockets.inherited = maps.Clone(l.sockets.inherited)
	maps.Copy(l.sockets.inherited, fresh.inodes())
	l.config.Listen = addresses
	policy := l.config.Policy
	policy.fill(len(addresses) > 0, !l.config.Probe.IsZero())
	if policy != l.config.Policy {
		l.config.Policy = policy
		l.machine.adopt(policy, now)
	}
	bound := wanted.addresses()
	l.bound.Store(&bound)
	return nil
}

// closeRetired closes retired sockets on which no worker accepts any more, once a newer generation is the target.
func (l *loop) closeRetired() {
	m := l.machine
	l.sockets.retired = slices.DeleteFunc(l.sockets.retired, func(old retired) bool {
		inUse := func(w *member) bool { return w.Generation <= old.until && !w.leaving.released }
		if m.target <= old.until || slices.ContainsFunc(m.members, inUse) {
			return false
		}
		l.agents.release(old.listeners)
		gone := old.inodes()
		l.sockets.inherited = maps.Clone(l.sockets.inherited)
		maps.DeleteFunc(l.sockets.inherited, func(socket inspect.Inode, _ bool) bool { return gone[socket] })
		old.close()
		return true
	})
}
