package runner

import (
	"maps"
	"slices"

	"hotreload/gobuild"
	"hotreload/supervisor/inspect"
	"hotreload/watch"
)

// seen is a batch with the state of its files when the batch was heard. The batch is classified later, after the
// workers' reports of everything done until then; later deeds of workers must not count as done by others.
type seen struct {
	watch.Batch
	found   map[string]stamp
	writing map[string]bool // files open to write in workers and their child processes
}

// sample looks at the changed files first, and then at the files open in workers.
func (l *loop) sample(b watch.Batch) seen {
	s := seen{Batch: b, found: map[string]stamp{}}
	for _, change := range slices.Concat(b.Changes, b.Fresh) {
		kind, _ := l.known.graph.Classify(change.Path)
		if l.known.opened.concerns(change.Path) || kind == gobuild.Embedded {
			s.found[change.Path] = look(change.Path)
		}
	}
	if len(s.found) > 0 {
		l.lookForLoaded()
		for _, path := range inspect.Writing(l.crew.pids()) {
			if l.inbox.writing == nil {
				l.inbox.writing = map[string]bool{}
			}
			l.inbox.writing[path] = true
		}
	}
	s.writing = maps.Clone(l.inbox.writing)
	if b.Settled {
		l.inbox.writing = nil
	}
	return s
}
