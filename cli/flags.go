package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hotreload/gobuild"
	"hotreload/ignore"
	"hotreload/runner"
	"hotreload/supervisor"
	"hotreload/watch"
)

// options are the flags, as given and as understood.
type options struct {
	listen       []string
	workers      workerCount
	strategy     string
	surge        int
	ready        string
	grace        time.Duration
	handover     time.Duration
	startTimeout time.Duration
	stopSignal   string
	user         string
	preferUser   string
	maxRSS       size
	maxAge       time.Duration
	maxRequests  int64
	watch        []string
	ignore       []string
	noGitignore  bool
	poll         time.Duration
	stdin        bool
	debug        bool
	build        string
	noAgent      bool
	envFile      []string
	config       string
	control      string
	controlToken string
	pidFile      string
	killSwitch   string
	quiet        bool
	verbose      bool
	color        string

	goFlags   []string
	addresses []supervisor.Address
	probe     supervisor.Probe
	rule      supervisor.ReadyRule
	chosen    supervisor.Strategy
	signal    syscall.Signal
}

const long = `hotreload keeps a Go server running while its source changes.

  hotreload ./cmd/server            build, run, and replace it at each save
  hotreload ./cmd/server -port 80   what follows the package goes to the program
  hotreload -race -tags dev .       Go's build flags are taken as they are
  hotreload --workers 2 ./cmd/server
                                    two processes share the program's port
  hotreload ./cmd/web ./cmd/api     several programs, each a service of its own
  hotreload web api                 services by name, of hotreload.toml

Without a package: the main package here, or the only one under cmd/.
On a terminal: r reload, R rebuild and reload, p pause, c clear, q quit, h help.`

func newCommand(o *options, env []string) *cobra.Command {
	command := &cobra.Command{
		Use:           "hotreload [flags] [package] [arguments of the program]",
		Short:         "keep a Go server running while its source changes",
		Long:          long,
		Version:       version,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(c *cobra.Command, args []string) error {
			w, err := wishesOf(c.Flags(), o.goFlags, args, env)
			if err != nil {
				return err
			}
			return watchCommand(cmp.Or(c.Context(), context.Background()), w)
		},
	}
	command.CompletionOptions.HiddenDefaultCmd = true
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{hinted{err, "hotreload --help lists the flags; the program's own come after the package"}}
	})
	f := command.Flags()
	f.SortFlags = false
	f.SetInterspersed(false)
	f.StringArrayVarP(&o.listen, "listen", "l", nil, "`address` that hotreload listens on for the program: PORT, HOST:PORT, unix:PATH, @NAME, each with NAME= in front if the program wants names; repeatable")
	o.workers = 1
	f.Var(&o.workers, "workers", "`n` worker processes share the sockets; auto: one for each processor")
	f.StringVar(&o.strategy, "strategy", "auto", "how new workers follow old ones, by `name`: parallel, rolling, stop-first or auto (parallel if the sockets can be handed over, else stop-first)")
	f.IntVar(&o.surge, "surge", 1, "rolling: with `n` = 1 the new worker starts before the old one leaves, with 0 after")
	f.StringVar(&o.ready, "ready", "auto", "the `rule` for when a worker is ready: notify (READY=1), http:/path or a URL, alive (for 1s), or auto")
	f.DurationVar(&o.grace, "grace", supervisor.DefaultGrace, "the `time` that the connections of an old worker have to end, and then the worker itself; 0 kills at once")
	f.DurationVar(&o.handover, "handover", supervisor.DefaultHandover, "the `time` that a new worker may stay unready beside an old one; then the old one leaves first")
	f.DurationVar(&o.startTimeout, "start-timeout", supervisor.DefaultStartTimeout, "the `time` that a worker has to become ready, where readiness can be seen")
	f.StringVar(&o.stopSignal, "stop-signal", "TERM", "`signal` that asks a worker to finish")
	f.StringVar(&o.user, "user", "", "run the workers as this `user` (NAME, UID, NAME:GROUP), or not at all")
	f.StringVar(&o.preferUser, "prefer-user", "", "run the workers as this `user` if that is possible")
	f.Var(&o.maxRSS, "max-rss", "replace a worker that holds more memory than this `size` (256MB, 1GB), its children included")
	f.DurationVar(&o.maxAge, "max-age", 0, "replace a worker that has served for this `time`, or up to a tenth less")
	f.Int64Var(&o.maxRequests, "max-requests", 0, "replace a worker that has answered `n` requests, as its agent counts them")
	f.StringArrayVarP(&o.watch, "watch", "w", nil, "watch this file or folder (`path`) too, and restart the workers when it changes; repeatable")
	f.StringArrayVarP(&o.ignore, "ignore", "i", nil, "ignore what matches this `pattern` (gitignore syntax), above all .reloadignore files; repeatable")
	f.BoolVar(&o.noGitignore, "no-gitignore", false, "do not heed .gitignore files")
	f.DurationVar(&o.poll, "poll", 0, "look at the files themselves, at each once in this `time`, and do not rely on the system to tell of changes; without a time, 1s")
	f.Lookup("poll").NoOptDefVal = watch.DefaultPoll.String()
	f.StringArrayVarP(&o.envFile, "env-file", "e", nil, "give the program the variables of this file (`path`, .env syntax) that the environment does not have, and restart it when the file changes; repeatable")
	f.StringVarP(&o.config, "config", "c", "", "configuration file (`path`), instead of the hotreload.toml in the module's root; none: there is none")
	f.StringVar(&o.control, "control", "", "listen for commands on this TCP `address` too, for those who have the token: PORT, HOST:PORT; without a host, this machine only")
	f.StringVar(&o.controlToken, "control-token", "", "file (`path`) of the token for --control, made if it is not there; else the user's own")
	f.BoolVar(&o.stdin, "stdin", false, "the program reads hotreload's stdin; there are no keys then")
	f.BoolVar(&o.debug, "debug", false, "keep debug information (DWARF) in the program, for dlv")
	f.BoolVar(&o.noAgent, "no-agent", false, "do not link the agent into the program, which hands over its listeners to its successor")
	f.StringVar(&o.build, "build", "auto", "the `way` to build: auto compiles only what a change reaches, where that makes the same program; go always runs go build")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say only what needs you: failures")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "say more: how each changed file was classed and why, how the program was built, each worker's life")
	f.StringVar(&o.killSwitch, "kill-switch", "", "file (`path`) that says which services may not be started, instead of the project's own in the user's state folder; see hotreload disable")
	f.StringVar(&o.pidFile, "pid-file", "", "keep hotreload's pid in this file (`path`), as long as it runs")
	f.StringVar(&o.color, "color", "auto", "`when` there are colours: auto, always or never; NO_COLOR counts too")
	command.AddCommand(newCommands(o, env, command)...)
	command.AddCommand(newDoctor(o, env, command))
	command.SetUsageTemplate(strings.ReplaceAll(command.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 100"))
	return command
}

// splitArgs separates hotreload's flags from Go's build flags and from the rest, which begins with the package. Long
// flags of ours may be written with one dash, as Go's are.
func splitArgs(args []string, ours *pflag.FlagSet) (own, goFlags, rest []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		if arg == "--" {
			return own, goFlags, args[1:], nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			return own, goFlags, args, nil
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		flag := ours.Lookup(name)
		if flag == nil && len(name) == 1 {
			flag = ours.ShorthandLookup(name)
		}
		if flag == nil && (name == "help" || name == "version" || name == "h") {
			own, args = append(own, arg), args[1:]
			continue
		}
		takesValue, isGo := gobuild.IsFlag(arg)
		switch {
		case flag != nil:
			if len(name) > 1 {
				arg = "--" + strings.TrimLeft(arg, "-")
			}
			takesValue = flag.NoOptDefVal == ""
		case !isGo:
			return append(own, arg), goFlags, nil, nil // the flag parser knows how to complain
		}
		taken := args[:1]
		if takesValue && !hasValue {
			if len(args) < 2 {
				return nil, nil, nil, usageError{hinted{fmt.Errorf("flag %s needs a value", arg), "hotreload --help lists the flags"}}
			}
			taken = args[:2]
		}
		if flag != nil {
			own = append(append(own, arg), taken[1:]...)
		} else {
			goFlags = append(goFlags, taken...)
		}
		args = args[len(taken):]
	}
	return own, goFlags, nil, nil
}

// workerCount is a number of workers.
type workerCount int

func (n *workerCount) String() string { return strconv.Itoa(int(*n)) }
func (n *workerCount) Type() string   { return "n" }

func (n *workerCount) Set(text string) error {
	if text == "auto" {
		*n = workerCount(runtime.GOMAXPROCS(0))
		return nil
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 1 {
		return errors.New(`a service has at least one worker: write a number from 1 on, or "auto"`)
	}
	*n = workerCount(count)
	return nil
}

// badFlag is an error about a flag's value, which may come from the configuration file.
type badFlag struct {
	name string
	error
}

func (e badFlag) Unwrap() error { return e.error }

// check understands the flags' values.
func (o *options) check() error {
	bad := func(flag string, err error, hint string) error { return badFlag{flag, usageError{hinted{err, hint}}} }
	if !setColor(o.color) {
		return bad("color", fmt.Errorf("--color %q is none of auto, always, never", o.color), "NO_COLOR=1 in the environment does the same as never")
	}
	if o.build != "auto" && o.build != "go" {
		return bad("build", fmt.Errorf("--build %q is neither auto nor go", o.build), "auto is right for most")
	}
	if o.control != "" {
		if _, err := strconv.Atoi(o.control); err == nil {
			o.control = ":" + o.control
		}
		if _, _, err := net.SplitHostPort(o.control); err != nil {
			return bad("control", fmt.Errorf("--control %q is no address: %w", o.control, err), "write PORT or HOST:PORT")
		}
	}
	if o.surge < 0 || o.surge > 1 {
		return bad("surge", fmt.Errorf("--surge %d is neither 0 nor 1", o.surge), "1 starts the new worker first, 0 stops the old one first")
	}
	for name, d := range map[string]time.Duration{"grace": o.grace, "handover": o.handover, "start-timeout": o.startTimeout} {
		if d < 0 || d == 0 && name != "grace" {
			return bad(name, fmt.Errorf("--%s %v is too short", name, d), "durations have a unit: 500ms, 5s, 1m")
		}
	}
	if o.user != "" && o.preferUser != "" {
		return bad("prefer-user", errors.New("--prefer-user beside --user"), "--user is stronger: leave one of them out")
	}
	if o.maxAge < 0 || o.maxAge > 0 && o.maxAge < time.Second {
		return bad("max-age", fmt.Errorf("--max-age %v is too short", o.maxAge), "durations have a unit: 500ms, 5s, 1m")
	}
	if o.maxRequests < 0 {
		return bad("max-requests", fmt.Errorf("--max-requests %d is no number of requests", o.maxRequests), "leave it out for no limit")
	}
	if o.poll != 0 && o.poll < 10*time.Millisecond {
		return bad("poll", fmt.Errorf("--poll %v is too short", o.poll), "durations have a unit: 500ms, 5s, 1m")
	}
	var err error
	if o.chosen, err = supervisor.ParseStrategy(o.strategy); err != nil {
		return bad("strategy", err, "auto is right for most")
	}
	switch o.ready {
	case "auto":
		o.rule = supervisor.ReadyAuto
	case "notify":
		o.rule = supervisor.ReadyNotify
	case "alive":
		o.rule = supervisor.ReadyAlive
	default:
		o.rule = supervisor.ReadyProbe
		if o.probe, err = supervisor.ParseProbe(o.ready); err != nil {
			return bad("ready", fmt.Errorf("--ready %q is none of auto, notify, alive, http:/path, http://host:port/path", o.ready), "auto is right for most")
		}
	}
	for _, text := range o.listen {
		address, err := supervisor.ParseAddress(text)
		if err != nil {
			return bad("listen", err, "write PORT, HOST:PORT, unix:PATH or @NAME")
		}
		o.addresses = append(o.addresses, address)
	}
	if o.workers > 1 && len(o.addresses) == 0 && o.noAgent {
		return bad("workers", errors.New("--workers with --no-agent and without --listen: each worker would bind the program's port for itself"), "leave out --no-agent; or add --listen with the program's address, for a program that takes its sockets from LISTEN_FDS")
	}
	if o.signal, err = stopSignalNamed(o.stopSignal); err != nil {
		return bad("stop-signal", err, "write TERM, INT, QUIT, HUP, USR1 or USR2")
	}
	return nil
}

// identity is whom the workers run as; nil = whom we do, and why if another was preferred.
func (o *options) identity() (user *supervisor.User, note string, err error) {
	name := cmp.Or(o.user, o.preferUser)
	if name == "" {
		return nil, "", nil
	}
	user, err = supervisor.FindUser(name)
	if err == nil {
		err = user.May()
	}
	switch {
	case err == nil && user.Ours():
		return nil, "", nil
	case err == nil:
		return user, "", nil
	case o.user != "":
		return nil, "", err
	}
	return nil, err.Error(), nil
}

func (o *options) policy() supervisor.Policy {
	return supervisor.Policy{
		Workers: int(o.workers), Strategy: o.chosen, Surge: o.surge, Ready: o.rule,
		Grace: o.grace, Handover: o.handover, StartTimeout: o.startTimeout,
		Limits: supervisor.Limits{RSS: int64(o.maxRSS), Age: o.maxAge, Requests: o.maxRequests},
	}
}

// ignorer hands the rules of package ignore to the runner.
func (o *options) ignorer(dir string) func(folders, trees []string) runner.Ignorer {
	return func(folders, trees []string) runner.Ignorer {
		rules, _ := ignore.Load(folders, ignore.Options{NoGitignore: o.noGitignore, Trees: trees, Extra: o.ignore, Dir: dir})
		return ignoreRules{rules}
	}
}

type ignoreRules struct{ *ignore.Matcher }

func (r ignoreRules) Ignored(path string, dir bool) (ignored, explicit bool) {
	match := r.Match(path, dir)
	return match.Ignored, match.Explicit()
}

func (r ignoreRules) Why(path string, dir bool) string {
	if rule := r.Match(path, dir).Rule; rule != nil {
		return rule.String()
	}
	return ""
}
