package runner

import (
	"cmp"
	"context"
	"io"
	"slices"
	"syscall"
	"time"

	"hotreload/gobuild"
	"hotreload/killswitch"
	"hotreload/supervisor"
	"hotreload/watch"
)

// Config is one service. It is not changed after Start was called.
type Config struct {
	Name    string // "" if there is only one
	Program gobuild.Program
	Command []string // a command to run instead of a program to build: nothing is known of its files but what the user says
	Service supervisor.Config

	After    []string       // names of services that have to serve before this one is started
	Kept     bool           // its workers keep their connections: they are replaced only by Renew, and else told
	OnReload syscall.Signal // by which they are told; 0 = not at all

	Poll  time.Duration // poll all files, each once in this time; 0: only what the system does not tell of
	Cache string        // folder for binaries; "" = the user's cache folder
	Watch []string      // more paths to watch, absolute: files, and folders with all that is below

	Startup  []string // files that the caller has made this Config from: a change of them is only told, see Reconfigure
	Pending  []string // names of settings that have changed and wait for a new start; only told
	EnvFiles []string // .env files whose variables workers get, absolute
	Rules    []Rule   // what the user says of files; the last one that matches counts

	Hooks  Hooks
	Switch killswitch.File // says which services may not be started; zero = they all may

	// Ignore makes the rules for what is not looked at, for the folders and trees that are watched. It is called
	// again when those change, or one of the rules' own files.
	Ignore func(folders, trees []string) Ignorer
}

// switchName is what a service is called in the kill switch: one that is alone there has its program's name.
func (c *Config) switchName() string { return cmp.Or(c.Name, c.Service.Name) }

// Ignorer decides what is not looked at.
type Ignorer interface {
	// Ignored reports whether a path is ignored, and whether that is the user's explicit wish towards hotreload
	// (.reloadignore, --ignore), which stands above the build graph, and not git's or a built-in rule.
	Ignored(path string, dir bool) (ignored, explicit bool)
	// Why names the rule that ignores a path, with its file and line.
	Why(path string, dir bool) string
	// Files lists the files that the rules come from, or would come from if they existed.
	Files() []string
}

// Runner is one service: its reload loop.
type Runner struct {
	config     Config
	forge      *forge
	doubts     <-chan error
	rules      *generators
	supervisor *supervisor.Supervisor
	watcher    *watch.Watcher
	gate       <-chan struct{} // closed when it may be started; nil = now
	up         chan struct{}   // closed when it has served
	requests   chan Request
	configs    chan reconfiguration
	queries    chan query
	events     chan Event
	ended      chan struct{}
	err        error // valid when ended is closed
}

// newRunner opens the sockets; run is then to be called, or abandon. Errors of the configuration and of the machine come
// back from here; those of the code are events. The forge has one user more, who is this one.
func newRunner(config Config, f *forge, rules *generators) (*Runner, error) {
	config.Service.Policy.Workers = max(config.Service.Policy.Workers, 1)
	config.Service.Agents = !config.Program.Plain && config.Command == nil
	if config.Switch.Path != "" {
		config.Service.Allowed = func() error { return config.Switch.Allows(config.switchName()) }
	}
	service, err := supervisor.New(config.Service)
	if err != nil {
		return nil, err
	}
	watcher, err := watch.New(watch.Config{Poll: config.Poll})
	if err != nil {
		service.Kill()
		drain(service.Events())
		return nil, err
	}
	return &Runner{
		config: config, forge: f, doubts: f.subscribe(), rules: rules, supervisor: service, watcher: watcher,
		up:       make(chan struct{}),
		requests: make(chan Request),
		configs:  make(chan reconfiguration),
		queries:  make(chan query),
		events:   make(chan Event),
		ended:    make(chan struct{}),
	}, nil
}

// abandon closes what was opened for a run that will not be.
func (r *Runner) abandon() {
	r.supervisor.Kill()
	drain(r.supervisor.Events())
	r.watcher.Close()
	r.forge.leave()
}

// Name is the service's.
func (r *Runner) Name() string { return r.config.Name }

func drain[T any](events <-chan T) {
	for range events {
	}
}

// Events yields the news, in order, and is closed when the run has ended. It must be read.
func (r *Runner) Events() <-chan Event { return r.events }

// Err waits for the end of the run and says why it ended: nil after a stop that was asked for.
func (r *Runner) Err() error {
	<-r.ended
	return r.err
}

// Input is what the workers read from stdin, if Config.Service.Stdin is set.
func (r *Runner) Input() io.WriteCloser { return r.supervisor.Input() }

// loop is the state of a run that only its goroutine touches: the state that rules go by, and the things that the
// rules know by name.
type loop struct {
	*Runner
	config Config          // in force
	ctx    context.Context // ends with the run
	state  state
	news   []Event
	shut   map[int]bool      // slots that were halted
	given  supervisor.Policy // by the configuration; a command may have changed the number of workers since

	graph     *gobuild.Graph
	ignorer   Ignorer
	ruleFiles map[string]bool // where the ignorer's rules come from
	renewing  bool            // go list runs
	again     bool            // and what it says will be old
	outdated  bool            // it is to run when the build has ended, whose time it would take

	artifacts   map[string]*gobuild.Artifact // by ID: those that the state names
	generations map[int]*generation
	serving     int // generation that served last
	failure     *buildResult
	lastBuild   time.Duration
	way         string // of the last build
	cancelBuild context.CancelFunc
	buildBegan  time.Time // of the newest build
	buildDone   chan struct{}

	effects    []Effect  // since the last conclusion
	began      time.Time // of the first of them
	spent      bool      // nothing comes of them, unless new settings do
	workers    map[int]worker
	served     int         // generation that has replaced all others
	restarts   map[int]int // slot -> workers that ended unasked
	exits      supervisor.Exits
	hooks      *hooks
	blocked    string       // why no worker may be started; "" if they may
	servedAt   time.Time    // when the generation that serves was ready
	retiring   map[int]bool // IDs of workers whose successors do not serve yet
	scaling    bool         // there are not yet as many workers as there should be
	loops      bool         // workers of the newest generation die before they are ready, and there is no other to fall back to
	words      string       // why the last build or generation failed
	asked      []query
	env        []string // what workers get; nil until the files were read
	rules      *generators
	noted      map[string]time.Time // files of rules -> the change that led to a build last
	generating bool                 // the build that is under way has not begun to read
	opened     *opened              // what they read
	batches    []watch.Batch        // to be judged; the first waits for FilesTold
	early      map[string]Effect    // of the open batch: what was told before it was quiet
	rewatch    <-chan time.Time     // then that is watched; nil if it is
	plain      map[string]bool      // why there is no agent, as far as it was told

	builds    chan buildResult
	graphs    chan graphResult
	generated chan int // serial of the build that is now to follow
}

// run is the loop. It does nothing that takes long, and nothing that it decides is sent to a channel that it reads.
func (r *Runner) run(ctx context.Context) {
	work, cancel := context.WithCancel(context.Background())
	l := &loop{
		Runner: r, config: r.config, ctx: work,
		artifacts: map[string]*gobuild.Artifact{}, generations: map[int]*generation{},
		workers: map[int]worker{}, opened: newOpened(), early: map[string]Effect{}, rules: r.rules, plain: map[string]bool{}, restarts: map[int]int{}, retiring: map[int]bool{}, shut: map[int]bool{},
		given:  r.config.Service.Policy,
		state:  state{gated: r.gate != nil, keeps: r.config.Kept},
		builds: make(chan buildResult), graphs: make(chan graphResult), generated: make(chan int), noted: map[string]time.Time{},
		cancelBuild: func() {},
	}
	defer close(r.ended)
	defer close(r.events)
	defer cancel()
	defer func() {
		l.cancelBuild()
		l.await()
		r.watcher.Close()
		r.forge.leave()
	}()

	l.hooks = startHooks(r.config.Hooks, append(slices.Clip(r.config.Service.Env), "HOTRELOAD_SERVICE="+r.config.switchName()))
	defer l.hooks.kill()
	hooked := l.hooks.news()

	l.tell(Listening{Addresses: r.supervisor.Addresses()})
	if notice := r.forge.notice(); notice != nil {
		l.tell(Noticed{notice})
	}
	if r.gate != nil {
		l.tell(Waits{For: r.config.After})
	}
	l.renewGraph() // the first answer starts the first build

	service, asked, gate := r.supervisor.Events(), ctx.Done(), r.gate
	for service != nil || hooked != nil || len(l.news) > 0 {
		var out chan Event
		var next Event
		if len(l.news) > 0 {
			out, next = r.events, l.news[0]
		}
		select {
		case out <- next:
			l.news = l.news[1:]
		case <-asked:
			asked = nil
			l.input(stopKey{})
		case <-gate:
			gate = nil
			l.input(admitted{})
		case request := <-r.requests:
			l.request(request)
		case config := <-r.configs:
			l.takeOver(config)
		case batch := <-r.watcher.Batches():
			l.heard(batch)
		case result := <-l.builds:
			l.built(result)
		case serial := <-l.generated:
			l.generating = l.generating && serial != l.state.serial
		case result := <-l.graphs:
			l.renewed(result)
		case doubt := <-r.doubts: // what serves may be wrong
			l.tell(Noticed{doubt})
			l.input(changed{class: Rebuild, settled: true})
		case <-l.rewatch:
			l.rewatch = nil
			l.watchAll()
		case event, ok := <-service:
			if !ok {
				service = nil
				l.hook(OnStop, supervisor.Worker{Generation: l.serving}, "")
				l.hooks.finish()
				continue
			}
			l.service(event)
		case said, ok := <-hooked:
			if !ok {
				hooked = nil
				continue
			}
			l.tell(said)
		case q := <-r.queries:
			l.asked = append(l.asked, q)
		}
		if l.outdated && !l.compiling() {
			l.outdated = false
			l.renewGraph()
		}
		l.asked = slices.DeleteFunc(l.asked, func(q query) bool { return q(l) })
	}
}

func (l *loop) tell(e Event) { l.news = append(l.news, e) }

// input lets the rules decide, and does what they say.
func (l *loop) input(in input) {
	state, actions := decide(l.state, in)
	l.state = state
	for _, action := range actions {
		switch action := action.(type) {
		case startBuild:
			l.startBuild(action.serial)
		case cancelBuild:
			l.cancelBuild()
			l.tell(BuildEnded{})
		case replace:
			l.replace(action)
		case renewGraph:
			l.outdated = true
		case tellFailed:
			l.tell(BuildFailed{Err: l.failure.err, Took: l.failure.took, Serving: l.serving})
			l.hook(OnFail, supervisor.Worker{Generation: l.serving}, "build")
			l.conclude()
		case tellUnchanged:
			l.tell(Unchanged{Effects: l.effects, Took: l.lastBuild})
			l.lastBuild = 0
			l.conclude()
		case tellKept:
			l.tellKept()
		case hurry:
			l.supervisor.Hurry()
		case stopWorkers:
			var workers []supervisor.Worker
			for _, w := range l.ordered() {
				workers = append(workers, w.Worker)
			}
			l.tell(Leaving{Workers: workers, AtMost: l.longestGrace()})
			l.supervisor.Stop()
		case killWorkers:
			l.supervisor.Kill()
			l.hooks.kill()
		}
	}
}

// conclude forgets the changes that have led to something.
func (l *loop) conclude() { l.effects, l.began, l.spent = nil, time.Time{}, false }
