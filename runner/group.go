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

	"hotreload/supervisor"
)

// Group is the services of one hotreload. Each is a Runner with a loop of its own; what they share is one build for
// each program, and the generators.
type Group struct {
	services []*Runner // in the order in which they were given
	stopping sync.Once

	mu    sync.Mutex // guards the two below
	given []Config   // last, with the sockets that are in force
	rules *generators
}

// Start opens the sockets of all services and starts them, those that have to wait for others when these serve. The rules
// of all have to be the same. The run ends after Stop or Kill, or when ctx is done, which counts as Stop, or when one
// service cannot be run at all.
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
			go g.admit(r, gate) // ends when they serve, or with the service
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

// forgeFor is the forge of a service, which is that of an earlier one if it is for the same program, with one more user.
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

// checkOrder finds fault with names that are not there, and with circles.
func checkOrder(configs []Config) error {
	after := map[string][]string{}
	for _, c := range configs {
		if _, twice := after[c.Name]; twice {
			return &OrderError{fmt.Sprintf("two services are called %q", c.Name)}
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
				return &OrderError{fmt.Sprintf("service %s is to start after %q, which is no service", name, other)}
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

// OrderError is a fault in which services there are and which wait for which.
type OrderError struct{ text string }

func (e *OrderError) Error() string { return e.text }

// addresses are the variables that tell a service where those before it listen: HOTRELOAD_ADDR_ and the service's name,
// and the socket's if it has one.
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

// variable makes a name one that a shell takes for a variable's.
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

// admit opens a service's gate when those serve that it waits for.
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

// Services lists the services, in the order in which they were given.
func (g *Group) Services() []*Runner { return g.services }

// Service finds one by its name; nil if there is none.
func (g *Group) Service(name string) *Runner {
	for _, r := range g.services {
		if r.Name() == name {
			return r
		}
	}
	return nil
}

// Do asks all services for something. Stop lets those go first for which no other waits.
func (g *Group) Do(c Command) {
	if c == Stop && len(g.services) > 1 {
		go g.stop() // ends with the last service
		return
	}
	for _, r := range g.services {
		r.Do(c)
	}
}

// stop stops each service when those are gone that were started after it. The second time it kills.
func (g *Group) stop() {
	first := false
	g.stopping.Do(func() { first = true })
	if !first {
		g.Do(Kill)
		return
	}
	for _, r := range g.services {
		go func() { // ends with those that it waits for
			for _, other := range g.services {
				if slices.Contains(other.config.After, r.Name()) {
					<-other.ended
				}
			}
			r.Do(Stop)
		}()
	}
}

// Err waits for the end of the run and says why it ended: nil after a stop that was asked for.
func (g *Group) Err() error {
	var all []error
	for _, r := range g.services {
		all = append(all, r.Err())
	}
	return errors.Join(all...)
}

// Reconfigure takes over what can be changed while hotreload runs, for each service by its name: see Runner.reconfigure.
// Where services are to listen elsewhere their new sockets are open when it returns, and their workers move. The errors
// are each a *ListenError.
func (g *Group) Reconfigure(configs []Config) []error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(configs) > 0 && !reflect.DeepEqual(g.given[0].Rules, configs[0].Rules) {
		g.rules = newGenerators(configs[0].Rules)
	}
	configs = slices.Clone(configs)
	var faults []error
	for i := range configs { // all, before any is told where the others listen
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

// ListenError says why a service goes on listening where it did.
type ListenError struct {
	Service string
	Err     error
}

func (e *ListenError) Error() string { return e.Err.Error() }
func (e *ListenError) Unwrap() error { return e.Err }

// ErrKept says that nobody would accept on a new socket: workers that are kept are not replaced.
var ErrKept = errors.New("its workers keep their connections")

// relisten opens the sockets that a service is to have and has not. If it cannot, the configuration gets those it has.
func (g *Group) relisten(config *Config) error {
	i := slices.IndexFunc(g.given, func(given Config) bool { return given.Name == config.Name })
	r := g.Service(config.Name)
	if i < 0 || r == nil || slices.Equal(g.given[i].Service.Listen, config.Service.Listen) {
		return nil
	}
	err := ErrKept
	if !r.config.Kept {
		err = r.supervisor.Relisten(config.Service.Listen)
	}
	if err != nil {
		config.Service.Listen = g.given[i].Service.Listen
		config.Pending = append(slices.Clip(config.Pending), "listen")
		return &ListenError{config.Name, err}
	}
	return nil
}

// Target is what a command is for: a service, or one of its slots.
type Target struct {
	*Runner
	Slot int // or supervisor.AllSlots
}

// TargetError says that there is no such service or slot.
type TargetError struct{ text string }

func (e *TargetError) Error() string { return e.text }

// Find finds what is meant by SERVICE, SERVICE/SLOT or, where there is one service, SLOT; "" is all services.
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
		return nil, &TargetError{fmt.Sprintf("there is no service %q: there is %s", name, strings.Join(names, ", "))}
	}
	slot := supervisor.AllSlots
	if hasSlot {
		var err error
		if slot, err = strconv.Atoi(text); err != nil || slot < 0 {
			return nil, &TargetError{fmt.Sprintf("%q is no slot: slots are numbers from 0", text)}
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

// only leaves the workers in a status that the target names.
func (t Target) only(s Status) Status {
	if t.Slot != supervisor.AllSlots {
		s.Workers = slices.DeleteFunc(s.Workers, func(w Worker) bool { return w.Slot != t.Slot })
	}
	return s
}

// Check says if there is no such slot.
func (t Target) Check(ctx context.Context) error {
	if t.Slot == supervisor.AllSlots {
		return nil
	}
	s, err := t.Runner.Status(ctx)
	if err == nil && t.Slot >= s.Slots {
		err = &TargetError{fmt.Sprintf("there is no slot %d: there are %d, from 0", t.Slot, s.Slots)}
	}
	return err
}

// Request asks for something, of the slot alone if the target is one. It returns when that is under way, so that Await
// waits for what comes of it.
func (t Target) Request(r Request) {
	r.Slots = t.slots()
	t.Ask(r)
}

// Signal sends a signal to the workers, and returns the pids of those that got it.
func (t Target) Signal(sig syscall.Signal) []int { return t.supervisor.Signal(sig, t.Slot) }

// Status says how the services stand that a command is for.
func (g *Group) Status(ctx context.Context, targets []Target) ([]Status, error) {
	return each(targets, func(t Target) (Status, error) {
		s, err := t.Runner.Status(ctx)
		return t.only(s), err
	})
}

// Await waits until the tree as it is now has come to something in all of them: see Runner.Await.
func (g *Group) Await(ctx context.Context, targets []Target) ([]Status, error) {
	return each(targets, func(t Target) (Status, error) {
		s, err := t.Runner.Await(ctx)
		return t.only(s), err
	})
}

// Explain says how a change of a path would take effect in each service.
func (g *Group) Explain(ctx context.Context, path string) ([]Explanation, error) {
	all, _ := g.Find("")
	return each(all, func(t Target) (Explanation, error) { return t.Runner.Explain(ctx, path) })
}

// each asks all at the same time, so that one that takes long does not hold up the others' answers.
func each[T any](targets []Target, ask func(t Target) (T, error)) ([]T, error) {
	answers, errs := make([]T, len(targets)), make([]error, len(targets))
	var all sync.WaitGroup
	for i, t := range targets {
		all.Go(func() { answers[i], errs[i] = ask(t) })
	}
	all.Wait()
	return answers, errors.Join(errs...)
}
