package supervisor

import (
	"context"
	"errors"
	"slices"
	"sync"

	"hotreload/worker/exchange"
)

// Why a message was not dealt with.
var (
	ErrNobody = errors.New("no worker takes messages")
	ErrLost   = errors.New("the worker ended before it had dealt with the message")
	ErrFull   = errors.New("too many messages wait for a worker")
	ErrEnded  = errors.New("the service has ended")
)

// What may wait for an idle worker. Felt right, not measured.
const (
	maxWaiting      = 1000
	maxWaitingBytes = 64 << 20
)

// errand is a message on its way. What is not guarded belongs to the loop once it was sent there.
type errand struct {
	slot   int // AllSlots = any
	worker int // if not 0, this one alone
	data   []byte
	id     uint32 // while it is under way

	wake chan struct{} // has room for one: there is something in back

	mu   sync.Mutex // guards back
	back []outcome  // for who sent it
}

// outcome is a reply, or the end.
type outcome struct {
	worker Worker
	reply  []byte
	heard  func()
	err    error
	end    bool
}

func (e *errand) tell(o outcome) {
	e.mu.Lock()
	e.back = append(e.back, o) // replies are bounded by what is heard, and there is one end
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *errand) take() []outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	back := e.back
	e.back = nil
	return back
}

// post is what the loop knows of messages: who takes them, and which are where.
type post struct {
	phones   map[int]*phone // by worker
	waiting  []*errand      // in order
	bytes    int            // of them
	underWay map[uint32]*errand
	lastID   uint32
	turn     int // rises with each message that is given
}

// phone is a worker that has a line.
type phone struct {
	takes, busy int // messages at a time: at most, and now
	turn        int // when it was last given one
}

func newPost() *post { return &post{phones: map[int]*phone{}, underWay: map[uint32]*errand{}} }

type (
	lineInput   struct{ exchange.Event }
	errandInput struct{ *errand }
	cancelInput struct {
		*errand
		why error
	}
	takersInput struct{ answer chan<- []Worker }
	tellInput   struct{ answer chan<- []Worker }
)

func (lineInput) input()   {}
func (errandInput) input() {}
func (cancelInput) input() {}
func (takersInput) input() {}
func (tellInput) input()   {}

// Send gives a message, a JSON document, to the worker in a slot, or, with AllSlots, to the next worker that is idle. It
// returns when the worker has dealt with it, and says which one that was; reply is called for each of its replies. The
// message waits as long as ctx allows, also while workers are replaced; it is given to one worker at most.
func (s *Supervisor) Send(ctx context.Context, slot int, data []byte, reply func(Worker, []byte)) (Worker, error) {
	return s.run(ctx, &errand{slot: slot, data: data, wake: make(chan struct{}, 1)}, reply)
}

// Delivery is what became of a message to one worker.
type Delivery struct {
	Worker Worker
	Err    error
}

// Broadcast gives a message to each worker that takes messages now. It returns when all have dealt with it; reply may be
// called from several goroutines at a time.
func (s *Supervisor) Broadcast(ctx context.Context, data []byte, reply func(Worker, []byte)) []Delivery {
	takers := make(chan []Worker, 1)
	s.send(takersInput{takers})
	var all []Delivery
	select {
	case workers := <-takers:
		for _, w := range workers {
			all = append(all, Delivery{Worker: w})
		}
	case <-s.done:
	}
	var done sync.WaitGroup
	for i := range all {
		done.Go(func() {
			e := &errand{slot: AllSlots, worker: all[i].Worker.ID, data: data, wake: make(chan struct{}, 1)}
			_, all[i].Err = s.run(ctx, e, reply)
		})
	}
	done.Wait()
	return all
}

// Tell tells the workers that the code has changed and that they are to stay; those that it could be told are returned.
func (s *Supervisor) Tell() []Worker {
	told := make(chan []Worker, 1)
	s.send(tellInput{told})
	select {
	case workers := <-told:
		return workers
	case <-s.done:
		return nil
	}
}

// run waits for what becomes of an errand.
func (s *Supervisor) run(ctx context.Context, e *errand, reply func(Worker, []byte)) (Worker, error) {
	s.send(errandInput{e})
	cancelled := ctx.Done()
	for ended := false; ; {
		for _, o := range e.take() {
			if o.end {
				return o.worker, o.err
			}
			reply(o.worker, o.reply)
			o.heard()
		}
		if ended {
			return Worker{}, ErrEnded
		}
		select {
		case <-e.wake:
		case <-cancelled:
			cancelled = nil
			s.send(cancelInput{e, ctx.Err()}) // the end comes from there
		case <-s.done: // by then the loop has said what there is to say
			ended = true
		}
	}
}

// add takes an errand on.
func (p *post) add(e *errand) {
	if len(p.waiting) >= maxWaiting || p.bytes+len(e.data) > maxWaitingBytes {
		e.tell(outcome{err: ErrFull, end: true})
		return
	}
	p.waiting = append(p.waiting, e)
	p.bytes += len(e.data)
}

// leaves notes that an errand does not wait any more.
func (p *post) leaves(e *errand) bool {
	i := slices.Index(p.waiting, e)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		p.bytes -= len(e.data)
	}
	return i >= 0
}

// cancel ends an errand. A worker that has it already is left to deal with it.
func (p *post) cancel(e *errand, why error) {
	if !p.leaves(e) && p.underWay[e.id] != e {
		return // it has ended
	}
	if e.id == 0 && !p.anyTakes() {
		why = ErrNobody
	}
	e.tell(outcome{err: why, end: true})
	delete(p.underWay, e.id) // its worker's phone is busy with it until it says done
}

func (p *post) anyTakes() bool {
	for _, ph := range p.phones {
		if ph.takes > 0 {
			return true
		}
	}
	return false
}

// takersOf lists the workers that take messages and serve.
func (p *post) takersOf(m *machine) (workers []Worker) {
	for _, w := range m.members {
		if ph := p.phones[w.ID]; w.serving() && ph != nil && ph.takes > 0 {
			workers = append(workers, w.Worker)
		}
	}
	return workers
}

// dispatch gives waiting messages to workers that are idle and serve. give is false if the worker has no line.
func (p *post) dispatch(m *machine, give func(worker int, id uint32, data []byte) bool) {
	for _, e := range slices.Clone(p.waiting) {
		to, left := p.idlest(m, e)
		switch {
		case to != nil:
			p.leaves(e)
			p.lastID++
			p.turn++
			e.id = p.lastID
			ph := p.phones[to.ID]
			ph.busy, ph.turn = ph.busy+1, p.turn
			p.underWay[e.id] = e
			e.worker = to.ID
			if !give(to.ID, e.id, e.data) {
				p.end(to.Worker, e.id, ErrLost)
			}
		case left:
			p.leaves(e)
			e.tell(outcome{err: ErrLost, end: true})
		}
	}
}

// idlest is the worker to give an errand to; left says that there never will be one.
func (p *post) idlest(m *machine, e *errand) (best *member, left bool) {
	left = e.worker != 0
	for _, w := range m.members {
		ph := p.phones[w.ID]
		if e.worker != 0 && w.ID != e.worker || e.slot != AllSlots && w.Slot != e.slot {
			continue
		}
		left = left && (!w.live() || ph == nil || ph.takes == 0)
		if ph == nil || !w.serving() || ph.busy >= ph.takes {
			continue
		}
		if best == nil || ph.busy < p.phones[best.ID].busy ||
			ph.busy == p.phones[best.ID].busy && ph.turn < p.phones[best.ID].turn {
			best = w
		}
	}
	return best, left
}

// end notes that a message is no longer under way.
func (p *post) end(w Worker, id uint32, err error) {
	if ph := p.phones[w.ID]; ph != nil {
		ph.busy = max(0, ph.busy-1)
	}
	if e := p.underWay[id]; e != nil && e.worker == w.ID {
		delete(p.underWay, id)
		e.tell(outcome{worker: w, err: err, end: true})
	}
}

// hangUp notes that a worker's line has ended.
func (p *post) hangUp(w Worker) {
	delete(p.phones, w.ID)
	for id, e := range p.underWay {
		if e.worker == w.ID {
			p.end(w, id, ErrLost)
		}
	}
}

// close ends all errands.
func (p *post) close() {
	for _, e := range p.waiting {
		e.tell(outcome{err: ErrEnded, end: true})
	}
	for _, e := range p.underWay {
		e.tell(outcome{err: ErrEnded, end: true})
	}
}
