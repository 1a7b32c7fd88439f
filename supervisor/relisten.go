package supervisor

import (
	"errors"
	"maps"
	"slices"
	"time"
)

// ErrStopped says that the supervisor has ended.
var ErrStopped = errors.New("the workers have been stopped")

type relistenInput struct {
	addresses []Address
	answer    chan<- error
}

func (relistenInput) input() {}

// Relisten has the service listen elsewhere. The new sockets are open when it returns, and workers that start from now
// on inherit them; the old ones end when no worker of the generations until now accepts any more, so that a Replace
// moves the service without a gap. What is in both lists stays open. If one cannot be bound, nothing changes and the
// error says why.
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

// retired are sockets that only the generations up to one use.
type retired struct {
	listeners
	until int
}

// relisten opens what is new, and retires what is not wanted any more.
func (s *Supervisor) relisten(addresses []Address, m *machine, now time.Time) error {
	if m.stopping {
		return ErrStopped
	}
	var wanted, fresh listeners
	left := slices.Clone(s.listeners)
	for _, a := range addresses {
		i := slices.IndexFunc(left, func(l *listener) bool { return l.wished.Network == a.Network && l.wished.Addr == a.Addr })
		if i >= 0 {
			again := *left[i] // by another name, perhaps
			again.Name, again.wished = a.Name, a
			wanted, left = append(wanted, &again), slices.Delete(left, i, i+1)
			continue
		}
		l, err := openListener(a, s.config.User)
		if err == nil {
			fresh, wanted = append(fresh, l), append(wanted, l)
			err = s.agents.keep(listeners{l})
		}
		if err != nil {
			s.agents.release(fresh)
			fresh.close()
			return err
		}
	}
	s.listeners = wanted
	if len(left) > 0 {
		s.retired = append(s.retired, retired{left, m.target})
	}
	s.inherited = maps.Clone(s.inherited)
	maps.Copy(s.inherited, fresh.inodes())
	s.config.Listen = addresses
	policy := s.config.Policy
	policy.fill(len(addresses) > 0, !s.config.Probe.IsZero())
	if policy != s.config.Policy {
		s.config.Policy = policy
		m.adopt(policy, now)
	}
	bound := wanted.addresses()
	s.bound.Store(&bound)
	return nil
}

// closeRetired ends the sockets that no worker accepts on any more, once there is a generation that does without.
func (s *Supervisor) closeRetired(m *machine) {
	s.retired = slices.DeleteFunc(s.retired, func(old retired) bool {
		if m.target <= old.until || slices.ContainsFunc(m.members, func(w *member) bool { return w.Generation <= old.until && !w.released }) {
			return false
		}
		s.agents.release(old.listeners)
		gone := old.inodes()
		s.inherited = maps.Clone(s.inherited)
		maps.DeleteFunc(s.inherited, func(socket inode, _ bool) bool { return gone[socket] })
		old.close()
		return true
	})
}
