package supervisor

import (
	"context"
	"slices"
	"time"

	"hotreload/worker/host"
	"hotreload/worker/wire"
)

// Account is what a worker says of itself.
type Account struct {
	Worker       Worker
	Counters     []Counter      // what its agent knows, and how many messages it deals with
	Status       *wire.State    // what the program says; nil = nothing
	Unresponsive bool           // it was asked, and has not answered (all of it) in time
	open         map[asked]bool // who has not answered yet
}

// asked is who in a worker was asked.
type asked uint8

const (
	itsAgent asked = iota
	itself
)

// AnswerWithin is how long a worker may take to say how it is. Workerman's.
const AnswerWithin = time.Second

// inquiry is what workers were asked, and have answered so far.
type inquiry struct {
	id         uint32
	slot       int
	privileged bool
	agents     bool // only what their agents know
	accounts   []*Account
	answer     chan []Account // has room for one, and gets one
}

type (
	inquireInput struct{ *inquiry }
	overdueInput struct{ *inquiry }
	toldInput    struct{}
)

func (inquireInput) input() {}
func (overdueInput) input() {}
func (toldInput) input()    {}

// Inquire asks the workers in a slot, or in AllSlots, how they are, and waits at most for AnswerWithin. Only those who
// are privileged are told all.
func (s *Supervisor) Inquire(ctx context.Context, slot int, privileged bool) []Account {
	return s.ask(ctx, &inquiry{slot: slot, privileged: privileged}, AnswerWithin)
}

// AskFiles has the workers tell which files they have opened until now: FilesTold comes after the last FileOpened of
// these, or when they have had three times AnswerWithin. Without that they tell when they come to it, which on a busy
// machine may be long after others have seen what they did to the file.
func (s *Supervisor) AskFiles() {
	go func() { // ends with the answers
		s.ask(context.Background(), &inquiry{slot: AllSlots, agents: true}, 3*AnswerWithin)
		s.send(toldInput{})
	}()
}

// ask puts an inquiry and waits for its end.
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

// inquire asks.
func (s *Supervisor) inquire(q *inquiry, m *machine, p *post) {
	s.lastInquiry++
	q.id = s.lastInquiry
	for _, w := range m.members {
		if q.slot != AllSlots && q.slot != w.Slot {
			continue
		}
		a := &Account{Worker: w.Worker, open: map[asked]bool{}}
		if s.agents.count(w.ID, q.id) {
			a.open[itsAgent] = true
		}
		if !q.agents && s.lines.Query(w.ID, q.id, q.privileged) {
			a.open[itself] = true
		}
		if ph := p.phones[w.ID]; ph != nil && ph.takes > 0 {
			a.Counters = append(a.Counters, Limited("messages", float64(ph.busy), float64(ph.takes)))
		}
		q.accounts = append(q.accounts, a)
	}
	s.inquiries[q.id] = q
	s.conclude(q, false)
}

// answered notes an answer.
func (s *Supervisor) answered(worker int, id uint32, who asked, note func(*Account)) {
	q := s.inquiries[id]
	if q == nil {
		return // too late
	}
	for _, a := range q.accounts {
		if a.Worker.ID == worker && a.open[who] {
			delete(a.open, who)
			note(a)
		}
	}
	s.conclude(q, false)
}

// overdue ends an inquiry.
func (s *Supervisor) overdue(q *inquiry) {
	if s.inquiries[q.id] == q {
		s.conclude(q, true)
	}
}

// conclude hands out the answers if all are there, or no more are waited for.
func (s *Supervisor) conclude(q *inquiry, over bool) {
	if !over && slices.ContainsFunc(q.accounts, func(a *Account) bool { return len(a.open) > 0 }) {
		return
	}
	delete(s.inquiries, q.id)
	accounts := []Account{}
	for _, a := range q.accounts {
		a.Unresponsive = len(a.open) > 0
		a.Status = a.Status.For(q.privileged)
		accounts = append(accounts, *a)
	}
	q.answer <- accounts
}

// giveUp ends all inquiries.
func (s *Supervisor) giveUp() {
	for _, q := range s.inquiries {
		s.conclude(q, true)
	}
}

// notAsked notes that a worker will not answer any more, because it is gone.
func (s *Supervisor) notAsked(worker int, who asked) {
	for id, q := range s.inquiries {
		if slices.ContainsFunc(q.accounts, func(a *Account) bool { return a.Worker.ID == worker }) {
			s.answered(worker, id, who, func(*Account) {})
		}
	}
}

// countersOf are what an agent knows, under the names that they have everywhere.
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
