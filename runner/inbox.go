package runner

import (
	"maps"
	"slices"
	"strings"
	"time"

	"hotreload/gobuild"
	"hotreload/watch"
)

// inbox has the watcher's batches until they are classified. The loop owns the inbox.
//
// Invariant: batches are taken in their order. The first one waits for the workers' answer to question judgeAt, if
// judgeAt is not 0, or for somebody who copies files, if copying waits; then there is only one batch.
type inbox struct {
	batches []seen
	copying copying
	proven  *gobuild.Graph // of the program that served last; nil: files are not compared with proven

	asked, answered int // numbers of the newest question for opened files, and of the newest answer
	judgeAt         int // number of the question that the first batch waits for; 0 = no wait

	writing map[string]bool  // files open to write in workers while the unsettled batch was heard
	belated []watch.Change   // changes of files not watched at that time; for the next batch
	rewatch <-chan time.Time // fires when opened files are to be watched; nil: all are watched
}

// ask numbers a question to the workers.
func (i *inbox) ask() int {
	i.asked++
	return i.asked
}

// answer takes the number of an answer, also for all earlier questions, and reports whether the first batch has waited
// for this answer.
func (i *inbox) answer(number int) (due bool) {
	i.answered = max(i.answered, number)
	due = i.judgeAt > 0 && i.answered >= i.judgeAt
	if due {
		i.judgeAt = 0
	}
	return due
}

// next returns the first batch, and removes the batch from the inbox.
func (i *inbox) next() seen {
	b := i.batches[0]
	i.batches = i.batches[1:]
	return b
}

// joinAll makes one batch of all.
func (i *inbox) joinAll() {
	for len(i.batches) > 1 {
		i.batches = append([]seen{joined(i.batches[0], i.batches[1])}, i.batches[2:]...)
	}
}

// late reports whether changes are known or expected that no batch contains yet.
func (i *inbox) late() bool { return i.rewatch != nil || len(i.belated) > 0 }

// heard takes a batch of the watcher. While somebody copies, the new batch becomes part of the waiting one.
func (l *loop) heard(batch watch.Batch) {
	b := l.sample(batch)
	in := &l.inbox
	in.batches = append(in.batches, b)
	switch {
	case in.copying.waits():
		in.joinAll()
		l.stillCopying()
	case len(in.batches) == 1:
		l.takeBatches(false)
	}
}

// takeBatches classifies and takes the waiting batches, as far as possible now. told: the workers have reported all
// files opened until the first batch was heard.
func (l *loop) takeBatches(told bool) {
	for ; len(l.inbox.batches) > 0; told = false {
		if l.inbox.copying.waits() || l.awaitsCopy(l.inbox.batches[0]) {
			return
		}
		b := l.known.judge(l.inbox.batches[0])
		if !told && l.state.phase != Stopping && b.hinges {
			l.inbox.judgeAt = l.askFiles() // the answer is new evidence for the class of the batch
			return
		}
		l.inbox.next()
		l.take(b)
	}
}

// askFiles asks the workers for reports of all files opened until now, and returns the question's number.
func (l *loop) askFiles() int {
	number := l.inbox.ask()
	l.supervisor.AskFiles(number)
	return number
}

// filesTold takes the answer to a question.
func (l *loop) filesTold(number int) {
	if l.inbox.answer(number) {
		l.takeBatches(true)
	}
}

// joined returns two consecutive batches as one.
func joined(a, b seen) seen {
	a.found, a.writing = maps.Clone(a.found), maps.Clone(a.writing)
	maps.Copy(a.found, b.found)
	if a.writing == nil {
		a.writing = map[string]bool{}
	}
	maps.Copy(a.writing, b.writing)
	a.Changes, a.Fresh = joinedChanges(a.Changes, b.Changes), joinedChanges(a.Fresh, b.Fresh)
	a.Problems = append(slices.Clip(a.Problems), b.Problems...)
	a.Settled, a.Overflow, a.Last = b.Settled, a.Overflow || b.Overflow, b.Last
	return a
}

// joinedChanges returns the changes of both lists, one for each path.
func joinedChanges(a, b []watch.Change) []watch.Change {
	all := map[string]watch.Change{}
	for _, change := range a {
		all[change.Path] = change
	}
	for _, change := range b {
		before, known := all[change.Path]
		switch {
		case known && before.Op == watch.Removed && change.Op == watch.Created:
			change.Op = watch.Written
		case known && before.Op == watch.Created && change.Op == watch.Written:
			change.Op = watch.Created
		}
		all[change.Path] = change
	}
	return slices.SortedFunc(maps.Values(all), func(a, b watch.Change) int { return strings.Compare(a.Path, b.Path) })
}
