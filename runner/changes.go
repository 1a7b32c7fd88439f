package runner

// take reports the changes, and gives the strongest class to decide.
func (l *loop) take(b judged) {
	for _, problem := range b.Problems {
		l.emit(Unwatched{problem.Path, problem.Err})
	}
	in := l.fresh(b)
	overflow := b.Settled && b.Overflow && len(b.changes) > 0
	if news := l.causes.take(b); len(news) > 0 || overflow {
		l.emit(Changed{Effects: news, Overflow: overflow})
		l.standing.live(news)
	}
	in.read = b.Settled && b.restarts
	switch {
	case in.class >= Restart || in.runs:
		l.causes.read, in.read = nil, in.read || b.Settled && len(b.read) > 0
	case b.Settled && len(b.read) > 0 && !l.postpones(b.read, b.Began):
		in.class, in.read, l.causes.read = Restart, true, b.read
	}
	if in.class == Restart {
		l.lookForProgram()
	}
	l.input(in)
	if b.Settled {
		l.causes.settle(l.state.done())
		l.grow(b.seen)
	}
}

// fresh summarizes the new changes of a batch for decide.
func (l *loop) fresh(b judged) (in changed) {
	in.settled = b.Settled
	for _, c := range b.fresh {
		class := c.Class
		if c.read {
			class = None // only when the tree is quiet: the workers' reports may come later than the change
		}
		if class == Test {
			class = None // the service has nothing to do
		}
		switch {
		case c.Runs && l.builds.begins(c, touchedAt(c.Path)):
			in.runs = true
		case c.Runs:
			class = None // commands already run for this change
		case class == Rebuild && l.builds.generating:
			class = None // the coming build will read the file
			l.input(fed{})
		}
		in.class = max(in.class, class)
		in.graphChanged = in.graphChanged || c.graphChanged
		if l.known.ignorer != nil && l.known.ignorer.AffectedBy(c.Path) {
			l.loadRules()
		}
	}
	return in
}
