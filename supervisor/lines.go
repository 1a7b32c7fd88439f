package supervisor

import (
	"path/filepath"
	"time"

	"hotreload/supervisor/exchange"
)

// openLines opens the message socket for package worker in our private folder. If that fails, messages are unavailable;
// nothing else depends on the socket.
func (s *Supervisor) openLines() *exchange.Exchange {
	path := filepath.Join(s.notifyDir, "say")
	x, err := exchange.New(path, func(e exchange.Event) { s.send(lineInput{e}) })
	if err != nil {
		return nil
	}
	_ = s.config.User.own(path) // on an error, workers cannot send or receive messages
	return x
}

// tellReload informs all workers of newer code, and lists the informed workers.
func (l *loop) tellReload() (told []Worker) {
	for _, w := range l.machine.members {
		if w.live() && l.lines.Reload(w.ID) {
			told = append(told, w.Worker)
		}
	}
	return told
}

// speaker returns the worker with this ID, also if its last messages arrive after its exit.
func (l *loop) speaker(id int) Worker {
	if w, gone := l.gone[id]; gone && l.machine.member(id) == nil {
		return w
	}
	return l.member(id)
}

// hearLine handles news from a worker's message connection.
func (l *loop) hearLine(e exchange.Event, now time.Time) {
	m, p := l.machine, l.post
	switch e := e.(type) {
	case exchange.Joined:
		p.phones[e.Worker] = &phone{}
	case exchange.Ready:
		m.isReady(e.Worker, ByWord, now)
	case exchange.Retires:
		m.setBlocked(l.refusal(), now)
		m.retire(e.Worker, now)
	case exchange.Heeds:
		m.setHeeds(e.Worker, true, now)
	case exchange.Finished:
		m.workDone(e.Worker, now)
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
			return // nothing may follow the last event
		}
		l.tell(Message{Worker: l.speaker(e.Worker), Data: e.Data, heard: e.Heard})
	case exchange.Replied:
		if to := p.underWay[e.ID]; to != nil && to.worker == e.Worker {
			to.tell(outcome{worker: l.speaker(e.Worker), reply: e.Data, heard: e.Heard})
		} else {
			e.Heard() // the sender of the message is gone
		}
	case exchange.Done:
		p.end(l.speaker(e.Worker), e.ID, nil)
	case exchange.Answered:
		l.inquiries.answered(e.Worker, e.ID, itself, func(a *Account) { a.Status = e.State })
	case exchange.Throttled:
		l.tell(Throttled{Worker: l.speaker(e.Worker)})
	case exchange.Left:
		m.setHeeds(e.Worker, false, now)
		p.hangUp(l.speaker(e.Worker))
		delete(l.gone, e.Worker)
		l.inquiries.notAsked(e.Worker, itself)
	case exchange.Rejected:
		l.tellOnce("rejected "+e.Reason, Rejected{Reason: e.Reason})
	}
}
