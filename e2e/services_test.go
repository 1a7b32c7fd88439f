//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotreload/control"
)

// newServices creates a module of two servers that share a package, and a configuration of services.
func newServices(t *testing.T, config string) (dir string, addresses map[string]string) {
	t.Helper()
	addresses = map[string]string{}
	files := map[string]string{"lib/version.go": "package lib\n\nvar Version = \"v1\"\n"}
	for _, name := range []string{"web", "api"} {
		addresses[name] = freeAddr(t)
		main := strings.ReplaceAll(server, "fmt.Fprint(w, version)", "fmt.Fprint(w, lib.Version)")
		main = strings.ReplaceAll(main, "\t\"os\"\n", "\t\"os\"\n\n\t\"example.com/app/lib\"\n")
		main = strings.ReplaceAll(main, "boot()", "boot()\n\tlog.Printf(\"api=%s\", os.Getenv(\"HOTRELOAD_ADDR_API_MAIN\"))")
		files["cmd/"+name+"/main.go"] = strings.ReplaceAll(main, "os.Args[1]", strconv.Quote(addresses[name]))
		files["cmd/"+name+"/boot.go"] = "package main\n\nfunc boot() {}\n"
	}
	files["hotreload.toml"] = config
	dir = newModule(t, files)
	for _, name := range []string{"main.go", "version.go"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, addresses
}

// answersAt waits for an answer of the server at an address.
func answersAt(t *testing.T, s *session, address, want string) {
	t.Helper()
	s.addr = address
	s.serves(want)
}

// expectCommand runs a command and checks its exit code and output.
func (s *session) expectCommand(code int, says string, args ...string) {
	s.t.Helper()
	out, have := s.command(args...)
	if have != code || !regexp.MustCompile(says).MatchString(out) {
		s.t.Errorf("%v: exit code %d, want %d; output %q, want %q", args, have, code, out, says)
	}
}

// eventually waits until a fact is true.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not true after %v: %s", patience, what)
		}
	}
}

func (s *session) services(args ...string) (all control.Services) {
	s.t.Helper()
	out, _ := s.command(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return all
}

// TestServices: several programs and a command, each a service of its own.
func TestServices(t *testing.T) {
	t.Parallel()
	dir, at := newServices(t, `
[[service]]
name = "web"
package = "./cmd/web"
after = ["api"]

[[service]]
name = "api"
package = "./cmd/api"
workers = 2

[[service]]
name = "clock"
command = ["./clock.sh", "tick"]
watch = ["clock.txt"]
stop_signal = "INT"
`)
	save(t, filepath.Join(dir, "cmd/web/boot.go"), fmt.Sprintf("package main\n\nimport \"net\"\n\nfunc boot() {\n"+
		"\tif _, err := net.Dial(\"tcp\", %q); err != nil {\n\t\tprintln(\"api is not there yet\", err.Error())\n\t}\n}\n",
		at["api"]))
	save(t, filepath.Join(dir, "clock.sh"), "#!/bin/sh\necho begins $1 $(cat clock.txt)\ntrap 'exit 0' INT\n"+
		"while true; do sleep 0.1; done\n")
	if err := os.Chmod(filepath.Join(dir, "clock.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	save(t, filepath.Join(dir, "clock.txt"), "one")
	s := startControlled(t, dir)
	s.waitFor(`\[hotreload`) // before this line, commands may not find hotreload
	s.expectCommand(0, `web.*generation 1, serves\n(.|\n)*api.*generation 1, serves\n.*slot 0(.|\n)*slot 1(.|\n)*`+
		`clock  ./clock.sh tick  generation 1, serves`, "wait")
	for _, line := range []string{ // these lines may follow the answer to wait
		`\[hotreload web\] waits until api serves`,
		`\[api 0\] .*listening on`, `\[api 1\] .*listening on`, `\[web\] .*listening on`, `\[clock\] begins tick one`,
	} {
		said := regexp.MustCompile(line)
		eventually(t, "the output contains "+line, func() bool { return said.MatchString(s.text()) })
	}
	if strings.Contains(s.text(), "api is not there yet") {
		t.Error("web was started before api served")
	}
	answersAt(t, s, at["web"], "v1")
	answersAt(t, s, at["api"], "v1")

	// Changes of a package of both servers, of a package of one, and of a file of the command.
	generations := func(want ...int) {
		t.Helper()
		for i, one := range s.services("wait").Services {
			if one.Serving != want[i] || one.Stale {
				t.Errorf("%s serves generation %d, want %d; %s", one.Name, one.Serving, want[i], one.Failure)
			}
		}
	}
	s.save("lib/version.go", "package lib\n\nvar Version = \"v2\"\n")
	generations(2, 2, 1)
	answersAt(t, s, at["web"], "v2")
	answersAt(t, s, at["api"], "v2")
	s.save("cmd/web/boot.go", "package main\n\nfunc boot() { println(\"web is new\") }\n")
	generations(3, 2, 1)
	s.save("clock.txt", "two")
	s.waitFor(`\[clock\] begins tick two`)
	generations(3, 2, 2)

	// If one service does not build, the others continue, and commands for the others succeed.
	s.save("cmd/web/boot.go", "package main\n\nfunc boot() { undefined() }\n")
	s.expectCommand(1, `web: generation 3 is stale:\n(.|\n)*undefined: undefined`, "wait")
	s.expectCommand(0, `^api.*generation 2, serves`, "wait", "api")
	s.save("cmd/web/boot.go", "package main\n\nfunc boot() {}\n")
	generations(4, 2, 2)

	// Commands for one service.
	s.expectCommand(0, `^api.*generation 3, serves`, "reload", "api")
	s.expectCommand(0, `(slot \d.*\n.*){4}`, "scale", "api", "4")
	s.waitFor(`\[hotreload api\] 4 workers now`)
	s.expectCommand(0, `generation 4, serves`, "reload", "api", "--strategy", "rolling")
	s.expectCommand(0, `^api.*\n.*slot 0`, "scale", "api", "1")
	s.expectCommand(0, `web.*stopped`, "stop", "web")
	s.save("lib/version.go", "package lib\n\nvar Version = \"v3\"\n")
	s.expectCommand(0, `serves`, "wait", "api")
	answersAt(t, s, at["api"], "v3")
	if status := s.services("status", "web").Services[0]; status.Wanted != 0 || len(status.Workers) != 0 ||
		status.Serving != 4 {
		t.Errorf("the status of the stopped web is %+v", status)
	}
	s.expectCommand(0, `web.*serves`, "reload", "web")
	answersAt(t, s, at["web"], "v3")

	s.expectCommand(2, `no such service: "nobody"; the services are web, api, clock\nhint: `, "reload", "nobody")
	s.expectCommand(2, `"x" is not a slot`, "signal", "USR1", "web/x")
	s.expectCommand(2, `unknown strategy "magic"`, "reload", "--strategy", "magic")
	s.expectCommand(2, `"none" is not a number of workers`, "scale", "api", "none")
	s.expectCommand(2, `"NONE" is not the name of a signal`, "signal", "NONE")
	s.expectCommand(0, `^web: lib/version.go → rebuild: compiled into example.com/app/lib · reaches 2 packages `+
		`and 1 worker · watched · last build: .*\napi: .*rebuild.*\nclock: lib/version.go → none`,
		"explain", "lib/version.go")

	// A changed number of workers takes effect at once; other changes are reported as pending.
	config, _ := os.ReadFile(filepath.Join(dir, "hotreload.toml"))
	s.save("hotreload.toml", strings.Replace(string(config), "workers = 2", "workers = 3", 1))
	s.waitFor(`\[hotreload api\] 3 workers now`)
	s.expectCommand(0, ``, "stop")
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	text := s.text()
	web, api := strings.Index(text, "[hotreload web] stopping"), strings.LastIndex(text, "[hotreload api] stopping")
	if web < 0 || web > api {
		t.Error("api was stopped before web, which needs it")
	}
}

// TestServicesShareABuild: two services with the same program are built once.
func TestServicesShareABuild(t *testing.T) {
	t.Parallel()
	one, two := freeAddr(t), freeAddr(t)
	dir := newModule(t, map[string]string{"hotreload.toml": fmt.Sprintf(`
[[service]]
name = "one"
package = "."
args = [%q]
[[service]]
name = "two"
package = "."
args = [%q]
[[rule]]
match = "*.in"
run = "echo run >> runs.log; echo 'package main' > made.go"
`, one, two), "a.in": ""})
	save(t, filepath.Join(dir, "made.go"), "package main\n")
	s := startControlled(t, dir)
	s.waitFor(`\[hotreload`) // before this line, commands may not find hotreload
	s.expectCommand(0, `one.*serves(.|\n)*two.*serves`, "wait")
	s.save("version.go", version("v2", ""))
	s.expectCommand(0, `one.*generation 2, serves(.|\n)*two.*generation 2, serves`, "wait")
	answersAt(t, s, one, "v2")
	answersAt(t, s, two, "v2")
	if runtime.GOOS != "linux" {
		t.Skip("the rest of the test reads each worker's file in /proc")
	}
	paths := map[string]bool{}
	for _, status := range s.services("status").Services {
		newest := status.Workers[len(status.Workers)-1] // one of generation 1 may be about to exit
		path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", newest.Pid))
		if err != nil {
			t.Fatal(err)
		}
		paths[path] = true
	}
	if len(paths) != 1 {
		t.Errorf("the program was built for each service: %v", paths)
	}
	s.save("a.in", "x")
	s.expectCommand(0, ``, "wait")
	if runs, _ := os.ReadFile(filepath.Join(dir, "runs.log")); string(runs) != "run\nrun\n" {
		t.Errorf("the generator ran for each service: %q, want once at the start and once for the save", runs)
	}
}

// TestKeptService: a service that is not reloadable keeps its workers until a restart, and they are informed of
// changes.
func TestKeptService(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{
		"main.go": strings.Replace(server, "boot()\n", "boot()\n\thangups := make(chan os.Signal, 1)\n"+
			"\tsignal.Notify(hangups, syscall.SIGHUP)\n\tgo func() {\n\t\tfor range hangups {\n\t\t\tlog.Print(\"told\")\n"+
			"\t\t}\n\t}()\n", 1),
	})
	text, _ := os.ReadFile(filepath.Join(dir, "main.go"))
	save(t, filepath.Join(dir, "main.go"), strings.Replace(string(text), "\t\"os\"\n",
		"\t\"os\"\n\t\"os/signal\"\n\t\"syscall\"\n", 1))
	address := freeAddr(t)
	save(t, filepath.Join(dir, "hotreload.toml"), fmt.Sprintf("[[service]]\nname = \"gate\"\npackage = \".\"\n"+
		"args = [%q]\nreloadable = false\non_reload = \"HUP\"\n", address))
	s := startControlled(t, dir)
	s.waitFor(`\[hotreload`) // before this line, commands may not find hotreload
	s.addr = address
	s.serves("v1")
	s.expectCommand(0, `serves`, "wait")
	pid, _ := s.get("/pid")
	for i := range 10 {
		s.save("version.go", version(fmt.Sprint("w", i), ""))
		s.waitFor(`version.go → rebuild: the workers keep their connections and the old code`)
		s.waitFor(`told`)
	}
	s.expectCommand(0, `serves old code: hotreload restart gate`, "wait")
	s.expectCommand(0, `serves old code`, "reload")
	s.waitFor(`told`)
	if now, _ := s.get("/pid"); now != pid {
		t.Errorf("the worker changed from pid %s to %s", pid, now)
	}
	if have, _ := s.get("/"); have != "v1" {
		t.Errorf("the server answers %q", have)
	}
	s.expectCommand(0, `generation 2, serves\n`, "restart")
	s.serves("w9")
	// A worker that dies is restarted with the same program as before.
	_, _ = s.get("/crash")
	s.waitFor(`died: exit code 3`)
	s.serves("w9")
}

// TestSignalCommand: a signal can be sent to workers by service and slot.
func TestSignalCommand(t *testing.T) {
	t.Parallel()
	s := startControlled(t, newModule(t, nil), "--workers", "3", ".", "{addr}")
	s.serves("v1")
	s.expectCommand(0, `serves`, "wait")
	s.expectCommand(0, `^\d+\n\d+\n\d+\n$`, "signal", "WINCH")
	s.expectCommand(0, `^\d+\n$`, "signal", "winch", "1")
	s.expectCommand(2, `no such slot: 7; the service has 3, numbered from 0`, "signal", "WINCH", "7")
	s.expectCommand(0, `"pids":\[\d+\]`, "signal", "WINCH", "0", "--json")
	// If one worker is replaced, the others keep their pids.
	pids := func() (all [3]int) {
		for _, w := range s.services("wait").Services[0].Workers {
			if w.State == "ready" || w.State == "stable" {
				all[w.Slot] = w.Pid
			}
		}
		return all
	}
	before := pids()
	s.expectCommand(0, `serves`, "reload", "1")
	if after := pids(); after[0] != before[0] || after[1] == before[1] || after[1] == 0 || after[2] != before[2] {
		t.Errorf("pids changed from %v to %v", before, after)
	}
	s.expectCommand(0, `slot 2 +generation 1 +pid \d+ +draining|^[^\n]*\n$`, "stop", "2")
	eventually(t, "the worker is stopped", func() bool { return len(s.services("wait").Services[0].Workers) == 2 })
	s.expectCommand(0, `slot 2`, "reload", "2")
	s.expectCommand(0, `^\d+\n$`, "signal", "KILL", "2")
	s.waitFor(`worker 2 of generation 1 died: killed`)
	eventually(t, "the worker comes back", func() bool { return len(s.services("wait").Services[0].Workers) == 3 })
}
