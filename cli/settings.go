package cli

import (
	"errors"
	"fmt"
	"strings"

	"hotreload/runner"
)

// settingsFile is the configuration file of a run, which can change. One reporter speaks of it.
type settingsFile struct {
	now         *resolved                     // that hotreload was started with
	again       func() (*resolved, error)     // reads it anew
	reconfigure func([]runner.Config) []error // has the run take it over
	asked       chan struct{}                 // somebody wants it to be read, with room for one
	reload      func()                        // is what follows then
}

// reread has the reporter read the file, and reload.
func (f *settingsFile) reread() {
	select {
	case f.asked <- struct{}{}:
	default: // it is about to
	}
}

// rereadSettings is what SIGHUP asks for. With a broken file nothing is replaced either.
func (r *reporter) rereadSettings() {
	if r.settings.now.path == "" || r.settingsChanged() {
		r.settings.reload()
	}
}

// settingsChanged reads the configuration file anew. A broken one changes nothing, and is not right.
func (r *reporter) settingsChanged() (right bool) {
	f := r.settings
	name := relative(r.dir, f.now.path)
	now, err := f.again()
	if err != nil {
		r.alarm(red(err.Error()) + yellow(": the settings stay as they were") + lineOf(hintLine(hintOf(err))))
		return false
	}
	r.o.quiet, r.o.verbose = now.o.quiet, now.o.verbose
	configs, pending := now.configs(), f.now.pending(now)
	for i := range configs {
		configs[i].Pending = pendingOf(pending, configs[i].Name)
	}
	faults := f.reconfigure(configs)
	for _, err := range faults {
		place := "listen"
		var listen *runner.ListenError
		if errors.As(err, &listen) && listen.Service != "" {
			place = listen.Service + ".listen"
		}
		r.alarm(yellow(fmt.Sprintf("%s → startup: %s: %v: it listens where it did", name, place, err)) + lineOf(hintLine(hintOf(err))))
	}
	if len(pending) > 0 {
		r.alarm(yellow(fmt.Sprintf("%s → startup: %s will take effect when hotreload is started anew", name, strings.Join(pending, ", "))))
	} else if len(faults) == 0 && (now.file != nil || f.now.file != nil) {
		r.line(name + ": in effect")
	}
	return true
}

// pendingOf are the names of settings that concern a service, without its name in front.
func pendingOf(pending []string, service string) []string {
	var names []string
	for _, name := range pending {
		of, key, among := strings.Cut(name, ".")
		switch {
		case !among:
			names = append(names, name)
		case of == service:
			names = append(names, key)
		}
	}
	return names
}
