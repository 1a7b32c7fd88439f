package settings

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"hotreload/killswitch"
	"hotreload/runner"
	"hotreload/supervisor"
)

// Wishes is the content of the command line. Together with the configuration file, which can change, it determines the
// settings.
type Wishes struct {
	Dir string // where hotreload was started

	env     []string
	goFlags []string
	args    []string // package and arguments
	given   []given
}

// WishesOf makes Wishes from the given flags among the parsed ones. args are the package and its arguments.
func WishesOf(flags *pflag.FlagSet, goFlags, args, env []string) (*Wishes, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return &Wishes{Dir: dir, env: env, goFlags: goFlags, args: args, given: givenOf(flags)}, nil
}

// Resolved is the result of the wishes and the current configuration file.
type Resolved struct {
	Values     *Values         // values that are the same for all services
	Path       string          // path of the file, whether or not it exists; "" with --config none
	Found      bool            // whether the file exists
	Services   []*Service      // at least one
	Faults     []error         // errors about sockets from systemd
	KillSwitch killswitch.File // zero if there is no folder for it
	Pages      Pages           // what hotreload does in the program's pages

	file *file // nil if there is none
}

// Configs returns the runner's configurations.
func (r *Resolved) Configs() []runner.Config {
	var all []runner.Config
	for _, s := range r.Services {
		all = append(all, s.Config)
	}
	return all
}

// Resolve reads the configuration file, if there is one. If it returns an error about services, the result still
// contains the values that all services share.
func (w *Wishes) Resolve(ctx context.Context) (*Resolved, error) {
	r, err := w.resolve(ctx)
	if err == nil {
		r.takeGiven(w.env)
	}
	return r, err
}

// takeGiven assigns the sockets from systemd to services: to the service with the socket's name, or else to the first.
func (r *Resolved) takeGiven(env []string) {
	given, faults := supervisor.Given(env)
	r.Faults = faults
	for _, a := range given {
		to := r.Services[0]
		for _, s := range r.Services {
			if s.Config.Name == a.Name && a.Name != "" {
				to = s
			}
		}
		to.Config.Service.Listen = append(slices.Clip(to.Config.Service.Listen), a)
	}
}

func (w *Wishes) resolve(ctx context.Context) (*Resolved, error) {
	r := &Resolved{}
	if err := w.ofHotreload(r); err != nil {
		return nil, err
	}
	chosen, err := r.chosen(w)
	if err != nil {
		return r, err
	}
	add := func(s *Service, err error) error {
		r.Services = append(r.Services, s)
		return err
	}
	switch {
	case chosen != nil:
		for _, t := range chosen {
			if err := add(w.declared(ctx, r, t)); err != nil {
				return r, err
			}
		}
		r.dropAbsent()
	case len(w.args) > 1 && !strings.HasSuffix(w.args[0], ".go") && mainFolders(w.Dir, w.args[1:]):
		for i, arg := range w.args {
			if err := add(w.service(ctx, r, table{}, []string{arg})); err != nil {
				return r, err
			}
			r.Services[i].Config.Name = nameAmong(w.Dir, w.args, i)
		}
	default:
		args := w.args
		if r.file != nil {
			args = r.file.args(w.Dir, args)
		}
		if err := add(w.service(ctx, r, table{}, args)); err != nil {
			return r, err
		}
	}
	return r, nil
}

// ofHotreload finds the file, and the values that all services share.
func (w *Wishes) ofHotreload(r *Resolved) error {
	v, err := w.values(nil, table{})
	if err != nil {
		return err
	}
	if err := r.readFile(w.Dir, Config.Of(v)); err != nil {
		return err
	}
	if r.Values, err = w.values(r.file, table{}); err != nil {
		return err
	}
	if err := r.Values.check(); err != nil {
		return r.file.locate(r.Values, err)
	}
	if r.Pages, err = r.pages(w.env); err != nil {
		return err
	}
	// If there is no folder for a kill switch, nothing can be disabled.
	r.KillSwitch, _ = SwitchAt(w.Dir, KillSwitch.Of(r.Values))
	return nil
}

// readFile finds and reads the configuration file; named is the value of --config.
func (r *Resolved) readFile(dir, named string) error {
	switch named {
	case "none":
		return nil
	case "":
		r.Path, r.Found = Find(dir)
	default:
		r.Path, r.Found = Absolute(dir, named), true
	}
	if !r.Found {
		return nil
	}
	file, err := read(r.Path)
	if os.IsNotExist(err) {
		return Usage(
			fmt.Errorf("--config %s: no such file", named),
			"paths are relative to the folder where hotreload was started",
		)
	}
	r.file = file
	return err
}

// values returns the given flags, and the file's values for all others; for one service if own is its table.
func (w *Wishes) values(f *file, own table) (*Values, error) {
	v := NewValues()
	if err := v.give(w.given); err != nil {
		return nil, err
	}
	v.GoFlags = slices.Clone(w.goFlags)
	if f == nil {
		return v, nil
	}
	if err := v.apply(f, f.top); err != nil {
		return nil, err
	}
	if err := v.apply(f, own); err != nil {
		return nil, err
	}
	flags := BuildFlags.in(f.top)
	if own := BuildFlags.in(own); own != nil {
		flags = own
	}
	v.GoFlags = append(slices.Clone(flags), v.GoFlags...)
	return v, nil
}

// chosen returns the [[service]] tables to run: all, or those named on the command line. nil means: there are none, or
// the command line names a package.
func (r *Resolved) chosen(w *Wishes) ([]table, error) {
	if r.file == nil || len(Services.in(r.file.top)) == 0 {
		return nil, nil
	}
	f, services := r.file, map[string]table{}
	for _, t := range Services.in(f.top) {
		name := Name.in(t)
		switch _, twice := services[name]; {
		case name == "":
			fault := errors.New("a [[service]] without name")
			return nil, f.at(f.line(t, "name"), fault, `name = "web" is how it is called, on the screen and in commands`)
		case strings.ContainsAny(name, "/ \t\n"):
			fault := fmt.Errorf("name = %q is not a valid name for a service", name)
			return nil, f.at(f.line(t, "name"), fault, "a word without spaces and slashes")
		case twice:
			return nil, f.at(f.line(t, "name"), fmt.Errorf("two services have the name %q", name),
				"each service needs its own name")
		}
		services[name] = t
	}
	if Package.in(f.top) != "" {
		fault := errors.New("package cannot be combined with [[service]]")
		return nil, f.at(f.line(f.top, "package"), fault, "write package or command into each [[service]]")
	}
	if len(w.args) == 0 {
		return Services.in(f.top), nil
	}
	var named []table
	for _, arg := range w.args {
		t, known := services[arg]
		switch {
		case known:
			named = append(named, t)
		case len(named) > 0:
			names := strings.Join(slices.Sorted(maps.Keys(services)), ", ")
			return nil, Usage(fmt.Errorf("%s: no such service", arg), "the services are "+names)
		default:
			return nil, nil // a package
		}
	}
	return named, nil
}

// dropAbsent removes services that were not chosen from all After lists.
func (r *Resolved) dropAbsent() {
	there := map[string]bool{}
	for _, s := range r.Services {
		there[s.Config.Name] = true
	}
	for _, s := range r.Services {
		s.Config.After = slices.DeleteFunc(slices.Clone(s.Config.After), func(name string) bool {
			return r.file.declares(name) && !there[name]
		})
	}
}

// declares reports whether there is a [[service]] with this name.
func (f *file) declares(name string) bool {
	return slices.ContainsFunc(Services.in(f.top), func(t table) bool { return Name.in(t) == name })
}
