package runner

import (
	"context"
	"slices"

	"hotreload/supervisor"
)

// loop is a run of a service. The goroutine of the run owns everything below; each part has its own file and invariant.
//
// Invariant: input is the only place where state changes, and decide the only function to change state. Long work runs
// on other goroutines, with reports to the channels of next.
type loop struct {
	*Runner
	ctx    context.Context // ends with the run
	config *Config         // in force; only takeOver changes it
	state  state           // for decide

	known    *knowledge // everything to classify changes by
	inbox    inbox      // batches not yet classified
	causes   causes     // changes without an outcome yet
	listing  listing    // the run of go list
	builds   builds     // the running build
	programs programs   // the binaries to start
	crew     crew       // the workers
	standing standing   // the present problems of the code

	hooks *hooks

	news    []Event // not read yet
	waiting []query // not answered yet
}

// sources are the channels for next, each until closed or fired; nil means done.
type sources struct {
	stop   <-chan struct{}
	gate   <-chan struct{}
	events <-chan supervisor.Event
	hooks  <-chan HookEnded
}

func newLoop(r *Runner, ctx context.Context) *loop {
	config := r.config
	return &loop{
		Runner: r, ctx: ctx, config: &config,
		state:    state{gated: r.gate != nil, pinned: config.Pinned},
		known:    &knowledge{config: &config, opened: newEvidence(), owns: r.forge.builder.Owns},
		causes:   causes{early: map[string]toldEarly{}},
		listing:  listing{results: make(chan graphResult)},
		builds:   newBuilds(r.rules),
		programs: newPrograms(r.forge.builder),
		crew:     newCrew(config.Service),
	}
}

// run is the loop.
func (r *Runner) run(ctx context.Context) {
	work, cancel := context.WithCancel(context.Background())
	l := newLoop(r, work)
	defer close(r.ended)
	defer close(r.events)
	defer cancel()
	defer func() {
		l.builds.cancel()
		l.builds.await()
		r.watcher.Close()
		r.forge.leave()
	}()
	env := append(slices.Clip(r.config.Service.Env), "HOTRELOAD_SERVICE="+r.config.switchName())
	l.hooks = startHooks(r.config.Hooks, env)
	defer l.hooks.kill()

	l.emit(Listening{Addresses: r.supervisor.Addresses()})
	if notice := r.forge.notice(); notice != nil {
		l.emit(Noticed{notice})
	}
	if r.gate != nil {
		l.emit(Waits{For: r.config.After})
	}
	l.listPackages() // the first answer starts the first build

	from := sources{stop: ctx.Done(), gate: r.gate, events: r.supervisor.Events(), hooks: l.hooks.news()}
	for from.events != nil || from.hooks != nil || len(l.news) > 0 {
		l.next(&from)
		if !l.compiling() && l.listing.take() {
			l.listPackages()
		}
		l.waiting = slices.DeleteFunc(l.waiting, func(q query) bool { return q(l) })
		l.tellProblems()
	}
}

// next waits until something happens, and reacts.
func (l *loop) next(from *sources) {
	var out chan Event
	var first Event
	if len(l.news) > 0 {
		out, first = l.events, l.news[0]
	}
	select {
	case out <- first:
		l.news = l.news[1:]
	case <-from.stop:
		from.stop = nil
		l.input(stopKey{})
	case <-from.gate:
		from.gate = nil
		l.input(admitted{})
	case request := <-l.requests:
		l.request(request)
	case config := <-l.configs:
		l.takeOver(config)
	case q := <-l.queries:
		l.waiting = append(l.waiting, q)
	case batch := <-l.watcher.Batches():
		l.heard(batch)
	case result := <-l.listing.results:
		l.listed(result)
	case g := <-l.builds.generated:
		l.ran(g)
	case result := <-l.builds.results:
		l.built(result)
	case d := <-l.programs.deliveries.results:
		l.delivered(d)
	case doubt := <-l.doubts: // the serving program may be wrong
		l.emit(Noticed{doubt})
		l.input(changed{class: Rebuild, settled: true})
	case news := <-l.adopted:
		l.adoptedByBuilds(news)
	case <-l.inbox.copying.over:
		l.copied()
	case <-l.inbox.rewatch:
		l.inbox.rewatch = nil
		l.watchAll()
	case <-l.causes.postponed.due():
		l.endPatience()
	case event, ok := <-from.events:
		l.supervised(event, ok, from)
	case said, ok := <-from.hooks:
		if ok {
			l.emit(said)
		} else {
			from.hooks = nil
		}
	}
}

// supervised takes an event of the supervisor. ok is false when the supervisor has ended.
func (l *loop) supervised(event supervisor.Event, ok bool, from *sources) {
	if ok {
		l.service(event)
		return
	}
	from.events = nil
	l.hook(OnStop, supervisor.Worker{Generation: l.crew.serving}, "")
	l.hooks.finish()
}

// emit queues an event for the reader of Events.
func (l *loop) emit(e Event) { l.news = append(l.news, e) }

// input has decide decide, and carries out the actions.
func (l *loop) input(in input) {
	state, actions := decide(l.state, in)
	l.state = state
	for _, action := range actions {
		l.do(action)
	}
}

func (l *loop) do(action action) {
	switch action := action.(type) {
	case startBuild:
		l.startBuild(action.serial, false)
	case startRun:
		l.startBuild(action.serial, true)
	case cancelBuild:
		l.builds.cancel()
		l.emit(BuildEnded{})
	case replace:
		l.replace(action)
	case listPackages:
		l.listing.due = true
	case tellFailed:
		failure := l.programs.failure
		if l.crew.serving == 0 {
			l.supervisor.Unbuilt()
		}
		l.emit(BuildFailed{
			Err: failure.err, Took: failure.took, Serving: l.crew.serving, Problems: problemsOf(failure.err),
		})
		l.hook(OnFail, supervisor.Worker{Generation: l.crew.serving}, "build")
		l.causes.conclude()
	case tellUnchanged:
		l.emit(Unchanged{Effects: l.causes.effects, Took: l.programs.took.total})
		l.programs.took = spent{}
		l.causes.conclude()
	case tellRan:
		l.emit(Ran{Effects: l.causes.effects, Took: l.programs.ran})
		l.standing.live(l.causes.effects)
		l.causes.conclude()
	case leaveRunning:
		l.leaveRunning()
	case hurry:
		l.supervisor.Hurry()
	case stopWorkers:
		l.stopWorkers()
	case killWorkers:
		l.supervisor.Kill()
		l.hooks.kill()
	}
}

// stopWorkers stops the workers gracefully, and names the workers for whose exit hotreload waits.
func (l *loop) stopWorkers() {
	var workers []supervisor.Worker
	for _, w := range l.crew.ordered() {
		workers = append(workers, w.Worker)
	}
	l.emit(Leaving{Workers: workers, AtMost: l.programs.longestGrace(l.config.Service.Policy.Grace)})
	l.supervisor.Stop()
}
