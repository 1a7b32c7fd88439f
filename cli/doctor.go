package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotreload/gobuild"
	"hotreload/process"
	"hotreload/watch"
)

// errSick is doctor's, when something it has said is in the way.
var errSick = errors.New("something is in the way: see above")

// newDoctor is `hotreload doctor [Go's build flags] [package]`.
func newDoctor(o *options, env []string, root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:                "doctor [flags] [package]",
		Short:              "say what hotreload finds here, and what is in its way",
		DisableFlagParsing: true, // Go's build flags are not cobra's
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
				return c.Help()
			}
			own, goFlags, rest, err := splitArgs(args, root.Flags())
			if err != nil {
				return err
			}
			if err := root.Flags().Parse(own); err != nil {
				return root.FlagErrorFunc()(c, err)
			}
			w, err := wishesOf(root.Flags(), append(o.goFlags, goFlags...), rest, env)
			if err != nil {
				return err
			}
			if err := process.Setup(); err != nil {
				return err
			}
			return doctor(cmp.Or(c.Context(), context.Background()), c.OutOrStdout(), w)
		},
	}
}

// findings is doctor's page: what is well, and what is not.
type findings struct {
	out  io.Writer
	sick bool
}

func (f *findings) well(what, format string, args ...any) {
	fmt.Fprintf(f.out, "%-10s %s\n", what, fmt.Sprintf(format, args...))
}

// odd is what costs something and stops nothing.
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

func doctor(ctx context.Context, out io.Writer, w *wishes) error {
	f := &findings{out: out}
	f.well("hotreload", "%s", version)
	r, err := w.resolve(ctx)
	if err != nil {
		f.ill("settings", err)
		return errSick
	}
	if r.file != nil {
		f.well("settings", "%s", relative(w.dir, r.file.path))
	}
	builder, err := gobuild.NewBuilder(os.Getenv("HOTRELOAD_CACHE"))
	if err != nil {
		f.ill("cache", err)
		return errSick
	}
	defer builder.Close()
	if notice := builder.Notice(); notice != nil {
		f.odd("cache", notice.Error(), hintOf(notice))
	} else {
		f.well("cache", "can be written to")
	}
	program, o := r.services[0].config.Program, r.services[0].o
	graph, err := gobuild.Load(ctx, program)
	if err != nil {
		f.ill("package", err)
		return errSick
	}
	f.well("go", "%s", graph.GoVersion)
	f.well("package", "%s, of %d packages", graph.Main.ImportPath, graph.Len())
	f.well("watched", "%s", count(len(graph.Dirs()), "folder"))
	if o.verbose {
		for _, folder := range graph.Dirs() {
			f.well("", "%s", relative(w.dir, folder))
		}
	}
	f.watching(ctx, graph, o.poll)
	artifact, err := builder.Build(ctx, program, graph)
	var failure *gobuild.BuildError
	if errors.As(err, &failure) {
		err = fmt.Errorf("does not work:\n%s", strings.TrimSpace(failure.Text))
	}
	if err != nil {
		f.ill("build", err)
		return errSick
	}
	f.well("build", "works, in %s", short(artifact.Took))
	switch {
	case artifact.Agent:
		f.well("agent", "is linked: what the program listens on is handed over, and no request is lost")
	case o.noAgent:
		f.odd("agent", "is not linked: --no-agent", "")
	case artifact.Plain == gobuild.NoNet:
		f.well("agent", "is not needed: %s", artifact.Plain)
	default:
		f.odd("agent", "is not linked: "+artifact.Plain, "the program binds its ports itself, so old workers leave before new ones start; --listen is another way to lose no request")
	}
	if f.sick {
		return errSick
	}
	return nil
}

// watching tries to watch what a run would watch, and says what of it has to be polled, and how near the limits are.
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
