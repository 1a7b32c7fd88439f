//go:build unix

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// noted returns the lines written by hooks.
func noted(dir string) []string {
	text, _ := os.ReadFile(filepath.Join(dir, "noted"))
	return strings.Fields(strings.ReplaceAll(string(text), " ", "_"))
}

func TestHooks(t *testing.T) {
	t.Parallel()
	config := "[hooks]\n"
	for _, hook := range []string{"on_start", "on_ready", "on_reload", "on_exit", "on_stop", "on_fail"} {
		config += fmt.Sprintf("%s = 'echo $HOTRELOAD_HOOK $HOTRELOAD_GENERATION $HOTRELOAD_SLOT $HOTRELOAD_STATUS >> "+
			"noted'\n", hook)
	}
	dir := newModule(t, map[string]string{"hotreload.toml": config})
	s := apart.start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.save("version.go", version("v2", ""))
	s.waitFor(`generation 2 serves`)
	s.save("version.go", "package main\n\nconst version = 2 +\n")
	s.waitFor(`version.go:`)
	s.save("version.go", version("v3", "os.Exit(3)"))
	s.waitFor(`generation 3 died`)
	s.signal(syscall.SIGTERM)
	s.exit()
	have := strings.Join(noted(dir), "\n")
	want := []string{"on_start_1_0", "on_ready_1_0_accepts", "on_reload_2", "on_exit_1_0_SIGTERM", "on_fail_2_build",
		"on_start_3_0", "on_fail_3_0_3", "on_exit_3_0_3", "on_exit_2_0_SIGTERM"}
	for _, line := range want { // the server does not catch SIGTERM
		if !slices.Contains(noted(dir), line) {
			t.Errorf("%s is missing in\n%s", line, have)
		}
	}
	if !strings.HasPrefix(have, want[0]) || !strings.HasSuffix(have, "\non_stop_2") {
		t.Errorf("the order is\n%s", have)
	}
}

// A hanging hook delays nothing and is killed. Its output and its failure are printed.
func TestHookThatHangs(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"hotreload.toml": "[hooks]\ntimeout = \"500ms\"\n" +
		"on_start = 'echo here; exit 7'\non_ready = 'sleep 1000 & echo $! >> noted; wait'\n"})
	s := apart.start(t, dir, ".", "{addr}")
	s.waitFor(`on_start: here\n(.|\n)*on_start: exit code 7`)
	s.waitFor(`on_ready: did not end within 500ms: killed`)
	s.save("version.go", version("v2", ""))
	s.serves("v2")
	s.eventually("the second hook hangs, too", func() bool { return len(noted(dir)) == 2 })
	s.signal(syscall.SIGTERM)
	s.exit()
	for _, text := range noted(dir) {
		var pid int
		fmt.Sscan(text, &pid)
		gone(t, pid)
	}
}

// The second Ctrl-C kills hooks, too.
func TestHookIsKilledAtStop(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"hotreload.toml": "[hooks]\ntimeout = \"1h\"\n" +
		"on_ready = 'echo $$ >> noted; sleep 1000'\n"})
	s := apart.start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.eventually("the hook runs", func() bool { return len(noted(dir)) == 1 })
	s.signal(syscall.SIGINT)
	s.waitFor(`stopping`)
	time.Sleep(350 * time.Millisecond) // two key presses are at least this far apart
	s.signal(syscall.SIGINT)
	s.exit()
	var pid int
	fmt.Sscan(noted(dir)[0], &pid)
	gone(t, pid)
}

func TestHookThatIsNone(t *testing.T) {
	t.Parallel()
	s := apart.start(t, newModule(t, map[string]string{"hotreload.toml": "[hooks]\non_strat = 'true'\n"}), ".", "{addr}")
	s.waitFor(`hotreload.toml:2: unknown key "hooks.on_strat"\nhint: the hooks are on_start, on_ready`)
	if code := s.exit(); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
}
