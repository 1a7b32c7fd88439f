package supervisor

import (
	"fmt"
	"time"
)

// Strategy is how one generation follows another.
type Strategy uint8

const (
	Auto      Strategy = iota // parallel while the workers have their sockets from us, else stop-first
	Parallel                  // all new start; when all are ready, all old drain together
	Rolling                   // slot after slot
	StopFirst                 // all old leave, then all new start
)

var strategies = [...]string{"auto", "parallel", "rolling", "stop-first"}

func (s Strategy) String() string { return strategies[s] }

// ParseStrategy reads a strategy's name.
func ParseStrategy(name string) (Strategy, error) {
	for i, known := range strategies {
		if name == known {
			return Strategy(i), nil
		}
	}
	return 0, fmt.Errorf("unknown strategy %q: it is one of auto, parallel, rolling, stop-first", name)
}

// ReadyRule is what counts as ready.
type ReadyRule uint8

const (
	ReadyAuto   ReadyRule = iota // the first of: READY=1; the probe, or without one the agent's word, a listening socket of its own, alive for AliveFor
	ReadyNotify                  // READY=1 only
	ReadyProbe                   // the probe only
	ReadyAlive                   // alive for AliveFor, whatever else it says
)

// Policy is how workers are kept. Zero durations but Grace are filled in by New from the Default values.
type Policy struct {
	Workers      int // at least 1
	Strategy     Strategy
	Surge        int // rolling: 1 = the new worker is ready before the old one leaves, 0 = the old one leaves first
	Ready        ReadyRule
	Grace        time.Duration // for connections to end, where the agent sees them; then again from the request to finish to SIGKILL; 0 kills at once
	Handover     time.Duration // how long an unready new worker may stand beside a serving old one
	StartTimeout time.Duration // from start to ready, once readiness is something that is waited for
	AliveFor     time.Duration // so long alive counts as ready, if nothing better is known
	StableAfter  time.Duration // ready for so long: a later death is an accident
	Limits       Limits

	probed bool // there is a probe
}

// counts reports whether how is a sign of readiness under this policy. A probe takes the place of what is less certain
// than it.
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

// Defaults of Policy. Grace is amphp's; the others felt right and are not measured, but for AliveFor, which is
// einhorn's.
const (
	DefaultGrace        = 5 * time.Second
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
