package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"hotreload/gobuild"
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
	o      *options
	file   *configFile // nil if there is none
	path   string      // where it is, or would be looked for; "" if it is not wanted
	pkg    []string
	config runner.Config // without what is there once for a run: output, cache
}

func (w *wishes) resolve(ctx context.Context) (*resolved, error) {
	r := &resolved{o: &options{}}
	flags := newCommand(r.o, w.env).Flags()
	for _, given := range w.given {
		for _, value := range given.values {
			if err := flags.Set(given.name, value); err != nil {
				return nil, err
			}
		}
	}
	r.o.goFlags = slices.Clone(w.goFlags)
	if err := r.readFile(w.dir, flags); err != nil {
		return nil, err
	}
	args, env := w.args, w.env
	var rules []runner.Rule
	if r.file != nil {
		var err error
		if rules, err = r.file.rules(); err != nil {
			return nil, err
		}
		r.o.goFlags = append(slices.Clone(r.file.BuildFlags), r.o.goFlags...)
		args, env = r.file.args(w.dir, args), r.file.environment(env)
	}
	o := r.o
	if err := o.check(); err != nil {
		return nil, r.file.locate(err)
	}
	pkg, programArgs, err := o.choosePackage(ctx, w.dir, env, args)
	if err != nil {
		return nil, err
	}
	r.pkg = pkg
	r.config = runner.Config{
		Program: gobuild.Program{Dir: w.dir, Args: pkg, Flags: o.goFlags, Env: w.env, Debug: o.debug, Plain: o.noAgent, Slow: o.build == "go"},
		Service: supervisor.Config{
			Name: programName(w.dir, pkg), Args: programArgs, Env: env,
			Policy: o.policy(), Listen: o.addresses, Probe: o.probe, Stdin: o.stdin, Stop: o.signal,
		},
		Ignore: o.ignorer(w.dir),
		Rules:  rules,
		Poll:   o.poll,
	}
	if r.path != "" {
		r.config.Startup = []string{r.path}
	}
	for _, path := range o.envFile {
		r.config.EnvFiles = append(r.config.EnvFiles, absolute(w.dir, path))
	}
	for _, path := range o.watch {
		path := absolute(w.dir, path)
		if _, err := os.Stat(path); err != nil {
			return nil, r.file.locate(badFlag{"watch", usageError{hinted{
				fmt.Errorf("--watch %s: no such file or folder", relative(w.dir, path)),
				"paths are relative to the folder that hotreload was started in; those in hotreload.toml, to its folder",
			}}})
		}
		r.config.Watch = append(r.config.Watch, path)
	}
	return r, nil
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// readFile finds the configuration file and gives the flags that were not given its values.
func (r *resolved) readFile(dir string, flags *pflag.FlagSet) error {
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
	return file.apply(flags)
}

// startupKeys are the settings that a running hotreload does not change, with what they come to.
func (r *resolved) startupKeys() map[string]any {
	o := r.o
	return map[string]any{
		"package": strings.Join(r.pkg, " "), "listen": o.listen, "workers": o.workers, "strategy": o.strategy, "surge": o.surge,
		"ready": o.ready, "grace": o.grace, "handover": o.handover, "start_timeout": o.startTimeout,
		"stop_signal": o.stopSignal, "stdin": o.stdin, "no_agent": o.noAgent, "color": o.color, "poll": o.poll,
	}
}

// pending names the settings that differ between what runs and what is wished for now, and that take effect only when
// hotreload is started anew.
func (r *resolved) pending(now *resolved) []string {
	var names []string
	old := r.startupKeys()
	for name, value := range now.startupKeys() {
		if !reflect.DeepEqual(old[name], value) && fmt.Sprint(old[name]) != fmt.Sprint(value) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
