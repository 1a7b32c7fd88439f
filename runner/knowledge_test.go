package runner

import (
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"hotreload/gobuild"
	"hotreload/supervisor"
	"hotreload/watch"
)

// testKnowledge knows a graph, and nothing else.
func testKnowledge(graph *gobuild.Graph) *knowledge {
	return &knowledge{config: &Config{}, graph: graph, opened: newEvidence()}
}

// TestWhatDecides: rules before the build, the build before flags, flags before the workers' use.
func TestWhatDecides(t *testing.T) {
	dir, graph := load(t)
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	class := func(c Class) *Class { return &c }
	reads := func(k *knowledge, name string) {
		k.opened.opened(supervisor.FileOpened{Path: at(name), How: supervisor.ToRead,
			Worker: supervisor.Worker{Generation: 1}})
	}
	writes := func(k *knowledge, name string) {
		k.opened.written(supervisor.FileWritten{Worker: supervisor.Worker{ID: 1, Generation: 1}, Path: at(name),
			Inode: look(at(name)).inode, Held: true})
	}
	rule := func(pattern string, r Rule) func(*knowledge) {
		return func(k *knowledge) {
			r.Root, r.Match = dir, []string{pattern}
			k.config.Rules = append(k.config.Rules, r)
		}
	}
	tests := func(k *knowledge) { k.config.Tests = true }
	for _, c := range []struct {
		name, file string
		known      func(*knowledge)
		class      Class
		want       classified // the result beside the class
	}{
		{"the build", "main.go", func(*knowledge) {}, Rebuild, classified{}},
		{"a rule before the build", "main.go", rule("*.go", Rule{Class: class(None)}), None, classified{ruled: true}},
		{"a rule's class and its command", "main.go", rule("*.go", Rule{Class: class(Live), Run: "x"}), Live,
			classified{ruled: true, Effect: Effect{Runs: true}}},
		{"a rule at the start has no command for changes", "notes.md", rule("*.md", Rule{Run: "x", When: AtStart}), None,
			classified{}},
		{"the module graph", "go.mod", func(*knowledge) {}, Rebuild, classified{graphChanged: true}},
		{"a rule can leave the graph as it is", "go.mod", rule("go.mod", Rule{Class: class(None)}), None,
			classified{ruled: true}},
		{"an environment file", "notes.md", func(k *knowledge) { k.config.EnvFiles = []string{at("notes.md")} }, Restart,
			classified{}},
		{"hotreload's settings", "notes.md", func(k *knowledge) { k.config.Startup = []string{at("notes.md")} }, Startup,
			classified{}},
		{"workers read it", "notes.md", func(k *knowledge) { reads(k, "notes.md") }, Restart, classified{read: true}},
		{"workers read it, and the user watches it", "notes.md", func(k *knowledge) {
			reads(k, "notes.md")
			k.config.Watch = []string{at("notes.md")}
		}, Restart, classified{}},
		{"workers write what the user watches", "notes.md", func(k *knowledge) {
			writes(k, "notes.md")
			k.config.Watch = []string{at("notes.md")}
		}, None, classified{}},
		{"embedded", "banner.txt", func(*knowledge) {}, Rebuild, classified{embedded: true}},
		{"workers write what is embedded", "banner.txt", func(k *knowledge) { writes(k, "banner.txt") }, None,
			classified{embedded: true}},
		{"a test", "main_test.go", func(*knowledge) {}, None, classified{}},
		{"a test, while tests run on save", "main_test.go", tests, Test, classified{}},
		{"a new test", "sub/new_test.go", tests, Test, classified{}},
		{"no test to go", "_main_test.go", tests, None, classified{}},
		{"a test of another module", "../other_test.go", tests, None, classified{}},
		{"no test, while tests run on save", "notes.md", tests, None, classified{}},
		{"a test that the user watches", "main_test.go", func(k *knowledge) {
			tests(k)
			k.config.Watch = []string{dir}
		}, Restart, classified{}},
		{"a test that workers read", "main_test.go", func(k *knowledge) { tests(k); reads(k, "main_test.go") }, Restart,
			classified{read: true}},
		{"workers write Go code", "main.go", func(k *knowledge) { writes(k, "main.go") }, Rebuild, classified{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := testKnowledge(graph)
			c.known(k)
			change := watch.Change{Path: at(c.file), Op: watch.Written}
			have := k.classify(change, seen{}.disk())
			c.want.Change, c.want.Class, c.want.Reason, c.want.commands = change, c.class, have.Reason, have.commands
			if !reflect.DeepEqual(have, c.want) || have.Runs != (len(have.commands) > 0) {
				t.Errorf("have %+v\nwant %+v", have, c.want)
			}
		})
	}
}

// TestHinges: a batch waits for the workers' reports if nothing else would replace workers or begin a build.
func TestHinges(t *testing.T) {
	read := classified{Effect: Effect{Class: Restart}, read: true}
	ruled := classified{Effect: Effect{Class: Restart}, ruled: true}
	embedded := classified{Effect: Effect{Class: Rebuild}, embedded: true}
	code := classified{Effect: Effect{Class: Rebuild}}
	live := classified{Effect: Effect{Class: Live}, read: true}
	const open, quiet = false, true
	for _, c := range []struct {
		name           string
		settled        bool
		changes, fresh []classified
		writes         bool
		want           bool
	}{
		{"nothing", quiet, nil, nil, true, false},
		{"a file that workers read", quiet, []classified{read}, []classified{read}, false, true},
		{"and the tree is not quiet", open, []classified{read}, []classified{read}, false, false},
		{"it was heard of before", quiet, []classified{read}, nil, false, true},
		{"and code", quiet, []classified{read, code}, []classified{read, code}, false, false},
		{"and code, which was heard of before", quiet, []classified{read, code}, []classified{read}, false, true},
		{"and what a rule decides", quiet, []classified{read, ruled}, []classified{read, ruled}, false, false},
		{"a live file", quiet, []classified{live}, []classified{live}, true, false},
		{"an embedded file", open, []classified{embedded}, []classified{embedded}, false, false},
		{"an embedded file, and workers write files", open, []classified{embedded}, []classified{embedded}, true, true},
		{"an embedded file and code", open, nil, []classified{embedded, code}, true, false},
	} {
		b := judged{seen: seen{Batch: watch.Batch{Settled: c.settled}}, changes: c.changes, fresh: c.fresh}
		if have := b.hinge(c.writes); have != c.want {
			t.Errorf("%s: have %v, want %v", c.name, have, c.want)
		}
	}
}

// TestEachChangeIsClassifiedOnce, although a new change is in two lists.
func TestEachChangeIsClassifiedOnce(t *testing.T) {
	a, b := watch.Change{Path: "/a", Op: watch.Written}, watch.Change{Path: "/b", Op: watch.Created}
	var asked []watch.Change
	batch := seen{Batch: watch.Batch{Changes: []watch.Change{a, b}, Fresh: []watch.Change{b}}}
	have := batch.judge(func(change watch.Change) classified {
		asked = append(asked, change)
		return classified{Effect: Effect{Change: change, Class: Class(len(asked))}}
	})
	if want := []watch.Change{b, a}; !slices.Equal(asked, want) {
		t.Errorf("asked about %v, want %v", asked, want)
	}
	if want := []classified{have.changes[1]}; !reflect.DeepEqual(have.fresh, want) || have.changes[0].Path != "/a" {
		t.Errorf("have %+v", have)
	}
}
