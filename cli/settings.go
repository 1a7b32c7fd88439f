package cli

import (
	"fmt"
	"strings"

	"hotreload/runner"
)

// settingsFile is the configuration file of a run, which can change. One reporter speaks of it.
type settingsFile struct {
	now         *resolved                 // that hotreload was started with
	again       func() (*resolved, error) // reads it anew
	reconfigure func([]runner.Config)     // has the run take it over
}

// settingsChanged reads the configuration file anew. A broken one changes nothing.
func (r *reporter) settingsChanged() {
	f := r.settings
	name := relative(r.dir, f.now.path)
	now, err := f.again()
	if err != nil {
		r.alarm(red(err.Error()) + yellow(": the settings stay as they were") + lineOf(hintLine(hintOf(err))))
		return
	}
	r.o.quiet, r.o.verbose = now.o.quiet, now.o.verbose
	f.reconfigure(now.configs())
	if pending := f.now.pending(now); len(pending) > 0 {
		r.alarm(yellow(fmt.Sprintf("%s → startup: %s will take effect when hotreload is started anew", name, strings.Join(pending, ", "))))
		return
	}
	r.line(name + ": in effect")
}
