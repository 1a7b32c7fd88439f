package supervisor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"hotreload/supervisor/exchange"
)

// Why a message was not processed.
var (
	ErrNobody = errors.New("no worker accepts messages")
	ErrLost   = errors.New("the worker exited before it had finished with the message")
	ErrFull   = errors.New("too many messages are waiting for a worker")
	ErrEnded  = errors.New("the service has ended")
)

// Limits of the messages waiting for an idle worker. Felt right, not measured.
const (
	maxWaiting      = 1000
	maxWaitingBytes = 64 << 20
)

// errand is a message to a worker. After an errand was sent to the loop, the loop owns all fields without a mutex.
type errand struct {
	slot   int // AllSlots = any
	worker int // 0 = any, else only the worker with this ID
	data   []byte
	id     uint32 // 0 before a worker got it

	wake chan struct{} // buffered, size 1: back is not empty

	mu   sync.Mutex // guards back
	back []outcome  // for the sender
}

// outcome is a reply, or the end of an errand.
type outcome struct {
	worker Worker
	reply  []byte
	heard  func()
	err    error
	end    bool
}

func (e *errand) tell(o outcome) {
	e.mu.Lock()
	e.back = append(e.back, o) // bounded: the number of replies is limited by heard, and there is one end
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

// post is the loop's state about messages: which workers take messages, and where the messages are.
type post struct {
	phones   map[int]*phone // by worker ID
	waiting  []*errand      // in order
	bytes    int            // size of the waiting messages
	underWay map[uint32]*errand
	lastID   uint32
	turn     int // rises with each delivered message
}

// phone is a worker with a message connection.
type phone struct {
	takes, busy int // messages processed at the same time: at most, and now
	turn        int // the turn of its last message
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

func (in lineInput) happen(l *loop, now time.Time) {
	if joined, ok := in.Event.(exchange.Joined); ok && l.workers[joined.Worker] != nil {
		l.workers[joined.Worker].links++
	}
	l.hearLine(in.Event, now)
}

func (in errandInput) happen(l *loop, _ time.Time) { l.post.add(in.errand) }
func (in cancelInput) happen(l *loop, _ time.Time) { l.post.cancel(in.errand, in.why) }
func (in takersInput) happen(l *loop, _ time.Time) { in.answer <- l.post.takersOf(l.machine) }
func (in tellInput) happen(l *loop, _ time.Time)   { in.answer <- l.tellReload() }

// Send delivers a message, a JSON document, to the worker in a slot, or, with AllSlots, to the next idle worker. Send
// returns when the worker has processed the message, with this worker; reply is called for each reply. The message
// waits until ctx ends, also while workers are replaced. At most one worker gets the message.
func (s *Supervisor) Send(ctx context.Context, slot int, data []byte, reply func(Worker, []byte)) (Worker, error) {
	return s.run(ctx, &errand{slot: slot, data: data, wake: make(chan struct{}, 1)}, reply)
}

// Delivery is the result of a message to one worker.
type Delivery struct {
	Worker Worker
	Err    error
}

// Broadcast delivers a message to each worker that takes messages now, and returns when all have processed the message.
// reply may be called from several goroutines at the same time.
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

// Tell informs the workers of newer code while they keep running, and returns the informed workers.
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

// run sends an errand and waits for its end.
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
			s.send(cancelInput{e, ctx.Err()}) // the loop then ends the errand
		case <-s.done: // the loop has sent all outcomes before
			ended = true
		}
	}
}

// add queues an errand.
func (p *post) add(e *errand) {
	if len(p.waiting) >= maxWaiting || p.bytes+len(e.data) > maxWaitingBytes {
		e.tell(outcome{err: ErrFull, end: true})
		return
	}
	p.waiting = append(p.waiting, e)
	p.bytes += len(e.data)
}

// leaves removes an errand from the queue, and reports whether the errand was there.
func (p *post) leaves(e *errand) bool {
	i := slices.Index(p.waiting, e)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		p.bytes -= len(e.data)
	}
	return i >= 0
}

// cancel ends an errand. A worker that already has the message continues to process it.
func (p *post) cancel(e *errand, why error) {
	if !p.leaves(e) && p.underWay[e.id] != e {
		return // already ended
	}
	if e.id == 0 && !p.anyTakes() {
		why = ErrNobody
	}
	e.tell(outcome{err: why, end: true})
	delete(p.underWay, e.id) // the worker stays busy until the message is processed
}

func (p *post) anyTakes() bool {
	for _, ph := range p.phones {
		if ph.takes > 0 {
			return true
		}
	}
	return false
}

// takersOf lists the serving workers that take messages.
func (p *post) takersOf(m *machine) (workers []Worker) {
	for _, w := range m.members {
		if ph := p.phones[w.ID]; w.serving() && ph != nil && ph.takes > 0 {
			workers = append(workers, w.Worker)
		}
	}
	return workers
}

// dispatch gives waiting messages to idle serving workers. give is false if the worker has no connection.
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

// idlest returns the worker to give an errand to, or nil; left: there never will be a worker.
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

// end notes that a worker no longer processes a message.
func (p *post) end(w Worker, id uint32, err error) {
	if ph := p.phones[w.ID]; ph != nil {
		ph.busy = max(0, ph.busy-1)
	}
	if e := p.underWay[id]; e != nil && e.worker == w.ID {
		delete(p.underWay, id)
		e.tell(outcome{worker: w, err: err, end: true})
	}
}

// hangUp notes that a worker's connection has ended.
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
