package runner

import (
	"reflect"
	"slices"
)

// reconfiguration is what Reconfigure brings.
type reconfiguration struct {
	Config
	rules *generators
}

// reconfigure takes over what can be changed while hotreload runs: build flags, the program's arguments and environment,
// how workers are kept, what is watched and ignored, rules, and that the supervisor has other sockets by now. The rest of config is not looked at.
func (r *Runner) reconfigure(config Config, rules *generators) {
	select {
	case r.configs <- reconfiguration{config, rules}:
	case <-r.ended:
	}
}

// takeOver takes over what can be, and does what follows from it.
func (l *loop) takeOver(now reconfiguration) {
	before := l.config
	now.Service.Policy.Workers = max(now.Service.Policy.Workers, 1)
	if now.Service.Policy != l.given || now.Service.Stop != l.config.Service.Stop {
		l.given, l.config.Service.Stop = now.Service.Policy, now.Service.Stop
		workers := l.config.Service.Policy.Workers
		l.config.Service.Policy = now.Service.Policy
		l.config.Service.Policy.Workers = workers
		l.supervisor.Adopt(l.config.Service.Policy, now.Service.Stop)
		l.scale(now.Service.Policy.Workers)
	}
	l.config.OnReload, l.config.Pending = now.OnReload, now.Pending
	l.config.Program, l.config.Rules, l.config.Ignore = now.Program, now.Rules, now.Ignore
	l.config.Watch, l.config.EnvFiles = now.Watch, now.EnvFiles
	l.config.Service.Args, l.config.Service.Env = now.Service.Args, now.Service.Env
	l.config.Program.Args, l.config.Program.Plain = before.Program.Args, before.Program.Plain
	l.config.Service.Listen = now.Service.Listen
	class := None
	if !slices.Equal(before.Service.Listen, now.Service.Listen) {
		l.tell(Listening{Addresses: l.supervisor.Addresses()})
		class = Restart
	}
	if !reflect.DeepEqual(before.Service.Args, now.Service.Args) || !reflect.DeepEqual(before.Service.Env, now.Service.Env) ||
		!slices.Equal(before.EnvFiles, now.EnvFiles) {
		class = Restart
	}
	if !reflect.DeepEqual(before.Rules, now.Rules) {
		l.rules = now.rules
		class = Rebuild
	}
	if !reflect.DeepEqual(before.Program, l.config.Program) {
		l.renewGraph()
		class = Rebuild
	}
	if l.graph != nil {
		l.watchGraph()
	}
	if class != None {
		l.spent = false
		l.input(changed{class: class, settled: l.state.settled})
	} else if l.spent {
		l.conclude()
	}
}
