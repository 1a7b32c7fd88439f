package runner

import (
	"time"

	"hotreload/supervisor"
)

// hook runs the user's command for a hook, if there is one.
func (l *loop) hook(hook Hook, w supervisor.Worker, status string) {
	if !l.hooks.call(hook, w, status) {
		l.emit(HookEnded{Hook: hook, Why: "skipped, because earlier hooks take too long; further skips are not reported"})
	}
}

// hookFor runs the command for an event of the supervisor.
func (l *loop) hookFor(event supervisor.Event) {
	switch e := event.(type) {
	case supervisor.Started:
		l.hook(OnStart, e.Worker, "")
	case supervisor.BecameReady:
		l.hook(OnReady, e.Worker, e.How.String())
	case supervisor.Replaced:
		if l.crew.served != 0 && l.crew.served != e.Generation {
			l.hook(OnReload, supervisor.Worker{Generation: e.Generation}, "")
		}
	case supervisor.Failed:
		l.hook(OnFail, e.Worker, status(e.Exit))
	case supervisor.Exited:
		l.hook(OnExit, e.Worker, status(e.Exit))
	}
}

// raise lets the services with this one in After start.
func (l *loop) raise() {
	select {
	case <-l.up:
	default:
		close(l.up)
	}
}

// replace gives a generation to the supervisor.
func (l *loop) replace(a replace) {
	if l.config.BuildOnly {
		l.deliver(a)
		return
	}
	now := time.Now()
	g := l.programs.begin(a.generation, a.artifact, l.causes.effects, l.causes.began, now)
	l.causes.replaced(now)
	l.crew.loops = false
	l.emit(g.cause)
	env, err := environment(l.config.Service.Env, l.config.EnvFiles)
	if err != nil {
		l.emit(EnvFailed{err})
	} else {
		l.known.env = env
	}
	l.supervisor.Replace(supervisor.Plan{
		Generation: a.generation, Path: g.artifact.Path, Dir: g.artifact.Dir, Agent: g.artifact.Agent,
		Args: l.config.Service.Args, Env: l.known.env, Strategy: a.order.Strategy, Surge: a.order.Surge,
	})
}

// service passes on an event of the supervisor, and acts on the event.
func (l *loop) service(event supervisor.Event) {
	switch event := event.(type) {
	case supervisor.FileOpened:
		l.fileOpened(event)
		return
	case supervisor.FileWritten:
		l.known.opened.written(event)
		return
	case supervisor.FilesTold:
		l.filesTold(event.Number)
		return
	}
	found := problemsIn(event, l.known.graph)
	l.emit(Service{Event: event, Problems: found})
	l.hookFor(event)
	l.remember(event)
	l.standing.hear(event, found, l.state.generation, l.crew.serving)
	l.crew.hear(event, l.state.generation, time.Now())
	switch event := event.(type) {
	case supervisor.BecameReady:
		l.lookForLoaded()
	case supervisor.Exited:
		l.known.opened.ended(event.ID, seen{}.disk())
	case supervisor.Serving:
		l.serves(event.Generation)
	case supervisor.Replaced:
		l.raise()
		if g := l.programs.generations[event.Generation]; g != nil {
			news := g.reloaded(time.Now())
			news.Runs = event.Runs
			l.emit(news)
		}
	case supervisor.Failed:
		l.input(died{event.Generation})
	case supervisor.GenerationGone:
		l.programs.end(event.Generation)
	}
}

// serves notes a generation as ready in every slot.
func (l *loop) serves(generation int) {
	l.known.opened.serves(generation)
	l.proves()
	l.causes.patience.served(time.Now())
	if g := l.programs.generations[generation]; g != nil {
		l.input(served{generation: generation, artifact: g.artifact.ID})
	}
}

// proves notes the graph as proven, if the graph names a complete program.
func (l *loop) proves() {
	if l.known.graph != nil && l.known.graph.Whole() {
		l.inbox.proven = l.known.graph
	}
}
