package runner

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
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

// Command is what a user can ask for.
type Command uint8

const (
	Reload  Command = iota // replace the workers with the newest program; those that are kept are told
	Renew                  // the same, also of those that are kept
	BuildUp                // build, and replace the workers whatever comes out
	Pause                  // hold changes back, or go on
	Scale                  // keep another number of workers
	Halt                   // send the workers away and wait until they are wanted again, which the other three are
	Recheck                // look at the kill switch
	Stop                   // drain and leave; again: kill
	Kill
	Resize // the terminal has another size
)

// Order is how workers are to be replaced, once. The zero Order leaves it to the service's policy.
type Order struct {
	Strategy supervisor.Strategy
	Surge    int // see supervisor.Policy
}

// Request is a Command with what belongs to it.
type Request struct {
	Command Command
	Order   Order // of Reload, Renew and BuildUp
	Slots   []int // of Halt, and of Reload after it; none = all
	Workers int   // of Scale
	More    int   // of Scale, instead of Workers: so many more than there should be now, at least one
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

// Do asks for something. It returns at once; events tell what comes of it.
func (r *Runner) Do(c Command) { r.Ask(Request{Command: c}) }

// Ask is Do for what takes more than a word.
func (r *Runner) Ask(request Request) {
	select {
	case r.requests <- request:
	case <-r.ended:
	}
}

// reconfiguration is what Reconfigure brings.
type reconfiguration struct {
	Config
	rules *generators
}

// reconfigure takes over what can be changed while hotreload runs: build flags, the program's arguments and environment,
// how workers are kept, what is watched and ignored, rules, and that the supervisor has other sockets by now. The rest of config is not looked at.
func (r *Runner) reconfigure(config Config, rules *generators) {
	select {
	case r.configs <- reconfiguration{config, rules}:
	case <-r.ended:
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
	early      map[string]Effect    // of the open batch: what was told before it was quiet
	rewatch    <-chan time.Time     // then that is watched; nil if it is
	plain      map[string]bool      // why there is no agent, as far as it was told

	builds    chan buildResult
	graphs    chan graphResult
	generated chan int // serial of the build that is now to follow
}

// generation is what is kept for the news about one.
type generation struct {
	artifact *gobuild.Artifact
	cause    Replacement
	ordered  time.Time
	began    time.Time // of the first change that led to it; zero if none did
}

type buildResult struct {
	serial   int
	artifact *gobuild.Artifact
	err      error
	took     time.Duration
}

type graphResult struct {
	graph *gobuild.Graph
	err   error
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
			l.batch(batch)
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

// compiling reports whether a build runs.
func (l *loop) compiling() bool { return l.state.phase == Building && l.state.held == nil }

// await lets the build that was cancelled end, so that nothing of it is left running.
func (l *loop) await() {
	if l.buildDone == nil {
		return
	}
	for {
		select {
		case <-l.builds:
		case <-l.buildDone:
			return
		}
	}
}

func (l *loop) tell(e Event) { l.news = append(l.news, e) }

// hook runs a command of the user's, if there is one.
func (l *loop) hook(hook Hook, w supervisor.Worker, status string) {
	if !l.hooks.call(hook, w, status) {
		l.tell(HookEnded{Hook: hook, Why: "others take too long: it is left out, and it will not be said again"})
	}
}

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

func (l *loop) request(r Request) {
	switch r.Command {
	case Reload, Renew, BuildUp:
		if l.letIn(r.Slots) && len(r.Slots) > 0 {
			return // which was all
		}
	}
	switch r.Command {
	case Reload:
		if len(r.Slots) > 0 {
			l.retire(r.Slots)
			return
		}
		l.lookForProgram()
		l.input(reloadKey{r.Order})
	case Renew:
		l.lookForProgram()
		l.input(restartKey{r.Order})
	case BuildUp:
		l.rules.all()
		l.input(rebuildKey{})
	case Scale:
		if r.More != 0 {
			r.Workers = max(l.config.Service.Policy.Workers+r.More, 1)
		}
		l.scale(r.Workers)
	case Pause:
		l.tell(Paused{On: !l.state.paused})
		l.input(pauseKey{paused: !l.state.paused})
	case Halt:
		l.halt(r.Slots)
	case Recheck:
		l.supervisor.Recheck()
	case Stop:
		l.input(stopKey{})
	case Kill:
		l.input(killKey{})
	case Resize:
		l.supervisor.Resize()
	}
}

// slots are those that a request names.
func (l *loop) slots(named []int) []int {
	if len(named) > 0 {
		return named
	}
	all := make([]int, l.config.Service.Policy.Workers)
	for slot := range all {
		all[slot] = slot
	}
	return all
}

// halt sends workers away. When all are, changes wait: what would be built for nobody is not.
func (l *loop) halt(slots []int) {
	slots = l.slots(slots)
	for _, slot := range slots {
		l.shut[slot] = true
	}
	l.scaling = true
	l.supervisor.Shut(slots, true)
	l.tell(Halted{Slots: len(l.shut), Of: l.config.Service.Policy.Workers})
	l.input(haltKey{len(l.shut) >= l.config.Service.Policy.Workers})
}

// letIn lets workers be started again in slots that were halted, and reports whether there were any.
func (l *loop) letIn(slots []int) bool {
	if len(l.shut) == 0 {
		return false
	}
	slots = l.slots(slots)
	for _, slot := range slots {
		delete(l.shut, slot)
	}
	l.scaling = true
	l.supervisor.Shut(slots, false)
	l.input(haltKey{len(l.shut) >= l.config.Service.Policy.Workers})
	return true
}

// retire has single workers replaced, by others of their generation.
func (l *loop) retire(slots []int) {
	for _, w := range l.ordered() {
		if slices.Contains(slots, w.Slot) && (w.state == supervisor.Ready || w.state == supervisor.Stable) {
			l.retiring[w.ID] = true
			l.supervisor.Retire(w.ID)
		}
	}
}

// scale changes the number of workers.
func (l *loop) scale(workers int) {
	policy := &l.config.Service.Policy
	if workers == policy.Workers {
		return
	}
	policy.Workers = workers
	for slot := range l.shut {
		if slot >= workers {
			delete(l.shut, slot)
		}
	}
	l.scaling = true
	l.supervisor.Adopt(*policy, l.config.Service.Stop)
	l.input(haltKey{len(l.shut) >= workers})
}

// tellKept tells workers that are kept that they are old.
func (l *loop) tellKept() {
	var told []int
	if l.config.OnReload != 0 {
		told = l.supervisor.Signal(l.config.OnReload, supervisor.AllSlots)
	}
	for _, w := range l.supervisor.Tell() {
		if !slices.Contains(told, w.Pid) {
			told = append(told, w.Pid)
		}
	}
	l.tell(KeptOn{Effects: l.effects, Told: told})
	l.lastBuild = 0
	l.conclude()
}

// lookForProgram looks whether the newest program is still there before workers are sent away for it: under stop-first
// it would be too late afterwards.
func (l *loop) lookForProgram() {
	if newest := l.artifacts[l.state.built]; newest != nil {
		if _, err := os.Stat(newest.Path); err != nil {
			l.input(programGone{})
		}
	}
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
		news := Changed{Overflow: b.Overflow, Paused: l.state.paused}
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
		l.tell(Changed{Effects: news, Paused: l.state.paused})
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

// rewatchAfter is how long it is waited for more reports of what workers open. A worker reads its files in one go.
const rewatchAfter = 20 * time.Millisecond

// fileOpened takes a worker's report.
func (l *loop) fileOpened(e supervisor.FileOpened) {
	if l.graph == nil || l.graph.Foreign(e.Path) || l.forge.builder.Owns(e.Path) {
		return
	}
	path, fresh := l.opened.note(e)
	if !fresh || l.rewatch != nil {
		return
	}
	if kind, _ := l.graph.Classify(path); kind > gobuild.ModuleFile {
		l.rewatch = time.After(rewatchAfter)
	}
}

// startBuild builds on a goroutine of its own. The build before it is dead when the new one begins: there is one at a
// time.
func (l *loop) startBuild(serial int) {
	l.cancelBuild()
	ctx, cancel := context.WithCancel(l.ctx)
	previous, done := l.buildDone, make(chan struct{})
	l.cancelBuild, l.buildDone = cancel, done
	l.buildBegan = time.Now()
	program, command, graph := l.config.Program, l.config.Command, l.graph
	rules := l.rules
	l.generating = !rules.idle()
	generating := l.generating
	l.tell(BuildStarted{})
	go func() { // ends with the build; done tells, and await waits for it
		defer close(done)
		defer cancel()
		if previous != nil {
			<-previous
		}
		began := time.Now()
		var artifact *gobuild.Artifact
		err := rules.bringUpToDate(ctx, program.Env)
		if err == nil && generating {
			select {
			case l.generated <- serial:
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if err == nil {
			artifact, err = l.build(ctx, program, command, graph)
		}
		result := buildResult{serial: serial, artifact: artifact, err: err, took: time.Since(began)}
		select {
		case l.builds <- result:
		case <-ctx.Done(): // nobody wants it
			if artifact != nil {
				l.forge.builder.Release(artifact)
			}
		}
	}()
}

// build builds the program; a command is there already, or is not.
func (r *Runner) build(ctx context.Context, program gobuild.Program, command []string, graph *gobuild.Graph) (*gobuild.Artifact, error) {
	if command == nil {
		return r.forge.build(ctx, program, graph)
	}
	return findCommand(program.Dir, command[0])
}

// takeOver takes over what can be, and does what follows from it.
func (l *loop) takeOver(now reconfiguration) {
	before := l.config
	now.Service.Policy.Workers = max(now.Service.Policy.Workers, 1)
	if now.Service.Policy != l.given || now.Service.Stop != l.config.Service.Stop {
		l.given, l.config.Service.Stop = now.Service.Policy, now.Service.Stop
		workers := l.config.Service.Policy.Workers
		l.config.Service.Policy = now.Service.Policy
		l.config.Service.Policy.Workers = workers
		l.supervisor.Adopt(l.config.Service.Policy, now.Service.Stop)
		l.scale(now.Service.Policy.Workers)
	}
	l.config.OnReload, l.config.Pending = now.OnReload, now.Pending
	l.config.Program, l.config.Rules, l.config.Ignore = now.Program, now.Rules, now.Ignore
	l.config.Watch, l.config.EnvFiles = now.Watch, now.EnvFiles
	l.config.Service.Args, l.config.Service.Env = now.Service.Args, now.Service.Env
	l.config.Program.Args, l.config.Program.Plain = before.Program.Args, before.Program.Plain
	l.config.Service.Listen = now.Service.Listen
	class := None
	if !slices.Equal(before.Service.Listen, now.Service.Listen) {
		l.tell(Listening{Addresses: l.supervisor.Addresses()})
		class = Restart
	}
	if !reflect.DeepEqual(before.Service.Args, now.Service.Args) || !reflect.DeepEqual(before.Service.Env, now.Service.Env) ||
		!slices.Equal(before.EnvFiles, now.EnvFiles) {
		class = Restart
	}
	if !reflect.DeepEqual(before.Rules, now.Rules) {
		l.rules = now.rules
		class = Rebuild
	}
	if !reflect.DeepEqual(before.Program, l.config.Program) {
		l.renewGraph()
		class = Rebuild
	}
	if l.graph != nil {
		l.watchGraph()
	}
	if class != None {
		l.spent = false
		l.input(changed{class: class, settled: l.state.settled})
	} else if l.spent {
		l.conclude()
	}
}

func (l *loop) built(result buildResult) {
	if result.serial == l.state.serial {
		l.generating = false
	}
	in := built{serial: result.serial, failed: result.err != nil}
	var ended BuildEnded
	switch {
	case result.serial != l.state.serial || errors.Is(result.err, context.Canceled):
		if result.artifact != nil {
			l.forge.builder.Release(result.artifact)
		}
		return
	case result.err != nil:
		var failure *gobuild.BuildError
		in.moved = errors.As(result.err, &failure) && failure.Moved
		l.failure = &result
		l.words = result.err.Error()
		if failure != nil {
			l.words = strings.TrimSpace(failure.Text)
			ended.Way = failure.Way
		}
	default:
		ended.Way = result.artifact.Way
		l.tellPlain(result.artifact.Plain)
		in.artifact, in.moved = result.artifact.ID, result.artifact.Moved
		l.lastBuild = result.took
		if l.artifacts[in.artifact] != nil {
			l.forge.builder.Release(result.artifact) // it is held already
		} else {
			l.artifacts[in.artifact] = result.artifact
		}
	}
	l.way = cmp.Or(ended.Way, l.way)
	l.tell(ended)
	l.input(in)
	l.prune()
}

// tellPlain says why a program has no agent, each reason once.
func (l *loop) tellPlain(reason string) {
	if reason != "" && !l.plain[reason] {
		l.plain[reason] = true
		l.tell(NoAgent{reason})
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

// prune lets go of programs that no rule can name any more. What a generation runs is held by the generation.
func (l *loop) prune() {
	for id, artifact := range l.artifacts {
		held := l.state.held != nil && l.state.held.artifact == id
		if id != l.state.built && !held {
			delete(l.artifacts, id)
			l.forge.builder.Release(artifact)
		}
	}
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
	if e, ok := event.(supervisor.FileOpened); ok {
		l.fileOpened(e)
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

// renewGraph asks the go command which packages the program has, on a goroutine of its own.
func (l *loop) renewGraph() {
	if l.renewing {
		l.again = true
		return
	}
	if l.config.Command != nil {
		l.takeGraph(gobuild.NoGraph())
		return
	}
	l.renewing = true
	program := l.config.Program
	go func() { // ends with go list, or with the run
		graph, err := gobuild.Load(l.ctx, program)
		select {
		case l.graphs <- graphResult{graph, err}:
		case <-l.ctx.Done():
		}
	}()
}

// renewed takes a graph into use: it decides what is watched.
func (l *loop) renewed(result graphResult) {
	l.renewing = false
	if l.again {
		l.again = false
		l.renewGraph()
	}
	if result.err != nil {
		if IsUsage(result.err) && l.serving == 0 && l.state.phase != Stopping {
			l.err = result.err
			l.input(killKey{})
			return
		}
		l.tell(GraphFailed{result.err})
	}
	if result.graph == nil {
		return
	}
	if result.err == nil {
		l.tell(Watching{Program: result.graph.Main.ImportPath, Packages: result.graph.Len(), Folders: len(result.graph.Dirs())})
	}
	l.takeGraph(result.graph)
}

// takeGraph watches what a graph names, and builds if that is news.
func (l *loop) takeGraph(now *gobuild.Graph) {
	before := l.graph
	l.graph = now
	l.watchGraph()
	switch {
	case before == nil: // starting is a change like any other
		l.input(changed{class: Rebuild, settled: true})
	case missed(before, l.graph, l.buildBegan):
		l.input(graphGrew{})
	}
}

// watchGraph makes the watcher watch what a new graph names.
func (l *loop) watchGraph() {
	l.loadRules()
	l.watchAll()
}

// watchAll makes the watcher watch what the graph names, what the user names and what the workers read, and nothing
// else.
func (l *loop) watchAll() {
	set := watch.Set{Dirs: l.graph.Dirs(), Files: l.graph.Files()}
	for _, path := range l.config.Watch {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			set.Trees = append(set.Trees, path)
		} else {
			set.Files = append(set.Files, path)
		}
	}
	set.Files = append(append(set.Files, l.config.EnvFiles...), l.config.Startup...)
	for _, rule := range l.config.Rules {
		rule.watched(&set)
	}
	if l.ignorer != nil {
		set.Files = append(set.Files, l.ignorer.Files()...)
	}
	opened := l.addOpened(&set)
	problems, err := l.watcher.Watch(l.ctx, set)
	if err != nil {
		l.tell(Unwatched{Err: err})
	}
	for _, problem := range problems {
		l.tell(Unwatched{problem.Path, problem.Err})
	}
	l.overlooked(opened)
}

// overlooked makes up for what has happened to files between their being opened and their being watched.
func (l *loop) overlooked(opened []string) {
	var effects []Effect
	for _, path := range opened {
		u := l.opened.files[path]
		if u.heard || l.heardAnyway(path) {
			u.heard = true
			continue
		}
		u.heard = true
		if info, err := os.Lstat(path); err == nil && info.IsDir() {
			continue // that something was added to it says nothing: the workers may have done it
		}
		if touched := touchedAt(path); u.early && touched.After(u.at) {
			change := watch.Change{Path: path, Op: watch.Written}
			if class, reason, _ := l.opened.class(change, disk{l.written, touchedAt}); class == Restart {
				effects = append(effects, Effect{change, class, reason})
			}
		}
	}
	if len(effects) > 0 {
		l.effects = append(l.effects, effects...)
		l.tell(Changed{Effects: effects, Paused: l.state.paused})
		l.input(changed{class: Restart, settled: l.state.settled})
	}
}

// heardAnyway reports whether a file was watched before a worker opened it.
func (l *loop) heardAnyway(path string) bool {
	return under(path, l.config.Watch) || slices.Contains(l.graph.Dirs(), filepath.Dir(path)) ||
		slices.Contains(l.config.EnvFiles, path) || ruleFor(l.config.Rules, path) >= 0
}

// addOpened adds what workers read, unless the user has told hotreload itself to ignore it, and returns what that is.
func (l *loop) addOpened(set *watch.Set) (added []string) {
	for path, u := range l.opened.files {
		if !u.watched() {
			continue
		}
		info, err := os.Stat(path)
		folder := err == nil && info.IsDir()
		if l.ignorer != nil {
			if ignored, explicit := l.ignorer.Ignored(path, folder); ignored && explicit {
				continue
			}
		}
		switch {
		case !folder:
			set.Files = append(set.Files, path)
		case !common(path):
			set.Dirs = append(set.Dirs, path)
		default:
			continue
		}
		added = append(added, path)
	}
	return added
}

// common tells folders that belong to everybody: what changes in them says nothing.
func common(folder string) bool {
	home, _ := os.UserHomeDir()
	return folder == home || folder == filepath.Clean(os.TempDir()) || filepath.Dir(folder) == folder
}

// loadRules reads the ignore rules anew.
func (l *loop) loadRules() {
	if l.config.Ignore == nil || l.graph == nil {
		return
	}
	trees := watch.Set{Trees: slices.Clone(l.config.Watch)}
	for _, rule := range l.config.Rules {
		rule.watched(&trees)
	}
	rules, graph := l.config.Ignore(l.graph.Dirs(), trees.Trees), l.graph
	l.ignorer, l.ruleFiles = rules, map[string]bool{}
	for _, path := range rules.Files() {
		l.ruleFiles[path] = true
	}
	files := l.ruleFiles // not changed any more: the next rules make a new map
	_ = l.watcher.SetIgnored(l.ctx, func(path string, dir bool) bool {
		return !files[path] && hidden(path, dir, rules, graph)
	})
}

// hidden reports whether a path is not even looked at. What the build reads is looked at even if git ignores it, as
// generated code often is, unless the user said otherwise to hotreload itself.
func hidden(path string, dir bool, rules Ignorer, graph *gobuild.Graph) bool {
	ignored, explicit := rules.Ignored(path, dir)
	if !ignored || explicit {
		return ignored
	}
	kind, _ := graph.Classify(path)
	return kind > gobuild.ModuleFile
}

// IsUsage reports whether an error means that what the user named cannot be run at all, whatever is saved.
func IsUsage(err error) bool {
	for _, problem := range []gobuild.Problem{
		gobuild.NoGo, gobuild.NoFolder, gobuild.NoModule, gobuild.NoPackage, gobuild.NotMain, gobuild.SeveralPackages, gobuild.BadFlag,
	} {
		if errors.Is(err, problem) {
			return true
		}
	}
	return false
}

// missed reports whether the build that began at the given time may have read something other than what is there now,
// unseen: in folders that were not watched yet, files were touched after it began.
func missed(before, now *gobuild.Graph, began time.Time) bool {
	watched := map[string]bool{}
	for _, dir := range before.Dirs() {
		watched[dir] = true
	}
	for _, path := range now.Inputs() {
		if watched[filepath.Dir(path)] {
			continue
		}
		if info, err := os.Stat(path); err == nil && !info.ModTime().Before(began) {
			return true
		}
	}
	return false
}
