package runner

import (
	"reflect"
	"slices"
)

// reconfiguration is a new configuration, and the generators for its rules.
type reconfiguration struct {
	Config
	rules *generators
}

// reconfigure applies the settings that can change while hotreload runs: build flags, the program's arguments and
// environment, the policy for workers, watched and ignored paths, rules, and new sockets, already opened by the
// supervisor. The rest of config is ignored.
func (r *Runner) reconfigure(config Config, rules *generators) {
	select {
	case r.configs <- reconfiguration{config, rules}:
	case <-r.ended:
	}
}

// takeOver applies a new configuration, with its consequences.
func (l *loop) takeOver(now reconfiguration) {
	before := *l.config
	now.Service.Policy.Workers = max(now.Service.Policy.Workers, 1)
	now.Service.Policy.Ready = l.crew.given.Ready   // pending, like the probe of Ready
	if !slices.Equal(before.Command, now.Command) { // pending, with the arguments
		now.Service.Args, now.Program = before.Service.Args, before.Program
	}
	if now.Service.Policy != l.crew.given || now.Service.Stop != l.config.Service.Stop {
		l.crew.given, l.config.Service.Stop = now.Service.Policy, now.Service.Stop
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
	l.config.Program.Debugged = before.Program.Debugged
	l.config.Service.Listen = now.Service.Listen
	class := None
	if !slices.Equal(before.Service.Listen, now.Service.Listen) {
		l.emit(Listening{Addresses: l.supervisor.Addresses()})
		class = Restart
	}
	if !reflect.DeepEqual(before.Service.Args, now.Service.Args) ||
		!reflect.DeepEqual(before.Service.Env, now.Service.Env) ||
		!slices.Equal(before.EnvFiles, now.EnvFiles) {
		class = Restart
	}
	if !reflect.DeepEqual(before.Rules, now.Rules) {
		l.builds.rules = now.rules
		class = Rebuild
	}
	if !reflect.DeepEqual(before.Program, l.config.Program) {
		l.listPackages()
		class = Rebuild
	}
	if l.known.graph != nil {
		l.watchGraph()
	}
	if class != None {
		l.causes.spent = false
		l.input(changed{class: class, settled: l.state.settled})
	} else if l.causes.spent {
		l.causes.conclude()
	}
}
