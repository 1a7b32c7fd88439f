package runner

import (
	"cmp"
	"syscall"
	"time"

	"hotreload/gobuild"
	"hotreload/killswitch"
	"hotreload/supervisor"
	"hotreload/watch"
)

// Config is one service. A Config does not change after the call of Start.
type Config struct {
	Name    string // "" if there is only one service
	Program gobuild.Program
	Command []string // run this command instead of building a program; only files named by the user are watched
	Service supervisor.Config

	BuildOnly bool   // build the program, but do not run it
	Output    string // with BuildOnly: the absolute path of the result; "" = no path

	After    []string       // names of services to wait for: all must serve first
	Pinned   bool           // changes only notify the workers, to keep their connections; RestartWorkers replaces workers
	OnReload syscall.Signal // the signal to notify workers; 0 = none

	Cache   string   // folder for binaries; "" = the user's cache folder
	Pending []string // names of changed settings, waiting for the next start; only reported
	Tests   bool     // at the start, somebody runs the tests that saves reach; see Group.Testing

	Files
	Hooks  Hooks
	Switch killswitch.File // the kill switch; zero = all services may start
}

// Files are the user's settings about files.
type Files struct {
	Watch    []string // more paths to watch, absolute: files, and folders with everything below
	Startup  []string // files with the settings of this Config; a change is only reported, see Reconfigure
	EnvFiles []string // .env files with variables for workers, absolute
	Rules    []Rule   // the last matching rule counts

	Poll time.Duration // poll all files at this interval; 0: only files without change reports from the system

	// Ignore returns the rules about ignored files, for the watched folders and trees. The loop calls Ignore again when
	// the folders, the trees or the rules' own files change.
	Ignore func(folders, trees []string) Ignorer
}

// Built returns the program as hotreload builds the program: with BuildOnly, like go build, without the agent.
func (c *Config) Built() gobuild.Program {
	p := c.Program
	p.Foreign = c.BuildOnly || len(c.Service.Exec) > 0
	if c.BuildOnly {
		p.Plain, p.Debug = true, true
	}
	return p
}

// switchName returns the service's name in the kill switch. A single service has its program's name.
func (c *Config) switchName() string { return cmp.Or(c.Name, c.Service.Name) }

// Ignorer decides which files are ignored.
type Ignorer interface {
	// Ignored reports whether a path is ignored. explicit: the rule is one for hotreload (.reloadignore, --ignore), not
	// git's or a built-in one, and counts more than the build.
	Ignored(path string, dir bool) (ignored, explicit bool)
	// Why names the rule about an ignored path, with the rule's file and line.
	Why(path string, dir bool) string
	// Files lists the files with rules, also missing files at places where rules may be created. In trees only existing
	// files are listed.
	Files() []string
	// AffectedBy reports whether a change of path can change answers, also if path is new in a tree.
	AffectedBy(path string) bool
}

// Runner is one service, with a reload loop.
type Runner struct {
	config     Config
	forge      *forge
	doubts     <-chan error
	adopted    <-chan gobuild.Adopted
	rules      *generators
	supervisor *supervisor.Supervisor
	watcher    *watch.Watcher
	memory     memory
	gate       <-chan struct{} // closed when the service may start; nil = now
	up         chan struct{}   // closed when the service has served
	requests   chan Request
	configs    chan reconfiguration
	queries    chan query
	events     chan Event
	ended      chan struct{}
	err        error // valid when ended is closed
}

// newRunner opens the sockets. The caller then calls run or abandon. Faults of the configuration and the machine are
// errors of newRunner; faults of the code become events. The caller has counted this user of the forge already.
func newRunner(config Config, f *forge, rules *generators) (*Runner, error) {
	config.Service.Policy.Workers = max(config.Service.Policy.Workers, 1)
	config.Service.Agents = !config.Built().Plain && config.Command == nil
	config.Service.Whole = config.Command != nil || len(config.Service.Exec) > 0
	if config.Switch.Path != "" {
		config.Service.Allowed = func() error { return config.Switch.Allows(config.switchName()) }
	}
	memory := memoryOf(f.builder.Root(), config)
	if config.Service.Policy.Strategy == supervisor.Auto { // otherwise the user knows better
		config.Service.Alone = memory.read()
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
		config: config, forge: f, doubts: f.subscribe(), adopted: f.subscribeAdopted(), rules: rules,
		supervisor: service, watcher: watcher,
		memory:   memory,
		up:       make(chan struct{}),
		requests: make(chan Request),
		configs:  make(chan reconfiguration),
		queries:  make(chan query),
		events:   make(chan Event),
		ended:    make(chan struct{}),
	}, nil
}

// abandon closes everything opened by newRunner, instead of run.
func (r *Runner) abandon() {
	r.supervisor.Kill()
	drain(r.supervisor.Events())
	r.watcher.Close()
	r.forge.leave()
}

// Name is the service's name.
func (r *Runner) Name() string { return r.config.Name }

func drain[T any](events <-chan T) {
	for range events {
	}
}

// Events returns the events, in order. The channel is closed when the run has ended. The caller must read until then.
func (r *Runner) Events() <-chan Event { return r.events }

// Err waits for the end of the run, and returns the reason of its end; nil after a requested stop.
func (r *Runner) Err() error {
	<-r.ended
	return r.err
}

// Input passes data to the workers' stdin, if Config.Service.Stdin is set.
func (r *Runner) Input() supervisor.Input { return r.supervisor.Input() }
