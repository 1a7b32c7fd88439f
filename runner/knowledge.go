package runner

import (
	"path/filepath"
	"slices"
	"strings"

	"hotreload/gobuild"
	"hotreload/watch"
)

// knowledge has everything needed to classify a change: the configuration in force, the packages of the program, the
// ignore rules, and the evidence of the workers' use of files. The loop owns it.
//
// Invariant: ignorer was made for this graph and this configuration. classify and explain only read the disk, without
// effects and without questions to workers.
type knowledge struct {
	config  *Config
	graph   *gobuild.Graph // nil until go list has told the program's packages
	ignorer Ignorer        // nil: nothing is ignored
	opened  *evidence
	env     []string               // the environment of workers; nil until the environment files were read
	owns    func(path string) bool // reports whether a file is in hotreload's cache folder; nil: none is
}

// classified is a change with its class. A change gets its class once, in classify; every later step goes by this
// value.
type classified struct {
	Effect
	ruled        bool // a rule of the user's gave the class
	graphChanged bool // the program may now consist of other packages or files
	embedded     bool // the file is embedded into the program
	read         bool // the class comes from the workers' use of the file
	// readToo: the file may belong to the program, because its folder is back. Workers with a read of the file have to
	// be replaced even if the program turns out to be the same.
	readToo  bool
	commands []int // rules whose commands run for the change
}

// judged is a batch of classified changes, with the conclusions from all changes together.
type judged struct {
	seen
	changes, fresh []classified // of Changes and Fresh, in the same order

	hinges   bool     // the class depends on reports of the workers: see hinge
	read     []string // files read by workers, as the reason to replace workers
	restarts bool     // workers have to be replaced for other reasons
}

// judge classifies the changes of a batch.
func (k *knowledge) judge(b seen) judged {
	disk := b.disk()
	j := b.judge(func(change watch.Change) classified { return k.classify(change, disk) })
	j.hinges = j.hinge(k.opened.writes())
	return j
}

// judge classifies each change of a batch once.
func (b seen) judge(classify func(watch.Change) classified) judged {
	done := map[watch.Change]classified{}
	all := func(changes []watch.Change) (result []classified) {
		for _, change := range changes {
			c, known := done[change]
			if !known {
				c = classify(change)
				done[change] = c
			}
			result = append(result, c)
		}
		return result
	}
	j := judged{seen: b, fresh: all(b.Fresh), changes: all(b.Changes)}
	for _, c := range j.changes {
		if c.read && c.Class == Restart || c.readToo {
			j.read = append(j.read, c.Path)
		}
		j.restarts = j.restarts || c.Class == Restart && !c.read
	}
	return j
}

// classify goes by, in this order: the user's rules, the build, the user's flags, and the evidence of the workers' use
// of the file. A file written by workers is no input, whoever reads it. Go code is an exception: the running program
// has no use for it.
func (k *knowledge) classify(change watch.Change, disk disk) classified {
	c, kind := k.withoutWorkers(change)
	if c.ruled {
		return c
	}
	switch {
	case c.Class == None:
		if class, reason, ok := k.opened.facts(change, disk).without(testOnlyOff).class(); ok {
			c.Class, c.Reason, c.read = class, reason, true
		}
	case c.Class == Rebuild && kind == gobuild.Other && k.graph != nil:
		class, _, ok := k.opened.facts(change, disk).without(testOnlyOff).class()
		c.readToo = ok && class == Restart
	case c.Class == Restart || c.embedded && c.Class == Rebuild:
		if k.opened.ours(change.Path, disk.look(change.Path), disk) {
			c.Class, c.Reason, c.graphChanged = None, "written by the workers themselves", false
		}
	}
	k.test(&c, kind)
	return c
}

// test gives a file of tests its class while tests run on save, if nothing else uses the file.
func (k *knowledge) test(c *classified, kind gobuild.Kind) {
	switch {
	case !k.config.Tests || k.graph == nil || c.Class != None || c.ruled || !isTest(c.Path):
	case kind == gobuild.Test || k.graph.Module.Dir != "" && under(c.Path, []string{k.graph.Module.Dir}):
		c.Class, c.Reason = Test, "a file of tests: they run, and the program stays"
	}
}

// isTest reports whether go takes a file for one of tests.
func isTest(path string) bool {
	base := filepath.Base(path)
	return strings.HasSuffix(base, "_test.go") && base[0] != '_' && base[0] != '.'
}

// withoutWorkers classifies a change as far as the workers do not matter.
func (k *knowledge) withoutWorkers(change watch.Change) (c classified, kind gobuild.Kind) {
	c.Change, kind = change, gobuild.Other
	c.Class, c.Reason, c.graphChanged = classifyByBuild(change, k.graph, k.config.Watch)
	if k.graph != nil {
		kind, _ = k.graph.Classify(change.Path)
	}
	c.embedded = kind == gobuild.Embedded
	c.commands = commandsFor(k.config.Rules, change.Path)
	c.Runs = len(c.commands) > 0
	class, reason, ruled := ruling(k.config.Rules, change.Path)
	c.ruled = ruled
	switch {
	case ruled && k.graph != nil:
		c.Class, c.Reason, c.graphChanged = class, reason, c.graphChanged && class == Rebuild
	case c.Class != None:
	case slices.Contains(k.config.EnvFiles, change.Path):
		c.Class, c.Reason = Restart, "an environment file"
	case slices.Contains(k.config.Startup, change.Path):
		c.Class, c.Reason = Startup, "hotreload's own settings"
	}
	return c, kind
}

// hinge reports whether workers would be replaced, or a build would begin, only for files possibly written by the
// workers, who may report so in a moment. writes: workers are known to write files.
func (b judged) hinge(writes bool) bool {
	certain := func(c classified) bool {
		return !c.read && c.Class >= Restart && !(c.embedded && writes)
	}
	embeds := func(c classified) bool { return c.embedded && c.Class == Rebuild }
	restarts := func(c classified) bool { return c.read && c.Class == Restart }
	switch {
	case slices.ContainsFunc(b.fresh, certain):
		return false
	case writes && slices.ContainsFunc(b.fresh, embeds):
		return true
	}
	return b.Settled && slices.ContainsFunc(b.changes, restarts)
}

// hidden reports whether a path is ignored and not even looked at.
func (k *knowledge) hidden(path string, dir bool) bool {
	return k.ignorer != nil && hidden(path, dir, k.ignorer, k.graph)
}

// watches reports whether a change of the path is noticed.
func (k *knowledge) watches(path string) bool {
	dir := filepath.Dir(path)
	var set watch.Set
	for _, rule := range k.config.Rules {
		rule.watched(&set)
	}
	file, folder := k.opened.files[path], k.opened.files[dir]
	return slices.Contains(k.graph.Dirs(), dir) || slices.Contains(k.graph.Files(), path) ||
		under(path, k.config.Watch) || under(path, set.Trees) || slices.Contains(set.Dirs, dir) ||
		slices.Contains(set.Files, path) ||
		slices.Contains(k.config.EnvFiles, path) || slices.Contains(k.config.Startup, path) ||
		file != nil && file.heard || folder != nil && folder.heard
}

// disk is the disk as the batch has found it.
func (b seen) disk() disk {
	return disk{
		look: func(path string) stamp {
			if s, known := b.found[path]; known {
				return s
			}
			return look(path)
		},
		writing: b.written,
		list:    namesIn,
	}
}

// written reports whether, when a change was heard, a worker had the file open to write, or the database of which the
// file is a journal: a journal's name begins with the database's name (data.db-wal, data.db-journal).
func (b seen) written(path string) bool {
	if len(b.writing) == 0 {
		return false
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	if b.writing[path] {
		return true
	}
	for other := range b.writing {
		if strings.HasPrefix(path, other+"-") {
			return true
		}
	}
	return false
}
