//go:build linux || darwin

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patientServer answers /wait once a file exists, and prints a line before and after the answer. After hotreload's end
// there is no reader for these lines.
const patientServer = `package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "v1") })
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	http.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		log.Println("answering")
		for {
			log.Println("still answering")
			if _, err := os.Stat("release"); err == nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		fmt.Println("answered")
		fmt.Fprint(w, "at last")
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
`

// ask sends a request on a new connection and returns the answer's body.
func ask(address, path string) (string, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", path)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// TestKill9UnderLoad: when hotreload is killed, its workers free their port at once, answer the requests in flight, and
// exit. A new hotreload can start at the same time.
func TestKill9UnderLoad(t *testing.T) {
	t.Parallel()
	for _, terminal := range []bool{false, true} {
		t.Run(fmt.Sprintf("terminal %v", terminal), func(t *testing.T) {
			t.Parallel()
			dir := newModule(t, map[string]string{"main.go": patientServer, "version.go": "package main\n"})
			s := setup{terminal: terminal}.start(t, dir, "--grace", "1m", ".", "{addr}")
			s.serves("v1")
			s.waitFor(`generation 1 serves`)
			worker := s.pid()
			const callers = 8
			answers := make(chan error, callers)
			for range callers {
				go func() { // ends with its answer
					answer, err := ask(s.addr, "/wait")
					if err == nil && answer != "at last" {
						err = fmt.Errorf("have %q", answer)
					}
					answers <- err
				}()
			}
			for range callers {
				s.waitFor(`\d answering`)
			}
			if !terminal && runtime.GOOS == "linux" { // a new worker may not be on the guard's list yet
				s.eventually("the guard has the worker's pipe", func() bool { return guardHolds(worker) })
			}
			if err := s.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-s.done
			began := time.Now()
			s.eventually("the port is free", func() bool {
				l, err := net.Listen("tcp", s.addr)
				if err == nil {
					l.Close()
				}
				return err == nil
			})
			t.Logf("the port was free after %s", time.Since(began))
			again := start(t, dir, ".", s.addr)
			again.addr = s.addr
			again.serves("v1")
			if now := again.pid(); now == worker {
				t.Errorf("the old worker, %d, still accepts connections", now)
			}
			select {
			case err := <-answers:
				t.Fatalf("the answer came too early: %v", err)
			default:
			}
			save(t, filepath.Join(dir, "release"), "")
			for range callers {
				if err := <-answers; err != nil {
					t.Errorf("a request in flight is lost: %v", err)
				}
			}
			gone(t, worker)
			if strings.Contains(again.text(), "in use") {
				t.Error("the new hotreload found the old one's port in use")
			}
		})
	}
}

// guardHolds reports whether a guard has the read end of a worker's stdout.
func guardHolds(worker int) bool {
	pipe, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/1", worker))
	if err != nil {
		return false
	}
	guards, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range guards {
		if text, _ := os.ReadFile(path); !strings.HasPrefix(string(text), "reload-guard\x00") {
			continue
		}
		files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "fd", "*"))
		for _, file := range files {
			if target, err := os.Readlink(file); err == nil && target == pipe {
				return true
			}
		}
	}
	return false
}

// TestKill9WithNothingInFlight: when hotreload is killed and no request is in flight, all processes exit at once,
// without waiting for the grace. This includes a program that ignores SIGTERM, and a program without an agent. The
// guard exits last.
func TestKill9WithNothingInFlight(t *testing.T) {
	t.Parallel()
	deaf := map[string]string{"version.go": "package main\n\nimport (\n\"os/signal\"\n\"syscall\"\n)\n\n" +
		"const version = \"v1\"\n\n" +
		"func boot() { signal.Ignore(syscall.SIGTERM, syscall.SIGHUP) }\n"}
	for _, c := range []struct {
		name  string
		files map[string]string
		args  []string
	}{
		{"an ordinary server", nil, nil},
		{"does not heed SIGTERM", deaf, nil},
		{"does not heed SIGTERM, no agent", deaf, []string{"--no-agent"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, newModule(t, c.files), append(c.args, "--grace", "5m", ".", "{addr}")...)
			s.waitFor(`generation 1 serves`)
			s.serves("v1")
			worker := s.pid()
			guard := guardOf(s.cmd.Process.Pid)
			if guard == 0 && runtime.GOOS == "linux" {
				t.Fatal("there is no guard")
			}
			if err := s.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			gone(t, worker)
			if guard != 0 {
				gone(t, guard)
			}
			t.Logf("all processes had exited after %s", time.Since(began))
			if time.Since(began) > time.Minute { // the grace is five minutes
				t.Error("the processes did not exit at once")
			}
		})
	}
}

// guardOf returns the pid of a hotreload's guard, or 0.
func guardOf(hotreload int) (pid int) {
	guards, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range guards {
		if text, _ := os.ReadFile(path); strings.HasPrefix(string(text), fmt.Sprintf("reload-guard\x00%d-", hotreload)) {
			fmt.Sscanf(path, "/proc/%d/", &pid)
		}
	}
	return pid
}
