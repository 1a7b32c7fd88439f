package runner

import (
	"context"
	"errors"

	"hotreload/watch"
)

// ErrEnded means: the run is over.
var ErrEnded = errors.New("hotreload has ended")

// query is a question to the loop. The loop calls a query after each input until the result is true.
type query func(l *loop) (answered bool)

// query has the loop answer a question, and waits for the answer.
func (r *Runner) query(ctx context.Context, q query) error {
	done := make(chan struct{})
	wrapped := func(l *loop) bool {
		if ctx.Err() != nil {
			return true // nobody waits for the answer
		}
		if !q(l) {
			return false
		}
		close(done)
		return true
	}
	select {
	case r.queries <- wrapped:
	case <-r.ended:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-r.ended:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Await waits for the outcome of the present tree: the tree serves, or fails to build or to run (Stale and Failure of
// the Status). A pause counts as an outcome, too.
func (r *Runner) Await(ctx context.Context) (Status, error) {
	s, err := r.outcome(ctx, true)
	return r.counted(ctx, s), err
}

// outcome waits for the outcome of the present tree. hurry: replacements that wait for quiet files come now.
func (r *Runner) outcome(ctx context.Context, hurry bool) (s Status, err error) {
	err = r.watcher.Sync(ctx)
	if err == nil {
		err = r.watcher.Received(ctx) // otherwise the question might overtake the last save
	}
	if err != nil && !errors.Is(err, watch.ErrClosed) {
		return s, err
	}
	begun := false
	err = r.query(ctx, func(l *loop) bool {
		if hurry && !begun {
			begun = true
			l.hurryPatience()
		}
		if l.known.graph == nil || !l.rested() {
			return false
		}
		s = l.status()
		return true
	})
	return s, err
}

// rested reports whether nothing is going on.
func (l *loop) rested() bool {
	switch {
	case l.state.phase == Stopping:
		return true
	case len(l.inbox.batches) > 0:
		return false
	case l.crew.blocked != "" && l.state.settled && l.state.phase != Building:
		return true // nothing more will happen for now
	case l.state.stopped || len(l.crew.stopped) > 0 && l.state.phase == Idle && l.crew.scaling:
		return !l.crew.scaling
	case l.state.gated:
		return l.state.settled && l.state.phase == Idle && l.state.stale()
	case l.crew.loops && l.state.settled && l.state.phase == Replacing:
		return true // nobody should wait for the supervisor's next attempt
	case len(l.crew.retiring) > 0 || l.causes.postponed != nil || l.inbox.late():
		return false
	case !l.state.settled || l.state.phase != Idle || l.state.restart || l.listing.runs:
		return false
	}
	return l.state.stale() || !l.crew.scaling && l.crew.serving == l.state.generation && l.crew.served == l.crew.serving
}
