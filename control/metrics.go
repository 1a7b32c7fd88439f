package control

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"hotreload/runner"
	"hotreload/supervisor"
)

// metrics answers Prometheus in its text format (version 0.0.4): the counters of services, and of workers with the slot
// as a label. Clients without the token do not get privileged counters.
func (s *Server) metrics(w http.ResponseWriter, r *request) {
	all, _ := s.run.Find("")
	states, err := s.run.Status(r.Context(), all)
	if err != nil {
		reply(w, nil, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	writeMetrics(w, states, r.privileged)
}

// writeMetrics writes families sorted by name, because the format requires related lines to be together.
func writeMetrics(w io.Writer, states []runner.Status, privileged bool) {
	families := map[string][]string{}
	kinds := map[string]string{}
	add := func(prefix, labels string, c supervisor.Counter) {
		if c.Privileged && !privileged {
			return
		}
		name, kind := metricName(prefix+c.Name, c.Unit)
		kinds[name] = kind
		value := strconv.FormatFloat(c.Value, 'g', -1, 64)
		families[name] = append(families[name], fmt.Sprintf("%s{%s} %s", name, labels, value))
	}
	for _, s := range states {
		service := "service=" + labelValue(s.Name)
		for _, c := range s.Counters {
			add("hotreload_", service, c)
		}
		for _, worker := range s.Workers {
			labels := fmt.Sprintf("%s,slot=\"%d\",generation=\"%d\"", service, worker.Slot, worker.Generation)
			for _, c := range worker.Counters {
				add("hotreload_worker_", labels, c)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(families)) {
		fmt.Fprintf(w, "# TYPE %s %s\n", name, kinds[name])
		for _, line := range families[name] {
			fmt.Fprintln(w, line)
		}
	}
}

// metricName returns a counter's name by Prometheus' conventions: with its base unit, and a suffix for counters that
// only rise.
func metricName(name, unit string) (full, kind string) {
	full = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' {
			return c
		}
		return '_'
	}, name)
	switch unit {
	case "B":
		return full + "_bytes", "gauge"
	case "s":
		return full + "_seconds", "gauge"
	case "c":
		return full + "_total", "counter"
	}
	return full, "gauge"
}

// labelValue quotes a label's value.
func labelValue(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}
