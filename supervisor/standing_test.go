package supervisor

import (
	"syscall"
	"testing"
	"time"

	"hotreload/process"
	"hotreload/supervisor/inspect"
)

func TestWhyDied(t *testing.T) {
	lock, pid := Standing{Known: true, Locked: "/app.lock", Held: "/app.lock"}, Standing{Known: true, Shared: "/app.pid"}
	held, named := Standing{Known: true, Held: "/app.db"}, Standing{Known: true, Names: true}
	plain, blind := Standing{Known: true}, Standing{}
	segv := process.Exit{Code: -1, Signal: syscall.SIGSEGV}
	for _, c := range []struct {
		name string
		Standing
		process.Exit
		said string
		want Reason
	}{
		{"flock: opened what is locked, and says so", lock, process.Exit{Code: 1}, "already running",
			Reason{ByLock, "/app.lock"}},
		{"flock: silently", lock, process.Exit{Code: 1}, "", Reason{ByLock, "/app.lock"}},
		{"flock: panics with the error", lock, process.Exit{Code: 2},
			"panic: resource temporarily unavailable\n\ngoroutine 1 [running]:", Reason{ByLock, "/app.lock"}},
		{"flock: done, as it says", lock, process.Exit{}, "another instance is running", Reason{ByLock, "/app.lock"}},
		{"flock: done, silently", lock, process.Exit{}, "", Reason{}},
		{"bbolt with Timeout", lock, process.Exit{Code: 1}, "timeout", Reason{ByLock, "/app.lock"}},
		{"a fault beside a lock", lock, process.Exit{Code: 2}, "panic: runtime error: index out of range [3] with length 3",
			Reason{}},
		{"a signal beside a lock", lock, segv, "", Reason{}},
		{"SQLite in exclusive mode: its files are opened by itself", held, process.Exit{Code: 1},
			"database is locked (5) (SQLITE_BUSY)", Reason{ByLock, "/app.db"}},
		{"badger", held, process.Exit{Code: 1},
			`Cannot acquire directory lock on "/data".  Another process is using this Badger database. ` +
				`error: resource temporarily unavailable`, Reason{ByLock, "/app.db"}},
		{"LevelDB", held, process.Exit{Code: 1}, "resource temporarily unavailable", Reason{ByLock, "/app.db"}},
		{"something else beside a database", held, process.Exit{Code: 1}, "PORT is not set", Reason{}},
		{"PID file", pid, process.Exit{Code: 1}, "already running: open app.pid: file exists", Reason{ByFile, "/app.pid"}},
		{"a log that all write, and a crash", pid, process.Exit{Code: 1},
			"dial tcp 127.0.0.1:5432: connect: connection refused", Reason{}},
		{"a log that all write, and a database that is not there", pid, process.Exit{Code: 1},
			"database unavailable: i/o timeout", Reason{}},
		{"it names the other", named, process.Exit{Code: 1}, "2026/11/26 15:02:41 already running (pid 4711)",
			Reason{ByWords, "already running (pid 4711)"}},
		{"it names a number", named, process.Exit{Code: 1}, "exit 4711", Reason{}},
		{"words alone", plain, process.Exit{Code: 1}, "lock file is not configured", Reason{}},
		{"words alone, where nothing can be seen", blind, process.Exit{Code: 1}, "x\nanother process has it\ny",
			Reason{ByWords, "another process has it"}},
		{"faint words alone, where nothing can be seen", blind, process.Exit{Code: 1}, "timeout", Reason{}},
		{"a plain crash", plain, process.Exit{Code: 3}, "", Reason{}},
		{"a plain crash, where nothing can be seen", blind, process.Exit{Code: 3}, "", Reason{}},
		{"a deadlock of its own", held, process.Exit{Code: 2}, "fatal error: all goroutines are asleep - deadlock!",
			Reason{}},
		{"a lock in the names of files", held, process.Exit{Code: 2},
			"panic: PORT is not set\n\ngoroutine 1 [running]:\nsync.(*Mutex).lock()\n\t/src/locks/lock/main.go:7", Reason{}},
		{"a file in a folder of locks", held, process.Exit{Code: 1}, "open /var/lock/x: permission denied", Reason{}},
		{"a bad flag", plain, process.Exit{Code: 2}, "flag provided but not defined: -lock", Reason{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if have := c.whyDied(Exit{Exit: c.Exit, Tail: c.said}, false); have != c.want {
				t.Errorf("have %+v, want %+v", have, c.want)
			}
		})
	}
	for _, c := range []struct {
		name string
		exit Exit
		Standing
		hung bool
		want Reason
	}{
		{"an address that an old one has", Exit{AddressInUse: ":80", Holder: Holder{Pid: 1, Ours: true}}, lock, false,
			Reason{ByAddress, ":80"}},
		{"an address that a stranger has", Exit{AddressInUse: ":80", Holder: Holder{Pid: 1}}, lock, false, Reason{}},
		{"too little memory", Exit{OOM: inspect.IsOOM, Tail: "already running"}, blind, false, Reason{}},
		{"hung, and nothing can be seen", Exit{}, blind, true, Reason{Kind: BySilence}},
		{"hung, and nothing was seen", Exit{}, lock, true, Reason{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if have := c.whyDied(c.exit, c.hung); have != c.want {
				t.Errorf("have %+v, want %+v", have, c.want)
			}
		})
	}
}

func TestWhyWaits(t *testing.T) {
	const handover = 3 * time.Second
	for _, c := range []struct {
		name string
		Standing
		want Reason
	}{
		{"sleeps in a lock of the others", Standing{Known: true, Asleep: "/db", Awaits: true}, Reason{ByLock, "/db"}},
		{"tries a lock of the others again and again",
			Standing{Known: true, Locked: "/db", Idle: time.Millisecond, Awaits: true}, Reason{ByLock, "/db"}},
		{"has their file open, and works", Standing{Known: true, Locked: "/db", Awaits: true}, Reason{}},
		{"waits for nothing", Standing{Known: true, Silent: handover}, Reason{Kind: BySilence}},
		{"waits for nothing, not for long", Standing{Known: true, Silent: handover - 1}, Reason{}},
		{"waits for time, or the network", Standing{Known: true, Idle: time.Hour, Silent: time.Hour, Awaits: true}, Reason{}},
		{"waits for time, and they have a lock that it has nothing to do with",
			Standing{Known: true, Held: "/db", Idle: time.Hour, Silent: time.Hour, Awaits: true}, Reason{}},
		{"works", Standing{Known: true}, Reason{}},
		{"a debugger has it, asleep in a lock of the others", Standing{Known: true, Asleep: "/db", Traced: true}, Reason{}},
		{"a debugger has it, with their file open", Standing{Known: true, Locked: "/db", Idle: 1, Traced: true}, Reason{}},
		{"a debugger has it, waiting for nothing", Standing{Known: true, Silent: time.Hour, Traced: true}, Reason{}},
		{"nothing can be seen", Standing{Asleep: "/db", Locked: "/db", Silent: time.Hour}, Reason{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if have := c.whyWaits(handover); have != c.want {
				t.Errorf("have %+v, want %+v", have, c.want)
			}
		})
	}
}

func TestPulse(t *testing.T) {
	start := time.Unix(1e9, 0)
	var p pulse
	for i, c := range []struct {
		after  time.Duration
		spent  time.Duration
		opened int
		want   time.Duration // idle
	}{
		{0, 50 * time.Millisecond, 1, 0},                                  // the hello of its agent
		{3 * time.Second, 60 * time.Millisecond, 1, 3 * time.Second},      // one more tick is no work
		{4 * time.Second, 60 * time.Millisecond, 2, 0},                    // a new file
		{5 * time.Second, 85 * time.Millisecond, 2, time.Second},          // retrying in a loop
		{6 * time.Second, 200 * time.Millisecond, 2, 0},                   // working
		{16 * time.Second, 390 * time.Millisecond, 2, 10 * time.Second},   // almost idle
		{17 * time.Second, 1390 * time.Millisecond, 2, 0 * time.Second},   // working
		{18 * time.Second, 1390 * time.Millisecond, 2, 1 * time.Second},   // stopped working
		{19 * time.Second, 1390 * time.Millisecond, 2, 2 * time.Second},   //
		{19500 * time.Millisecond, 1390 * time.Millisecond, 3, 0 * 1_000}, // a new file
	} {
		have, silent := p.feel(c.spent, c.opened, false, start.Add(c.after))
		if have != c.want || silent != c.want {
			t.Errorf("%d: idle for %v, silent for %v, want %v", i, have, silent, c.want)
		}
	}
	if idle, silent := p.feel(1390*time.Millisecond, 3, true, start.Add(21*time.Second)); idle != 1500*time.Millisecond ||
		silent != 0 {
		t.Errorf("it waits for something: idle for %v, silent for %v", idle, silent)
	}
}

func TestTrail(t *testing.T) {
	old, next := &running{}, &running{}
	old.trail.note("/log", ToReadOrWrite)
	old.trail.note("/pid", ToWrite)
	old.trail.note("/page.html", ToRead)
	old.trail.ready()
	if old.trail.opened("/page.html") || !old.trail.opened("/pid") {
		t.Errorf("have %+v, want no more than what was written", old.trail)
	}
	others := []*running{old}
	next.trail.note("/log", ToReadOrWrite)
	if have := next.trail.shared(others, ""); have != "/log" {
		t.Errorf("the last that it opened: have %q", have)
	}
	next.trail.note("/page.html", ToRead)
	if have := next.trail.shared(others, ""); have != "" {
		t.Errorf("it went on from there: have %q", have)
	}
	if have := next.trail.shared(others, "open /log: no"); have != "/log" {
		t.Errorf("it names the file: have %q", have)
	}
	next.trail.note("/new", ToWrite)
	if have := next.trail.shared(others, ""); have != "" {
		t.Errorf("a file of its own: have %q", have)
	}
}
