package inspect

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// waiting is a program that catches the signals named in its arguments, prints a line, and exits at the end of its
// stdin.
const waiting = `package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	c := make(chan os.Signal, 1)
	switch os.Args[1] {
	case "interrupt":
		signal.Notify(c, os.Interrupt)
	case "context":
		_, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
	case "terminate":
		signal.Notify(c, syscall.SIGTERM)
	case "both":
		signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	case "all":
		signal.Notify(c)
	case "no more":
		signal.Notify(c, os.Interrupt)
		signal.Stop(c)
	case "ignored":
		signal.Ignore(os.Interrupt)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
`

// awaited starts a program and returns AwaitedSignals for the program.
func awaited(t *testing.T, program string, args ...string) (interrupt, terminate, known bool) {
	t.Helper()
	cmd := exec.Command(program, args...)
	input, err := cmd.StdinPipe()
	must(t, err)
	output, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer func() { input.Close(); _ = cmd.Wait() }()
	if _, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return AwaitedSignals(cmd.Process.Pid)
}

func builtWith(t *testing.T, env []string, flags ...string) (program string) {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/waiting\n\ngo 1.21\n"), 0o666))
	must(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(waiting), 0o666))
	cmd := exec.Command("go", append(append([]string{"build", "-o", "waiting"}, flags...), ".")...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return filepath.Join(dir, "waiting")
}

func TestAwaitedSignals(t *testing.T) {
	program := builtWith(t, nil, "-ldflags=-w")
	for _, c := range []struct {
		does                 string
		interrupt, terminate bool
	}{
		{"nothing", false, false},
		{"interrupt", true, false},
		{"context", true, false},
		{"terminate", false, true},
		{"both", true, true},
		{"all", true, true},
		{"no more", false, false},
		{"ignored", false, false},
	} {
		if i, term, known := awaited(t, program, c.does); !known || i != c.interrupt || term != c.terminate {
			t.Errorf("%s: have SIGINT %v, SIGTERM %v, known %v, want %v, %v", c.does, i, term, known, c.interrupt, c.terminate)
		}
	}
	for _, c := range []struct {
		flag  string
		known bool
	}{{"-buildmode=pie", true}, {"-ldflags=-s -w", false}} {
		if i, term, known := awaited(t, builtWith(t, nil, c.flag), "interrupt"); known != c.known || i != c.known || term {
			t.Errorf("%s: have SIGINT %v, SIGTERM %v, known %v, want known %v", c.flag, i, term, known, c.known)
		}
	}
	if _, _, known := awaited(t, "sh", "-c", "echo ready; read line"); known {
		t.Error("the signals of a shell are known")
	}
}

// The layout is the same in all versions of Go for which there is an agent: the versions in HOTRELOAD_TEST_GO
// ("1.21.13 1.22.12"). go downloads missing versions.
func TestAwaitedSignalsOfGoVersions(t *testing.T) {
	versions := strings.Fields(os.Getenv("HOTRELOAD_TEST_GO"))
	if len(versions) == 0 {
		t.Skip("HOTRELOAD_TEST_GO names no versions of Go")
	}
	for _, version := range versions {
		program := builtWith(t, []string{"GOTOOLCHAIN=go" + version}, "-ldflags=-w")
		if i, term, known := awaited(t, program, "interrupt"); !known || !i || term {
			t.Errorf("go%s: have SIGINT %v, SIGTERM %v, known %v", version, i, term, known)
		}
	}
}
