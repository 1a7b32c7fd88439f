//go:build unix

package supervisor

import (
	"strings"
	"testing"
	"time"
)

// The sign by which a worker becomes ready, under each rule.
func TestReady(t *testing.T) {
	shared := []Address{address(t, "127.0.0.1:0")}
	port := freePort(t)
	own := []string{"-listen", port}
	path, err := ParseProbe("http:/")
	must(t, err)
	url, err := ParseProbe("http://" + port + "/")
	must(t, err)
	soon := 100 * time.Millisecond
	cases := []struct {
		name   string
		config Config
		flags  []string
		want   How
		linux  bool // Linux only
	}{
		{"its word", Config{Listen: shared}, []string{"-ready", "self"}, ByWord, false},
		{"its word, twice", Config{Listen: shared}, []string{"-ready", "twice"}, ByWord, false},
		{
			"the word of a child that has gone",
			Config{Listen: shared, Policy: Policy{Ready: ReadyNotify}},
			[]string{"-ready", "child"},
			ByWord,
			false,
		},
		{"the probe, at an address of its own", Config{Listen: shared, Probe: path}, nil, ByProbe, false},
		{
			"the probe, and nothing but the probe",
			Config{Listen: shared, Probe: path, Policy: Policy{Ready: ReadyProbe}},
			[]string{"-ready", "self", "-boot", "50ms"},
			ByProbe,
			false,
		},
		{"the probe, where it listens", Config{Args: own, Probe: path}, nil, ByProbe, true},
		{"the probe, at a URL", Config{Args: own, Probe: url}, nil, ByProbe, false},
		{"it listens", Config{Args: own}, nil, ByListening, true},
		{"it lives", Config{Listen: shared, Policy: Policy{AliveFor: soon}}, nil, ByAge, false},
		{
			"it lives, whatever else it does",
			Config{Args: own, Policy: Policy{Ready: ReadyAlive, AliveFor: soon}},
			[]string{"-ready", "self"},
			ByAge,
			false,
		},
		{"it has done its work", Config{}, []string{"-exit", "0"}, ByFinishing, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.linux && !linux() {
				t.Skip("only Linux tells who listens where")
			}
			s := start(t, c.config)
			for range 2 { // the second start must not fail because of what the first one taught
				generation := s.replace(c.flags...)
				ready := await[BecameReady](s, nil)
				if ready.How != c.want || ready.Generation != generation {
					t.Errorf("have %+v, want %s", ready, c.want)
				}
				if c.want == ByAge && ready.After < soon {
					t.Errorf("AliveFor is %v, and the worker was ready after %v", soon, ready.After)
				}
				await(s, replaced(generation))
			}
		})
	}
}

// The shared socket always accepts connections. So only a probe on a socket of its own proves that a new worker
// answers: while the new one boots, the old one serves.
func TestProbeIsNotAnsweredByTheOldWorker(t *testing.T) {
	probe, err := ParseProbe("http:/")
	must(t, err)
	s := start(t, Config{Listen: []Address{address(t, "127.0.0.1:0")}, Probe: probe})
	await(s, serving(s.replace()))
	s.replace("-boot", "300ms")
	await(s, func(e Started) bool { return e.Generation == 2 })
	if have := get(t, s.Addresses()[0], "/"); !strings.HasPrefix(have, "v1 ") {
		t.Errorf("while generation 2 boots, have %q", have)
	}
	if ready := await[BecameReady](s, nil); ready.After < 300*time.Millisecond {
		t.Errorf("ready after %v, before the worker listened", ready.After)
	}
	await(s, replaced(2))
	if have := get(t, s.Addresses()[0], "/"); !strings.HasPrefix(have, "v2 ") {
		t.Errorf("have %q", have)
	}
	if have := get(t, s.Addresses()[0], "/env?name=HOTRELOAD_PROBE"); !strings.HasPrefix(have, "http://127.0.0.1:") {
		t.Errorf("HOTRELOAD_PROBE is %q", have)
	}
}

// The environment contains variables for the worker, and none that another supervisor meant for hotreload.
func TestEnvironment(t *testing.T) {
	s := start(t, Config{
		Listen: []Address{address(t, "127.0.0.1:0")},
		Policy: Policy{Workers: 2, Ready: ReadyNotify},
		Env: []string{
			"PATH=/bin", "MINE=1", "LISTEN_PID=1", "LISTEN_FDS=7", "LISTEN_FDNAMES=x", "NOTIFY_SOCKET=/nobody",
			"WATCHDOG_USEC=1", "HOTRELOAD_GENERATION=99",
		},
	})
	await(s, serving(s.replace("-ready", "self")))
	for name, want := range map[string]string{
		"MINE": "1", "WATCHDOG_USEC": "", "HOTRELOAD_GENERATION": "1", "HOME": "",
	} {
		if have := get(t, s.Addresses()[0], "/env?name="+name); have != want {
			t.Errorf("%s=%q, want %q", name, have, want)
		}
	}
}

// A new generation that hangs before it is ready is killed. The old one serves all the time.
func TestHangsBeforeReady(t *testing.T) {
	s := start(t, Config{
		Listen: []Address{address(t, "127.0.0.1:0")},
		Policy: Policy{Workers: 2, Ready: ReadyNotify, StartTimeout: 1500 * time.Millisecond},
	})
	await(s, serving(s.replace("-ready", "self")))
	pids := pidsOf(t, s)
	s.replace("-hang")
	failed := await[Failed](s, nil)
	if failed.Generation != 2 || failed.Serving != 1 || !strings.Contains(failed.Reason, "READY=1") {
		t.Errorf("have %+v", failed)
	}
	for range 2 {
		await(s, func(e Exited) bool { return e.Generation == 2 })
	}
	if have := pidsOf(t, s); have != pids {
		t.Errorf("have workers %v, want those from before: %v", have, pids)
	}
	await(s, serving(s.replace("-ready", "self")))
	if strings.Count(s.transcript(), "supervisor.Failed") != 1 {
		t.Error("have more than one event Failed")
	}
}

// pidsOf sends requests until both workers have answered, and returns their pids by slot.
func pidsOf(t *testing.T, s *service) (pids [2]string) {
	eventually(t, "one of two workers never answers", func() string {
		fields := strings.Fields(get(t, s.Addresses()[0], "/"))
		pids[fields[1][0]-'0'] = fields[2]
		if pids[0] == "" || pids[1] == "" {
			return "."
		}
		return ""
	})
	return pids
}

func TestParseProbe(t *testing.T) {
	for text, want := range map[string]Probe{
		"http:/ready":                 {path: "/ready"},
		"http:/":                      {path: "/"},
		"http://127.0.0.1:80/ready":   {url: "http://127.0.0.1:80/ready"},
		"https://localhost/x?y=1":     {url: "https://localhost/x?y=1"},
		"http:":                       {},
		"http://":                     {},
		"tcp:80":                      {},
		"/ready":                      {},
		"":                            {},
		"ftp://127.0.0.1/":            {},
		"http://127.0.0.1:port/ready": {},
	} {
		have, err := ParseProbe(text)
		if have != want || (err != nil) != want.IsZero() {
			t.Errorf("%q: have %+v, %v; want %+v", text, have, err, want)
		}
	}
}

func TestDialable(t *testing.T) {
	for _, c := range []struct {
		a    Address
		want string
	}{
		{Address{Network: "tcp", Addr: "127.0.0.2:80"}, "127.0.0.2:80"},
		{Address{Network: "tcp", Addr: ":80"}, "127.0.0.1:80 [::1]:80"},
		{Address{Network: "tcp6", Addr: "[::1]:80"}, "[::1]:80"},
		{Address{Network: "unix", Addr: "/x"}, ""},
	} {
		if have := strings.Join(dialable(c.a), " "); have != c.want {
			t.Errorf("%v: have %q, want %q", c.a, have, c.want)
		}
	}
}
