package runner

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	Name       string   `json:"name"`   // of the service; "" if it is the only one
	Kept       bool     `json:"kept"`   // its workers are replaced only on request
	Old        bool     `json:"old"`    // and what was saved since waits for that
	Waits      bool     `json:"waits"`  // for other services to serve first
	Slots      int      `json:"slots"`  // 0..Slots-1, those that are stopped included
	Wanted     int      `json:"wanted"` // workers
	Strategy   string   `json:"strategy"`
	Listen     []string `json:"listen"`     // addresses that hotreload holds from the beginning
	Pending    []string `json:"pending"`    // settings that wait for a new start
	Program    string   `json:"program"`    // import path of the main package; "" until it is known
	Phase      string   `json:"phase"`      // idle, building, replacing, stopping
	Quiet      bool     `json:"quiet"`      // no save is in the middle of happening
	Serving    int      `json:"serving"`    // generation; 0 = none yet
	Newest     int      `json:"newest"`     // generation
	Switch     string   `json:"switch"`     // what it is called in the kill switch
	Blocked    string   `json:"blocked"`    // why no worker may be started; "" if they may
	Stale      bool     `json:"stale"`      // what serves is not what was saved last
	Failure    string   `json:"failure"`    // why: the compiler's or the worker's words
	Agent      bool     `json:"agent"`      // connections are handed over
	Built      string   `json:"built"`      // how the last build was done, and if by go, why so; "" before the first
	Packages   int      `json:"packages"`   // in the program
	Folders    int      `json:"folders"`    // watched for the build
	FilesKnown int      `json:"files_read"` // by workers, and watched
	Workers    []Worker `json:"workers"`    // by slot, then by age
	Exits      []Exit   `json:"exits"`      // how workers have ended, the latest first

	Counters []supervisor.Counter `json:"counters"` // of the service; those of its workers are summed up in it
}

// Worker is one worker in a Status.
type Worker struct {
	Slot       int           `json:"slot"`
	Generation int           `json:"generation"`
	Pid        int           `json:"pid"`
	State      string        `json:"state"` // starting, ready, draining
	Uptime     time.Duration `json:"uptime"`

	Counters     []supervisor.Counter `json:"counters"`
	Text         string               `json:"text,omitempty"`         // what it says of itself
	Unresponsive bool                 `json:"unresponsive,omitempty"` // it was asked, and has not answered in time
}

// Exit is one way in which workers have ended.
type Exit struct {
	What  string    `json:"what"`  // exit code 1, killed by SIGKILL, …
	Count int       `json:"count"` // how often
	Asked int       `json:"asked"` // of these, how often on our request
	Last  time.Time `json:"last"`
	Words string    `json:"words"` // the last lines that the last of them wrote to stderr
}

// Status says how things stand.
func (r *Runner) Status(ctx context.Context) (Status, error) {
	var s Status
	err := r.ask(ctx, func(l *loop) bool { s = l.status(); return true })
	return r.counted(ctx, s), err
}

func (l *loop) status() Status {
	policy := l.config.Service.Policy
	s := Status{
		Name: l.config.Name, Kept: l.state.keeps, Old: l.state.old, Waits: l.state.gated,
		Slots:  policy.Workers,
		Wanted: policy.Workers - len(l.shut), Strategy: policy.Strategy.String(), Listen: []string{}, Pending: append([]string{}, l.config.Pending...),
		Switch: l.config.switchName(), Blocked: l.blocked,
		Phase: l.state.phase.String(), Quiet: l.state.settled, Serving: l.serving,
		Newest: l.state.generation, Stale: l.state.stale() || l.loops, Failure: l.words, FilesKnown: len(l.opened.files), Built: l.way,
		Workers: []Worker{}, Exits: []Exit{},
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
	for _, a := range l.supervisor.Addresses() {
		s.Listen = append(s.Listen, a.String())
	}
	if l.config.Command != nil {
		s.Program = strings.Join(l.config.Command, " ")
	}
	ready, leaving, restarts := 0, 0, 0
	for _, w := range l.ordered() {
		up := time.Since(w.started)
		s.Workers = append(s.Workers, Worker{
			Slot: w.Slot, Generation: w.Generation, Pid: w.Pid, State: w.state.String(), Uptime: up,
			Counters: []supervisor.Counter{
				supervisor.Gauge("uptime", up.Seconds(), "s"), supervisor.Total("restarts", float64(l.restarts[w.Slot])),
			},
		})
		switch {
		case w.state == supervisor.Ready || w.state == supervisor.Stable:
			ready++
		case w.state >= supervisor.Draining:
			leaving++
		}
	}
	for _, n := range l.restarts {
		restarts += n
	}
	for _, e := range l.exits {
		s.Exits = append(s.Exits, Exit{What: e.What, Count: e.Count, Asked: e.Asked, Last: e.Last, Words: e.Words})
	}
	stale := 0.0
	if s.Stale {
		stale = 1
	}
	s.Counters = []supervisor.Counter{
		supervisor.Limited("ready", float64(ready), float64(s.Wanted)), supervisor.Gauge("wanted", float64(s.Wanted), ""),
		supervisor.Gauge("leaving", float64(leaving), ""), supervisor.Total("restarts", float64(restarts)),
		supervisor.Gauge("generation", float64(s.Serving), ""), supervisor.Limited("stale", stale, 1),
	}
	if !l.servedAt.IsZero() {
		s.Counters = append(s.Counters, supervisor.Gauge("generation_age", time.Since(l.servedAt).Seconds(), "s"))
	}
	return s
}

// counted adds what the system knows and what the workers say, and sums up. It is not the loop's business: it takes a
// while.
func (r *Runner) counted(ctx context.Context, s Status) Status {
	var pids []int
	for _, w := range s.Workers {
		pids = append(pids, w.Pid)
	}
	service, workers := r.supervisor.Counters(pids)
	accounts := map[int]supervisor.Account{}
	for _, a := range r.supervisor.Inquire(ctx, supervisor.AllSlots, true) {
		accounts[a.Worker.Pid] = a
	}
	s.Counters = append(s.Counters, service...)
	for i := range s.Workers {
		w := &s.Workers[i]
		w.Counters = append(w.Counters, workers[w.Pid]...)
		account := accounts[w.Pid]
		w.Counters, w.Unresponsive = append(w.Counters, account.Counters...), account.Unresponsive
		if own := account.Status; own != nil {
			w.Counters, w.Text = append(w.Counters, own.Counters...), own.Text
		}
		for _, c := range w.Counters {
			if c.Name == "uptime" || c.Name == "restarts" { // its own account has these
				continue
			}
			j := slices.IndexFunc(s.Counters, func(sum supervisor.Counter) bool { return sum.Name == c.Name })
			if j < 0 {
				c.Max = nil
				s.Counters = append(s.Counters, c)
			} else {
				s.Counters[j].Value += c.Value
			}
		}
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
	return r.counted(ctx, s), err
}

// rested reports whether nothing is under way.
func (l *loop) rested() bool {
	switch {
	case l.state.phase == Stopping:
		return true
	case len(l.batches) > 0:
		return false
	case l.blocked != "" && l.state.settled && l.state.phase != Building:
		return true // nothing more will come of it for now
	case l.state.halted || len(l.shut) > 0 && l.state.phase == Idle && l.scaling:
		return !l.scaling
	case l.state.gated:
		return l.state.settled && l.state.phase == Idle && l.state.stale()
	case l.loops && l.state.settled && l.state.phase == Replacing:
		return true // it is tried again, but nobody should wait for that
	case len(l.retiring) > 0:
		return false
	case !l.state.settled || l.state.phase != Idle || l.state.restart || l.renewing:
		return false
	}
	return l.state.stale() || !l.scaling && l.serving == l.state.generation && l.served == l.serving
}

// Explanation is what is known of a path.
type Explanation struct {
	Service string   `json:"service"` // "" if there is only one
	Path    string   `json:"path"`    // absolute
	Exists  bool     `json:"exists"`
	Class   string   `json:"class"`
	Reason  string   `json:"reason"`
	Package string   `json:"package"` // to which it belongs; "" = none
	Reaches []string `json:"reaches"` // import paths of what is compiled anew: its package and those that import it
	Workers []int    `json:"workers"` // slots in which it takes effect; none without a run
	Ignored string   `json:"ignored"` // the rule that ignores it; "" = it is not
	Watched bool     `json:"watched"`
	Polled  string   `json:"polled"` // why it is looked at again and again; "" = the system tells of its changes
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
	e := Explanation{Service: l.config.Name, Path: path, Reaches: []string{}, Workers: []int{}}
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
	kind, pkg := l.graph.Classify(path)
	e.Package = pkg
	e.Watched = l.watches(path)
	if l.ignorer != nil && hidden(path, dir, l.ignorer, l.graph) {
		e.Ignored = l.ignorer.Why(path, dir)
		if !slices.Contains(l.graph.Files(), path) {
			class, reason, e.Watched = None, "ignored", false
		}
	}
	e.Class, e.Reason = class.String(), reason
	if class == Rebuild && (kind == gobuild.Compiled || kind == gobuild.Embedded) {
		e.Reaches = append(e.Reaches, l.graph.Reached(pkg)...)
	}
	if class != None && class != Startup {
		for _, w := range l.ordered() {
			if w.state != supervisor.Draining && !slices.Contains(e.Workers, w.Slot) {
				e.Workers = append(e.Workers, w.Slot)
			}
		}
	}
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
