package cli

import (
	"errors"
	"fmt"
	"strings"

	"hotreload/problems"
	"hotreload/runner"
	"hotreload/settings"
)

// settingsFile is the configuration file of a run. One reporter handles its changes.
type settingsFile struct {
	now         *settings.Resolved                 // the settings at the start
	again       func() (*settings.Resolved, error) // reads the file again
	reconfigure func([]runner.Config) []error      // applies the settings to the run
	asked       chan struct{}                      // a request to read the file, with room for one
	reload      func()                             // reloads afterwards
	pages       func(settings.Pages)               // applies the settings to pages in browsers
	tests       func(*settings.Resolved)           // applies the settings to tests on save
	found       func([]problems.Problem)           // reports the faults of the file; none if valid
}

// reread makes the reporter read the file and reload.
func (f *settingsFile) reread() {
	select {
	case f.asked <- struct{}{}:
	default: // a request is pending
	}
}

// rereadSettings handles SIGHUP. If the file is broken, no worker is replaced either.
func (r *reporter) rereadSettings() {
	right := r.up.reread(func() bool { return r.file.now.Path == "" || r.settingsChanged() })
	if right {
		r.file.reload()
	}
}

// settingsChanged reads the configuration file again and reports whether it is valid. A broken file changes nothing.
func (r *reporter) settingsChanged() (right bool) {
	f := r.file
	name := settings.Relative(r.dir, f.now.Path)
	now, err := f.again()
	f.found(problemsOfSettings(err))
	if err != nil {
		r.alarm(red(err.Error()) + yellow(": the old settings stay in effect") + lineOf(hintLine(hintOf(err))))
		return false
	}
	r.console.speak(now.Values)
	f.pages(now.Pages)
	f.tests(now)
	configs, pending := now.Configs(), f.now.Pending(now)
	for i := range configs {
		configs[i].Pending = settings.PendingOf(pending, configs[i].Name)
	}
	faults := f.reconfigure(configs)
	for _, err := range faults {
		place := "listen"
		var listen *runner.ListenError
		if errors.As(err, &listen) && listen.Service != "" {
			place = listen.Service + ".listen"
		}
		r.alarm(yellow(fmt.Sprintf("%s → startup: %s: %v: the service stays on its old address", name, place,
			err)) + lineOf(hintLine(hintOf(err))))
	}
	if len(pending) > 0 {
		r.alarm(yellow(fmt.Sprintf("%s → startup: %s will take effect at the next start of hotreload", name,
			strings.Join(pending, ", "))))
	} else if len(faults) == 0 && (now.Found || f.now.Found) {
		r.line(name + ": in effect")
	}
	return true
}

// problemsOfSettings lists the faults of the configuration file.
func problemsOfSettings(err error) []problems.Problem {
	if err == nil {
		return nil
	}
	p := problems.Problem{Message: err.Error(), Tool: problems.Hotreload}
	var misplaced settings.Misplaced
	if errors.As(err, &misplaced) {
		p.File, p.Line, p.Message = misplaced.File, misplaced.Line, misplaced.Err.Error()
	}
	return []problems.Problem{p}
}
