package runner

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"hotreload/supervisor"
)

// States at the start of cases. Program "a" serves as generation 1 in each, except in starting.
var (
	idle = state{phase: Idle, settled: true, attempt: attempt{serial: 1}, generation: 1,
		names: names{built: "a", target: "a", serving: "a"}}
	building  = with(idle, func(s *state) { s.phase, s.serial = Building, 2 })
	replacing = with(idle, func(s *state) {
		s.phase, s.serial, s.generation, s.built, s.target = Replacing, 2, 2, "b",
			"b"
	})
	stopping = with(idle, func(s *state) { s.phase = Stopping })
	starting = state{settled: true}

	running = with(building, func(s *state) { s.light = true }) // the commands of rules, alone
)

func with(s state, f func(*state)) state {
	f(&s)
	return s
}

func unquiet(s state) state { return with(s, func(s *state) { s.settled = false }) }
func broken(s state) state  { return with(s, func(s *state) { s.broken = true }) }
func gone(s state) state    { return with(s, func(s *state) { s.built = "" }) }
func dead(s state) state    { return with(s, func(s *state) { s.dead = true }) }

func gated(s state) state   { return with(s, func(s *state) { s.gated = true }) }
func stopped(s state) state { return with(s, func(s *state) { s.stopped = true }) }
func pinned(s state) state  { return with(s, func(s *state) { s.pinned = true }) }

var rollingOrder = Order{Strategy: supervisor.Rolling, Surge: 1}

var (
	quiet        = changed{class: None, settled: true}
	saved        = changed{class: Rebuild}
	savedQuietly = changed{class: Rebuild, settled: true}

	toRun = changed{class: Live, settled: true, runs: true}
)

func TestDecide(t *testing.T) {
	held := func(r result) func(*state) { return func(s *state) { s.held = &r } }
	cases := []struct {
		name string
		from state
		in   input
		to   state
		do   []action
	}{
		{"start", starting, savedQuietly, state{phase: Building, settled: true, attempt: attempt{serial: 1}},
			[]action{startBuild{1}}},

		{"idle: the first change builds at once", idle, saved, unquiet(building), []action{startBuild{2}}},
		{"idle: a changed graph is asked for beside the build", idle, changed{class: Rebuild, graphChanged: true},
			unquiet(building),
			[]action{listPackages{}, startBuild{2}}},
		{"idle: what is built and what was read, in one save", idle, changed{class: Rebuild, settled: true, read: true},
			with(building, func(s *state) { s.restart = true }), []action{startBuild{2}}},
		{"idle: restart waits for quiet", idle, changed{class: Restart},
			with(unquiet(idle), func(s *state) { s.restart = true }), nil},
		{"idle: restart, quiet", idle, changed{class: Restart, settled: true},
			with(idle, func(s *state) { s.phase, s.generation = Replacing, 2 }), []action{replace{2, "a", Order{}}}},
		{"idle: quiet after restart", with(unquiet(idle), func(s *state) { s.restart = true }), quiet,
			with(idle, func(s *state) { s.phase, s.generation = Replacing, 2 }), []action{replace{2, "a", Order{}}}},
		{"idle: live does nothing", idle, changed{class: Live, settled: true}, idle, nil},
		{"idle: none does nothing", idle, quiet, idle, nil},
		{"idle: the graph grew", idle, graphGrew{}, building, []action{startBuild{2}}},
		{"idle: the program is gone", idle, programGone{}, gone(idle), nil},
		{"idle: restart, but the program is gone", gone(idle), changed{class: Restart, settled: true},
			with(gone(building), func(s *state) { s.restart = true }), []action{startBuild{2}}},
		{"idle: r, but the program is gone", gone(idle), reloadKey{},
			with(gone(building), func(s *state) { s.restart = true }), []action{hurry{}, startBuild{2}}},
		{"idle: a build that was killed reports late", idle, built{serial: 1, artifact: "z"}, idle, nil},
		{"idle: served", idle, served{1, "a"}, idle, nil},
		{"idle: died", idle, died{1}, dead(idle), nil},
		{"idle: r", idle, reloadKey{}, with(idle, func(s *state) { s.phase, s.generation = Replacing, 2 }),
			[]action{hurry{}, replace{2, "a", Order{}}}},
		{"idle: r starts the newest program, also one that died", with(dead(idle), func(s *state) { s.built = "b" }),
			reloadKey{}, with(idle, func(s *state) { s.phase, s.generation, s.built, s.target = Replacing, 2, "b", "b" }),
			[]action{hurry{}, replace{2, "b", Order{}}}},
		{"idle: r with no program yet", starting, reloadKey{},
			state{phase: Building, settled: true, attempt: attempt{serial: 1}, restart: true}, []action{hurry{}, startBuild{1}}},
		{"idle: R", idle, rebuildKey{}, with(building, func(s *state) { s.restart = true }),
			[]action{hurry{}, startBuild{2}}},
		{"idle: stop", idle, stopKey{}, stopping, []action{stopWorkers{}}},
		{"idle: kill", idle, killKey{}, stopping, []action{stopWorkers{}, killWorkers{}}},

		{"building: a newer save", building, saved, with(unquiet(building), func(s *state) { s.serial = 3 }),
			[]action{cancelBuild{}, startBuild{3}}},
		{"building: a newer save drops a held result", with(unquiet(building), held(result{artifact: "b"})), saved,
			with(unquiet(building), func(s *state) { s.serial = 3 }), []action{cancelBuild{}, startBuild{3}}},
		{"building: restart is done with the build", building, changed{class: Restart, settled: true},
			with(building, func(s *state) { s.restart = true }), nil},
		{"building: live", building, changed{class: Live, settled: true}, building, nil},
		{"building: quiet", unquiet(building), quiet, building, nil},
		{"building: the graph grew", building, graphGrew{}, with(building, func(s *state) { s.serial = 3 }),
			[]action{cancelBuild{}, startBuild{3}}},
		{"building: the program is gone", building, programGone{}, gone(building), nil},
		{"building: the program is gone, and built as it was, for a restart",
			with(gone(building), func(s *state) { s.restart = true }), built{serial: 2, artifact: "a"},
			with(replacing, func(s *state) { s.built, s.target = "a", "a" }), []action{replace{2, "a", Order{}}}},
		{"building: an older build reports", building, built{serial: 1, artifact: "z"}, building, nil},
		{"building: built before quiet is held", unquiet(building), built{serial: 2, artifact: "b"},
			with(unquiet(building), held(result{artifact: "b"})), nil},
		{"building: quiet takes the held result", with(unquiet(building), held(result{artifact: "b"})), quiet, replacing,
			[]action{replace{2, "b", Order{}}}},
		{"building: built after quiet", building, built{serial: 2, artifact: "b"}, replacing,
			[]action{replace{2, "b", Order{}}}},
		{"building: the same program", building, built{serial: 2, artifact: "a"}, with(idle, func(s *state) { s.serial = 2 }),
			[]action{tellUnchanged{}}},
		{"building: the same program as before ends staleness", broken(dead(building)), built{serial: 2, artifact: "a"},
			with(idle, func(s *state) { s.serial = 2 }), []action{tellUnchanged{}}},
		{"building: the same program, but restart", with(building, func(s *state) { s.restart = true }),
			built{serial: 2, artifact: "a"}, with(replacing, func(s *state) { s.built, s.target = "a", "a" }),
			[]action{replace{2, "a", Order{}}}},
		{"building: moved", building, built{serial: 2, artifact: "b", moved: true},
			with(building, func(s *state) { s.serial = 3 }), []action{cancelBuild{}, startBuild{3}}},
		{"building: built ends a failure", broken(building), built{serial: 2, artifact: "b"}, replacing,
			[]action{replace{2, "b", Order{}}}},
		{"building: failed before quiet is held", unquiet(building), built{serial: 2, failed: true},
			with(unquiet(building), held(result{failed: true})), nil},
		{"building: failed", building, built{serial: 2, failed: true}, with(broken(idle), func(s *state) { s.serial = 2 }),
			[]action{tellFailed{}}},
		{"building: quiet tells the held failure", with(unquiet(building), held(result{failed: true})), quiet,
			with(broken(idle), func(s *state) { s.serial = 2 }), []action{tellFailed{}}},
		{"building: served", building, served{1, "a"}, building, nil},
		{"building: died", with(building, func(s *state) { s.generation, s.built, s.target = 2, "b", "b" }), died{2},
			with(dead(building), func(s *state) { s.generation, s.built = 2, "b" }), nil},
		{"building: r", building, reloadKey{}, with(building, func(s *state) { s.restart = true }), []action{hurry{}}},
		{"building: R", building, rebuildKey{}, with(building, func(s *state) { s.serial, s.restart = 3, true }),
			[]action{hurry{}, cancelBuild{}, startBuild{3}}},
		{"building: stop", building, stopKey{}, with(stopping, func(s *state) { s.serial = 2 }),
			[]action{cancelBuild{}, stopWorkers{}}},
		{"building: kill", building, killKey{}, with(stopping, func(s *state) { s.serial = 2 }),
			[]action{cancelBuild{}, stopWorkers{}, killWorkers{}}},

		{"idle: commands are run", idle, toRun, running, []action{startRun{2}}},
		{"idle: commands are run, then the workers are replaced", idle, changed{class: Restart, settled: true, runs: true},
			with(running, func(s *state) { s.restart = true }), []action{startRun{2}}},
		{"idle: commands are run before a build", idle, changed{class: Rebuild, settled: true, runs: true},
			building, []action{startBuild{2}}},
		{"idle: commands are run for a tree that does not build", broken(idle), toRun,
			broken(building), []action{startBuild{2}}},
		{"idle: commands are run, and the program is gone", gone(idle), toRun,
			gone(building), []action{startBuild{2}}},
		{"idle: fed", idle, fed{}, idle, nil},
		{"idle: a run that was killed reports late", idle, ran{1}, idle, nil},
		{"building: commands are run, and it is built after them", building, toRun,
			with(building, func(s *state) { s.serial = 3 }), []action{cancelBuild{}, startBuild{3}}},
		{"replacing: commands are run", replacing, toRun,
			with(replacing, func(s *state) { s.phase, s.serial, s.light = Building, 3, true }), []action{startRun{3}}},
		{"stopped: commands are run with the next build", stopped(idle), toRun,
			with(stopped(idle), func(s *state) { s.pending = Rebuild }), nil},
		{"stopping: commands are not run", stopping, toRun, stopping, nil},
		{"stopping: fed", stopping, fed{}, stopping, nil},
		{"stopping: ran", stopping, ran{1}, stopping, nil},

		{"running: a newer save", running, toRun,
			with(running, func(s *state) { s.serial = 3 }), []action{cancelBuild{}, startRun{3}}},
		{"running: a save that is built", running, savedQuietly,
			with(building, func(s *state) { s.serial = 3 }), []action{cancelBuild{}, startBuild{3}}},
		{"running: restart is done after it", running, changed{class: Restart, settled: true},
			with(running, func(s *state) { s.restart = true }), nil},
		{"running: fed", running, fed{}, building, nil},
		{"running: ran before quiet is held", unquiet(running), ran{2},
			with(unquiet(running), held(result{artifact: "a", ran: true})), nil},
		{"running: quiet", with(unquiet(running), held(result{artifact: "a", ran: true})), quiet,
			with(idle, func(s *state) { s.serial = 2 }), []action{tellRan{}}},
		{"running: ran", running, ran{2}, with(idle, func(s *state) { s.serial = 2 }), []action{tellRan{}}},
		{"running: ran, of a program that died", dead(running), ran{2},
			with(dead(idle), func(s *state) { s.serial = 2 }), []action{tellRan{}}},
		{"running: ran, for a restart", with(running, func(s *state) { s.restart = true }), ran{2},
			with(replacing, func(s *state) { s.built, s.target = "a", "a" }), []action{replace{2, "a", Order{}}}},
		{"running: ran, and the program is gone", gone(running), ran{2},
			with(gone(building), func(s *state) { s.serial = 3 }), []action{cancelBuild{}, startBuild{3}}},
		{"running: an older one reports", running, ran{1}, running, nil},
		{"running: failed", running, built{serial: 2, failed: true},
			with(broken(idle), func(s *state) { s.serial = 2 }), []action{tellFailed{}}},
		{"running: r", running, reloadKey{}, with(running, func(s *state) { s.restart = true }), []action{hurry{}}},
		{"running: stopped", running, noneWanted{},
			with(stopped(idle), func(s *state) { s.serial, s.pending = 2, Rebuild }), []action{cancelBuild{}}},
		{"running: stop", running, stopKey{},
			with(stopping, func(s *state) { s.serial = 2 }), []action{cancelBuild{}, stopWorkers{}}},

		{"replacing: a save", replacing, saved, with(unquiet(replacing), func(s *state) { s.phase, s.serial = Building, 3 }),
			[]action{startBuild{3}}},
		{"replacing: restart", replacing, changed{class: Restart, settled: true},
			with(replacing, func(s *state) { s.generation = 3 }), []action{replace{3, "b", Order{}}}},
		{"replacing: live", replacing, changed{class: Live, settled: true}, replacing, nil},
		{"replacing: the graph grew", replacing, graphGrew{},
			with(replacing, func(s *state) { s.phase, s.serial = Building, 3 }), []action{startBuild{3}}},
		{"replacing: the program is gone", replacing, programGone{}, gone(replacing), nil},
		{"replacing: a build that was killed reports late", replacing, built{serial: 2, artifact: "z"}, replacing, nil},
		{"replacing: served", replacing, served{2, "b"}, with(replacing, func(s *state) { s.phase, s.serving = Idle, "b" }),
			nil},
		{"replacing: what serves does not make a broken tree whole", broken(replacing), served{2, "b"},
			with(broken(replacing), func(s *state) { s.phase, s.serving = Idle, "b" }), nil},
		{"replacing: an older one served just before", replacing, served{1, "a"}, replacing, nil},
		{"replacing: died", replacing, died{2}, with(dead(replacing), func(s *state) { s.phase, s.target = Idle, "a" }), nil},
		{"replacing: an older one died", replacing, died{1}, replacing, nil},
		{"replacing: r", replacing, reloadKey{}, with(replacing, func(s *state) { s.generation = 3 }),
			[]action{hurry{}, replace{3, "b", Order{}}}},
		{"replacing: R", replacing, rebuildKey{}, with(replacing,
			func(s *state) { s.phase, s.serial, s.restart = Building, 3, true }), []action{hurry{}, startBuild{3}}},
		{"replacing: stop", replacing, stopKey{}, with(replacing, func(s *state) { s.phase = Stopping }),
			[]action{stopWorkers{}}},
		{"replacing: kill", replacing, killKey{}, with(replacing, func(s *state) { s.phase = Stopping }),
			[]action{stopWorkers{}, killWorkers{}}},

		{"gated: a build begins", gated(starting), savedQuietly,
			gated(state{phase: Building, settled: true, attempt: attempt{serial: 1}}), []action{startBuild{1}}},
		{"gated: what was built waits", gated(building), built{serial: 2, artifact: "b"},
			with(gated(building), held(result{artifact: "b"})), nil},
		{"gated: a failure does not wait", gated(building), built{serial: 2, failed: true},
			with(gated(broken(idle)), func(s *state) { s.serial = 2 }), []action{tellFailed{}}},
		{"gated: admitted", with(gated(building), held(result{artifact: "b"})), admitted{}, replacing,
			[]action{replace{2, "b", Order{}}}},
		{"gated: admitted before anything was built", gated(building), admitted{}, building, nil},

		{"stopped: a save is kept", stopped(idle), savedQuietly, with(stopped(idle), func(s *state) { s.pending = Rebuild }),
			nil},
		{"stopped: the build is given up", building, noneWanted{},
			with(stopped(idle), func(s *state) { s.serial, s.pending = 2, Rebuild }), []action{cancelBuild{}}},
		{"stopped: the strongest is kept", with(stopped(idle), func(s *state) { s.pending = Rebuild }),
			changed{class: Restart, settled: true}, with(stopped(idle), func(s *state) { s.pending = Rebuild }), nil},
		{"stopped: the graph is kept up to date", stopped(idle), changed{class: Rebuild, settled: true, graphChanged: true},
			with(stopped(idle), func(s *state) { s.pending = Rebuild }), []action{listPackages{}}},
		{"stopped: nothing has changed", idle, noneWanted{}, stopped(idle), nil},
		{"stopped: go on with nothing", stopped(idle), someWanted{}, idle, nil},
		{"stopped: while workers are replaced", replacing, noneWanted{}, stopped(replacing), nil},
		{"stopped: go on", with(stopped(idle), func(s *state) { s.pending = Rebuild }), someWanted{}, building,
			[]action{startBuild{2}}},

		{"pinned: a save is built", pinned(idle), savedQuietly, pinned(building), []action{startBuild{2}}},
		{"pinned: built, and only told", pinned(building), built{serial: 2, artifact: "b"},
			with(pinned(idle), func(s *state) { s.serial, s.built, s.old = 2, "b", true }), []action{leaveRunning{}}},
		{"pinned: the first is started", pinned(starting), savedQuietly,
			pinned(state{phase: Building, settled: true, attempt: attempt{serial: 1}}), []action{startBuild{1}}},
		{"pinned: built as it was is old no more", with(pinned(building), func(s *state) { s.old = true }),
			built{serial: 2, artifact: "a"}, with(pinned(idle), func(s *state) { s.serial = 2 }), []action{tellUnchanged{}}},
		{"pinned: restart is only told", pinned(idle), changed{class: Restart, settled: true},
			with(pinned(idle), func(s *state) { s.old = true }), []action{leaveRunning{}}},
		{"pinned: r is only told", pinned(idle), reloadKey{}, with(pinned(idle), func(s *state) { s.old = true }),
			[]action{hurry{}, leaveRunning{}}},
		{"pinned: on request", with(pinned(idle), func(s *state) { s.built, s.old = "b", true }), restartKey{},
			with(pinned(replacing), func(s *state) { s.serial = 1 }), []action{hurry{}, replace{2, "b", Order{}}}},
		{"pinned: on request, after the build", pinned(building), restartKey{},
			with(pinned(building), func(s *state) { s.restart, s.asked = true, true }), []action{hurry{}}},
		{"pinned: one that died is replaced", with(dead(pinned(building)), func(s *state) { s.target = "" }),
			built{serial: 2, artifact: "b"}, pinned(replacing), []action{replace{2, "b", Order{}}}},

		{"an order", idle, reloadKey{rollingOrder}, with(idle, func(s *state) { s.phase, s.generation = Replacing, 2 }),
			[]action{hurry{}, replace{2, "a", rollingOrder}}},
		{"an order waits for the build", building, reloadKey{rollingOrder},
			with(building, func(s *state) { s.restart, s.order = true, rollingOrder }), []action{hurry{}}},
		{"restart", idle, restartKey{}, with(idle, func(s *state) { s.phase, s.generation = Replacing, 2 }),
			[]action{hurry{}, replace{2, "a", Order{}}}},

		{"stopping: restart key", stopping, restartKey{}, stopping, nil},
		{"stopping: admitted", stopping, admitted{}, stopping, nil},
		{"stopping: stopped", stopping, noneWanted{}, stopping, nil},
		{"stopping: let in", stopping, someWanted{}, stopping, nil},
		{"stopping: a save", stopping, savedQuietly, stopping, nil},
		{"stopping: restart", stopping, changed{class: Restart, settled: true}, stopping, nil},
		{"stopping: live", stopping, changed{class: Live, settled: true}, stopping, nil},
		{"stopping: the graph grew", stopping, graphGrew{}, stopping, nil},
		{"stopping: the program is gone", stopping, programGone{}, stopping, nil},
		{"stopping: built", stopping, built{serial: 1, artifact: "b"}, stopping, nil},
		{"stopping: served", stopping, served{1, "a"}, stopping, nil},
		{"stopping: died", stopping, died{1}, stopping, nil},
		{"stopping: r", stopping, reloadKey{}, stopping, nil},
		{"stopping: R", stopping, rebuildKey{}, stopping, nil},
		{"stopping: stop again kills", stopping, stopKey{}, stopping, []action{killWorkers{}}},
		{"stopping: kill", stopping, killKey{}, stopping, []action{killWorkers{}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			to, do := decide(c.from, c.in)
			if !reflect.DeepEqual(to, c.to) {
				t.Errorf("state\nhave %+v\nwant %+v", to, c.to)
			}
			if !reflect.DeepEqual(do, c.do) {
				t.Errorf("actions\nhave %#v\nwant %#v", do, c.do)
			}
		})
	}
}

// world is a developer, a compiler and a supervisor without time: the opponent of decide in TestLastSaveWins. A tree is
// a number. Its program has the same number, unless the tree does not compile (a multiple of 5) or the program dies at
// the start (a multiple of 7).
type world struct {
	state    state
	tree     int
	building map[int]int // serial -> tree of the build
	asset    int         // the input of a rule's command
	made     int         // the input at the last run of the command
	running  int         // serial of a build that only runs commands; 0 without such a build
	offered  map[int]string
	serving  string
	told     string // the last verdict: "failed", "same" or ""
	target   int    // generation
}

func program(tree int) string { return fmt.Sprint("p", tree) }
func fails(tree int) bool     { return tree%5 == 0 }
func dies(p string) bool {
	var tree int
	fmt.Sscanf(p, "p%d", &tree)
	return tree%7 == 0
}

func (w *world) input(t *testing.T, in input) {
	next, actions := decide(w.state, in)
	w.state = next
	for _, a := range actions {
		switch a := a.(type) {
		case startBuild:
			if len(w.building) > 0 || w.running > 0 {
				t.Fatalf("build %d starts while %v runs", a.serial, w.building)
			}
			w.building[a.serial] = w.tree
		case startRun:
			if len(w.building) > 0 || w.running > 0 {
				t.Fatalf("run %d starts while %v runs", a.serial, w.building)
			}
			w.running = a.serial
		case cancelBuild:
			clear(w.building)
			w.running = 0
		case replace:
			if a.generation <= w.target {
				t.Fatalf("generation %d after %d", a.generation, w.target)
			}
			w.target, w.offered[a.generation], w.told = a.generation, a.artifact, ""
		case tellFailed:
			w.told = "failed"
		case tellUnchanged:
			w.told = "same"
		}
	}
}

// step lets one of the possible events happen.
func (w *world) step(t *testing.T, r *rand.Rand) {
	switch r.IntN(10) {
	case 8: // a save of a command's input
		w.asset++
		w.input(t, changed{class: []Class{None, Live, Restart}[r.IntN(3)], settled: r.IntN(2) == 0, runs: true})
	case 9: // the command writes compiled files
		if w.running > 0 {
			w.tree = 1 + r.IntN(40)
			w.input(t, fed{})
		}
	case 0, 1: // a save
		w.tree = 1 + r.IntN(40)
		w.input(t, changed{class: Rebuild, settled: false})
	case 2: // the window is over
		w.input(t, changed{class: None, settled: true})
	case 3:
		w.finishBuild(t)
	case 4:
		w.finishReplace(t)
	case 5:
		w.input(t, reloadKey{})
	case 6:
		if w.state.stopped {
			w.input(t, someWanted{})
		} else {
			w.input(t, noneWanted{})
		}
	case 7:
		w.input(t, changed{class: Restart, settled: r.IntN(2) == 0})
	}
}

func (w *world) finishBuild(t *testing.T) {
	if serial := w.running; serial > 0 {
		w.running, w.made = 0, w.asset
		if w.state.light {
			w.input(t, ran{serial})
		} else {
			w.building[serial] = w.tree
		}
	}
	if len(w.building) > 0 {
		w.made = w.asset
	}
	for serial, tree := range w.building {
		delete(w.building, serial)
		w.input(t, built{serial: serial, artifact: program(tree), failed: fails(tree)})
	}
}

func (w *world) finishReplace(t *testing.T) {
	artifact, waits := w.offered[w.target]
	if !waits {
		return
	}
	if dies(artifact) && w.serving == "" {
		return // without an older program, the new one is started again and again
	}
	delete(w.offered, w.target)
	if dies(artifact) {
		w.input(t, died{w.target})
		return
	}
	w.serving = artifact
	w.input(t, served{w.target, artifact})
}

// When everything has come to rest, the tree as saved serves, or the user was told why not: in every order of events.
func TestLastSaveWins(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := &world{tree: 1, building: map[int]int{}, offered: map[int]string{}}
		w.input(t, changed{class: Rebuild, settled: true})
		for range 60 {
			w.step(t, r)
		}
		if w.state.stopped {
			w.input(t, someWanted{})
		}
		w.input(t, changed{class: None, settled: true})
		for range 3 {
			w.finishBuild(t)
			w.finishReplace(t)
		}
		if w.made != w.asset {
			t.Fatalf("seed %d: the command has not been run for the last save", seed)
		}
		switch {
		case w.serving == "" && w.offered[w.target] == program(w.tree):
			// the newest program dies again and again
		case w.state.phase != Idle && w.serving != "":
			t.Fatalf("seed %d: at rest in phase %v", seed, w.state.phase)
		case fails(w.tree):
			if !w.state.stale() {
				t.Fatalf("seed %d: tree %d does not compile and nobody knows", seed, w.tree)
			}
		case dies(program(w.tree)) && w.serving != program(w.tree):
			if !w.state.stale() {
				t.Fatalf("seed %d: tree %d dies at the start and nobody knows", seed, w.tree)
			}
		case w.serving != program(w.tree) || w.state.stale():
			t.Fatalf("seed %d: tree %d, but %s serves (stale: %v)", seed, w.tree, w.serving, w.state.stale())
		}
	}
}
