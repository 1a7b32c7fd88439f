package supervisor

import (
	"context"
	"slices"
	"time"

	"hotreload/supervisor/host"
	"hotreload/worker/wire"
)

// Account is a worker's answer to a query about its state.
type Account struct {
	Worker       Worker
	Counters     []Counter      // from its agent, and the number of messages in process
	Status       *wire.State    // the program's own status; nil = none
	Unresponsive bool           // some answers did not arrive in time
	open         map[asked]bool // missing answers
}

// asked is the asked part of a worker.
type asked uint8

const (
	itsAgent asked = iota
	itself
)

// AnswerWithin is how long a worker may take to answer a query. The value is Workerman's.
const AnswerWithin = time.Second

// inquiry is a query to workers, with the answers so far.
type inquiry struct {
	id         uint32
	slot       int
	privileged bool
	agents     bool // ask only the agents
	accounts   []*Account
	answer     chan []Account // buffered, size 1; gets one value
}

type (
	inquireInput   struct{ *inquiry }
	overdueInput   struct{ *inquiry }
	filesToldInput struct{ number int }
)

func (in inquireInput) happen(l *loop, _ time.Time)   { l.inquire(in.inquiry) }
func (in overdueInput) happen(l *loop, _ time.Time)   { l.inquiries.overdue(in.inquiry) }
func (in filesToldInput) happen(l *loop, _ time.Time) { l.tell(FilesTold{in.number}) }

// inquiries are the open queries, by ID.
type inquiries struct {
	open   map[uint32]*inquiry
	lastID uint32
}

func newInquiries() inquiries { return inquiries{open: map[uint32]*inquiry{}} }

// Inquire asks the workers in a slot, or in AllSlots, for their state, and waits at most AnswerWithin. Without
// privileged, the program's details are left out.
func (s *Supervisor) Inquire(ctx context.Context, slot int, privileged bool) []Account {
	return s.ask(ctx, &inquiry{slot: slot, privileged: privileged}, AnswerWithin)
}

// AskFiles asks the workers for the files opened until now. The event FilesTold with this number follows the last
// FileOpened, or comes after three times AnswerWithin. Otherwise reports may arrive, on a busy machine, long after a
// watcher has seen the change of a file.
func (s *Supervisor) AskFiles(number int) {
	go func() { // ends with the answers, or after the limit
		s.ask(context.Background(), &inquiry{slot: AllSlots, agents: true}, 3*AnswerWithin)
		s.send(filesToldInput{number})
	}()
}

// ask sends an inquiry to the loop and waits for its end.
func (s *Supervisor) ask(ctx context.Context, q *inquiry, limit time.Duration) []Account {
	q.answer = make(chan []Account, 1)
	s.send(inquireInput{q})
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case accounts := <-q.answer:
			return accounts
		case <-timer.C:
			s.send(overdueInput{q})
		case <-ctx.Done():
			s.send(overdueInput{q})
			ctx = context.Background()
		case <-s.done:
			select {
			case accounts := <-q.answer:
				return accounts
			default:
				return nil
			}
		}
	}
}

// inquire asks the workers.
func (l *loop) inquire(q *inquiry) {
	l.inquiries.lastID++
	q.id = l.inquiries.lastID
	for _, w := range l.machine.members {
		if q.slot != AllSlots && q.slot != w.Slot {
			continue
		}
		a := &Account{Worker: w.Worker, open: map[asked]bool{}}
		if !w.halted.IsZero() { // stopped by a debugger, the worker cannot answer, without a fault of its own
			q.accounts = append(q.accounts, a)
			continue
		}
		if l.agents.count(w.ID, q.id) {
			a.open[itsAgent] = true
		}
		if !q.agents && l.lines.Query(w.ID, q.id, q.privileged) {
			a.open[itself] = true
		}
		if ph := l.post.phones[w.ID]; ph != nil && ph.takes > 0 {
			a.Counters = append(a.Counters, Limited("messages", float64(ph.busy), float64(ph.takes)))
		}
		q.accounts = append(q.accounts, a)
	}
	l.inquiries.open[q.id] = q
	l.inquiries.conclude(q, false)
}

// answered handles an answer.
func (i *inquiries) answered(worker int, id uint32, who asked, note func(*Account)) {
	q := i.open[id]
	if q == nil {
		return // too late
	}
	for _, a := range q.accounts {
		if a.Worker.ID == worker && a.open[who] {
			delete(a.open, who)
			note(a)
		}
	}
	i.conclude(q, false)
}

// overdue ends an inquiry after its time.
func (i *inquiries) overdue(q *inquiry) {
	if i.open[q.id] == q {
		i.conclude(q, true)
	}
}

// conclude returns the answers if all have arrived, or if the time is over.
func (i *inquiries) conclude(q *inquiry, over bool) {
	if !over && slices.ContainsFunc(q.accounts, func(a *Account) bool { return len(a.open) > 0 }) {
		return
	}
	delete(i.open, q.id)
	accounts := []Account{}
	for _, a := range q.accounts {
		a.Unresponsive = len(a.open) > 0
		a.Status = a.Status.For(q.privileged)
		accounts = append(accounts, *a)
	}
	q.answer <- accounts
}

// giveUp ends all inquiries.
func (i *inquiries) giveUp() {
	for _, q := range i.open {
		i.conclude(q, true)
	}
}

// notAsked notes that a worker's agent or program is gone and will not answer.
func (i *inquiries) notAsked(worker int, who asked) {
	for id, q := range i.open {
		if slices.ContainsFunc(q.accounts, func(a *Account) bool { return a.Worker.ID == worker }) {
			i.answered(worker, id, who, func(*Account) {})
		}
	}
}

// countersOf returns an agent's counters under their usual names.
func countersOf(c host.Counts) []Counter {
	all := []Counter{
		Gauge("connections", float64(c.Open), ""), Total("accepted", float64(c.Accepted)),
		Gauge("goroutines", float64(c.Goroutines), ""), Gauge("heap", float64(c.Heap), "B"),
	}
	if c.HTTP {
		all = append(all, Gauge("in_flight", float64(c.InFlight), ""), Total("requests", float64(c.Served)))
	}
	return all
}
