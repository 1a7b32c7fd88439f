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

// metrics answers Prometheus, in its text format (version 0.0.4): the counters of services, and of workers with the slot as
// a label. Those that are privileged are left out for clients that are not.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	all, _ := s.run.Find("")
	states, err := s.run.Status(r.Context(), all)
	if err != nil {
		reply(w, nil, err)
		return
	}
	privileged, _ := s.privileged(r)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	writeMetrics(w, states, privileged)
}

// writeMetrics writes families in the order of their names, as the format demands of lines that belong together.
func writeMetrics(w io.Writer, states []runner.Status, privileged bool) {
	families := map[string][]string{}
	kinds := map[string]string{}
	add := func(prefix, labels string, c supervisor.Counter) {
		if c.Privileged && !privileged {
			return
		}
		name, kind := metricName(prefix+c.Name, c.Unit)
		kinds[name] = kind
		families[name] = append(families[name], fmt.Sprintf("%s{%s} %s", name, labels, strconv.FormatFloat(c.Value, 'g', -1, 64)))
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

// metricName is a counter's name by Prometheus' customs: base units are part of it, and so is that it only rises.
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

// labelValue is a value in the quotes and escapes of the format.
func labelValue(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}
