//go:build unix

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/internal/testmodules"
)

// seenOnLinux lists programs that only Linux can distinguish from slow ones: other systems do not tell the reason of a
// process's wait.
var seenOnLinux = []string{"flock that waits", "bbolt", "sqlite that waits"}

// Programs that can run only once are replaced, save after save, and one line gives the reason. Slow or broken programs
// do not stop the old worker. All cases are one program, built once; each is a service of one hotreload.
func TestProgramsThatRunOnlyAlone(t *testing.T) {
	t.Parallel()
	why := map[string]string{
		"nothing": "", "flock": "only one can lock .*app.lock", "flock that waits": "only one can lock .*app.lock",
		"fcntl":  "only one can lock .*app.lock",
		"silent": "only one can lock .*app.lock", "bbolt": "only one can lock .*app.bolt",
		"bbolt with Timeout": "only one can lock .*app.bolt",
		"badger":             "only one can lock .*badger", "leveldb": "only one can lock .*level/LOCK",
		"sqlite":            "only one can lock .*app.db",
		"sqlite that waits": "only one can lock .*app.db", "pid file": ".*app.pid may be there only once",
		"pid file that is read": ".*another instance runs already, as pid",
		"listener of its own":   "the program binds .* itself",
	}
	if runtime.GOOS != "linux" {
		for _, way := range seenOnLinux {
			delete(why, way)
		}
	}
	dir := copyOf(t, "testdata/databases")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-w", "-o", filepath.Join(dir, "..", "program"),
		"./alone")
	build.Dir = dir // this takes minutes the first time, because SQLite is large
	out, err := build.CombinedOutput()
	testmodules.Require(t, err, string(out))
	var ways []string
	for way := range why {
		ways = append(ways, way)
	}
	slices.Sort(ways)
	name := func(way string) string { return strings.ReplaceAll(way, " ", "-") }
	addr, folder := map[string]string{}, map[string]string{}
	var settings strings.Builder
	for _, way := range ways {
		addr[way], folder[way] = freeAddr(t), filepath.Join(dir, "data", name(way))
		save(t, filepath.Join(folder[way], "a.txt"), "0")
		save(t, filepath.Join(folder[way], "b.txt"), "0")
		fmt.Fprintf(&settings, "[[service]]\nname = %q\npackage = \"./alone\"\nargs = [%q, %q, %q]\n\n", name(way), way,
			addr[way], folder[way])
	}
	save(t, filepath.Join(dir, "hotreload.toml"), settings.String())
	save(t, filepath.Join(dir, ".reloadignore"), "data/*/badger/\ndata/*/level/\n"+
		"data/*/app.pid\n") // files that replace workers are the subject of other tests
	run := func(t *testing.T) *session {
		t.Helper()
		s := setup{env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir)}}.start(t, dir, "-v")
		for _, way := range ways {
			s.says(`\[hotreload ` + name(way) + `\] generation 1 serves`)
		}
		return s
	}
	at := func(s *session, way string) *session { // like a session with one service
		return &session{t: s.t, dir: folder[way], addr: addr[way], done: s.done}
	}
	t.Run("five saves", func(t *testing.T) {
		s := run(t)
		words := [2]string{"0", "0"}
		for i := range 5 {
			words[i%2] = fmt.Sprint(i + 1)
			for _, way := range ways { // all together, because each waits for its old worker
				save(t, filepath.Join(folder[way], [2]string{"a.txt", "b.txt"}[i%2]), words[i%2])
			}
			for _, way := range ways {
				at(s, way).serves(words[0] + " " + words[1])
			}
		}
		for _, way := range ways {
			line := `(?m)^\[hotreload ` + name(way) +
				`\] from now on, old workers exit before new ones start \(stop-first\): ` + why[way]
			want := 1
			if why[way] == "" {
				want = 0
			}
			if have := s.count(line); have != want {
				t.Errorf("%s: the reason was printed %d times, want %d: %s", way, have, want, line)
			}
			if have := s.count(`\[hotreload ` + name(way) + `\] generation \d+ (died|not ready)`); have != 0 {
				t.Errorf("%s: %d generations failed", way, have)
			}
		}
	})
	t.Run("remembered over runs, and explained", func(t *testing.T) {
		s := run(t)
		for _, way := range ways {
			save(t, filepath.Join(folder[way], "b.txt"), "again")
		}
		for _, way := range ways {
			at(s, way).serves("5 again")
		}
		if n := s.count(`is tried again without the old worker`); n > 0 {
			t.Errorf("%d workers were tried again", n)
		}
		out, _ := s.command("status", name("flock"))
		if !strings.Contains(out, "old workers exit before new ones start (stop-first): only one can lock") {
			t.Errorf("status says\n%s", out)
		}
		out, _ = s.command("explain", filepath.Join(folder["flock"], "b.txt"))
		if !strings.Contains(out, "flock: ") || !strings.Contains(out, "old workers exit first: only one can lock") {
			t.Errorf("explain says\n%s", out)
		}
	})
	t.Run("slow, and broken", func(t *testing.T) {
		s := run(t)
		plain := at(s, "nothing")
		pid := plain.pid()
		plain.save("b.txt", "broken")
		s.says(`\[hotreload nothing\] generation 2 died before it was ready.*as broken as told`)
		if now := plain.pid(); now != pid {
			t.Errorf("the worker changed from %d to %d", pid, now)
		}
		plain.save("b.txt", "slow")
		asked, longest := 0, time.Duration(0)
		for answer, begun := "", time.Now(); answer != "5 slow"; asked++ {
			begin := time.Now()
			if begin.Sub(begun) > patience {
				t.Fatalf("the server answers %q, want 5 slow", answer)
			}
			var err error
			if answer, err = plain.get("/"); err != nil {
				t.Fatal(err)
			}
			longest = max(longest, time.Since(begin))
			time.Sleep(50 * time.Millisecond) // the pace of the scenario
		}
		t.Logf("%d requests during the start, the longest took %v", asked, longest)
		if n := s.count(`\[hotreload nothing\] .*is tried again without the old worker`); n > 0 {
			t.Errorf("the old worker was stopped")
		}
	})
}

// says waits until some part of the output matches.
func (s *session) says(pattern string) {
	s.t.Helper()
	for end := time.Now().Add(patience); s.count(pattern) == 0; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) || s.ended() {
			s.t.Fatalf("no line like %q", pattern)
		}
	}
}
