package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotreload/bench/load"
	"hotreload/gobuild/patch"
)

// TestPatchUnderLoad saves a program again and again while clients send requests. No request may be
// lost, each answer must be of a version that could serve, each save must be patched or linked, and the linker must not
// contradict a patch. HOTRELOAD_SOAK=1 saves for an hour, each 5 s, or for HOTRELOAD_SOAK_MINUTES.
func TestPatchUnderLoad(t *testing.T) {
	notShort(t)
	if why := patch.Supported(runtime.Version(), runtime.GOOS, runtime.GOARCH); why != "" {
		t.Skip(why)
	}
	saves := len(kindsOfSave)
	if soak {
		minutes, err := strconv.Atoi(os.Getenv("HOTRELOAD_SOAK_MINUTES"))
		if err != nil {
			minutes = 60
		}
		saves = minutes * 60 / 5
	} else {
		t.Parallel()
	}
	dir := newModule(t, map[string]string{"main.go": "package main\n\nimport _ \"example.com/app/word\"\n" +
		strings.TrimPrefix(server, "package main\n"), "word/word.go": "package word\n"})
	s := start(t, dir, "-v", ".", "{addr}")
	s.waitForAll(`generation 1 serves`, `the program is read: the next build can patch it`)
	versions := &served{most: 1}
	stop := s.loadWith(versions)
	var usages []usage
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for n := 2; n < 2+saves; n++ {
		switch {
		case soak:
			<-ticker.C // the pace of the scenario
		case n > 2:
			s.waitFor(`the linker has confirmed the patched program|the program is read: the next build can patch it`)
		}
		versions.serves(n - 1)
		usages = append(usages, usageOf(t, s.cmd.Process.Pid))
		versions.saved(n)
		kindsOfSave[n%len(kindsOfSave)](s, n)
		s.serves(fmt.Sprint("v", n))
	}
	report, lost := stop()
	if report.All.Requests < saves || len(lost) > 0 {
		t.Errorf("%d requests, lost:\n%s", report.All.Requests, strings.Join(lost[:min(len(lost), 20)], "\n"))
	}
	s.patchedOrLinked(saves)
	t.Logf("%d saves, %d requests, %d lost", saves, report.All.Requests, len(lost))
	if soak {
		notGrown(t, usages)
	}
	s.losesWithKilledWorkers(versions)
}

// kindsOfSave are saves of version n. All can be patched.
var kindsOfSave = []func(s *session, n int){
	func(s *session, n int) { s.save("version.go", version(fmt.Sprint("v", n), "")) },
	func(s *session, n int) { // new types, functions, variables, and code that was not linked before
		s.save("version.go", fmt.Sprintf("package main\n\nimport \"fmt\"\n\nconst version = \"v%[1]d\"\n\n"+
			"type added%[1]d struct{ n []int }\n\nfunc (a *added%[1]d) String() string { return fmt.Sprint(len(a.n)) }\n\n"+
			"var all = map[string]fmt.Stringer{\"a\": &added%[1]d{n: []int{%[1]d}}}\n\nfunc boot() { fmt.Println(all) }\n", n))
	},
	func(s *session, n int) { // shifted lines
		s.save("version.go", strings.Repeat("// A line.\n", n%50)+"\n"+version(fmt.Sprint("v", n), ""))
	},
	func(s *session, n int) { // two packages, and what the first exports
		s.save("word/word.go", fmt.Sprintf("package word\n\nfunc Added%d() int { return %[1]d }\n\n"+
			"func init() { Added%[1]d() }\n", n))
		s.save("version.go", version(fmt.Sprint("v", n), ""))
	},
	func(s *session, n int) { // what does not compile, and the repair
		s.save("version.go", "package main\n\nconst version = undefined\n\nfunc boot() {}\n")
		s.waitFor(`undefined: undefined`)
		s.save("version.go", version(fmt.Sprint("v", n), ""))
	},
	func(s *session, n int) { // an import that the package did not have, or one less
		imports := []string{"import _ \"strings\"\n", ""}[n/6%2]
		s.save("word/word.go", "package word\n\n"+imports)
		s.save("version.go", version(fmt.Sprint("v", n), ""))
	},
}

// served knows which versions may answer.
type served struct {
	mu   sync.Mutex // guards all below
	most int        // the newest one that was saved
	from []time.Time
}

// saved notes that a version may answer from now on.
func (v *served) saved(n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.most = n
}

// serves notes that no version before n may answer a request on a connection that is opened from now on.
func (v *served) serves(n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(v.from) < n {
		v.from = append(v.from, time.Now())
	}
}

// check returns what is wrong with an answer on a connection.
func (v *served) check(opened, _ time.Time, answer []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	n, err := strconv.Atoi(strings.TrimPrefix(string(answer), "v"))
	least := 1
	for least < len(v.from) && opened.After(v.from[least]) {
		least++
	}
	if err != nil || n < least || n > v.most {
		return fmt.Errorf("have %q, want v%d to v%d", answer, least, v.most)
	}
	return nil
}

// loadWith sends requests until stop is called, which returns what was lost.
func (s *session) loadWith(v *served) (stop func() (report load.Report, lost []string)) {
	ctx, cancel := context.WithCancel(s.t.Context())
	reported := make(chan load.Report)
	var mu sync.Mutex // guards lost
	var lost []string
	go func() { // ends after cancel, with the last answer
		reported <- load.Run(ctx, load.Options{
			Network: "tcp", Address: s.addr, Clients: 8, Timeout: patience, Since: v.check,
			Habits: []load.Habit{{Pause: 20 * time.Millisecond}, {Keep: true, Post: 1 << 10, Pause: 20 * time.Millisecond}},
			Lost: func(l load.Loss) {
				mu.Lock()
				defer mu.Unlock()
				lost = append(lost, fmt.Sprintf("%s, %s: %v, %v", l.Began.Format("15:04:05.000"), l.Ended.Sub(l.Began), l.Class,
					l.Err))
			},
		})
	}()
	return func() (load.Report, []string) {
		cancel()
		report := <-reported
		mu.Lock()
		defer mu.Unlock()
		return report, lost
	}
}

// patchedOrLinked requires that hotreload has patched most saves, linked the others or asked go, and has taken back
// nothing.
func (s *session) patchedOrLinked(saves int) {
	s.t.Helper()
	ways := map[string]int{}
	for _, found := range regexp.MustCompile(`built: (.*)`).FindAllStringSubmatch(s.text(), -1) {
		way := strings.TrimSpace(found[1])
		switch _, why, linked := strings.Cut(way, "and linked, not patched: "); {
		case strings.HasSuffix(way, ", and patched"):
			way = "patched"
		case linked:
			way = "linked: " + why
		}
		ways[way]++
	}
	for _, way := range slices.Sorted(maps.Keys(ways)) {
		s.t.Logf("%d × %s", ways[way], way)
	}
	confirmed := s.count(`the linker has confirmed the patched program`)
	s.t.Logf("%d confirmed", confirmed)
	if n := s.count(`does not confirm|disagree`); n > 0 {
		s.t.Errorf("%d patches are not confirmed\n%s", n, s.text())
	}
	if ways["patched"] < saves/2 || confirmed == 0 {
		s.t.Errorf("of %d saves, %d were patched, and %d confirmed", saves, ways["patched"], confirmed)
	}
}

// notGrown requires that a process does not need more in the last quarter than in the second.
func notGrown(t *testing.T, usages []usage) {
	t.Helper()
	quarter := len(usages) / 4
	most := func(list []usage) (m usage) {
		for _, u := range list {
			m = usage{max(m.files, u.files), max(m.threads, u.threads), max(m.kilobytes, u.kilobytes)}
		}
		return m
	}
	before, after := most(usages[quarter:2*quarter]), most(usages[3*quarter:])
	t.Logf("second quarter %+v, last quarter %+v", before, after)
	if after.files > before.files+6 || after.threads > before.threads+8 || after.kilobytes > before.kilobytes+32<<10 {
		t.Errorf("hotreload has grown from %+v to %+v", before, after)
	}
}

// losesWithKilledWorkers is the control: a request that a killed worker was about to answer counts as lost, and so does
// an answer of a version that does not serve any more.
func (s *session) losesWithKilledWorkers(v *served) {
	s.t.Helper()
	if err := v.check(time.Now(), time.Now(), []byte("v1")); err == nil {
		s.t.Error("an answer of the first version counts as one of the last")
	}
	for range 20 {
		stop := s.loadWith(v)
		s.eventually("clients are answered", func() bool { _, err := s.get("/"); return err == nil })
		_ = syscall.Kill(s.pid(), syscall.SIGKILL)
		s.eventually("clients are answered again", func() bool { _, err := s.get("/"); return err == nil })
		if _, lost := stop(); len(lost) > 0 {
			return
		}
	}
	s.t.Error("the clients have noticed no killed worker")
}
