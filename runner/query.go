package runner

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hotreload/gobuild"
	"hotreload/supervisor"
	"hotreload/watch"
)

// ErrEnded says that the run is over.
var ErrEnded = errors.New("hotreload has ended")

// query is a question to the loop. It is asked again after each thing that happens, until it says that it is answered.
type query func(l *loop) (answered bool)

// ask has the loop answer a question.
func (r *Runner) ask(ctx context.Context, q query) error {
	done := make(chan struct{})
	wrapped := func(l *loop) bool {
		if ctx.Err() != nil {
			return true // nobody waits for it
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

// Status is how things stand: a value, for people and programs. Durations are in nanoseconds.
type Status struct {
	Program    string   `json:"program"`    // import path of the main package; "" until it is known
	Phase      string   `json:"phase"`      // idle, building, replacing, stopping
	Paused     bool     `json:"paused"`     // changes wait
	Quiet      bool     `json:"quiet"`      // no save is in the middle of happening
	Serving    int      `json:"serving"`    // generation; 0 = none yet
	Newest     int      `json:"newest"`     // generation
	Stale      bool     `json:"stale"`      // what serves is not what was saved last
	Failure    string   `json:"failure"`    // why: the compiler's or the worker's words
	Agent      bool     `json:"agent"`      // connections are handed over
	Built      string   `json:"built"`      // how the last build was done, and if by go, why so; "" before the first
	Packages   int      `json:"packages"`   // in the program
	Folders    int      `json:"folders"`    // watched for the build
	FilesKnown int      `json:"files_read"` // by workers, and watched
	Workers    []Worker `json:"workers"`    // by slot, then by age
}

// Worker is one worker in a Status.
type Worker struct {
	Slot       int           `json:"slot"`
	Generation int           `json:"generation"`
	Pid        int           `json:"pid"`
	State      string        `json:"state"` // starting, ready, draining
	Uptime     time.Duration `json:"uptime"`
}

// Status says how things stand.
func (r *Runner) Status(ctx context.Context) (Status, error) {
	var s Status
	err := r.ask(ctx, func(l *loop) bool { s = l.status(); return true })
	return s, err
}

func (l *loop) status() Status {
	s := Status{
		Phase: l.state.phase.String(), Paused: l.state.paused, Quiet: l.state.settled, Serving: l.serving,
		Newest: l.state.generation, Stale: l.state.stale() || l.loops, Failure: l.words, FilesKnown: len(l.opened.files), Built: l.way,
		Workers: []Worker{},
	}
	if !s.Stale {
		s.Failure = ""
	}
	if l.graph != nil {
		s.Program, s.Packages, s.Folders = l.graph.Main.ImportPath, l.graph.Len(), len(l.graph.Dirs())
	}
	if g := l.generations[l.serving]; g != nil {
		s.Agent = g.artifact.Agent
	}
	for _, w := range l.ordered() {
		s.Workers = append(s.Workers, Worker{
			Slot: w.Slot, Generation: w.Generation, Pid: w.Pid, State: w.state.String(), Uptime: time.Since(w.started),
		})
	}
	return s
}

// worker is what the loop knows of one.
type worker struct {
	supervisor.Worker
	state   supervisor.State
	started time.Time
}

func (l *loop) ordered() []worker {
	return slices.SortedFunc(maps.Values(l.workers), func(a, b worker) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.ID, b.ID))
	})
}

// Await waits until the tree as it is now has come to something: it serves, or it does not build or run, and Stale and
// Failure of the Status say so. Pausing counts as an end, too.
func (r *Runner) Await(ctx context.Context) (Status, error) {
	var s Status
	if err := r.watcher.Sync(ctx); err != nil && !errors.Is(err, watch.ErrClosed) {
		return s, err
	}
	err := r.ask(ctx, func(l *loop) bool {
		if l.graph == nil || !l.rested() {
			return false
		}
		s = l.status()
		return true
	})
	return s, err
}

// rested reports whether nothing is under way.
func (l *loop) rested() bool {
	switch {
	case l.state.phase == Stopping || l.state.paused:
		return true
	case l.loops && l.state.settled && l.state.phase == Replacing:
		return true // it is tried again, but nobody should wait for that
	case !l.state.settled || l.state.phase != Idle || l.state.restart || l.renewing:
		return false
	}
	return l.state.stale() || l.serving == l.state.generation && l.served == l.serving
}

// Explanation is what is known of a path.
type Explanation struct {
	Path    string `json:"path"` // absolute
	Exists  bool   `json:"exists"`
	Class   string `json:"class"`
	Reason  string `json:"reason"`
	Package string `json:"package"` // to which it belongs; "" = none
	Ignored string `json:"ignored"` // the rule that ignores it; "" = it is not
	Watched bool   `json:"watched"`
	Polled  string `json:"polled"` // why it is looked at again and again; "" = the system tells of its changes
}

// Explain says how a change of a path would take effect.
func (r *Runner) Explain(ctx context.Context, path string) (Explanation, error) {
	var e Explanation
	err := r.ask(ctx, func(l *loop) bool {
		if l.graph == nil {
			return false
		}
		e = l.explain(path)
		return true
	})
	return e, err
}

// ExplainAlone does it without a run, and so without knowing what workers read.
func ExplainAlone(config Config, graph *gobuild.Graph, path string) Explanation {
	l := &loop{config: config, graph: graph, opened: newOpened(), workers: map[int]worker{}}
	if config.Ignore != nil {
		l.ignorer = config.Ignore(graph.Dirs(), config.Watch)
	}
	return l.explain(path)
}

func (l *loop) explain(path string) Explanation {
	path = filepath.Clean(path)
	e := Explanation{Path: path}
	info, err := os.Lstat(path)
	e.Exists = err == nil
	dir := err == nil && info.IsDir()
	change := watch.Change{Path: path, Op: watch.Written, Dir: dir}
	class, reason, _ := l.judge(change)
	if class == None && ruleFor(l.config.Rules, path) < 0 {
		never := func(string) time.Time { return time.Time{} }
		if now, why, ok := l.opened.class(change, disk{l.written, never}); ok {
			class, reason = now, why
		}
	}
	_, e.Package = l.graph.Classify(path)
	e.Watched = l.watches(path)
	if l.ignorer != nil && hidden(path, dir, l.ignorer, l.graph) {
		e.Ignored = l.ignorer.Why(path, dir)
		if !slices.Contains(l.graph.Files(), path) {
			class, reason, e.Watched = None, "ignored", false
		}
	}
	e.Class, e.Reason = class.String(), reason
	if e.Watched {
		way := watch.How(path)
		if l.Runner != nil {
			if now, watched, err := l.watcher.How(l.ctx, path); err == nil && watched {
				way = now
			}
		}
		if way.Polled() {
			e.Polled = way.String()
		}
	}
	return e
}

// watches reports whether a change of the path is noticed.
func (l *loop) watches(path string) bool {
	dir := filepath.Dir(path)
	var set watch.Set
	for _, rule := range l.config.Rules {
		rule.watched(&set)
	}
	u, folder := l.opened.files[path], l.opened.files[dir]
	return slices.Contains(l.graph.Dirs(), dir) || slices.Contains(l.graph.Files(), path) ||
		under(path, l.config.Watch) || under(path, set.Trees) || slices.Contains(set.Dirs, dir) || slices.Contains(set.Files, path) ||
		slices.Contains(l.config.EnvFiles, path) || slices.Contains(l.config.Startup, path) ||
		u != nil && u.heard || folder != nil && folder.heard
}
