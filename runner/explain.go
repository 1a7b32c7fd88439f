package runner

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"hotreload/gobuild"
	"hotreload/watch"
)

// Explanation is everything known about a path.
type Explanation struct {
	Service  string     `json:"service"` // "" for the only one
	Path     string     `json:"path"`    // absolute
	Exists   bool       `json:"exists"`
	Class    string     `json:"class"`
	Reason   string     `json:"reason"`
	Package  string     `json:"package"`  // the package of the file; "" = none
	Reaches  []string   `json:"reaches"`  // import paths of the packages to compile again
	Alone    string     `json:"alone"`    // why old workers exit before new ones start; "" if not for this path
	Workers  []int      `json:"workers"`  // slots in which the change takes effect; none without a run
	Evidence []Evidence `json:"evidence"` // what the workers have done with the file
	Ignored  string     `json:"ignored"`  // the rule by which the path is ignored; "" = none
	Watched  bool       `json:"watched"`
	Polled   string     `json:"polled"` // why the file is polled; "" = the system reports its changes

	Built string `json:"built,omitempty"` // for the class rebuild: how the program was last built
}

// Explain tells how a change of a path would take effect; without a path, for all files read or written by workers, the
// newest first. Explain first asks the workers for all reports until now.
func (r *Runner) Explain(ctx context.Context, path string) (all []Explanation, err error) {
	asked := 0
	err = r.query(ctx, func(l *loop) bool {
		switch {
		case l.known.graph == nil:
			return false
		case asked == 0:
			asked = l.askFiles()
			return false
		case l.inbox.answered < asked:
			return false
		}
		paths := []string{path}
		if path == "" {
			paths = l.known.opened.paths()
		}
		for _, path := range paths {
			all = append(all, l.explain(path))
		}
		return true
	})
	return all, err
}

// explain tells how a change of a path would take effect, as far as the running workers make no difference.
func (k *knowledge) explain(path string) (Explanation, Class) {
	path = filepath.Clean(path)
	e := Explanation{Service: k.config.Name, Path: path, Reaches: []string{}, Workers: []int{},
		Evidence: k.opened.account(path)}
	info, err := os.Lstat(path)
	e.Exists = err == nil
	change := watch.Change{Path: path, Op: watch.Written, Dir: err == nil && info.IsDir()}
	if !e.Exists {
		change.Op = watch.Created
	}
	c, kind := k.withoutWorkers(change)
	if c.Class == None && !c.ruled {
		f := k.opened.facts(change, seen{}.disk())
		f.since, f.after, f.own = false, false, k.opened.holds(path) // a person will make the change, later
		if class, reason, ok := f.class(); ok {
			c.Class, c.Reason = class, reason
		}
	}
	k.test(&c, kind)
	_, e.Package = k.graph.Classify(path)
	e.Watched = k.watches(path) || c.Class == Test // by those who test
	if k.hidden(path, change.Dir) {
		e.Ignored = k.ignorer.Why(path, change.Dir)
		if !slices.Contains(k.graph.Files(), path) {
			c.Class, c.Reason, e.Watched = None, "ignored", false
		}
	}
	if c.Class == Rebuild && (kind == gobuild.Compiled || kind == gobuild.Embedded) {
		e.Reaches = append(e.Reaches, k.graph.Reached(e.Package)...)
	}
	e.Class, e.Reason = c.Class.String(), c.Reason
	if way := watch.How(path); e.Watched && way.Polled() {
		e.Polled = way.String()
	}
	return e, c.Class
}

// ExplainAlone explains without a run, and so without knowledge of files read by workers.
func ExplainAlone(config Config, graph *gobuild.Graph, path string) Explanation {
	k := &knowledge{config: &config, graph: graph, opened: newEvidence()}
	if config.Ignore != nil {
		k.ignorer = config.Ignore(graph.Dirs(), config.Watch)
	}
	e, _ := k.explain(path)
	return e
}

// explain adds the knowledge of the run: the workers reached by a change, and how the path is watched at present.
func (l *loop) explain(path string) Explanation {
	e, class := l.known.explain(path)
	if class == Rebuild || class == Restart || e.Path == l.crew.alone.What {
		e.Alone = l.crew.alone.String()
	}
	if class == Rebuild {
		e.Built = l.programs.way
	}
	if class >= Live && class != Startup {
		e.Workers = append(e.Workers, l.crew.open()...)
	}
	if e.Watched {
		if way, watched, err := l.watcher.How(l.ctx, e.Path); err == nil && watched {
			e.Polled = ""
			if way.Polled() {
				e.Polled = way.String()
			}
		}
	}
	return e
}
