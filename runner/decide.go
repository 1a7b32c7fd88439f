package runner

// Phase is what the loop is in the middle of.
type Phase uint8

const (
	Idle      Phase = iota // nothing to do until something happens
	Building               // a build runs, or its result waits for the tree to be quiet
	Replacing              // the supervisor was given a generation and has not said what became of it
	Stopping               // workers leave; then we do
)

func (p Phase) String() string {
	return [...]string{"idle", "building", "replacing", "stopping"}[p]
}

// state is all that decide goes by. Artifacts are named by their content, so equal names mean equal programs; "" is
// none.
type state struct {
	phase   Phase
	settled bool // no save is in the middle of happening

	serial int     // of the newest build; results of others are dropped
	held   *result // result of that build, held back until the tree is quiet

	gated   bool  // others have to serve first
	halted  bool  // the workers were sent away, and none are wanted
	pending Class // what happened while halted
	restart bool  // workers must be replaced even if the program stays the same
	order   Order // how, if somebody has said

	keeps bool // workers are replaced only on request
	asked bool // there was such a request
	old   bool // the workers that are kept are not what was saved last

	generation int    // the newest that was given to the supervisor
	built      string // newest program that compiled
	target     string // program of the newest generation that has not failed
	serving    string // program of the newest generation that was ready

	broken bool // the tree, as it was last seen quiet, does not build
	dead   bool // the program of the newest generation died before it was ready
}

// result is what became of a build.
type result struct {
	artifact string
	failed   bool
}

// input is something that has happened.
type input interface{ input() }

type (
	// changed: files changed. class is that of what is new since the last input; settled says that the tree is quiet.
	changed struct {
		class   Class
		settled bool
		renew   bool // the module graph may be another
	}
	// graphGrew: a renewed graph named folders that were not watched while the last build ran.
	graphGrew struct{}
	// programGone: somebody removed the newest program, in emptying a cache folder.
	programGone struct{}
	// built: a build ended. moved says that its inputs changed under it.
	built struct {
		serial   int
		artifact string
		failed   bool
		moved    bool
	}
	// served: a generation is ready in all slots.
	served struct {
		generation int
		artifact   string
	}
	// died: a generation failed before it was ready; an older one serves.
	died struct{ generation int }

	admitted struct{} // those that have to serve first do

	reloadKey  struct{ order Order } // replace the workers, with the newest program; those that are kept are told
	restartKey struct{ order Order } // replace the workers, also those that are kept
	rebuildKey struct{}              // build, and replace the workers even if the program is the same
	haltKey    struct{ halted bool } // the workers were sent away; or they were let in again
	stopKey    struct{}              // drain and leave; again: kill
	killKey    struct{}
)

func (changed) input()     {}
func (graphGrew) input()   {}
func (programGone) input() {}
func (built) input()       {}
func (served) input()      {}
func (died) input()        {}
func (admitted) input()    {}
func (reloadKey) input()   {}
func (restartKey) input()  {}
func (haltKey) input()     {}
func (rebuildKey) input()  {}
func (stopKey) input()     {}
func (killKey) input()     {}

// action is an effect for the loop to carry out.
type action interface{ action() }

type (
	startBuild  struct{ serial int } // after the running one, if any, was killed
	cancelBuild struct{}
	replace     struct {
		generation int
		artifact   string
		order      Order
	}
	tellKept      struct{} // the workers stay, and hear that they are old
	renewGraph    struct{}
	tellFailed    struct{} // the held build failure is final: the tree is quiet
	tellUnchanged struct{} // the program is what it was: nothing to replace
	hurry         struct{} // end a back-off
	stopWorkers   struct{}
	killWorkers   struct{}
)

func (startBuild) action()    {}
func (cancelBuild) action()   {}
func (replace) action()       {}
func (tellKept) action()      {}
func (renewGraph) action()    {}
func (tellFailed) action()    {}
func (tellUnchanged) action() {}
func (hurry) action()         {}
func (stopWorkers) action()   {}
func (killWorkers) action()   {}

// decide is the reload loop's rule book: the table in the package doc, cell by cell. It has no clock, no context and
// no effects.
func decide(s state, in input) (state, []action) {
	if s.phase == Stopping {
		return decideStopping(s, in)
	}
	switch in := in.(type) {
	case changed:
		return s.changed(in)
	case graphGrew:
		return s.changed(changed{class: Rebuild, settled: s.settled})
	case programGone:
		s.built = "" // so that the next replacement builds first
		return s, nil
	case built:
		if in.serial != s.serial || s.phase != Building {
			return s, nil // of a build that was killed
		}
		if in.moved {
			return s.build()
		}
		s.held = &result{artifact: in.artifact, failed: in.failed}
		return s.proceed()
	case served:
		s.serving = in.artifact
		if in.generation == s.generation && s.phase == Replacing {
			s.phase = Idle
		}
		return s, nil
	case died:
		if in.generation == s.generation {
			s.target, s.dead = s.serving, true
			if s.phase == Replacing {
				s.phase = Idle
			}
		}
		return s, nil
	case admitted:
		s.gated = false
		return s.proceed()
	case reloadKey:
		return s.reload(in.order)
	case restartKey:
		s.asked = true
		return s.reload(in.order)
	case rebuildKey:
		s.restart = true
		s, actions := s.build()
		return s, append([]action{hurry{}}, actions...)
	case haltKey:
		s.halted = in.halted
		return s.heldBack()
	case stopKey, killKey:
		s, actions := s.stop()
		if _, kill := in.(killKey); kill {
			actions = append(actions, killWorkers{})
		}
		return s, actions
	}
	return s, nil
}

// heldBack gives up a build for nobody, or takes up what has waited.
func (s state) heldBack() (state, []action) {
	switch {
	case s.halted && s.phase == Building:
		s.phase, s.held, s.pending = Idle, nil, Rebuild
		return s, []action{cancelBuild{}}
	case s.halted || s.pending == None:
		return s, nil
	}
	class := s.pending
	s.pending = None
	return s.changed(changed{class: class, settled: s.settled})
}

func (s state) reload(order Order) (state, []action) {
	s.restart, s.order = true, order
	if s.phase == Building {
		return s, []action{hurry{}}
	}
	s, actions := s.proceed()
	return s, append([]action{hurry{}}, actions...)
}

// decideStopping: stop beats all.
func decideStopping(s state, in input) (state, []action) {
	switch in.(type) {
	case stopKey, killKey:
		return s, []action{killWorkers{}}
	}
	return s, nil
}

// done reports whether nothing is to come any more of what has changed.
func (s state) done() bool { return s.phase != Building && !s.restart && s.pending == None }

// stale reports whether what serves is not what was saved last, and will not be without another save.
func (s state) stale() bool { return s.broken || s.dead }

func (s state) changed(in changed) (state, []action) {
	var actions []action
	if in.renew {
		actions = append(actions, renewGraph{})
	}
	s.settled = in.settled
	if s.halted {
		s.pending = max(s.pending, in.class)
		return s, actions
	}
	var more []action
	switch in.class {
	case Rebuild:
		s, more = s.build()
	case Restart:
		s.restart = true
		s, more = s.proceed()
	default:
		s, more = s.proceed()
	}
	return s, append(actions, more...)
}

// build starts a build; one that runs is killed, for it builds what is no longer there.
func (s state) build() (state, []action) {
	var actions []action
	if s.phase == Building {
		actions = append(actions, cancelBuild{})
	}
	s.serial++
	s.phase, s.held = Building, nil
	return s, append(actions, startBuild{s.serial})
}

// proceed does what has waited for the tree to be quiet, if it is.
func (s state) proceed() (state, []action) {
	switch {
	case !s.settled:
		return s, nil
	case s.phase == Building && s.held == nil:
		return s, nil
	case s.phase == Building && s.held.failed:
		s.phase, s.held, s.broken = Idle, nil, true
		return s, []action{tellFailed{}}
	case s.gated:
		return s, nil // with what was built in hand
	case s.phase == Building:
		s.built, s.held, s.broken = s.held.artifact, nil, false
		if s.built == s.target && !s.restart {
			s.phase, s.dead, s.old = Idle, false, false
			return s, []action{tellUnchanged{}}
		}
		return s.replace()
	case !s.restart:
		return s, nil
	case s.built == "":
		return s.build()
	default:
		return s.replace()
	}
}

// replace hands a generation to the supervisor, or leaves it at telling those who are there.
func (s state) replace() (state, []action) {
	if s.keeps && !s.asked && s.target != "" && !s.dead {
		if s.phase == Building {
			s.phase = Idle
		}
		s.restart, s.order, s.old = false, Order{}, true
		return s, []action{tellKept{}}
	}
	order := s.order
	s.generation++
	s.phase, s.restart, s.dead, s.asked, s.old, s.order = Replacing, false, false, false, false, Order{}
	s.target = s.built
	return s, []action{replace{s.generation, s.built, order}}
}

func (s state) stop() (state, []action) {
	var actions []action
	if s.phase == Building {
		actions = append(actions, cancelBuild{})
	}
	s.phase, s.held = Stopping, nil
	return s, append(actions, stopWorkers{})
}
