package supervisor

import (
	"fmt"
	"time"
)

// Strategy is the order of stopping old workers and starting new ones.
type Strategy uint8

const (
	Auto      Strategy = iota // parallel if the supervisor holds all sockets of the workers, else stop-first
	Parallel                  // all new workers start; when all are ready, all old ones drain together
	Rolling                   // slot after slot
	StopFirst                 // all old workers exit, then all new ones start
)

var strategies = [...]string{"auto", "parallel", "rolling", "stop-first"}

func (s Strategy) String() string { return strategies[s] }

// Strategies lists the names.
func Strategies() []string { return strategies[:] }

// ParseStrategy reads a name.
func ParseStrategy(name string) (Strategy, error) {
	for i, known := range strategies {
		if name == known {
			return Strategy(i), nil
		}
	}
	return 0, fmt.Errorf("unknown strategy %q: choose auto, parallel, rolling or stop-first", name)
}

// ReadyRule tells which signs of readiness count.
type ReadyRule uint8

const (
	// ReadyAuto is the first of: READY=1; the probe. Without a probe also: the agent's report, a listening socket of
	// the worker's own, running for AliveFor.
	ReadyAuto   ReadyRule = iota
	ReadyNotify           // READY=1 only
	ReadyProbe            // the probe only
	ReadyAlive            // running for AliveFor, whatever the other signs
)

// Policy tells how workers are started, watched and stopped. New replaces durations of zero by the Default values,
// except for Grace and StreamGrace.
type Policy struct {
	Workers  int // at least 1
	Strategy Strategy
	Surge    int // rolling: 1 = the new worker is ready before the old one drains, 0 = the old one exits first
	Ready    ReadyRule

	// Grace is how long connections may take to end if the worker has an agent, and then how long the worker may run
	// after the stop signal before SIGKILL. 0 kills at once.
	Grace time.Duration

	// StreamGrace is how long streams of old workers may continue after the new generation serves, if the workers have
	// an agent. 0 ends streams at once.
	StreamGrace time.Duration

	Handover     time.Duration // how long an unready new worker runs next to a serving old one before a lock is suspected
	StartTimeout time.Duration // from the start to ready, if there is a sign to wait for
	AliveFor     time.Duration // running for so long counts as ready if there is no better sign
	StableAfter  time.Duration // ready for so long: a later exit is an accident
	OnExit       OnExit
	Limits       Limits

	probed bool // a probe is configured
}

// counts reports whether how is a sign of readiness under this policy. A probe replaces less certain signs.
func (p *Policy) counts(how How) bool {
	switch p.Ready {
	case ReadyNotify:
		return how == ByWord
	case ReadyProbe:
		return how == ByProbe
	case ReadyAlive:
		return how == ByAge
	default:
		return how == ByWord || how == ByProbe || !p.probed
	}
}

// Defaults of Policy. Grace is amphp's, AliveFor is einhorn's. The others felt right and are not measured.
const (
	DefaultGrace        = 5 * time.Second
	DefaultStreamGrace  = 500 * time.Millisecond
	DefaultHandover     = 3 * time.Second
	DefaultStartTimeout = 30 * time.Second
	DefaultAliveFor     = time.Second
	DefaultStableAfter  = 5 * time.Second
)

func (p *Policy) fill(inherits, probed bool) {
	p.probed = probed
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&p.Handover, DefaultHandover)
	set(&p.StartTimeout, DefaultStartTimeout)
	set(&p.AliveFor, DefaultAliveFor)
	set(&p.StableAfter, DefaultStableAfter)
	p.Workers = max(p.Workers, 1)
	if p.Strategy == Auto && inherits {
		p.Strategy = Parallel
	}
}
