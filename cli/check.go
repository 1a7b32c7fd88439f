package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotreload/control"
	"hotreload/nagios"
	"hotreload/runner"
	"hotreload/supervisor"
)

// exitCode ends hotreload with a code and without a message.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// checkTimeout limits the wait for answers; a monitor's own limit is usually 10 s or more.
const checkTimeout = 5 * time.Second

// check is `hotreload check [service…]`: a Nagios plugin. In every case it prints one line and exits with 0, 1, 2 or 3.
func (m *remote) check() *cobra.Command {
	var metrics, warnings, criticals []string
	command := &cobra.Command{
		Use: "check [service…]", Short: "check services as a Nagios plugin: exit code 0 OK, 1 warning, 2 critical, 3 unknown",
		Long: `Check services as a Nagios plugin: exit code 0 OK, 1 warning, 2 critical, 3 unknown.

Without -m: critical if no worker serves, a warning if the service is stale or workers are missing. With -m: a counter
and its ranges that raise an alarm, one -w and one -c per -m (empty for none): 10 (below 0 or above 10), 10: (below 10),
~:10 (above 10), 10:20 (outside), @10:20 (inside).

` + target,
		RunE: func(c *cobra.Command, names []string) error {
			result, line := m.checked(contextOf(c), names, metrics, warnings, criticals)
			fmt.Fprintln(c.OutOrStdout(), line)
			if result == nagios.OK {
				return nil
			}
			return exitCode(result)
		},
	}
	m.flags(command)
	command.Flags().StringArrayVarP(&metrics, "metric", "m", nil, "`name` of a counter; repeatable")
	command.Flags().StringArrayVarP(&warnings, "warning", "w", nil, "`range` of values that give a warning")
	command.Flags().StringArrayVarP(&criticals, "critical", "c", nil, "`range` of values that are critical")
	command.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		fmt.Fprintln(c.OutOrStdout(), nagios.Line(plugin, nagios.Unknown, err.Error(), nil))
		return exitCode(nagios.Unknown)
	})
	return command
}

const plugin = "HOTRELOAD"

// wanted is a counter with its ranges for an alarm.
type wanted struct {
	name              string
	warning, critical nagios.Range
}

func readWanted(metrics, warnings, criticals []string) (all []wanted, err error) {
	if len(metrics) != len(warnings) || len(metrics) != len(criticals) {
		return nil, errors.New("each -m needs one -w and one -c")
	}
	for i, name := range metrics {
		w := wanted{name: name}
		for _, one := range []struct {
			flag, text string
			into       *nagios.Range
		}{{"-w", warnings[i], &w.warning}, {"-c", criticals[i], &w.critical}} {
			if one.text == "" {
				continue
			}
			if *one.into, err = nagios.ParseRange(one.text); err != nil {
				return nil, fmt.Errorf("%s %q is not a range: %w", one.flag, one.text, err)
			}
		}
		all = append(all, w)
	}
	return all, nil
}

func (m *remote) checked(ctx context.Context, names, metrics, warnings, criticals []string) (nagios.Result, string) {
	unknown := func(err error) (nagios.Result, string) {
		return nagios.Unknown, nagios.Line(plugin, nagios.Unknown, err.Error(), nil)
	}
	if m.asJSON {
		return unknown(errors.New("check prints one Nagios line; --json is not supported"))
	}
	all, err := readWanted(metrics, warnings, criticals)
	if err != nil {
		return unknown(err)
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	client, err := m.find(ctx)
	if errors.As(err, new(*control.SeveralError)) || errors.Is(err, control.ErrDenied) {
		return unknown(err)
	}
	if err != nil {
		return nagios.Critical, nagios.Line(plugin, nagios.Critical, err.Error(), nil)
	}
	var states []runner.Status
	for _, name := range orAll(names) {
		some, err := client.Status(ctx, name)
		switch {
		case errors.Is(err, control.ErrBad):
			return unknown(err)
		case err != nil:
			return nagios.Critical, nagios.Line(plugin, nagios.Critical, err.Error(), nil)
		}
		if _, slot, ofWorker := strings.Cut(name, "/"); ofWorker && len(all) > 0 {
			for i := range some {
				some[i].Name, some[i].Counters = some[i].Name+"/"+slot, countersOf(some[i].Workers)
			}
		}
		states = append(states, some...)
	}
	return judged(states, all)
}

// countersOf returns the counters of the serving worker among those in a slot.
func countersOf(workers []runner.Worker) []supervisor.Counter {
	for _, w := range slices.Backward(workers) {
		if w.State == supervisor.Ready.String() || w.State == supervisor.Stable.String() {
			return w.Counters
		}
	}
	return nil
}

// judged returns the result for some services, and the line to print.
func judged(states []runner.Status, all []wanted) (nagios.Result, string) {
	result := nagios.OK
	var texts []string
	var data []nagios.Datum
	for _, s := range states {
		label := func(name string) string {
			if s.Name == "" {
				return name
			}
			return s.Name + "_" + name
		}
		say := func(r nagios.Result, text string) {
			result = nagios.Worse(result, r)
			if s.Name != "" {
				text = s.Name + ": " + text
			}
			texts = append(texts, text)
		}
		if len(all) == 0 {
			say(ofService(s))
		}
		for _, w := range all {
			i := slices.IndexFunc(s.Counters, func(c supervisor.Counter) bool { return c.Name == w.name })
			if i < 0 {
				say(nagios.Unknown, "no counter "+w.name)
				continue
			}
			c := s.Counters[i]
			one := nagios.OK
			switch {
			case w.critical.Alarms(c.Value):
				one = nagios.Critical
			case w.warning.Alarms(c.Value):
				one = nagios.Warning
			}
			say(one, fmt.Sprintf("%s is %s%s", c.Name, nagios.Number(c.Value), strings.TrimSuffix(c.Unit, "c")))
			data = append(data, nagios.Datum{Label: label(c.Name), Value: c.Value, Unit: c.Unit, Warning: w.warning,
				Critical: w.critical, Min: c.Min, Max: c.Max})
		}
		for _, c := range s.Counters {
			if len(all) == 0 {
				data = append(data, nagios.Datum{Label: label(c.Name), Value: c.Value, Unit: c.Unit, Min: c.Min, Max: c.Max})
			}
		}
	}
	return result, nagios.Line(plugin, result, strings.Join(texts, ", "), data)
}

// ofService returns the result for a service without any range.
func ofService(s runner.Status) (nagios.Result, string) {
	ready := 0
	for _, w := range s.Workers {
		if w.State == supervisor.Ready.String() || w.State == supervisor.Stable.String() {
			ready++
		}
	}
	text := fmt.Sprintf("%d of %s ready", ready, count(s.Wanted, "worker"))
	if s.BuildOnly {
		text = "built, and not run"
	}
	switch {
	case s.Wanted == 0 && !s.BuildOnly:
		return nagios.Warning, "stopped"
	case ready == 0 && !s.BuildOnly:
		return nagios.Critical, text
	case s.Stale:
		first, _, _ := strings.Cut(s.Failure, "\n")
		return nagios.Warning, fmt.Sprintf("%s, generation %d is stale: %s", text, s.Serving, first)
	case ready < s.Wanted:
		return nagios.Warning, text
	}
	return nagios.OK, fmt.Sprintf("%s, generation %d", text, s.Serving)
}
