package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hotreload/control"
)

// status is `hotreload status [service…]`. With --ready its exit code is the answer of a readiness probe.
func (m *remote) status() *cobra.Command {
	command := m.asking("status", "show services, workers and the last build", false, (*control.Client).Status)
	command.Flags().BoolVar(&m.ready, "ready", false, "exit with code 1 unless each service serves: for readiness probes")
	command.PreRun = func(*cobra.Command, []string) {
		if m.ready {
			m.timeout = checkTimeout // without an answer, not ready
		}
	}
	return command
}

// unready returns an error for each service that cannot answer requests now. Old code that serves is ready, and so is a
// program that is built and not run.
func unready(all []control.PublicService) error {
	var faults []error
	for _, s := range all {
		if s.Ready > 0 || s.BuildOnly && s.Serving > 0 {
			continue
		}
		of := ""
		if s.Name != "" {
			of = s.Name + ": "
		}
		reason := fmt.Sprintf("0 of %s ready", count(s.Wanted, "worker"))
		switch {
		case s.BuildOnly:
			reason = "the program is not built yet"
		case s.Wanted == 0:
			reason = "stopped"
		case s.Serving == 0:
			reason = "no generation has served yet"
		}
		faults = append(faults, fmt.Errorf("%snot ready: %s", of, reason))
	}
	return errors.Join(faults...)
}

// judge returns an error if --ready is given and a service is not ready.
func (m *remote) judge(public control.Public) error {
	if !m.ready {
		return nil
	}
	return unready(public.Services)
}
