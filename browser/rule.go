package browser

import (
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"hotreload/runner"
	"hotreload/supervisor"
)

// service is the state of one service, as pages see the service. The owner holds the state; after returns the next one.
type service struct {
	name       string
	generation int
	newest     int
	since      time.Time // when generation began to serve
	phase      string
	blocked    bool
	problem    *Problem
	tests      *Tests
	back       int // the generation that serves again after the newest one has failed
	soft       *Soft
	order      int // of the last message
	number     int
	recent     []Recent // the newest last
}

// heard is an event with its circumstances, for the rule.
type heard struct {
	service string
	at      time.Time
	event   runner.Event
	problem *Problem // reported by the event, or nil
	tests   *Tests   // reported by the event, or nil
}

// mostRecent is how many changes a page can catch up with, without a reload.
const mostRecent = 50

// after is the rule: it returns a service's state after an event, and the messages for its pages.
func after(s service, h heard) (service, []Message) {
	var told []Message
	tell := func(m Message) { told = append(told, m) }
	switch e := h.event.(type) {
	case runner.Changed:
		atOnce := only(e.Effects, func(e runner.Effect) bool { return e.Class == runner.Live && !e.Runs })
		s, told = s.changed(atOnce, h.at)
	case runner.BuildStarted:
		s.phase = phaseBuilding
		tell(Message{Kind: kindBuilding})
	case runner.BuildEnded:
		if e.Way == "" && s.phase == phaseBuilding { // the build has no result
			s, told = s.rests()
		}
	case runner.BuildFailed:
		s, told = s.rests()
		s, told = s.fails(h, told)
	case runner.Unchanged:
		s, told = s.rests()
		s, told = s.mended(told)
	case runner.Ran:
		s, told = s.changed(only(e.Effects, func(e runner.Effect) bool { return e.Class == runner.Live }), h.at)
		rested, also := s.rests()
		s, told = rested.mended(append(told, also...))
	case runner.LeftRunning:
		s, told = s.rests()
	case runner.Replacement:
		s.newest, s.phase = e.Generation, phaseReplacing
		tell(Message{Kind: kindPhase, Phase: s.phase})
	case runner.Reloaded:
		s, told = s.reloaded(e, h.at)
	case runner.ProblemsNow:
		if !reflect.DeepEqual(s.tests, h.tests) {
			s.tests = h.tests
			tell(Message{Kind: kindTests, Tests: s.tests})
		}
	case runner.SlotsStopped:
		if s.phase = phaseIdle; e.Slots >= e.Of {
			s.phase = phaseStopped
		}
		tell(Message{Kind: kindPhase, Phase: s.phase})
	case runner.Leaving:
		s.phase = phaseEnded
		tell(Message{Kind: kindPhase, Phase: s.phase})
	case runner.Service:
		s, told = s.ofWorkers(e.Event, h)
	}
	for i := range told {
		told[i].Service = s.name
	}
	return s, told
}

func only(effects []runner.Effect, wanted func(runner.Effect) bool) (all []runner.Effect) {
	for _, e := range effects {
		if wanted(e) {
			all = append(all, e)
		}
	}
	return all
}

// changed is for files that took effect without a new generation.
func (s service) changed(effects []runner.Effect, at time.Time) (service, []Message) {
	var told []Message
	css, assets, others := sorted(effects)
	note := func(kind string, paths []string) {
		var m Message
		s, m = s.noted(kind, paths, at)
		told = append(told, m)
	}
	switch {
	case len(others) > 0:
		note(kindReload, slices.Concat(others, css, assets))
	default:
		if len(css) > 0 {
			note(kindCSS, css)
		}
		if len(assets) > 0 {
			note(kindAsset, assets)
		}
	}
	return s, told
}

// noted records a change without a new generation. Late pages find the change among the recent ones.
func (s service) noted(kind string, paths []string, at time.Time) (service, Message) {
	s.number++
	kept := s.recent[max(0, len(s.recent)-mostRecent+1):]
	s.recent = append(slices.Clone(kept), Recent{Number: s.number, Kind: kind, Paths: paths, At: at})
	return s, Message{Kind: kind, Service: s.name, Paths: paths, Number: s.number}
}

// rests ends a build or a replacement without a new generation.
func (s service) rests() (service, []Message) {
	if s.phase != phaseBuilding && s.phase != phaseReplacing {
		return s, nil
	}
	switch s.phase = phaseIdle; {
	case s.blocked:
		s.phase = phasePaused
	case s.generation == 0:
		s.phase = phaseStarting
	}
	return s, []Message{{Kind: kindPhase, Phase: s.phase}}
}

func (s service) fails(h heard, told []Message) (service, []Message) {
	if h.problem == nil {
		return s, told
	}
	p := *h.problem
	p.At = h.at
	if p.Serving > 0 && p.Serving == s.generation {
		p.Since = s.since
	}
	s.problem = &p
	return s, append(told, Message{Kind: kindProblem, Problem: s.problem})
}

func (s service) mended(told []Message) (service, []Message) {
	if s.problem == nil {
		return s, told
	}
	s.problem = nil
	return s, append(told, Message{Kind: kindFixed})
}

func (s service) reloaded(e runner.Reloaded, at time.Time) (service, []Message) {
	if e.Generation == s.back && e.Generation < s.newest { // the newer generation has failed, and the problem remains
		s.back = 0
		s, told := s.serves(e.Generation, at)
		s, also := s.rests()
		return s, append(told, also...)
	}
	before := s.generation
	s, told := s.mended(nil)
	if s.phase == phaseReplacing || s.phase == phaseStarting {
		s.phase = phaseIdle
		told = append(told, Message{Kind: kindPhase, Phase: s.phase})
	}
	css, assets, others := sorted(only(e.Effects, func(e runner.Effect) bool {
		return e.Class >= runner.Live && e.Class != runner.Startup
	}))
	if before == 0 || len(others) > 0 || len(css)+len(assets) == 0 {
		s.generation, s.since, s.soft = e.Generation, at, nil
		return s, append(told, Message{Kind: kindReload, Generation: e.Generation, Paths: slices.Concat(others, css, assets)})
	}
	soft := Soft{From: before}
	if s.soft != nil {
		soft = *s.soft
	}
	soft.CSS, soft.Assets = union(soft.CSS, css), union(soft.Assets, assets)
	s.generation, s.since, s.soft = e.Generation, at, &soft
	if len(css) > 0 {
		told = append(told, Message{Kind: kindCSS, Generation: e.Generation, Paths: css})
	}
	if len(assets) > 0 {
		told = append(told, Message{Kind: kindAsset, Generation: e.Generation, Paths: assets})
	}
	return s, told
}

// serves is for a generation that serves again: pages of a newer generation reload.
func (s service) serves(generation int, at time.Time) (service, []Message) {
	s.generation, s.since, s.soft = generation, at, nil
	return s, []Message{{Kind: kindReload, Generation: generation}}
}

func (s service) ofWorkers(event supervisor.Event, h heard) (service, []Message) {
	switch e := event.(type) {
	case supervisor.Blocked:
		s.blocked, s.phase = true, phasePaused
		return s, []Message{{Kind: kindPhase, Phase: s.phase}}
	case supervisor.Unblocked:
		s.blocked, s.phase = false, phaseIdle
		return s, []Message{{Kind: kindPhase, Phase: s.phase}}
	case supervisor.Failed:
		s.back = e.Serving
		s, told := s.rests()
		return s.fails(h, told)
	case supervisor.Exited:
		if s.problem != nil && s.problem.Kind != problemCrash {
			return s, nil // the present problem is worse, or is the same failure to start
		}
		return s.fails(h, nil)
	case supervisor.BecameReady:
		if s.problem != nil && s.problem.Kind == problemCrash && s.problem.slot == e.Slot {
			return s.mended(nil)
		}
	}
	return s, nil
}

// state returns the first message for a page. began is the time of the request for the page; zero if unknown.
func (s service) state(run string, options Options, began time.Time) *State {
	recent := slices.Clone(s.recent)
	markLate(recent, began)
	return &State{
		Version: 1, Run: run, Service: s.name, Generation: s.generation, Newest: s.newest, Since: s.since, Phase: s.phase,
		Problem: s.problem, Tests: s.tests, Soft: s.soft, Order: s.order,
		Number: s.number, Recent: recent, Options: options,
	}
}

// markLate marks the changes that a page has not seen whose document was asked for at began; zero if that is unknown.
func markLate(recent []Recent, began time.Time) {
	for i := range recent {
		recent[i].Late = !began.IsZero() && recent[i].At.After(began)
	}
}

// sorted sorts changed files by the page's reaction. Source maps are left out: no page shows them.
func sorted(effects []runner.Effect) (css, assets, others []string) {
	for _, e := range effects {
		path := filepath.ToSlash(e.Path)
		switch runner.Shown(e.Path) {
		case runner.ShownAsStyle:
			css = union(css, []string{path})
		case runner.ShownAsAsset:
			assets = union(assets, []string{path})
		case runner.ShownByReload:
			others = union(others, []string{path})
		}
	}
	return css, assets, others
}

// union returns a with the missing elements of b, and changes neither.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, one := range b {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}
