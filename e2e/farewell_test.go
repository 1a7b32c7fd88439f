//go:build unix

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withPidFile is a server with a PID file, removed at the stop signal.
var withPidFile = strings.Replace(strings.Replace(server, "boot()", `boot()
	if err := os.WriteFile("app.pid", fmt.Append(nil, os.Getpid()), 0o666); err != nil {
		log.Fatal(err)
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	go func() {
		<-c
		os.Remove("app.pid")
		os.Exit(0)
	}()`, 1), "\t\"os\"\n", "\t\"os\"\n\t\"os/signal\"\n\t\"syscall\"\n", 1)

// The cleanup of an old worker must not undo the start of the new one: after each save the file exists, with the new
// pid. The first time, the loss is noticed and repaired, and one line names the file and the remedy.
func TestFarewellUndoesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, map[string]string{"main.go": withPidFile}), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	const said = `\(stop-first\): when it exits the program removes app.pid, .*\nhint: .*strategy = "stop-first"`
	for i := 2; i < 5; i++ {
		s.save("version.go", version(fmt.Sprint("v", i), ""))
		s.serves(fmt.Sprint("v", i))
		if i == 2 {
			s.waitFor(said)
		}
		eventually(t, "app.pid is the new worker's", func() bool {
			text, _ := os.ReadFile(filepath.Join(s.dir, "app.pid"))
			return string(text) == fmt.Sprint(s.pid())
		})
	}
	if have := s.count(said); have != 1 {
		t.Errorf("reported %d times, want once", have)
	}
}

// If the user has chosen a strategy with both workers at the same time, one line names the lost file and the remedy.
// The file stays lost: the proof that the test above can fail.
func TestFarewellWhereBothWereWanted(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, map[string]string{"main.go": withPidFile}), "--strategy", "parallel", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.save("version.go", version("v2", ""))
	s.waitFor(`worker of generation 1 removed app.pid when it exited, .*\nhint: .*"stop-first"`)
	if _, err := os.Stat(filepath.Join(s.dir, "app.pid")); !os.IsNotExist(err) {
		t.Errorf("the file exists (%v): nothing was lost", err)
	}
	s.serves("v2")
}

// beating is a server that does something regularly on its own, like bots and scheduled jobs.
var beating = strings.Replace(strings.Replace(server, "boot()", `boot()
	go func() {
		beats, err := os.OpenFile("beats", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
		if err != nil {
			log.Fatal(err)
		}
		for ; ; time.Sleep(5 * time.Millisecond) {
			fmt.Fprintln(beats, os.Getpid())
		}
	}()
	time.Sleep(300 * time.Millisecond)`, 1), "\t\"os\"\n", "\t\"os\"\n\t\"time\"\n", 1)

// During a replacement, two workers act on their own for a moment; with stop-first never.
func TestBeatsOfTwoAtOnce(t *testing.T) {
	t.Parallel()
	for strategy, want := range map[string]bool{"auto": true, "stop-first": false} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			s := start(t, newModule(t, map[string]string{"main.go": beating}), "--strategy", strategy, "-v", ".", "{addr}")
			s.waitFor(`generation 1 serves`)
			s.save("version.go", version("v2", ""))
			s.waitFor(`generation 2 serves`)
			eventually(t, "the old worker is gone", func() bool { return s.count(`worker of generation 1 has exited`) > 0 })
			beats, err := os.ReadFile(filepath.Join(s.dir, "beats"))
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Fields(string(beats))
			turns := 0 // changes from one worker to the other
			for i := 1; i < len(lines); i++ {
				if lines[i] != lines[i-1] {
					turns++
				}
			}
			if both := turns > 1; both != want {
				t.Errorf("two at once: %v (the turn changed %d times in %d beats), want %v", both, turns, len(lines), want)
			}
		})
	}
}
