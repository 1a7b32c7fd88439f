//go:build linux || darwin

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// converting is a server that answers with the output of a child, which runs until a file exists. On SIGTERM the server
// finishes in its own way.
const converting = `package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

const wait = "echo converting >&2; while [ ! -e $0 ]; do sleep 0.01; done; echo converted"

func main() {
	boot()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, version) })
	http.HandleFunc("/convert", func(w http.ResponseWriter, r *http.Request) {
		child := exec.Command("sh", "-c", wait, r.FormValue("until"))
		child.Stderr = os.Stderr
		out, err := child.Output()
		fmt.Fprintf(w, "%s: %s%v", version, out, err)
	})
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	server := &http.Server{Addr: os.Args[1]}
	go server.ListenAndServe()
	<-stop
	log.Println("asked to stop")
	server.Shutdown(context.Background())
}
`

// TestChildrenThatAWorkerNeedsToFinish: the stop signal goes to the worker and not to its children.
func TestChildrenThatAWorkerNeedsToFinish(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"main.go": converting})
	s := start(t, dir, "--no-agent", "--grace", "40s", ".", "{addr}") // only the signal stops the server
	s.waitFor(`generation 1 serves`)
	until := filepath.Join(t.TempDir(), "now")
	answer := make(chan string, 1)
	go func() { // ends with the answer
		response, err := http.Get("http://" + s.addr + "/convert?until=" + until)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		answer <- fmt.Sprintln(string(text), err)
	}()
	s.waitFor(`converting`)
	s.save("version.go", version("v2", ""))
	s.waitFor(`asked to stop`)
	save(t, until, "")
	if have, want := <-answer, "v1: converted\n<nil> <nil>\n"; have != want {
		t.Errorf("have %q, want %q", have, want)
	}
	s.serves("v2")
}

// selfStarting is a program that starts itself again. The child serves; the parent ignores the stop signal.
const selfStarting = `package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	if os.Getenv("AGAIN") == "" {
		path, _ := os.Executable()
		again := exec.Command(path, os.Args[1:]...)
		again.Env = append(os.Environ(), "AGAIN=1")
		again.Stdout, again.Stderr = os.Stdout, os.Stderr
		fmt.Println(again.Run())
		return
	}
	boot()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, version) })
	go http.ListenAndServe(os.Args[1], nil)
	<-stop
	log.Println("the one that serves was asked to stop")
}
`

func TestWhatAProgramStartsOfItselfIsAskedToo(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, map[string]string{"main.go": selfStarting}), "--grace", "40s", ".", "{addr}")
	s.serves("v1")
	s.waitFor(`generation 1 serves`)
	s.save("version.go", version("v2", ""))
	s.waitFor(`the one that serves was asked to stop`)
	s.serves("v2")
}

// TestWhatAWorkerLeavesIsAskedFirst: processes left behind by a worker can clean up before they are killed.
func TestWhatAWorkerLeavesIsAskedFirst(t *testing.T) {
	t.Parallel()
	boot := func(v string) string {
		return "package main\n\nimport (\n\"os\"\n\"os/exec\"\n)\n\nconst version = \"" + v + `"

func boot() {
	child := exec.Command("sh", "-c", "trap 'echo cleaned up; exit' TERM; echo child $$; while :; do sleep 0.01; done")
	child.Stdout = os.Stdout
	if err := child.Start(); err != nil { panic(err) }
}
`
	}
	s := start(t, newModule(t, map[string]string{"version.go": boot("v1")}), ".", "{addr}")
	var child int
	fmt.Sscan(s.waitFor(`child (\d+)`)[1], &child)
	s.serves("v1")
	if err := syscall.Kill(s.pid(), syscall.SIGKILL); err != nil { // no process has signalled the child
		t.Fatal(err)
	}
	s.waitFor(`cleaned up`)
	gone(t, child)
}

// TestDaemonsGoOn: a browser opened by the program outlives its workers, but not hotreload. A listening daemon is ended
// with its worker.
func TestDaemonsGoOn(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells which process started a daemon")
	}
	code := func(v string) string {
		return "package main\n\nimport (\n\"fmt\"\n\"net\"\n\"os\"\n\"os/exec\"\n)\n\nconst version = \"" + v + `"

func boot() {
	if os.Getenv("DAEMON") != "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		fmt.Println("listening daemon", os.Getpid(), err, l.Addr())
		select {}
	}
	if version != "v1" { return }
	path, _ := os.Executable()
	for _, args := range [][]string{{"sh", "-c", "echo browser $$; exec sleep 600"}, {path}} {
		cmd := exec.Command("setsid", append([]string{"-f"}, args...)...)
		cmd.Stdout, cmd.Env = os.Stdout, append(os.Environ(), "DAEMON=1")
		if err := cmd.Run(); err != nil { panic(err) }
	}
}
`
	}
	s := start(t, newModule(t, map[string]string{"version.go": code("v1")}), "-v", ".", "{addr}")
	var browser, listening int
	s.eventually("two daemons", func() bool {
		text := s.text()
		return strings.Contains(text, "browser ") && strings.Contains(text, "listening daemon ")
	})
	fmt.Sscan(s.waitFor(`browser (\d+)\n`)[1], &browser)
	s.read = 0
	fmt.Sscan(s.waitFor(`listening daemon (\d+) `)[1], &listening)
	s.serves("v1")
	s.read = 0
	s.waitFor(`generation 1 serves`)
	s.save("version.go", code("v2"))
	s.serves("v2")
	s.waitFor(fmt.Sprintf(`1 process that it started had to be ended; its daemon \(pid %d\) keeps running`, browser))
	gone(t, listening)
	if err := syscall.Kill(browser, 0); err != nil {
		t.Errorf("the browser: %v", err)
	}
	_ = s.cmd.Process.Signal(syscall.SIGINT)
	s.exit()
	gone(t, browser)
}
