//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const twoServices = "[[service]]\nname = \"web\"\npackage = \"./cmd/web\"\n[[service]]\nname = \"api\"\n" +
	"package = \"./cmd/api\"\n"

// switched creates two services, with a kill switch in the module's folder.
func switched(t *testing.T) (dir, file string, addresses map[string]string) {
	dir, addresses = newServices(t, "kill_switch = \"disabled.json\"\n"+twoServices)
	return dir, filepath.Join(dir, "disabled.json"), addresses
}

func TestKillSwitch(t *testing.T) {
	t.Parallel()
	dir, _, addresses := switched(t)
	s := startControlled(t, dir)
	s.waitFor(`building`)
	s.expectCommand(0, `generation 1, serves(.|\n)*generation 1, serves`, "wait")
	s.expectCommand(0, `^nothing is disabled\n$`, "disabled")
	s.expectCommand(0, `^nothing is disabled\n$`, "disable", "--list")
	s.expectCommand(2, `--list cannot be combined with service names`, "disable", "--list", "web")
	s.expectCommand(2, `--json needs --list`, "disable", "--json")
	s.expectCommand(2, `no such service: "wbe"\nhint: the services are web, api`, "disable", "wbe")

	// A disabled service is not replaced, and its running worker is not stopped. The other service is not affected.
	s.expectCommand(0, `^disabled: web\n$`, "disable", "web")
	s.waitFor(`web is disabled: no worker is started`)
	s.save("lib/version.go", "package lib\n\nvar Version = \"v2\"\n")
	s.expectCommand(1, `web: web is disabled: starting workers is off\nhint: hotreload enable web`, "wait")
	answersAt(t, s, addresses["api"], "v2")
	answersAt(t, s, addresses["web"], "v1")
	s.expectCommand(1, `web is disabled`, "reload", "web")
	s.expectCommand(0, `starting workers is off: web is disabled`, "status", "web")

	// A dead worker is not restarted.
	pid := s.workerPid(addresses["web"])
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.waitFor(`not restarted: web is disabled`)

	// EXSyst: save the state, disable more, and restore the saved state.
	saved, _ := s.command("disabled", "--json")
	save(t, filepath.Join(dir, "saved.json"), saved)
	s.expectCommand(0, `^everything is disabled; also disabled by name: web\n$`, "disable")
	s.expectCommand(0, `^everything is disabled; also disabled by name: api, web\n$`, "disable", "api")
	s.expectCommand(0, `^disabled: web\n$`, "disabled", "--restore", "saved.json")
	s.expectCommand(0, `^disabled: web\n$`, "disable", "--list")
	if listed, _ := s.command("disable", "--list", "--json"); listed != saved {
		t.Errorf("disable --list --json: %s, want %s", listed, saved)
	}

	s.expectCommand(0, `^nothing is disabled\n$`, "enable", "web")
	answersAt(t, s, addresses["web"], "v2")
	s.expectCommand(0, `serves`, "wait")
}

func TestKillSwitchByHand(t *testing.T) {
	t.Parallel()
	dir, file, addresses := switched(t)
	save(t, file, `{"global": true}`)
	s := startControlled(t, dir)
	s.waitFor(`everything is disabled: no worker is started`)
	save(t, file, `{"global": false, "services": ["web"]}`)
	answersAt(t, s, addresses["api"], "v1")
	s.waitFor(`\[hotreload web\] web is disabled: no worker is started`)
	s.expectCommand(1, `web is disabled`, "wait", "web")

	// An invalid file disables all services.
	save(t, file, `{"global": false, "servces": []}`)
	s.waitFor(`unknown key "servces"(.|\n)*no worker is started`)
	s.expectCommand(1, `unknown key "servces"(.|\n)*hint: .*enable --all`, "disabled")
	s.expectCommand(1, `unknown key "servces"`, "enable", "web")
	if _, err := s.get("/"); err != nil {
		t.Errorf("the running worker does not answer: %v", err)
	}
	s.expectCommand(0, `^nothing is disabled\n$`, "enable", "--all")
	answersAt(t, s, addresses["web"], "v1")
}

// disable --stop: no worker is restarted after it was asked to drain.
func TestDisableAndStop(t *testing.T) {
	t.Parallel()
	dir, _, addresses := switched(t)
	s := startControlled(t, dir)
	s.waitFor(`building`)
	s.expectCommand(0, `serves(.|\n)*serves`, "wait")
	pid := s.workerPid(addresses["web"])
	s.expectCommand(0, `^disabled: web\n$`, "disable", "--stop", "web")
	gone(t, pid)
	s.expectCommand(1, `web is disabled`, "reload", "web")
	s.expectCommand(0, `^nothing is disabled\n$`, "enable", "web")
	s.expectCommand(0, `serves`, "reload", "web")
	answersAt(t, s, addresses["web"], "v1")
}

// The commands work without a running hotreload, and a project's own file needs no folder of hotreload.
func TestKillSwitchWithoutHotreload(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	state := t.TempDir()
	runtime := runtimeOf(t, dir)
	t.Cleanup(func() { os.RemoveAll(filepath.Join(state, "hotreload")) })
	run := func(want string, args ...string) {
		t.Helper()
		out, code := runCommandWith(t, dir, runtime, []string{"XDG_STATE_HOME=" + state}, args...)
		if code != 0 || out != want {
			t.Errorf("%v: exit code %d, output %q, want %q", args, code, out, want)
		}
	}
	program := filepath.Base(dir)
	run("disabled: "+program+"\n", "disable", program)
	s := setup{env: []string{"XDG_RUNTIME_DIR=" + runtime, "XDG_STATE_HOME=" + state}}.start(t, dir, ".", "{addr}")
	s.waitFor(program + ` is disabled: no worker is started`)
	run("nothing is disabled\n", "enable", program)
	s.serves("v1")
}

// workerPid returns the pid of the server at an address.
func (s *session) workerPid(address string) int {
	s.t.Helper()
	s.addr = address
	text, err := s.get("/pid")
	pid, wrong := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || wrong != nil {
		s.t.Fatalf("%q, %v", text, err)
	}
	return pid
}
