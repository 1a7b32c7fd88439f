package control

import (
	"strings"
	"testing"

	"hotreload/runner"
	"hotreload/supervisor"
)

func TestMetrics(t *testing.T) {
	secret := supervisor.Gauge("secret", 7, "")
	secret.Privileged = true
	worker := func(slot int, bytes float64) runner.Worker {
		return runner.Worker{Slot: slot, Generation: 3,
			Counters: []supervisor.Counter{supervisor.Gauge("rss", bytes, "B"), supervisor.Total("restarts", 2)}}
	}
	states := []runner.Status{
		{Name: `we"b`, Counters: []supervisor.Counter{supervisor.Gauge("ready", 2, ""), secret},
			Workers: []runner.Worker{worker(0, 1e6), worker(1, 1.5)}},
		{Name: "api", Counters: []supervisor.Counter{supervisor.Gauge("ready", 1, ""),
			supervisor.Gauge("odd name-é", 1, "s")}},
	}
	var out strings.Builder
	writeMetrics(&out, states, false)
	want := `# TYPE hotreload_odd_name___seconds gauge
hotreload_odd_name___seconds{service="api"} 1
# TYPE hotreload_ready gauge
hotreload_ready{service="we\"b"} 2
hotreload_ready{service="api"} 1
# TYPE hotreload_worker_restarts_total counter
hotreload_worker_restarts_total{service="we\"b",slot="0",generation="3"} 2
hotreload_worker_restarts_total{service="we\"b",slot="1",generation="3"} 2
# TYPE hotreload_worker_rss_bytes gauge
hotreload_worker_rss_bytes{service="we\"b",slot="0",generation="3"} 1e+06
hotreload_worker_rss_bytes{service="we\"b",slot="1",generation="3"} 1.5
`
	if have := out.String(); have != want {
		t.Errorf("have\n%swant\n%s", have, want)
	}
	out.Reset()
	writeMetrics(&out, states, true)
	if !strings.Contains(out.String(), "hotreload_secret{service=\"we\\\"b\"} 7\n") {
		t.Error("a privileged client does not get all counters")
	}
}
