package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotreload/debugger"
	"hotreload/gobuild"
	"hotreload/process"
	"hotreload/settings"
	"hotreload/supervisor"
	"hotreload/watch"
)

// errSick is doctor's error when something must be fixed.
var errSick = errors.New("hotreload cannot work here: see above")

// newDoctor is `hotreload doctor [Go's build flags] [package]`.
func newDoctor(l *line, root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor [--report] [flags] [package]",
		Short: "show what hotreload finds here, and what must be fixed; --report prints the block for a bug report",
		Long: "Show what hotreload finds here, and what must be fixed.\n\n--report prints it as the block for a bug " +
			"report, with versions, settings and the state of a hotreload that runs here. Values of variables, tokens " +
			"and passwords are masked.",
		DisableFlagParsing: true, // Go's build flags are not cobra's
		ValidArgsFunction: func(_ *cobra.Command, args []string, beginning string) ([]string, cobra.ShellCompDirective) {
			return completions(root, args, beginning)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
				return c.Help()
			}
			given := args
			args, reports := withoutReport(args)
			own, goFlags, rest, err := settings.Split(args, root.Flags())
			if err != nil {
				return err
			}
			if err := root.Flags().Parse(own); err != nil {
				return root.FlagErrorFunc()(c, err)
			}
			w, note, err := l.wishes(root.Flags(), append(l.goFlags, goFlags...), rest)
			if err != nil {
				return err
			}
			if err := process.Setup(); err != nil {
				return err
			}
			if reports {
				return report(contextOf(c), c.OutOrStdout(), w, note, given)
			}
			return doctor(contextOf(c), c.OutOrStdout(), w, note)
		},
	}
}

// withoutReport removes --report from the front of the arguments: words after the package belong to the program.
func withoutReport(args []string) (rest []string, reports bool) {
	for i, arg := range args {
		switch {
		case arg == "--report" || arg == "-report":
			return slices.Delete(slices.Clone(args), i, i+1), true
		case !strings.HasPrefix(arg, "-"):
			return args, false
		}
	}
	return args, false
}

// findings is doctor's report.
type findings struct {
	out  io.Writer
	sick bool
}

func (f *findings) well(what, format string, args ...any) {
	fmt.Fprintf(f.out, "%-10s %s\n", what, fmt.Sprintf(format, args...))
}

// odd reports a fault that costs time or features but stops nothing.
func (f *findings) odd(what, text, hint string) {
	fmt.Fprintf(f.out, "%-10s %s\n", what, yellow(text))
	if hint != "" {
		fmt.Fprintf(f.out, "%-10s hint: %s\n", "", hint)
	}
}

func (f *findings) ill(what string, err error) {
	f.sick = true
	f.odd(what, err.Error(), hintOf(err))
}

func doctor(ctx context.Context, out io.Writer, w *settings.Wishes, note string) error {
	f := &findings{out: out}
	f.well("hotreload", "%s", fullVersion())
	r, err := resolve(ctx, w)
	if err != nil {
		f.ill("settings", err)
		return errSick
	}
	if note != "" {
		f.well("settings", "%s", note)
	}
	if r.Found {
		f.well("settings", "%s", settings.Relative(w.Dir, r.Path))
	}
	builder, err := gobuild.NewBuilder(settings.Cache.Value())
	if err != nil {
		f.ill("cache", err)
		return errSick
	}
	defer builder.Close()
	if notice := builder.Notice(); notice != nil {
		f.odd("cache", notice.Error(), hintOf(notice))
	} else {
		f.well("cache", "is writable")
	}
	program, values := r.Services[0].Config.Built(), r.Services[0].Values
	graph, err := gobuild.Load(ctx, program)
	if err != nil {
		f.ill("package", err)
		return errSick
	}
	f.well("go", "%s", graph.GoVersion)
	f.well("package", "%s, %d packages", graph.Main.ImportPath, graph.Len())
	f.well("watched", "%s", count(len(graph.Dirs()), "folder"))
	if settings.Verbose.Of(values) {
		for _, folder := range graph.Dirs() {
			f.well("", "%s", settings.Relative(w.Dir, folder))
		}
	}
	f.watching(ctx, graph, settings.Poll.Of(values))
	artifact, err := builder.Build(ctx, program, graph)
	if err != nil {
		f.fails(err)
		return errSick
	}
	f.well("build", "works, in %s", short(artifact.Took))
	for _, p := range graph.Local {
		if p.ImportPath == gobuild.WorkerPath {
			f.well("worker", "%s comes from %s", p.ImportPath, settings.Relative(w.Dir, p.Dir))
		}
	}
	f.atOnce(values, graph, artifact)
	f.agent(values, graph, artifact)
	if settings.Debugger.Of(values) != "" {
		f.debugger(ctx, r.Services[0], artifact.Agent)
	}
	if f.sick {
		return errSick
	}
	return nil
}

// fails reports an error of the build, with the compiler's text if there is one.
func (f *findings) fails(err error) {
	var failure *gobuild.BuildError
	if !errors.As(err, &failure) {
		f.ill("build", err)
		return
	}
	f.sick = true
	hint := hintOf(failure)
	if failure.Cause != nil {
		hint = cmp.Or(hint, failure.Cause.Hint)
	}
	f.odd("build", "fails:\n"+strings.TrimSpace(failure.Text), hint)
}

// agent reports whether the agent is linked into the program.
func (f *findings) agent(values *settings.Values, graph *gobuild.Graph, artifact *gobuild.Artifact) {
	switch {
	case artifact.Agent:
		f.well("agent", "is linked: the program's listeners are handed over, and no request is lost")
		f.eventLoops(graph)
	case settings.NoAgent.Of(values):
		f.odd("agent", "is not linked: --no-agent", "")
	case artifact.Plain == gobuild.NoNet:
		f.well("agent", "is not needed: %s", artifact.Plain)
	default:
		f.odd("agent", "is not linked: "+artifact.Plain, "the program binds its ports itself, so old workers exit before "+
			"new ones start; with --listen no request is lost")
	}
}

// debugger reports whether an editor can debug a service.
func (f *findings) debugger(ctx context.Context, s *settings.Service, agent bool) {
	path, err := debugger.Find(ctx, s.Config.Program.Dir, os.Environ())
	obstacle, hint := debugger.Obstacle(agent)
	switch why := cannotDebug(s); {
	case why != "":
		f.odd("debugger", "is off: "+why, "")
	case err != nil:
		f.odd("debugger", "there is no dlv", debugger.Install)
	case obstacle != "":
		f.odd("debugger", obstacle, hint)
	case !agent:
		f.well("debugger", "works with %s; breakpoints at the program's start are not hit", path)
	default:
		f.well("debugger", "works with %s", path)
	}
}

// atOnce reports whether two workers run at once during a replacement, and the deeds of the program that should not
// happen twice.
func (f *findings) atOnce(v *settings.Values, graph *gobuild.Graph, artifact *gobuild.Artifact) {
	const wayOut = `strategy = "stop-first" makes the old worker exit before the new one starts`
	switch deeds := graph.Deeds(); {
	case settings.Strategy.Of(v) == supervisor.StopFirst || !artifact.Agent:
		f.well("replaced", "one after the other: the old worker exits before the new one starts")
	case len(deeds) > 0:
		var all []string
		for _, d := range deeds {
			all = append(all, d.Does+" ("+d.Package+")")
		}
		f.odd("replaced", "old and new worker run together for a moment, and the program "+strings.Join(all, ", "), wayOut)
	default:
		f.well("replaced", "old and new worker run together for a moment; if the program has jobs or bots, %s", wayOut)
		f.well("", "a program without a listener needs no setting: its old worker exits first")
	}
}

// ownLoops are libraries that accept connections by system calls of their own; some bind their ports so, too.
var ownLoops = []struct {
	path  string
	binds bool
}{
	{"github.com/cloudwego/netpoll", false}, {"github.com/panjf2000/gnet", true}, {"github.com/panjf2000/gnet/v2", true},
	{"github.com/tidwall/evio", false}, {"github.com/lesismal/nbio", false}, {"github.com/xtaci/gaio", false},
}

// eventLoops prints what holds for programs with event loops of their own.
func (f *findings) eventLoops(graph *gobuild.Graph) {
	for _, loop := range ownLoops {
		switch {
		case !graph.Links(loop.path):
		case loop.binds:
			f.odd("agent", loop.path+" has an event loop of its own, and binds its port by itself: an old worker answers "+
				"what it has (on Linux) and leaves before the new one starts; callers are refused in between",
				"gnet.WithReuseAddr(true) lets the new worker bind the port at once")
		default:
			f.odd("agent", loop.path+" has an event loop of its own: connections that are kept stay with the old code until "+
				"the grace is over; what is answered until then is not lost (on Linux)",
				"connections of net/http's server move to the new code at once")
		}
	}
}

// watching watches the same paths as a run, and reports the polled paths and how near the limits are.
func (f *findings) watching(ctx context.Context, graph *gobuild.Graph, poll time.Duration) {
	watcher, err := watch.New(watch.Config{Poll: poll})
	if err != nil {
		f.ill("watched", err)
		return
	}
	defer watcher.Close()
	problems, err := watcher.Watch(ctx, watch.Set{Dirs: graph.Dirs(), Files: graph.Files()})
	if err != nil {
		f.ill("watched", err)
		return
	}
	for _, problem := range problems {
		var polled *watch.PolledError
		if errors.As(problem.Err, &polled) {
			_, text, hint := polledWords(polled)
			f.odd("polled", text, strings.TrimPrefix(hint, "hint: "))
		} else if !errors.Is(problem.Err, fs.ErrNotExist) {
			f.ill("watched", problem)
		}
	}
	if poll > 0 {
		f.odd("polled", fmt.Sprintf("everything, every %v: --poll", poll), "")
	}
	for _, limit := range watch.Limits() {
		f.well("limits", "%d of %s = %d are in use", limit.Used, limit.Name, limit.Value)
	}
}
