package runner

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"hotreload/gobuild"
	"hotreload/supervisor"
	"hotreload/watch"
)

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
		l.tell(Changed{Effects: effects})
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
