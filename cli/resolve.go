package cli

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"hotreload/gobuild"
	"hotreload/killswitch"
	"hotreload/runner"
	"hotreload/supervisor"
)

// wishes is what the user has said on the command line. Together with the configuration file, which can change, it
// becomes what hotreload does.
type wishes struct {
	dir     string // in which hotreload was started
	env     []string
	goFlags []string
	args    []string // package and arguments
	given   []givenFlag
}

type givenFlag struct {
	name   string
	values []string
}

// wishesOf takes the flags that were given from those that were parsed.
func wishesOf(flags *pflag.FlagSet, goFlags, args, env []string) (*wishes, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	w := &wishes{dir: dir, env: env, goFlags: goFlags, args: args}
	flags.Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		w.given = append(w.given, givenFlag{f.Name, values})
	})
	return w, nil
}

// resolved is what the wishes come to, with the configuration file as it is now.
type resolved struct {
	o        *options    // of hotreload as a whole
	file     *configFile // nil if there is none
	path     string      // where it is, or would be looked for; "" if it is not wanted
	services []*service  // at least one

	killSwitch killswitch.File // zero if there is no place for one
}

// service is what the wishes come to for one service.
type service struct {
	o        *options
	from     origins
	pkg      []string      // as the user named it; none for a command
	userNote string        // why the workers do not run as who was preferred; ""
	config   runner.Config // without what is there once for a run: output, cache
}

// shown is what the service runs, as the user named it.
func (s *service) shown() string {
	if s.config.Command != nil {
		return strings.Join(s.config.Command, " ")
	}
	return strings.Join(s.pkg, " ")
}

// configs are the runner's.
func (r *resolved) configs() []runner.Config {
	var all []runner.Config
	for _, s := range r.services {
		all = append(all, s.config)
	}
	return all
}

// optionsOf reads the flags anew, and the file's values for those that were not given; of a service if n is not -1.
func (w *wishes) optionsOf(file *configFile, n int) (*options, origins, error) {
	o, from := &options{}, origins{}
	flags := newCommand(o, w.env).Flags()
	for _, given := range w.given {
		for _, value := range given.values {
			if err := flags.Set(given.name, value); err != nil {
				return nil, nil, err
			}
		}
	}
	o.goFlags = slices.Clone(w.goFlags)
	if file == nil {
		return o, from, nil
	}
	buildFlags := file.BuildFlags
	if err := file.apply(flags, from, file.settings, ""); err != nil {
		return nil, nil, err
	}
	if n >= 0 {
		own := file.Service[n]
		if err := file.apply(flags, from, own, place(n)); err != nil {
			return nil, nil, err
		}
		if own.BuildFlags != nil {
			buildFlags = own.BuildFlags
		}
	}
	o.goFlags = append(slices.Clone(buildFlags), o.goFlags...)
	return o, from, nil
}

// place is where the keys of the n-th service stand.
func place(n int) string { return "service." + strconv.Itoa(n) + "." }

func (w *wishes) resolve(ctx context.Context) (*resolved, error) {
	r := &resolved{}
	var err error
	if r.o, _, err = w.optionsOf(nil, -1); err != nil {
		return nil, err
	}
	if err := r.readFile(w.dir); err != nil {
		return nil, err
	}
	chosen, err := r.chosen(w)
	if err != nil {
		return nil, err
	}
	var from origins
	if r.o, from, err = w.optionsOf(r.file, -1); err != nil {
		return nil, err
	}
	if err := r.o.check(); err != nil {
		return nil, r.file.locate(from, err)
	}
	r.killSwitch, _ = switchAt(w.dir, r.o.killSwitch) // where there is no place for one, nobody can have disabled anything
	switch {
	case chosen != nil:
		for _, n := range chosen {
			s, err := w.declared(ctx, r, n)
			if err != nil {
				return nil, err
			}
			r.services = append(r.services, s)
		}
		r.dropAbsent()
	case len(w.args) > 1 && !strings.HasSuffix(w.args[0], ".go") && mainFolders(w.dir, w.args[1:]):
		for i, arg := range w.args {
			s, err := w.service(ctx, r, -1, []string{arg})
			if err != nil {
				return nil, err
			}
			s.config.Name = nameAmong(w.dir, w.args, i)
			r.services = append(r.services, s)
		}
	default:
		args := w.args
		if r.file != nil {
			args = r.file.args(w.dir, args)
		}
		s, err := w.service(ctx, r, -1, args)
		if err != nil {
			return nil, err
		}
		r.services = append(r.services, s)
	}
	return r, nil
}

// chosen are the [[service]] tables that are meant: all, or those that the command line names. nil = there are none, or
// the command line names a package.
func (r *resolved) chosen(w *wishes) ([]int, error) {
	if r.file == nil || len(r.file.Service) == 0 {
		return nil, nil
	}
	numbers := map[string]int{}
	var all []int
	for n, s := range r.file.Service {
		if s.Name == "" {
			return nil, r.file.at(r.file.lines[strings.TrimSuffix(place(n), ".")], errors.New("a [[service]] without name"), `name = "web" is how it is called, on the screen and in commands`)
		}
		if strings.ContainsAny(s.Name, "/ \t\n") {
			return nil, r.file.at(r.file.lines[place(n)+"name"], fmt.Errorf("name = %q is no name for a service", s.Name), "a word without spaces and slashes")
		}
		if _, twice := numbers[s.Name]; twice {
			return nil, r.file.at(r.file.lines[place(n)+"name"], fmt.Errorf("two services are called %q", s.Name), "each needs a name of its own")
		}
		numbers[s.Name] = n
		all = append(all, n)
	}
	if r.file.Package != "" {
		return nil, r.file.at(r.file.lines["package"], errors.New("package beside [[service]]"), "a service has its own: package or command")
	}
	if len(w.args) == 0 {
		return all, nil
	}
	var named []int
	for _, arg := range w.args {
		n, known := numbers[arg]
		if !known {
			if len(named) > 0 {
				return nil, usageError{hinted{fmt.Errorf("%s: no such service", arg), "the services are " + strings.Join(slices.Sorted(maps.Keys(numbers)), ", ")}}
			}
			return nil, nil // a package
		}
		named = append(named, n)
	}
	return named, nil
}

// dropAbsent lets nobody wait for a service that was not chosen.
func (r *resolved) dropAbsent() {
	there := map[string]bool{}
	for _, s := range r.services {
		there[s.config.Name] = true
	}
	known := map[string]bool{}
	for _, s := range r.file.Service {
		known[s.Name] = true
	}
	for _, s := range r.services {
		s.config.After = slices.DeleteFunc(slices.Clone(s.config.After), func(name string) bool { return known[name] && !there[name] })
	}
}

// declared is the service of the n-th [[service]] table.
func (w *wishes) declared(ctx context.Context, r *resolved, n int) (*service, error) {
	own := r.file.Service[n]
	fault := func(key string, err error, hint string) error {
		line, there := r.file.lines[place(n)+key]
		if !there {
			line = r.file.lines[strings.TrimSuffix(place(n), ".")]
		}
		return r.file.at(line, err, hint)
	}
	var args []string
	switch {
	case own.Package != "" && own.Command != nil:
		return nil, fault("command", fmt.Errorf("service %s has both package and command", own.Name), "package is built, command is run as it is")
	case own.Package == "" && own.Command == nil:
		return nil, fault("name", fmt.Errorf("service %s has neither package nor command", own.Name), `package = "./cmd/web", or command = ["npm", "run", "dev"]`)
	case own.Package != "":
		args = append([]string{r.file.pkg(w.dir, own.Package)}, own.Arguments...)
	case len(own.Command) == 0 || own.Command[0] == "":
		return nil, fault("command", errors.New("command is empty"), `command = ["npm", "run", "dev"]`)
	}
	s, err := w.service(ctx, r, n, args)
	if err != nil {
		return nil, err
	}
	c := &s.config
	c.Name, c.After = own.Name, own.After
	for _, name := range own.After {
		if !slices.ContainsFunc(r.file.Service, func(o serviceSettings) bool { return o.Name == name }) {
			return nil, fault("after", fmt.Errorf("after = %q, which is no service", name), "it names services that have to serve first")
		}
	}
	if own.Reloadable != nil {
		c.Kept = !*own.Reloadable
	}
	if own.OnReload != "" {
		if !c.Kept {
			return nil, fault("on_reload", errors.New("on_reload without reloadable = false"), "workers that are replaced need not be told")
		}
		if c.OnReload, err = signalNamed(own.OnReload); err != nil {
			return nil, fault("on_reload", err, "as in HUP, USR1, USR2")
		}
	}
	return s, nil
}

// service understands one service's options; the package and its arguments are args, none for the n-th [[service]]'s
// command.
func (w *wishes) service(ctx context.Context, r *resolved, n int, args []string) (*service, error) {
	o, from, err := w.optionsOf(r.file, n)
	if err != nil {
		return nil, err
	}
	s := &service{o: o, from: from}
	env := w.env
	var rules []runner.Rule
	if r.file != nil {
		if rules, err = r.file.rules(); err != nil {
			return nil, err
		}
		variables := maps.Clone(r.file.Env)
		if n >= 0 && r.file.Service[n].Env != nil {
			variables = maps.Clone(r.file.Service[n].Env)
			for name, value := range r.file.Env {
				if _, own := variables[name]; !own {
					variables[name] = value
				}
			}
		}
		env = withVariables(env, variables)
	}
	if err := o.check(); err != nil {
		return nil, r.file.locate(from, err)
	}
	s.config = runner.Config{
		Service: supervisor.Config{
			Env: env, Policy: o.policy(), Listen: o.addresses, Probe: o.probe, Stdin: o.stdin, Stop: o.signal,
		},
		Ignore: o.ignorer(w.dir),
		Rules:  rules,
		Poll:   o.poll,
	}
	c := &s.config
	if c.Service.User, s.userNote, err = o.identity(); err != nil {
		return nil, r.file.locate(from, badFlag{"user", usageError{hinted{err, "--prefer-user goes on as who you are"}}})
	}
	if n >= 0 && r.file.Service[n].Command != nil {
		// A command is run where the file is: that is where its author was.
		c.Command = r.file.Service[n].Command
		c.Program = gobuild.Program{Dir: filepath.Dir(r.file.path)}
		c.Service.Name, c.Service.Dir = filepath.Base(c.Command[0]), c.Program.Dir
		c.Service.Args = append(slices.Clone(c.Command[1:]), r.file.Service[n].Arguments...)
	} else {
		pkg, programArgs, err := o.choosePackage(ctx, w.dir, env, args)
		if err != nil {
			return nil, err
		}
		s.pkg = pkg
		c.Program = gobuild.Program{Dir: w.dir, Args: pkg, Flags: o.goFlags, Env: w.env, Debug: o.debug, Plain: o.noAgent, Slow: o.build == "go"}
		c.Service.Name, c.Service.Args = programName(w.dir, pkg), programArgs
	}
	if r.path != "" {
		c.Startup = []string{r.path}
	}
	c.Switch = r.killSwitch
	if r.file != nil {
		var own map[string]string
		if n >= 0 {
			own = r.file.Service[n].Hooks
		}
		if c.Hooks, err = r.file.hooks(own); err != nil {
			return nil, err
		}
	}
	for _, path := range o.envFile {
		c.EnvFiles = append(c.EnvFiles, absolute(w.dir, path))
	}
	for _, path := range o.watch {
		path := absolute(w.dir, path)
		if _, err := os.Stat(path); err != nil {
			return nil, r.file.locate(from, badFlag{"watch", usageError{hinted{
				fmt.Errorf("--watch %s: no such file or folder", relative(w.dir, path)),
				"paths are relative to the folder that hotreload was started in; those in hotreload.toml, to its folder",
			}}})
		}
		c.Watch = append(c.Watch, path)
	}
	return s, nil
}

// mainFolders reports whether all of args are folders of main packages, written as such.
func mainFolders(dir string, args []string) bool {
	for _, arg := range args {
		if !strings.HasPrefix(arg, ".") && !filepath.IsAbs(arg) {
			return false
		}
		files, _ := filepath.Glob(filepath.Join(absolute(dir, arg), "*.go"))
		if !slices.ContainsFunc(files, isMain) {
			return false
		}
	}
	return true
}

// isMain reports whether a file is of package main, and no test.
func isMain(path string) bool {
	if strings.HasSuffix(path, "_test.go") {
		return false
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly)
	return err == nil && file.Name.Name == "main"
}

// nameAmong names one of several packages: by its folder, with as many of those above it as it takes.
func nameAmong(dir string, pkgs []string, n int) string {
	parts := func(pkg string) []string { return strings.Split(filepath.ToSlash(absolute(dir, pkg)), "/") }
	own := parts(pkgs[n])
	for take := 1; take < len(own); take++ {
		name := strings.Join(own[len(own)-take:], "-")
		alone := true
		for i, other := range pkgs {
			theirs := parts(other)
			alone = alone && (i == n || strings.Join(theirs[max(len(theirs)-take, 0):], "-") != name)
		}
		if alone {
			return name
		}
	}
	return strconv.Itoa(n)
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// readFile finds and reads the configuration file.
func (r *resolved) readFile(dir string) error {
	found := false
	switch r.o.config {
	case "none":
		return nil
	case "":
		r.path, found = findConfig(dir)
	default:
		r.path, found = absolute(dir, r.o.config), true
	}
	if !found {
		return nil
	}
	file, err := readConfig(r.path)
	if os.IsNotExist(err) {
		return usageError{hinted{fmt.Errorf("--config %s: no such file", r.o.config), "paths are relative to the folder that hotreload was started in"}}
	}
	if err != nil {
		return err
	}
	r.file = file
	return nil
}

// startupKeys are the settings that a running hotreload does not change, with what they come to; those of a service have
// its name in front.
func (r *resolved) startupKeys() map[string]any {
	all := map[string]any{"color": r.o.color, "poll": r.o.poll, "control": r.o.control, "control_token": r.o.controlToken, "pid_file": r.o.pidFile, "kill_switch": r.o.killSwitch}
	for _, s := range r.services {
		o, place := s.o, ""
		if s.config.Name != "" {
			place = s.config.Name + "."
		}
		for name, value := range map[string]any{
			"package": strings.Join(s.pkg, " "), "command": s.config.Command, "after": s.config.After, "reloadable": !s.config.Kept,
			"hooks": s.config.Hooks, "ready": o.ready, "stdin": o.stdin, "no_agent": o.noAgent,
		} {
			all[place+name] = value
		}
	}
	return all
}

// pending names the settings that differ between what runs and what is wished for now, and that take effect only when
// hotreload is started anew.
func (r *resolved) pending(now *resolved) []string {
	var names []string
	before, after := r.startupKeys(), now.startupKeys()
	same := func(r, other *resolved) bool {
		return slices.EqualFunc(r.services, other.services, func(a, b *service) bool { return a.config.Name == b.config.Name })
	}
	if !same(r, now) {
		return []string{"another set of services"}
	}
	for name, value := range after {
		if !reflect.DeepEqual(before[name], value) && fmt.Sprint(before[name]) != fmt.Sprint(value) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
