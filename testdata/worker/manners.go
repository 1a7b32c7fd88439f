//go:build unix

package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// partVariable names the role of a child.
const partVariable = "WORKER_PART"

// playPart plays the role of a child and exits, if this process is one.
func playPart() {
	switch os.Getenv(partVariable) {
	case "":
		return
	case "word":
		say("READY=1")
	case "child":
		signal.Ignore(syscall.SIGTERM)
		os.Stderr.WriteString("here\n")
		os.Stderr.Close()
		time.Sleep(time.Minute)
	case "stranger":
		os.Stderr.WriteString("here\n")
		os.Stderr.Close()
		time.Sleep(20 * time.Second)
	}
	os.Exit(0)
}

// startChildren starts processes that outlive the worker, and waits until they ignore SIGTERM.
func startChildren() {
	if *child {
		startChild(append(os.Environ(), partVariable+"=child"))
	}
	if *stranger {
		startChild([]string{partVariable + "=stranger"})
	}
}

func startChild(env []string) {
	r, w, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env, cmd.Stdout, cmd.Stderr = env, os.Stdout, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	for i := range inherited() {
		file := os.NewFile(uintptr(3+i), "")
		kept = append(kept, file)
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	}
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	w.Close()
	_, _ = bufio.NewReader(r).ReadString('\n')
	r.Close()
}

// kept keeps files from the garbage collector, which would close files that go-systemd uses.
var kept []*os.File

// inherited returns the number of sockets from the systemd protocol.
func inherited() (n int) {
	fmt.Sscan(os.Getenv("LISTEN_FDS"), &n)
	return n
}

func sayReady() {
	switch *ready {
	case "self":
		say("READY=1\nSTATUS=serving")
	case "twice":
		say("READY=1")
		say("READY=1")
	case "child":
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), partVariable+"=word")
		if err := cmd.Run(); err != nil {
			log.Fatal(err)
		}
	}
}

// say sends a notification to the program's starter, sd_notify(3).
func say(text string) {
	connection, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := connection.Write([]byte(text)); err != nil {
		log.Fatal(err)
	}
	connection.Close()
}

// writeLines writes numbered lines of 64 bytes, and a shorter last one, n bytes in all.
func writeLines(n int) {
	out := bufio.NewWriterSize(os.Stdout, 64<<10)
	for i := 0; n > 0; i++ {
		text := fmt.Sprintf("%062d.\n", i)
		if n < len(text) {
			text = text[:n-1] + "\n"
		}
		out.WriteString(text)
		n -= len(text)
	}
	written(out)
}

func writeLine(n int) {
	out := bufio.NewWriterSize(os.Stdout, 64<<10)
	out.WriteString(strings.Repeat("x", n-1) + "\n")
	written(out)
}

func written(out *bufio.Writer) {
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
	os.Stderr.WriteString("written\n")
}

func echoLines(version string) {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(version, lines.Text())
	}
}

// waitForLock holds the lock until the process ends.
func waitForLock(path string) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err == nil {
		kept = append(kept, file)
		err = getLock(int(file.Fd()), *lockBy)
	}
	if err != nil {
		log.Fatal("already running: ", err)
	}
}

func getLock(fd int, way string) error {
	switch way {
	case "fcntl":
		return unix.FcntlFlock(uintptr(fd), unix.F_SETLKW, &unix.Flock_t{Type: unix.F_WRLCK})
	case "once":
		return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	case "try":
		for {
			if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK {
				return err
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return unix.Flock(fd, unix.LOCK_EX)
}

// holdMemory allocates real memory, and not only address space, until the process ends.
func holdMemory(n int) {
	held = make([]byte, n)
	for i := 0; i < n; i += 4096 {
		held[i] = 1
	}
}

var held []byte

func terminalSize(f *os.File) string {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return "no"
	}
	return fmt.Sprintf("%dx%d", size.Row, size.Col)
}

func reusePort(_, _ string, raw syscall.RawConn) error {
	var err error
	if control := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}); control != nil {
		return control
	}
	return err
}

// shutDown does something to a shared socket that no process should do.
func shutDown(l net.Listener) {
	raw, err := l.(syscall.Conn).SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_RD) })
	}
	if err != nil {
		log.Fatal(err)
	}
}
