package runner

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hotreload/gobuild"
	"hotreload/supervisor"
	"hotreload/supervisor/inspect"
	"hotreload/watch"
)

// rewatchAfter is the wait for more reports of opened files before the files are watched. A worker opens its files in
// one go.
const rewatchAfter = 20 * time.Millisecond

// fileOpened takes a worker's report.
func (l *loop) fileOpened(e supervisor.FileOpened) {
	if e.How != supervisor.ToRead && l.forge.builder.Beside(e.Path) && !l.programs.beside {
		l.programs.beside = true
		l.emit(Beside{e.Path})
	}
	if l.known.graph == nil || l.known.foreign(filepath.Clean(e.Path), e.For) {
		return
	}
	if path, fresh := l.known.opened.opened(e); fresh {
		l.becomesKnown(path)
	}
}

// becomesKnown has a path watched soon, unless it is watched for the build.
func (l *loop) becomesKnown(path string) {
	if kind, _ := l.known.graph.Classify(path); kind > gobuild.ModuleFile && l.inbox.rewatch == nil {
		l.inbox.rewatch = time.After(rewatchAfter)
	}
}

// lookForLoaded finds the files from which workers run code. The system's loader opens such files, without a report of
// the agent.
func (l *loop) lookForLoaded() {
	if l.known.graph == nil {
		return
	}
	for _, w := range l.crew.workers {
		for _, path := range inspect.Loaded([]int{w.Pid}) {
			if !l.known.foreignLibrary(path) && l.known.opened.runs(path, w.Generation) {
				l.becomesKnown(path)
			}
		}
	}
}

// grow has new folders in listed folders watched, if files in them may count. Files already in a new folder count as
// created later.
func (l *loop) grow(b seen) {
	for _, change := range b.Changes {
		switch {
		case !change.Dir:
		case change.Op == watch.Removed:
			l.known.opened.shrinks(change.Path)
		case l.known.opened.grows(change.Path, b.disk()):
			l.inbox.belated = append(l.inbox.belated, l.known.filesBelow(change.Path)...)
			l.watchAll()
		}
	}
	l.hearBelated()
}

// filesBelow lists the files in a new folder, as created.
func (k *knowledge) filesBelow(folder string) (found []watch.Change) {
	_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		ignored := false
		if k.ignorer != nil && err == nil {
			ignored, _ = k.ignorer.Ignored(path, entry.IsDir())
		}
		switch {
		case err != nil || len(found) >= maxKnown:
			return fs.SkipDir
		case ignored && entry.IsDir():
			return fs.SkipDir
		case !ignored && entry.Type().IsRegular():
			found = append(found, watch.Change{Path: path, Op: watch.Created})
		}
		return nil
	})
	return found
}

// watchGraph has everything in a new graph watched.
func (l *loop) watchGraph() {
	l.loadRules()
	l.watchAll()
}

// watchAll has everything watched that the graph or the user names, or that workers read, and nothing else.
func (l *loop) watchAll() {
	set, opened := l.known.watchSet()
	problems, err := l.watcher.Watch(l.ctx, set)
	if err != nil {
		l.emit(Unwatched{Err: err})
	}
	for _, problem := range problems {
		l.emit(Unwatched{problem.Path, problem.Err})
	}
	l.inbox.belated = append(l.inbox.belated, l.known.overlooked(opened, l.crew.servedAt)...)
	if l.state.settled {
		l.hearBelated()
	}
}

// hearBelated takes changes noticed late, as if made just now.
func (l *loop) hearBelated() {
	if belated := l.inbox.belated; len(belated) > 0 {
		l.inbox.belated = nil
		l.heard(watch.Batch{Changes: belated, Settled: true, Began: time.Now(), Last: time.Now()})
	}
}

// loadRules reads the ignore rules again.
func (l *loop) loadRules() {
	if ignored := l.known.loadRules(); ignored != nil {
		_ = l.watcher.SetIgnored(l.ctx, ignored)
	}
}

// loadRules reads the ignore rules, and returns a function that tells the watcher which paths to ignore; nil if there
// are no rules.
func (k *knowledge) loadRules() func(path string, dir bool) bool {
	if k.config.Ignore == nil || k.graph == nil {
		return nil
	}
	trees := watch.Set{Trees: slices.Clone(k.config.Watch)}
	for _, rule := range k.config.Rules {
		rule.watched(&trees)
	}
	rules, graph := k.config.Ignore(k.graph.Dirs(), trees.Trees), k.graph
	k.ignorer = rules
	files := map[string]bool{}
	for _, path := range rules.Files() {
		files[path] = true
	}
	return func(path string, dir bool) bool { return !files[path] && hidden(path, dir, rules, graph) }
}

// watchSet returns everything to watch, and the paths there because workers have opened them.
func (k *knowledge) watchSet() (set watch.Set, opened []string) {
	set = watch.Set{Dirs: k.graph.Dirs(), Files: k.graph.Files()}
	for _, path := range k.config.Watch {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			set.Trees = append(set.Trees, path)
		} else {
			set.Files = append(set.Files, path)
		}
	}
	set.Files = append(append(set.Files, k.config.EnvFiles...), k.config.Startup...)
	for _, rule := range k.config.Rules {
		rule.watched(&set)
	}
	if k.ignorer != nil {
		set.Files = append(set.Files, k.ignorer.Files()...)
	}
	opened = k.addOpened(&set)
	for folder := range k.opened.grown {
		set.Trees = append(set.Trees, folder)
	}
	return set, opened
}

// addOpened adds the paths read by workers, and returns them. Paths ignored by the user's rules for hotreload stay out.
func (k *knowledge) addOpened(set *watch.Set) (added []string) {
	for path, file := range k.opened.files {
		if !file.watched() {
			continue
		}
		info, err := os.Stat(path)
		folder := err == nil && info.IsDir()
		if k.ignorer != nil {
			if ignored, explicit := k.ignorer.Ignored(path, folder); ignored && explicit {
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

// overlooked returns the changes of files between their opening by a worker and now, when they are watched. The time of
// a change may be a tick behind, so a change may seem to be older than the opening. A file removed after servedAt
// counts. Before, while workers start, the workers have removed the file.
func (k *knowledge) overlooked(opened []string, servedAt time.Time) (changes []watch.Change) {
	for _, path := range opened {
		file := k.opened.files[path]
		known := file.heard || k.heardAnyway(path)
		file.heard = true
		if known {
			continue
		}
		if info, err := os.Lstat(path); err == nil && info.IsDir() {
			continue // a new file there says nothing: the workers may be its authors
		}
		switch touched := touchedAt(path); {
		case !file.reads(&file.early):
		case touched.After(file.early.first().Add(-tick)):
			changes = append(changes, watch.Change{Path: path, Op: watch.Written})
		case touched.IsZero() && !file.early.missing && goneSince(path, servedAt):
			changes = append(changes, watch.Change{Path: path, Op: watch.Removed})
		}
	}
	return changes
}

// goneSince reports whether a missing file was removed after t, judging by its folder.
func goneSince(path string, t time.Time) bool {
	for folder := filepath.Dir(path); !t.IsZero(); folder = filepath.Dir(folder) {
		if touched := touchedAt(folder); !touched.IsZero() || filepath.Dir(folder) == folder {
			return touched.After(t)
		}
	}
	return false
}

// heardAnyway reports whether a file is watched even without a worker's report.
func (k *knowledge) heardAnyway(path string) bool {
	return under(path, k.config.Watch) || slices.Contains(k.graph.Dirs(), filepath.Dir(path)) ||
		slices.Contains(k.config.EnvFiles, path) || ruleFor(k.config.Rules, path) >= 0
}

// common reports whether a folder belongs to everybody: changes there say nothing.
func common(folder string) bool {
	home, _ := os.UserHomeDir()
	return folder == home || folder == filepath.Clean(os.TempDir()) || filepath.Dir(folder) == folder
}

// ignored returns a function that reports whether a path is ignored. Any goroutine may call the function.
func (k *knowledge) ignored() func(path string, dir bool) bool {
	rules, graph := k.ignorer, k.graph
	if rules == nil {
		return func(string, bool) bool { return false }
	}
	return func(path string, dir bool) bool { return hidden(path, dir, rules, graph) }
}

// hidden reports whether a path is ignored. Files of the build count even if ignored by git, as generated code often
// is; but not if ignored by the user's rules for hotreload.
func hidden(path string, dir bool, rules Ignorer, graph *gobuild.Graph) bool {
	ignored, explicit := rules.Ignored(path, dir)
	if !ignored || explicit {
		return ignored
	}
	kind, _ := graph.Classify(path)
	return kind > gobuild.ModuleFile
}
