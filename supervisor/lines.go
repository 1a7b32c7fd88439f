package supervisor

import (
	"path/filepath"
	"time"

	"hotreload/worker/exchange"
)

// openLines makes the socket for workers that want a say, in the folder, which is the user's alone. Without it there is
// none for them, as where a system has no such sockets.
func (s *Supervisor) openLines() *exchange.Exchange {
	path := filepath.Join(s.notifyDir, "say")
	x, err := exchange.New(path, func(e exchange.Event) { s.send(lineInput{e}) })
	if err != nil {
		return nil
	}
	_ = s.config.User.own(path) // else those workers have no say
	return x
}

// tell tells all workers that the code has changed, and lists those that could be told.
func (s *Supervisor) tell(m *machine) (told []Worker) {
	for _, w := range m.members {
		if w.live() && s.lines.Reload(w.ID) {
			told = append(told, w.Worker)
		}
	}
	return told
}

// hearLine turns what a worker says into what the machine and the post understand, and returns what is to be told.
func (s *Supervisor) hearLine(e exchange.Event, m *machine, p *post, now time.Time) []Event {
	worker := func(id int) Worker {
		if w := m.member(id); w != nil {
			return w.Worker
		}
		if w, gone := s.gone[id]; gone { // what it said last is heard after its end
			return w
		}
		return Worker{ID: id}
	}
	switch e := e.(type) {
	case exchange.Joined:
		p.phones[e.Worker] = &phone{}
	case exchange.Ready:
		m.isReady(e.Worker, ByWord, now)
	case exchange.Retires:
		m.allow(s.refusal(), now)
		m.retire(e.Worker, now)
	case exchange.Heeds:
		m.heed(e.Worker, true, now)
	case exchange.Finished:
		m.finishes(e.Worker, now)
	case exchange.Takes:
		if ph := p.phones[e.Worker]; ph != nil {
			ph.takes = max(0, ph.takes+e.More)
		}
		if e.More > 0 {
			m.isReady(e.Worker, ByTaking, now)
		}
	case exchange.Said:
		if m.stopped {
			e.Heard()
			return nil // it would come after the last event
		}
		return []Event{Message{Worker: worker(e.Worker), Data: e.Data, heard: e.Heard}}
	case exchange.Replied:
		if to := p.underWay[e.ID]; to != nil && to.worker == e.Worker {
			to.tell(outcome{worker: worker(e.Worker), reply: e.Data, heard: e.Heard})
		} else {
			e.Heard() // who asked has gone
		}
	case exchange.Done:
		p.end(worker(e.Worker), e.ID, nil)
	case exchange.Answered:
		s.answered(e.Worker, e.ID, itself, func(a *Account) { a.Status = e.State })
	case exchange.Throttled:
		return []Event{Throttled{Worker: worker(e.Worker)}}
	case exchange.Left:
		m.heed(e.Worker, false, now)
		p.hangUp(worker(e.Worker))
		delete(s.gone, e.Worker)
		s.notAsked(e.Worker, itself)
	case exchange.Rejected:
		return s.once("rejected "+e.Reason, Rejected{Reason: e.Reason})
	}
	return nil
}
