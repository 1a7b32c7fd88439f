package runner

// Phase is the present step of the loop.
type Phase uint8

const (
	Idle      Phase = iota // nothing to do until the next input
	Building               // a build runs, or its result waits until the tree is quiet
	Replacing              // the supervisor starts a generation, and has not reported the outcome
	Stopping               // workers exit, and then hotreload
)

func (p Phase) String() string {
	return [...]string{"idle", "building", "replacing", "stopping"}[p]
}

// state is everything known to decide.
type state struct {
	phase   Phase
	settled bool // no save is in progress

	attempt
	generation int // the newest given to the supervisor
	names

	restart bool  // workers must be replaced even if the program stays the same
	order   Order // how, if somebody has said

	gated   bool  // services in After do not serve yet
	stopped bool  // all workers were stopped by a user, and none may start
	pending Class // the strongest class of changes while stopped

	pinned bool // workers are replaced only on request: reloadable = false
	asked  bool // a user has requested a replacement
	old    bool // workers are left running with older code than the last save

	broken bool // the tree, when it was last quiet, did not build
	dead   bool // the program of the newest generation exited before ready
}

// attempt is the newest build.
type attempt struct {
	serial int     // results of builds with other numbers are dropped
	light  bool    // only run the commands of rules: no compiled file has changed
	held   *result // its result, held back until the tree is quiet
}

// names are programs. A program's name is made from its content, so equal names mean equal programs; "" is no program.
type names struct {
	built   string // the newest compiled program
	target  string // the program of the newest generation that has not failed
	serving string // the program of the newest generation that was ready
}

// result is the outcome of a build.
type result struct {
	artifact string
	failed   bool
	ran      bool // only commands were run: the program is the same as before
}

// input is something that has happened.
type input interface{ input() }

type (
	// changed: files changed. class is the strongest class of the changes since the last input; settled: the tree is
	// quiet.
	changed struct {
		class        Class
		settled      bool
		graphChanged bool // the program may now consist of other packages or files
		runs         bool // commands of rules run first
		read         bool // workers have read a changed file at their start: replace them even with the same program
	}
	// fed: while commands run, a compiled file has changed, maybe by the commands.
	fed struct{}
	// ran: the commands were run, and there was nothing to build.
	ran struct{ serial int }
	// graphGrew: a newer graph names folders not watched during the last build.
	graphGrew struct{}
	// programGone: the file of the newest program was removed, by somebody who emptied a cache folder.
	programGone struct{}
	// built: a build has ended. moved: its inputs have changed meanwhile.
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
	// died: a generation has failed before it was ready; an older one serves.
	died struct{ generation int }

	admitted struct{} // the services in After serve

	reloadKey  struct{ order Order } // replace the workers, with the newest program; pinned ones are notified
	restartKey struct{ order Order } // replace the workers, pinned ones, too
	rebuildKey struct{}              // build, and replace the workers even if the program is the same
	noneWanted struct{}              // users have stopped all slots
	someWanted struct{}              // not all slots are stopped any more
	stopKey    struct{}              // drain and end; again: kill
	killKey    struct{}
)

func (changed) input()     {}
func (fed) input()         {}
func (ran) input()         {}
func (graphGrew) input()   {}
func (programGone) input() {}
func (built) input()       {}
func (served) input()      {}
func (died) input()        {}
func (admitted) input()    {}
func (reloadKey) input()   {}
func (restartKey) input()  {}
func (noneWanted) input()  {}
func (someWanted) input()  {}
func (rebuildKey) input()  {}
func (stopKey) input()     {}
func (killKey) input()     {}

// action is an effect for the loop to carry out.
type action interface{ action() }

type (
	startBuild  struct{ serial int } // after a running one was killed
	startRun    struct{ serial int } // of the commands of rules alone
	cancelBuild struct{}
	replace     struct {
		generation int
		artifact   string
		order      Order
	}
	leaveRunning  struct{} // the workers stay, and are notified of newer code
	listPackages  struct{}
	tellFailed    struct{} // the held build failure is final: the tree is quiet
	tellUnchanged struct{} // the program is the same as before: nothing to replace
	tellRan       struct{} // commands were run, and nothing has to be replaced
	hurry         struct{} // end a back-off
	stopWorkers   struct{}
	killWorkers   struct{}
)

func (startBuild) action()    {}
func (startRun) action()      {}
func (cancelBuild) action()   {}
func (replace) action()       {}
func (leaveRunning) action()  {}
func (listPackages) action()  {}
func (tellFailed) action()    {}
func (tellUnchanged) action() {}
func (tellRan) action()       {}
func (hurry) action()         {}
func (stopWorkers) action()   {}
func (killWorkers) action()   {}

// decide has the rules of the reload loop: the table in the package documentation, cell by cell. decide has no clock,
// no context and no effects.
func decide(s state, in input) (state, []action) {
	if s.phase == Stopping {
		return decideStopping(s, in)
	}
	switch in := in.(type) {
	case changed:
		return s.changed(in)
	case graphGrew:
		return s.changed(changed{class: Rebuild, settled: s.settled})
	case fed:
		s.light = false
		return s, nil
	case ran:
		if in.serial != s.serial || s.phase != Building {
			return s, nil
		}
		if s.built == "" {
			return s.build()
		}
		s.held = &result{artifact: s.built, ran: true}
		return s.proceed()
	case programGone:
		s.built = "" // so that the next replacement builds first
		return s, nil
	case built:
		if in.serial != s.serial || s.phase != Building {
			return s, nil // the result of a killed build
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
	case noneWanted:
		s.stopped = true
		return s.heldBack()
	case someWanted:
		s.stopped = false
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

// heldBack ends a build when no worker is wanted, and acts on the waiting changes when some are.
func (s state) heldBack() (state, []action) {
	switch {
	case s.stopped && s.phase == Building:
		s.phase, s.light, s.held, s.pending = Idle, false, nil, Rebuild
		return s, []action{cancelBuild{}}
	case s.stopped || s.pending == None:
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

// decideStopping: a stop outranks everything else.
func decideStopping(s state, in input) (state, []action) {
	switch in.(type) {
	case stopKey, killKey:
		return s, []action{killWorkers{}}
	}
	return s, nil
}

// done reports whether nothing more will be done about the changes.
func (s state) done() bool { return s.phase != Building && !s.restart && s.pending == None }

// stale reports whether the serving code is older than the last save, and stays so until the next save.
func (s state) stale() bool { return s.broken || s.dead }

func (s state) changed(in changed) (state, []action) {
	var actions []action
	if in.graphChanged {
		actions = append(actions, listPackages{})
	}
	s.settled = in.settled
	if s.stopped {
		s.pending = max(s.pending, in.class)
		if in.runs {
			s.pending = Rebuild // a build runs the commands, too
		}
		return s, actions
	}
	var more []action
	s.restart = s.restart || in.class == Restart || in.class == Rebuild && in.read
	switch {
	case in.class == Rebuild:
		s, more = s.build()
	case in.runs:
		s, more = s.run()
	default:
		s, more = s.proceed()
	}
	return s, append(actions, more...)
}

// build starts a build. A running build is killed, because its tree is older.
func (s state) build() (state, []action) {
	var actions []action
	if s.phase == Building {
		actions = append(actions, cancelBuild{})
	}
	s.serial++
	s.phase, s.light, s.held = Building, false, nil
	return s, append(actions, startBuild{s.serial})
}

// run runs the commands of rules. A full build follows if one was running, or if no program of the present tree exists.
func (s state) run() (state, []action) {
	if s.built == "" || s.broken || s.phase == Building && !s.light {
		return s.build()
	}
	var actions []action
	if s.phase == Building {
		actions = append(actions, cancelBuild{})
	}
	s.serial++
	s.phase, s.light, s.held = Building, true, nil
	return s, append(actions, startRun{s.serial})
}

// proceed does the waiting work, if the tree is quiet.
func (s state) proceed() (state, []action) {
	switch {
	case !s.settled:
		return s, nil
	case s.phase == Building && s.held == nil:
		return s, nil
	case s.phase == Building && s.held.failed:
		s.phase, s.light, s.held, s.broken = Idle, false, nil, true
		return s, []action{tellFailed{}}
	case s.gated:
		return s, nil // the built program waits
	case s.phase == Building && s.held.ran && !s.restart:
		s.phase, s.light, s.held = Idle, false, nil
		return s, []action{tellRan{}}
	case s.phase == Building:
		s.built, s.light, s.held, s.broken = s.held.artifact, false, nil, false
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

// replace gives a generation to the supervisor. Workers of a pinned service are only notified.
func (s state) replace() (state, []action) {
	if s.pinned && !s.asked && s.target != "" && !s.dead {
		if s.phase == Building {
			s.phase = Idle
		}
		s.restart, s.order, s.old = false, Order{}, true
		return s, []action{leaveRunning{}}
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
	s.phase, s.light, s.held = Stopping, false, nil
	return s, append(actions, stopWorkers{})
}
