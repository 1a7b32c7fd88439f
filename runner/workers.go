package runner

import (
	"cmp"
	"strings"
	"time"

	"hotreload/gobuild"
	"hotreload/supervisor"
)

// generation is what is kept for the news about one.
type generation struct {
	artifact *gobuild.Artifact
	cause    Replacement
	ordered  time.Time
	began    time.Time // of the first change that led to it; zero if none did
}

// hook runs a command of the user's, if there is one.
func (l *loop) hook(hook Hook, w supervisor.Worker, status string) {
	if !l.hooks.call(hook, w, status) {
		l.tell(HookEnded{Hook: hook, Why: "others take too long: it is left out, and it will not be said again"})
	}
}

// longestGrace is how long a worker may take to leave: those with an agent are asked twice.
func (l *loop) longestGrace() time.Duration {
	grace := l.config.Service.Policy.Grace
	for _, g := range l.generations {
		if g.artifact.Agent {
			return 2 * grace
		}
	}
	return grace
}

// raise lets those begin who wait for this service.
func (l *loop) raise() {
	select {
	case <-l.up:
	default:
		close(l.up)
	}
}

func (l *loop) replace(a replace) {
	artifact := l.artifacts[a.artifact]
	l.forge.builder.Retain(artifact)
	g := &generation{
		artifact: artifact, ordered: time.Now(), began: l.began,
		cause: Replacement{Generation: a.generation, Effects: l.effects},
	}
	if l.lastBuild > 0 {
		g.cause.Build, l.lastBuild = l.lastBuild, 0
	}
	l.generations[a.generation] = g
	l.conclude()
	l.loops = false
	l.tell(g.cause)
	env, err := environment(l.config.Service.Env, l.config.EnvFiles)
	if err != nil {
		l.tell(EnvFailed{err})
	} else {
		l.env = env
	}
	l.supervisor.Replace(supervisor.Plan{Generation: a.generation, Path: artifact.Path, Agent: artifact.Agent, Args: l.config.Service.Args, Env: l.env,
		Strategy: a.order.Strategy, Surge: a.order.Surge})
}

// lastWords is how a worker ended, and what it said.
func lastWords(exit supervisor.Exit, reason string) string {
	return strings.TrimSpace(cmp.Or(reason, exit.String()) + "\n" + exit.Tail)
}

func (l *loop) becomes(id int, state supervisor.State) {
	if w, there := l.workers[id]; there {
		w.state = state
		l.workers[id] = w
	}
}

// hookFor runs the command for what a supervisor says.
func (l *loop) hookFor(event supervisor.Event) {
	switch e := event.(type) {
	case supervisor.Started:
		l.hook(OnStart, e.Worker, "")
	case supervisor.BecameReady:
		l.hook(OnReady, e.Worker, e.How.String())
	case supervisor.Replaced:
		if l.served != 0 && l.served != e.Generation {
			l.hook(OnReload, supervisor.Worker{Generation: e.Generation}, "")
		}
	case supervisor.Failed:
		l.hook(OnFail, e.Worker, status(e.Exit))
	case supervisor.Exited:
		l.hook(OnExit, e.Worker, status(e.Exit))
	}
}

// service passes on what the supervisor says, and what it means for the rules.
func (l *loop) service(event supervisor.Event) {
	switch event := event.(type) {
	case supervisor.FileOpened:
		l.fileOpened(event)
		return
	case supervisor.FilesTold:
		l.takeBatches(true)
		return
	}
	l.tell(Service{event})
	l.hookFor(event)
	switch event := event.(type) {
	case supervisor.Started:
		l.workers[event.ID] = worker{Worker: event.Worker, started: time.Now()}
	case supervisor.BecameReady:
		l.loops = l.loops && event.Generation != l.state.generation
		l.becomes(event.ID, supervisor.Ready)
	case supervisor.Drains:
		delete(l.retiring, event.ID)
		l.becomes(event.ID, supervisor.Draining)
	case supervisor.Exited:
		delete(l.workers, event.ID)
		delete(l.retiring, event.ID)
		l.exits = l.exits.Note(event, time.Now())
		if !event.Expected {
			l.restarts[event.Slot]++
		}
		if !event.Expected && event.Generation == l.state.generation && event.State == supervisor.Starting {
			l.scaling = false // or not soon
			clear(l.retiring)
			l.loops, l.words = true, lastWords(event.Exit, event.Reason)
		}
	case supervisor.Scaled:
		l.scaling = false
	case supervisor.Blocked:
		l.blocked = event.Reason
	case supervisor.Unblocked:
		l.blocked = ""
	case supervisor.Serving:
		l.serving, l.servedAt = event.Generation, time.Now()
		l.opened.serves(event.Generation)
		if g := l.generations[event.Generation]; g != nil {
			l.input(served{generation: event.Generation, artifact: g.artifact.ID})
		}
	case supervisor.Replaced:
		l.served = event.Generation
		l.raise()
		if g := l.generations[event.Generation]; g != nil {
			done := Reloaded{Replacement: g.cause, Start: time.Since(g.ordered)}
			if !g.began.IsZero() {
				done.Total = time.Since(g.began)
			}
			l.tell(done)
		}
	case supervisor.Failed:
		l.words = lastWords(event.Exit, event.Reason)
		l.input(died{event.Generation})
	case supervisor.GenerationGone:
		if g := l.generations[event.Generation]; g != nil {
			delete(l.generations, event.Generation)
			l.forge.builder.Release(g.artifact)
		}
	}
}
