package runner

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"hotreload/supervisor"
	"hotreload/watch"
)

// heard takes what the watcher says, in its order.
func (l *loop) heard(b watch.Batch) {
	if l.batches = append(l.batches, b); len(l.batches) == 1 {
		l.takeBatches(false)
	}
}

// takeBatches judges batches as far as that can be done now. told says that all is known of what the workers had opened
// when the first of them was heard.
func (l *loop) takeBatches(told bool) {
	for ; len(l.batches) > 0; told = false {
		if !told && l.hinges(l.batches[0]) {
			l.supervisor.AskFiles()
			return
		}
		b := l.batches[0]
		l.batches = l.batches[1:]
		l.batch(b)
	}
}

// hinges reports whether workers would be replaced for nothing but files that they have opened to read, as far as they
// have told. They may be about to tell that they have written them.
func (l *loop) hinges(b watch.Batch) bool {
	built := func(c watch.Change) bool {
		class, _, _ := l.judge(c)
		return class >= Restart
	}
	read := func(c watch.Change) bool {
		effect, opened := l.effect(c)
		return opened && effect.Class == Restart
	}
	return b.Settled && l.state.phase != Stopping && !slices.ContainsFunc(b.Fresh, built) && slices.ContainsFunc(b.Changes, read)
}

// batch classifies what has changed and hands the strongest class to the rules.
func (l *loop) batch(b watch.Batch) {
	if l.spent {
		l.conclude()
	}
	if l.began.IsZero() && len(b.Changes) > 0 {
		l.began = b.Began
	}
	var in changed
	in.settled = b.Settled
	for _, problem := range b.Problems {
		l.tell(Unwatched{problem.Path, problem.Err})
	}
	for _, change := range b.Fresh {
		class, _, renew := l.judge(change)
		if class == Rebuild && !l.begins(change.Path) {
			class = None // the build that is about to begin will read it
		}
		in.class = max(in.class, class)
		in.renew = in.renew || renew
		if l.ruleFiles[change.Path] {
			l.loadRules()
		}
	}
	switch {
	case !b.Settled:
		l.tellEarly(b.Changes)
	case len(b.Changes) > 0:
		news := Changed{Overflow: b.Overflow}
		var read []string // by workers at their start
		for _, change := range b.Changes {
			// Only now: what the workers have to say of it may come later than the change.
			effect, opened := l.effect(change)
			if opened && effect.Class == Restart {
				read = append(read, change.Path)
			}
			l.effects = append(l.effects, effect)
			if l.early[change.Path] != effect {
				news.Effects = append(news.Effects, effect)
			}
		}
		if len(news.Effects) > 0 || news.Overflow {
			l.tell(news)
		}
		switch {
		case in.class >= Restart:
			l.opened.replaces(nil, b.Began, time.Now())
		case len(read) > 0 && l.opened.replaces(read, b.Began, time.Now()):
			l.tell(TakenOff{read[0]})
		case len(read) > 0:
			in.class = Restart
		}
	}
	if in.class == Restart {
		l.lookForProgram()
	}
	l.input(in)
	if b.Settled {
		clear(l.early)
		l.spent = l.state.done() // nothing comes of it
		if l.spent && !slices.ContainsFunc(l.effects, func(e Effect) bool { return e.Class == Startup }) {
			l.conclude() // nor of the settings, which are about to be read
		}
	}
}

// effect is how a change takes effect. opened says that this is known of the workers, who opened it.
func (l *loop) effect(change watch.Change) (effect Effect, opened bool) {
	class, reason, _ := l.judge(change)
	if class == None && ruleFor(l.config.Rules, change.Path) < 0 {
		if now, why, ok := l.opened.class(change, disk{l.written, touchedAt}); ok {
			class, reason, opened = now, why, true
		}
	}
	return Effect{change, class, reason}, opened
}

// tellEarly tells of files that are in effect as they are, without waiting for the tree to be quiet: once, however many
// pieces they are written in. What comes and goes while an editor saves is not told, nor a file that is empty, which is
// about to be written.
func (l *loop) tellEarly(changes []watch.Change) {
	var news []Effect
	for _, change := range changes {
		if _, told := l.early[change.Path]; told || change.Op != watch.Written || change.Dir {
			continue
		}
		effect, _ := l.effect(change)
		if info, err := os.Stat(change.Path); effect.Class != Live || err != nil || info.Size() == 0 {
			continue
		}
		l.early[change.Path] = effect
		news = append(news, effect)
	}
	if len(news) > 0 {
		l.tell(Changed{Effects: news})
	}
}

// begins reports whether a change of a file that is built from is a reason to begin a build, or to begin it anew.
func (l *loop) begins(path string) bool {
	rule := ruleFor(l.config.Rules, path)
	if !l.rules.isOne(rule) {
		return !l.generating
	}
	touched := touchedAt(path)
	if l.generating && l.noted[path].Equal(touched) && !touched.IsZero() {
		return false // it is what we generate for
	}
	l.noted[path] = touched
	return l.rules.changed(rule, path, touched)
}

// judge says how a change takes effect, as far as it need not be asked of the workers: what the user says comes first.
func (l *loop) judge(change watch.Change) (class Class, reason string, renew bool) {
	class, reason, renew = classify(change, l.graph, l.config.Watch)
	if i := ruleFor(l.config.Rules, change.Path); i >= 0 && l.graph != nil {
		rule := l.config.Rules[i]
		return rule.class(), rule.reason(), renew && rule.class() == Rebuild
	}
	switch {
	case class != None:
	case slices.Contains(l.config.EnvFiles, change.Path):
		return Restart, "an environment file", false
	case slices.Contains(l.config.Startup, change.Path):
		return Startup, "hotreload's own settings", false
	}
	return class, reason, renew
}

// written reports whether a worker has the file open for writing.
func (l *loop) written(path string) bool {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		resolved = path
	}
	for _, w := range l.workers {
		if supervisor.Writes(w.Pid, resolved) {
			return true
		}
	}
	return false
}
