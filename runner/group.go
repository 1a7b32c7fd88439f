package runner

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"hotreload/problems"
	"hotreload/supervisor"
)

// Group contains the services of one hotreload. Each is a Runner with its own loop. The services share one build per
// program, and the generators.
type Group struct {
	services []*Runner // in the given order
	stopping sync.Once

	mu    sync.Mutex // guards the two below
	given []Config   // the newest configurations, with the sockets in force
	rules *generators
}

// Start opens the sockets of all services and starts the services: a service with After when the services in After
// serve. All must have the same rules. The run ends after Stop or Kill, when ctx ends (as after Stop), or when one
// service cannot run at all.
func Start(ctx context.Context, configs ...Config) (*Group, error) {
	if err := checkOrder(configs); err != nil {
		return nil, err
	}
	g := &Group{given: slices.Clone(configs), rules: newGenerators(configs[0].Rules)}
	var forges []*forge
	for i, config := range configs {
		f, err := forgeFor(config, configs[:i], forges)
		if err == nil {
			forges = append(forges, f)
			var r *Runner
			if r, err = newRunner(config, f, g.rules); err == nil {
				g.services = append(g.services, r)
				continue
			}
		}
		for _, f := range forges[len(g.services):] {
			f.leave()
		}
		for _, r := range g.services {
			r.abandon()
		}
		return nil, err
	}
	for _, r := range g.services {
		r.config.Service.Env = append(slices.Clip(r.config.Service.Env), g.addresses()...)
		if len(r.config.After) > 0 {
			gate := make(chan struct{})
			r.gate = gate
			go g.admit(r, gate) // ends when the services in After serve, or with this service
		}
	}
	for _, r := range g.services {
		go r.run(ctx) // ends after Stop or Kill; Err waits for it
		if len(g.services) > 1 {
			go func() { // ends with the service
				if r.Err() != nil {
					g.Do(Stop)
				}
			}()
		}
	}
	return g, nil
}

// forgeFor returns the forge of a service, with one more user. Services with the same program share a forge.
func forgeFor(config Config, before []Config, theirs []*forge) (f *forge, err error) {
	for i, other := range before {
		if config.Command == nil && other.Command == nil && reflect.DeepEqual(config.Program, other.Program) {
			f = theirs[i]
		}
	}
	if f == nil {
		if f, err = newForge(config.Cache); err != nil {
			return nil, err
		}
	}
	f.use()
	return f, nil
}

// checkOrder returns an error for unknown names in After, and for circles.
func checkOrder(configs []Config) error {
	after := map[string][]string{}
	for _, c := range configs {
		if _, twice := after[c.Name]; twice {
			return &OrderError{fmt.Sprintf("two services have the name %q", c.Name)}
		}
		after[c.Name] = c.After
	}
	var path []string
	var visit func(name string) error
	visit = func(name string) error {
		if i := slices.Index(path, name); i >= 0 {
			return &OrderError{"services wait for each other: " + strings.Join(append(path[i:], name), " after ")}
		}
		path = append(path, name)
		defer func() { path = path[:len(path)-1] }()
		for _, other := range after[name] {
			if _, there := after[other]; !there {
				return &OrderError{fmt.Sprintf("service %s starts after %q, but there is no such service", name, other)}
			}
			if err := visit(other); err != nil {
				return err
			}
		}
		return nil
	}
	for _, c := range configs {
		if err := visit(c.Name); err != nil {
			return err
		}
	}
	return nil
}

// OrderError means a mistake in the names or the order of the services.
type OrderError struct{ text string }

func (e *OrderError) Error() string { return e.text }

// addresses returns variables with the addresses of all services: HOTRELOAD_ADDR_, the service's name, and the socket's
// name if the socket has one.
func (g *Group) addresses() []string {
	var env []string
	for _, r := range g.services {
		for i, address := range r.supervisor.Addresses() {
			name := r.Name()
			if address.Name != "" {
				name += "_" + address.Name
			} else if i > 0 {
				continue
			}
			env = append(env, "HOTRELOAD_ADDR_"+variable(name)+"="+address.Addr)
		}
	}
	return env
}

// variable turns a name into a valid name of a shell variable.
func variable(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
			return c
		}
		return '_'
	}, name)
}

// admit opens the gate of r when all services in After are serving.
func (g *Group) admit(r *Runner, gate chan<- struct{}) {
	for _, name := range r.config.After {
		select {
		case <-g.Service(name).up:
		case <-r.ended:
			return
		}
	}
	close(gate)
}

// Services lists the services, in the given order.
func (g *Group) Services() []*Runner { return g.services }

// Service returns the service with the given name; nil if there is none.
func (g *Group) Service(name string) *Runner {
	for _, r := range g.services {
		if r.Name() == name {
			return r
		}
	}
	return nil
}

// Do requests a command from all services. Stop begins with the services that no other service waits for.
func (g *Group) Do(c Command) {
	if c == Stop && len(g.services) > 1 {
		go g.stop() // ends with the last service
		return
	}
	for _, r := range g.services {
		r.Do(c)
	}
}

// stop stops each service when all services that start after this one have ended. The second call kills.
func (g *Group) stop() {
	first := false
	g.stopping.Do(func() { first = true })
	if !first {
		g.Do(Kill)
		return
	}
	for _, r := range g.services {
		go func() { // ends with the services that start after this one
			for _, other := range g.services {
				if slices.Contains(other.config.After, r.Name()) {
					<-other.ended
				}
			}
			r.Do(Stop)
		}()
	}
}

// Err waits for the end of the run, and returns the reason of its end; nil after a requested stop.
func (g *Group) Err() error {
	var all []error
	for _, r := range g.services {
		all = append(all, r.Err())
	}
	return errors.Join(all...)
}

// Found takes the problems found by the owner of the run, in the configuration file: the services have these problems
// until the next call.
func (g *Group) Found(ctx context.Context, all []problems.Problem) {
	for _, r := range g.services {
		_ = r.query(ctx, func(l *loop) bool { l.standing.found = all; return true }) // else the run has ended
	}
}

// Testing tells the services whether somebody runs the tests that saves reach: then files of tests have a class.
func (g *Group) Testing(ctx context.Context, on bool) {
	for _, r := range g.services {
		_ = r.query(ctx, func(l *loop) bool { l.config.Tests = on; return true }) // else the run has ended
	}
}

// Tested takes the problems found by tests: the services have these problems until the next call.
func (g *Group) Tested(ctx context.Context, all []problems.Problem) {
	for _, r := range g.services {
		_ = r.query(ctx, func(l *loop) bool { l.standing.tests = all; return true }) // else the run has ended
	}
}

// Serves waits until nothing is built or started any more, and reports whether all services serve what was saved. It
// changes nothing, unlike Await, for which waiting replacements hurry.
func (g *Group) Serves(ctx context.Context) (bool, error) {
	all, _ := g.Find("")
	stale, err := each(all, func(t Target) (bool, error) {
		s, err := t.Runner.outcome(ctx, false)
		return s.Stale, err
	})
	return !slices.Contains(stale, true), err
}

// Reconfigure applies the settings that can change while hotreload runs, for each service by its name: see
// Runner.reconfigure. If services are to listen elsewhere, their new sockets are open when Reconfigure returns, and
// their workers move. Each error is a *ListenError.
func (g *Group) Reconfigure(configs []Config) []error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(configs) > 0 && !reflect.DeepEqual(g.given[0].Rules, configs[0].Rules) {
		before := g.rules
		g.rules = newGenerators(configs[0].Rules)
		g.rules.succeed(before)
	}
	configs = slices.Clone(configs)
	var faults []error
	for i := range configs { // all first, because each service gets the addresses of the others
		if err := g.relisten(&configs[i]); err != nil {
			faults = append(faults, err)
		}
	}
	g.given = configs
	for _, config := range configs {
		if r := g.Service(config.Name); r != nil {
			config.Service.Env = append(slices.Clip(config.Service.Env), g.addresses()...)
			r.reconfigure(config, g.rules)
		}
	}
	return faults
}

// ListenError tells why a service keeps listening on its old sockets.
type ListenError struct {
	Service string
	Err     error
}

func (e *ListenError) Error() string { return e.Err.Error() }
func (e *ListenError) Unwrap() error { return e.Err }

// ErrPinned means: nobody would accept on a new socket, because the workers of a pinned service are not replaced.
var ErrPinned = errors.New("its workers keep their connections (reloadable = false)")

// relisten opens a service's new sockets. If this fails, the configuration gets the present sockets.
func (g *Group) relisten(config *Config) error {
	i := slices.IndexFunc(g.given, func(given Config) bool { return given.Name == config.Name })
	r := g.Service(config.Name)
	if i < 0 || r == nil || slices.Equal(g.given[i].Service.Listen, config.Service.Listen) {
		return nil
	}
	err := ErrPinned
	if !r.config.Pinned {
		err = r.supervisor.Relisten(config.Service.Listen)
	}
	if err != nil {
		config.Service.Listen = g.given[i].Service.Listen
		config.Pending = append(slices.Clip(config.Pending), "listen")
		return &ListenError{config.Name, err}
	}
	return nil
}

// Target is a service, or one of its slots, as the target of a command.
type Target struct {
	*Runner
	Slot int // or supervisor.AllSlots
}

// TargetError means: there is no such service or slot.
type TargetError struct{ text string }

func (e *TargetError) Error() string { return e.text }

// Find resolves SERVICE, SERVICE/SLOT or, if there is only one service, SLOT; "" means all services.
func (g *Group) Find(target string) ([]Target, error) {
	var found []Target
	if target == "" {
		for _, r := range g.services {
			found = append(found, Target{r, supervisor.AllSlots})
		}
		return found, nil
	}
	name, text, hasSlot := strings.Cut(target, "/")
	r := g.Service(name)
	if slot, err := strconv.Atoi(target); r == nil && err == nil && len(g.services) == 1 {
		return []Target{{g.services[0], slot}}, nil
	}
	if r == nil {
		var names []string
		for _, r := range g.services {
			names = append(names, r.Name())
		}
		return nil, &TargetError{fmt.Sprintf("no such service: %q; the services are %s", name, strings.Join(names, ", "))}
	}
	slot := supervisor.AllSlots
	if hasSlot {
		var err error
		if slot, err = strconv.Atoi(text); err != nil || slot < 0 {
			return nil, &TargetError{fmt.Sprintf("%q is not a slot: slots are numbers from 0", text)}
		}
	}
	return []Target{{r, slot}}, nil
}

func (t Target) slots() []int {
	if t.Slot == supervisor.AllSlots {
		return nil
	}
	return []int{t.Slot}
}

// only removes the workers of other slots from a status.
func (t Target) only(s Status) Status {
	if t.Slot != supervisor.AllSlots {
		s.Workers = slices.DeleteFunc(s.Workers, func(w Worker) bool { return w.Slot != t.Slot })
	}
	return s
}

// Check returns an error if there is no such slot.
func (t Target) Check(ctx context.Context) error {
	if t.Slot == supervisor.AllSlots {
		return nil
	}
	s, err := t.Look(ctx)
	if err == nil && t.Slot >= s.Slots {
		err = &TargetError{fmt.Sprintf("no such slot: %d; the service has %d, numbered from 0", t.Slot, s.Slots)}
	}
	return err
}

// Request requests a command, for the slot alone if the target is a slot. Request returns when the loop has the
// request, so that Await waits for the outcome.
func (t Target) Request(r Request) {
	r.Slots = t.slots()
	t.Ask(r)
}

// Signal sends a signal to the workers, and returns the pids of the signalled workers.
func (t Target) Signal(sig syscall.Signal) []int { return t.supervisor.Signal(sig, t.Slot) }

// Look returns the loops' knowledge about all services, LookAt about some, without asking workers.
func (g *Group) Look(ctx context.Context) ([]Status, error) {
	all, _ := g.Find("")
	return g.LookAt(ctx, all)
}

func (g *Group) LookAt(ctx context.Context, targets []Target) ([]Status, error) {
	return each(targets, func(t Target) (Status, error) { return t.Runner.Look(ctx) })
}

// Status returns the state of the targets.
func (g *Group) Status(ctx context.Context, targets []Target) ([]Status, error) {
	return each(targets, func(t Target) (Status, error) {
		s, err := t.Runner.Status(ctx)
		return t.only(s), err
	})
}

// Await waits until the present tree has an outcome in all targets: see Runner.Await.
func (g *Group) Await(ctx context.Context, targets []Target) ([]Status, error) {
	return each(targets, func(t Target) (Status, error) {
		s, err := t.Runner.Await(ctx)
		return t.only(s), err
	})
}

// Explain tells how a change of a path would take effect in each service; without a path, for all files read or written
// by workers.
func (g *Group) Explain(ctx context.Context, path string) ([]Explanation, error) {
	all, _ := g.Find("")
	each, err := each(all, func(t Target) ([]Explanation, error) { return t.Runner.Explain(ctx, path) })
	return slices.Concat(each...), err
}

// each asks all targets at the same time, so that a slow one does not delay the others' answers.
func each[T any](targets []Target, ask func(t Target) (T, error)) ([]T, error) {
	answers, errs := make([]T, len(targets)), make([]error, len(targets))
	var all sync.WaitGroup
	for i, t := range targets {
		all.Go(func() { answers[i], errs[i] = ask(t) })
	}
	all.Wait()
	return answers, errors.Join(errs...)
}
