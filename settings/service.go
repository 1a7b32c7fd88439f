package settings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"hotreload/gobuild"
	"hotreload/runner"
	"hotreload/supervisor"
)

// Service holds the settings of one service.
type Service struct {
	Values   *Values
	Package  []string      // as given by the user; empty for a command
	UserNote string        // why the preferred user is not used; "" if it is
	Config   runner.Config // without output and cache, which exist once per run
}

// Shown returns the service's package or command, as given by the user.
func (s *Service) Shown() string {
	if s.Config.Command != nil {
		return strings.Join(s.Config.Command, " ")
	}
	return strings.Join(s.Package, " ")
}

// declared returns the service of a [[service]] table.
func (w *Wishes) declared(ctx context.Context, r *Resolved, t table) (*Service, error) {
	name, pkg, command := Name.in(t), Package.in(t), Command.in(t)
	fault := func(key string, err error, hint string) error { return r.file.at(r.file.line(t, key), err, hint) }
	var args []string
	switch {
	case pkg != "" && command != nil:
		return nil, fault("command", fmt.Errorf("service %s has both package and command", name),
			"hotreload builds a package, and runs a command as given")
	case pkg == "" && command == nil:
		return nil, fault("name", fmt.Errorf("service %s has neither package nor command", name),
			`package = "./cmd/web", or command = ["npm", "run", "dev"]`)
	case command != nil && t.values[Exec.Key()] != nil:
		return nil, fault(Exec.Key(), fmt.Errorf("service %s has both exec and command", name),
			"write it in front of the command")
	case pkg != "":
		args = append([]string{r.file.pkg(w.Dir, pkg)}, Arguments.in(t)...)
	case len(command) == 0 || command[0] == "":
		return nil, fault("command", errors.New("command is empty"), `command = ["npm", "run", "dev"]`)
	}
	s, err := w.service(ctx, r, t, args)
	if err != nil {
		return nil, err
	}
	c := &s.Config
	c.Name, c.After = name, After.in(t)
	for _, other := range c.After {
		if !r.file.declares(other) {
			return nil, fault("after", fmt.Errorf("after = %q is not a service", other),
				"after lists services that must serve first")
		}
	}
	if _, said := t.values[Reloadable.Key()]; said {
		c.Pinned = !Reloadable.in(t)
	}
	if signal := OnReload.in(t); signal != "" {
		if !c.Pinned {
			return nil, fault("on_reload", errors.New("on_reload without reloadable = false"),
				"only workers that are not replaced need this signal")
		}
		if c.OnReload, err = SignalNamed(signal); err != nil {
			return nil, fault("on_reload", err, "as in HUP, USR1, USR2")
		}
	}
	return s, nil
}

// service reads the settings of one service, from its [[service]] table (if any) and the rest of the file. args are the
// package and its arguments; empty for a command.
func (w *Wishes) service(ctx context.Context, r *Resolved, own table, args []string) (*Service, error) {
	v, err := w.values(r.file, own)
	if err != nil {
		return nil, err
	}
	s := &Service{Values: v}
	c := &s.Config
	*c = runner.Config{Files: runner.Files{Ignore: ignorer(v, w.Dir), Poll: Poll.Of(v)}, Switch: r.KillSwitch}
	c.Tests = Test.Of(r.Values)
	if r.Path != "" {
		c.Startup = []string{r.Path}
	}
	env := w.env
	if r.file != nil {
		if c.Rules, err = r.file.rules(); err != nil {
			return nil, err
		}
		env = withVariables(env, Env.in(own), Env.in(r.file.top))
	}
	if err := v.check(); err != nil {
		return nil, r.file.locate(v, err)
	}
	c.Service = supervisor.Config{
		Env: env, Policy: policy(v), Listen: Listen.Of(v), Probe: Ready.Of(v).probe,
		Stdin: Stdin.Of(v), Stop: StopSignal.Of(v),
	}
	if c.Service.User, s.UserNote, err = identity(v); err != nil {
		return nil, r.file.locate(v, badFlag{User.Name, Usage(err, User.Hint)})
	}
	if command := Command.in(own); command != nil {
		// A command runs in the file's folder: its author wrote it for this folder.
		c.Command = command
		c.Program = gobuild.Program{Dir: filepath.Dir(r.file.path)}
		c.Service.Name, c.Service.Dir = filepath.Base(command[0]), c.Program.Dir
		c.Service.Args = append(slices.Clone(command[1:]), Arguments.in(own)...)
	} else {
		pkg, programArgs, err := choosePackage(ctx, w.Dir, v.GoFlags, env, args)
		if err != nil {
			return nil, err
		}
		if len(args) == 0 && r.file != nil {
			programArgs = Arguments.in(r.file.top)
		}
		s.Package = pkg
		if c.Program, err = w.program(r, v, own, pkg); err != nil {
			return nil, err
		}
		// Use the path, not the current folder itself: a checkout may replace the folder with another of the same name.
		c.Service.Name, c.Service.Dir, c.Service.Args = programName(w.Dir, pkg), c.Program.Dir, programArgs
		if only := BuildOnly.Of(v); only.On {
			c.BuildOnly = true
			if only.Path != "" {
				c.Output = Absolute(w.Dir, only.Path)
			}
		}
		c.Service.Exec = w.wrapper(r, v)
	}
	if err := w.workingFolder(r, s); err != nil {
		return nil, err
	}
	if r.file != nil {
		if c.Hooks, err = r.file.hooks(own); err != nil {
			return nil, err
		}
	}
	return s, w.watched(r, s)
}

// program returns what to build for a package, and the folder in which go runs.
func (w *Wishes) program(r *Resolved, v *Values, own table, pkg []string) (gobuild.Program, error) {
	p := gobuild.Program{
		Dir: w.Dir, Args: pkg, Flags: v.GoFlags, Env: w.env,
		Debug: Debug.Of(v), Plain: NoAgent.Of(v), Slow: Build.Of(v) == "go",
		Patch: Build.Of(v) == "auto",
	}
	if r.file != nil {
		p.Set = withVariables(w.env, BuildEnv.in(own), BuildEnv.in(r.file.top))[len(w.env):]
	}
	place, args := gobuild.Place(w.Dir, pkg, slices.Concat(w.env, p.Set))
	if place == w.Dir {
		return p, nil
	}
	flags, err := gobuild.AbsoluteFlags(w.Dir, p.Flags)
	p.Dir, p.Args, p.Flags = place, args, flags
	return p, err
}

// wrapper returns the command that runs a program. A relative path is relative to its place: the folder of the file, if
// it stands there.
func (w *Wishes) wrapper(r *Resolved, v *Values) []string {
	words := Exec.Of(v)
	if len(words) == 0 {
		return nil
	}
	name := words[0]
	if strings.ContainsAny(name, `/`+string(filepath.Separator)) {
		dir := w.Dir
		if r.file != nil && !w.gives(Exec.Name) {
			dir = filepath.Dir(r.file.path)
		}
		name = Absolute(dir, name)
	}
	return append([]string{name}, words[1:]...)
}

// FindCommands returns an error if the command that should run a program does not exist.
func (r *Resolved) FindCommands() error {
	for _, s := range r.Services {
		words := s.Config.Service.Exec
		if len(words) == 0 {
			continue
		}
		if _, err := exec.LookPath(words[0]); err != nil {
			return r.file.locate(s.Values, badFlag{Exec.Name, Usage(
				fmt.Errorf("--exec %s: no such command", words[0]),
				"exec is a command that runs the program: sudo -E, strace -f",
			)})
		}
	}
	return nil
}

// gives reports whether the command line contains a flag.
func (w *Wishes) gives(name string) bool {
	return slices.ContainsFunc(w.given, func(g given) bool { return g.name == name })
}

// workingFolder returns the workers' folder, if the user has set one.
func (w *Wishes) workingFolder(r *Resolved, s *Service) error {
	dir := Dir.Of(s.Values)
	if dir == "" {
		return nil
	}
	path := Absolute(w.Dir, dir)
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return r.file.locate(s.Values, badFlag{Dir.Name, Usage(
			fmt.Errorf("--dir %s: no such folder", Relative(w.Dir, path)),
			"dir is the program's working folder; in hotreload.toml the path is relative to the file",
		)})
	}
	s.Config.Service.Dir = path
	return nil
}

// watched returns the additional files that a service watches.
func (w *Wishes) watched(r *Resolved, s *Service) error {
	for _, path := range EnvFile.Of(s.Values) {
		s.Config.EnvFiles = append(s.Config.EnvFiles, Absolute(w.Dir, path))
	}
	for _, path := range Watch.Of(s.Values) {
		path := Absolute(w.Dir, path)
		if _, err := os.Stat(path); err != nil {
			return r.file.locate(s.Values, badFlag{Watch.Name, Usage(
				fmt.Errorf("--watch %s: no such file or folder", Relative(w.Dir, path)),
				"paths are relative to the folder where hotreload was started; paths in hotreload.toml, to the folder of the file",
			)})
		}
		s.Config.Watch = append(s.Config.Watch, path)
	}
	return nil
}

// withVariables adds variables that env does not have; the first table with a variable wins.
func withVariables(env []string, tables ...map[string]string) []string {
	there := map[string]bool{}
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		there[name] = true
	}
	added := map[string]string{}
	for _, variables := range slices.Backward(tables) {
		maps.Copy(added, variables)
	}
	env = slices.Clip(env)
	for _, name := range slices.Sorted(maps.Keys(added)) {
		if !there[name] {
			env = append(env, name+"="+added[name])
		}
	}
	return env
}

// identity returns the workers' user; nil means hotreload's own user, with the reason if another was preferred.
func identity(v *Values) (user *supervisor.User, note string, err error) {
	name := cmp.Or(User.Of(v), PreferUser.Of(v))
	if name == "" {
		return nil, "", nil
	}
	user, err = supervisor.FindUser(name)
	if err == nil {
		err = user.May()
	}
	switch {
	case err == nil && user.Ours():
		return nil, "", nil
	case err == nil:
		return user, "", nil
	case User.Of(v) != "":
		return nil, "", err
	}
	return nil, err.Error(), nil
}

func policy(v *Values) supervisor.Policy {
	return supervisor.Policy{
		Workers: int(Workers.Of(v)), Strategy: Strategy.Of(v), Surge: int(Surge.Of(v)), Ready: Ready.Of(v).rule,
		Grace: Grace.Of(v), StreamGrace: StreamGrace.Of(v), Handover: Handover.Of(v),
		StartTimeout: StartTimeout.Of(v), OnExit: OnExit.Of(v),
		Limits: supervisor.Limits{RSS: int64(MaxRSS.Of(v)), Age: MaxAge.Of(v), Requests: MaxRequests.Of(v)},
	}
}
