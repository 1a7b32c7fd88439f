package runner

import (
	"context"
	"slices"
	"strings"
	"time"

	"hotreload/problems"
	"hotreload/supervisor"
	"hotreload/supervisor/inspect"
)

// Status is the state of a service: a value, for people and programs. Durations are in nanoseconds. In JSON, the fields
// of all parts are fields of one object.
type Status struct {
	Name string `json:"name"` // the service's name; "" for the only one
	Setup

	Phase   string `json:"phase"`   // idle, building, replacing, stopping
	Serving int    `json:"serving"` // generation; 0 = none yet
	Newest  int    `json:"newest"`  // generation
	Stale   bool   `json:"stale"`   // the serving code is older than the last save
	Failure string `json:"failure"` // why Stale: the compiler's or the worker's output
	Blocked string `json:"blocked"` // why no worker may start; "" if workers may
	Waiting

	Program string `json:"program"` // import path of the main package, or the command; "" until known
	BuildState

	Addresses []string             `json:"addresses"`   // where the workers can be reached
	Wanted    int                  `json:"wanted"`      // number of workers to run
	Workers   []Worker             `json:"workers"`     // by slot, then by age
	Exits     []Exit               `json:"exits"`       // how workers have exited, the latest first
	Problems  []problems.Problem   `json:"diagnostics"` // why Stale, and panics of workers
	Counters  []supervisor.Counter `json:"counters"`    // of the service, with the sums of the workers' counters
}

// Setup is the part of a Status from the settings.
type Setup struct {
	Pinned    bool     `json:"kept"`       // reloadable = false: workers are replaced only on request
	BuildOnly bool     `json:"build_only"` // the program is built but not run
	Slots     int      `json:"slots"`      // number of slots, including stopped ones
	Strategy  string   `json:"strategy"`
	Alone     string   `json:"alone"`   // why old workers exit before new ones start; "" if no reason is known
	Listen    []string `json:"listen"`  // addresses of the sockets opened by hotreload at its start
	Pending   []string `json:"pending"` // settings for the next start
	Switch    string   `json:"switch"`  // the service's name in the kill switch
}

// Waiting is the part of a Status about what the service waits for.
type Waiting struct {
	Quiet bool `json:"quiet"` // no save is in progress
	Waits bool `json:"waits"` // other services must serve first
	Old   bool `json:"old"`   // the service is pinned, and newer code waits for a restart
}

// BuildState is the part of a Status about the newest program.
type BuildState struct {
	Agent      bool   `json:"agent"`      // the workers have the agent, so connections are handed over
	Built      string `json:"built"`      // how the last build was done, and if by go build, why; "" before the first
	Packages   int    `json:"packages"`   // in the program
	Folders    int    `json:"folders"`    // watched for the build
	FilesKnown int    `json:"files_read"` // number of watched files opened by workers
}

// Worker is one worker in a Status.
type Worker struct {
	Slot       int           `json:"slot"`
	Generation int           `json:"generation"`
	Pid        int           `json:"pid"`
	State      string        `json:"state"` // starting, ready, draining
	Uptime     time.Duration `json:"uptime"`

	Counters     []supervisor.Counter `json:"counters"`
	Text         string               `json:"text,omitempty"`         // the worker's report about itself
	Unresponsive bool                 `json:"unresponsive,omitempty"` // the worker has not answered in time
}

// Exit is one way of workers' exits.
type Exit struct {
	What  string    `json:"what"`  // exit code 1, killed by SIGKILL, …
	Count int       `json:"count"` // how often
	Asked int       `json:"asked"` // how many of them at hotreload's request
	Last  time.Time `json:"last"`
	Words string    `json:"words"` // the last lines on stderr of the last such worker
}

// Status returns the state of the service.
func (r *Runner) Status(ctx context.Context) (Status, error) {
	s, err := r.Look(ctx)
	return r.counted(ctx, s), err
}

// Look is Status without answers of the system and the workers, and returns at once.
func (r *Runner) Look(ctx context.Context) (s Status, err error) {
	err = r.query(ctx, func(l *loop) bool { s = l.status(); return true })
	return s, err
}

// stale reports whether the serving code is not the last save.
func (l *loop) stale() bool { return l.state.stale() || l.crew.loops }

func (l *loop) status() Status {
	s := Status{
		Name: l.config.Name,
		Setup: Setup{
			Switch: l.config.switchName(), BuildOnly: l.config.BuildOnly, Pinned: l.state.pinned,
			Listen: []string{}, Pending: append([]string{}, l.config.Pending...),
		},
		Phase: l.state.phase.String(), Newest: l.state.generation, Stale: l.stale(), Problems: l.problems(),
		Waiting: Waiting{Quiet: l.state.settled, Waits: l.state.gated, Old: l.state.old},
		BuildState: BuildState{
			Agent: l.programs.agent(l.crew.serving), Built: l.programs.way, FilesKnown: len(l.known.opened.files),
		},
	}
	if graph := l.known.graph; graph != nil {
		s.Program, s.Packages, s.Folders = graph.Main.ImportPath, graph.Len(), len(graph.Dirs())
	}
	if l.config.Command != nil {
		s.Program = strings.Join(l.config.Command, " ")
	}
	for _, a := range l.supervisor.Addresses() {
		s.Listen = append(s.Listen, a.String())
	}
	s.Addresses = slices.Concat(s.Listen, l.crew.kept)
	l.crew.describe(&s, l.config.Service.Policy, time.Now())
	return s
}

// describe adds the workers to a status, and their counters.
func (c *crew) describe(s *Status, policy supervisor.Policy, now time.Time) {
	s.Strategy, s.Alone, s.Blocked, s.Serving = policy.Strategy.String(), c.alone.String(), c.blocked, c.serving
	if !s.BuildOnly {
		s.Slots, s.Wanted = policy.Workers, policy.Workers-len(c.stopped)
	}
	if s.Stale {
		s.Failure = c.words
	}
	s.Workers, s.Exits = []Worker{}, []Exit{}
	ready, leaving, restarts := 0, 0, 0
	for _, w := range c.ordered() {
		up := now.Sub(w.started)
		s.Workers = append(s.Workers, Worker{
			Slot: w.Slot, Generation: w.Generation, Pid: w.Pid, State: w.state.String(), Uptime: up,
			Counters: []supervisor.Counter{
				supervisor.Gauge("uptime", up.Seconds(), "s"),
				supervisor.Total("restarts", float64(c.restarts[w.Slot])),
			},
		})
		switch {
		case w.state == supervisor.Ready || w.state == supervisor.Stable:
			ready++
		case w.state >= supervisor.Draining:
			leaving++
		}
	}
	for _, n := range c.restarts {
		restarts += n
	}
	for _, e := range c.exits {
		s.Exits = append(s.Exits, Exit{What: e.What, Count: e.Count, Asked: e.Asked, Last: e.Last, Words: e.Words})
	}
	stale := 0.0
	if s.Stale {
		stale = 1
	}
	s.Counters = []supervisor.Counter{
		supervisor.Limited("ready", float64(ready), float64(s.Wanted)),
		supervisor.Gauge("wanted", float64(s.Wanted), ""),
		supervisor.Gauge("leaving", float64(leaving), ""),
		supervisor.Total("restarts", float64(restarts)),
		supervisor.Gauge("generation", float64(s.Serving), ""),
		supervisor.Limited("stale", stale, 1),
	}
	if !c.servedAt.IsZero() {
		s.Counters = append(s.Counters, supervisor.Gauge("generation_age", now.Sub(c.servedAt).Seconds(), "s"))
	}
}

// counted adds the answers of the system and the workers, and the sums. The loop does not call counted, because the
// answers take a while.
func (r *Runner) counted(ctx context.Context, s Status) Status {
	var pids []int
	for _, w := range s.Workers {
		pids = append(pids, w.Pid)
	}
	s.Addresses = reachable(s.Listen, s.Addresses, pids)
	service, workers := r.supervisor.Counters(pids)
	accounts := map[int]supervisor.Account{}
	for _, a := range r.supervisor.Inquire(ctx, supervisor.AllSlots, true) {
		accounts[a.Worker.Pid] = a
	}
	s.Counters = append(s.Counters, service...)
	for i := range s.Workers {
		w := &s.Workers[i]
		w.Counters = append(w.Counters, workers[w.Pid]...)
		account := accounts[w.Pid]
		w.Counters, w.Unresponsive = append(w.Counters, account.Counters...), account.Unresponsive
		if own := account.Status; own != nil {
			w.Counters, w.Text = append(w.Counters, own.Counters...), own.Text
		}
		for _, c := range w.Counters {
			if c.Name == "uptime" || c.Name == "restarts" { // already added by the loop
				continue
			}
			j := slices.IndexFunc(s.Counters, func(sum supervisor.Counter) bool { return sum.Name == c.Name })
			if j < 0 {
				c.Max = nil
				s.Counters = append(s.Counters, c)
			} else {
				s.Counters[j].Value += c.Value
			}
		}
	}
	return s
}

// reachable lists the addresses of a service: the addresses where the system sees workers listen, or else all known
// addresses.
func reachable(given, known []string, pids []int) []string {
	all := slices.Clone(given)
	for _, place := range inspect.Listening(nil, pids...) {
		address := supervisor.Address{Network: place.Network, Addr: place.Addr}
		if address.Network == "tcp6" || address.Network == "tcp4" {
			address.Network = "tcp"
		}
		if text := address.String(); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	if len(all) == 0 {
		return append([]string{}, known...)
	}
	return all
}
