//go:build unix

// Command worker is a server with good or bad behaviour, chosen by flags. The tests run this program as a worker.
//
// The version is the name of the program's file, so a copy or a link named v2 is version v2. Flags come from the
// command line, followed by one line of a file VERSION.flags next to the program. So each version can behave
// differently with the same command line.
//
// # Answers
//
//	/               VERSION SLOT PID
//	/echo?id=N      VERSION N LENGTH CRC32, of the request's body
//	/slow?for=D     VERSION, after D
//	/env?name=NAME  the value of an environment variable
//	/terminal       for stdout and stderr ROWSxCOLUMNS, or "no"
//	/sockets        a line for each socket on which it serves: NAME NETWORK ADDRESS
//
// # Listening
//
//	-listen ADDR    a socket of its own; a path is a Unix socket. Default: the sockets inherited by the systemd protocol
//	-reuseport      with SO_REUSEPORT
//
// # Exiting
//
//	-drain WAY      what SIGTERM does:
//	                proper    stop accepting, by closing its own descriptors; for -linger, or until no connection is
//	                          left, answers contain "Connection: close", so that clients close their connections;
//	                          then http.Server.Shutdown
//	                at-once   http.Server.Shutdown, which closes connections on which clients may be about to send
//	                shutdown  like proper, but with shutdown(2) on the sockets, which affects other processes
//	                exit      exit with code 0 at once
//	                deaf      nothing
//	-linger D       see proper (500ms)
//
// # Starting
//
//	-boot D         wait before it listens
//	-hang           run, and never listen
//	-lock FILE      hold an exclusive lock on the file, like databases
//	-lock-by WAY    how to get it: "flock" (default) and "fcntl" sleep until it is free, "try" tries again and again,
//	                "once" gives up at once
//	-ready WAY      READY=1: sent by "self" or by a "child" that exits at once; "twice"; default: not sent
//	-exit N         exit with code N instead of listening; with -after, after serving for that time
//	-panic          like -exit, by a panic
//	-after D        how long it serves before -exit or -panic
//
// # Others
//
//	-write N        write N bytes of lines to stdout before it listens, then the line "written" to stderr
//	-line N         the same in one line of N bytes
//	-echo           copy stdin to stdout, line by line, with the version in front
//	-allocate N     hold N bytes of memory before it listens
//	-cgroup DIR     join this control group first
//	-child          start a child that calls setsid, ignores SIGTERM and keeps the inherited sockets and stdout open
//	-stranger       the same, with an empty environment, so that its origin is unknown; it lives for 20 s
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
)

var (
	listen    = flag.String("listen", "", "")
	reuseport = flag.Bool("reuseport", false, "")
	drain     = flag.String("drain", "proper", "")
	linger    = flag.Duration("linger", 500*time.Millisecond, "")
	boot      = flag.Duration("boot", 0, "")
	hang      = flag.Bool("hang", false, "")
	lock      = flag.String("lock", "", "")
	lockBy    = flag.String("lock-by", "flock", "")
	echo      = flag.Bool("echo", false, "")
	ready     = flag.String("ready", "", "")
	exit      = flag.Int("exit", -1, "")
	panics    = flag.Bool("panic", false, "")
	after     = flag.Duration("after", 0, "")
	write     = flag.Int("write", 0, "")
	line      = flag.Int("line", 0, "")
	allocate  = flag.Int("allocate", 0, "")
	cgroup    = flag.String("cgroup", "", "")
	child     = flag.Bool("child", false, "")
	stranger  = flag.Bool("stranger", false, "")
)

// socket is a listener with the name under which it was inherited.
type socket struct {
	net.Listener
	name string
}

func main() {
	playPart() // does not return in a child
	version := readFlags()

	leave := make(chan os.Signal, 1)
	signal.Notify(leave, syscall.SIGTERM)
	time.Sleep(*boot)
	if *cgroup != "" {
		if err := os.WriteFile(filepath.Join(*cgroup, "cgroup.procs"), fmt.Append(nil, os.Getpid()), 0o666); err != nil {
			log.Fatal(err)
		}
	}
	holdMemory(*allocate)
	if *write > 0 {
		writeLines(*write)
	}
	if *line > 0 {
		writeLine(*line)
	}
	if *after == 0 {
		end()
	}
	startChildren()
	if *lock != "" {
		waitForLock(*lock)
	}
	if *echo {
		go echoLines(version) // ends with stdin
	}
	if *hang {
		for {
			<-leave // SIGTERM is received and ignored
		}
	}

	sockets, err := open()
	if err != nil {
		log.Fatal(err)
	}
	var draining atomic.Bool
	var connections atomic.Int64
	server := &http.Server{
		Handler: handler(version, sockets, &draining),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				connections.Add(1)
			case http.StateClosed:
				connections.Add(-1)
			}
		},
	}
	var accepting sync.WaitGroup
	for _, s := range sockets {
		accepting.Go(func() {
			if err := server.Serve(s); err != nil && !errors.Is(err, http.ErrServerClosed) && !draining.Load() {
				log.Fatal(err)
			}
		})
	}
	sayReady()
	if *after > 0 {
		time.AfterFunc(*after, end)
	}

	for {
		<-leave
		switch *drain {
		case "deaf":
			continue
		case "exit":
			os.Exit(0)
		case "proper", "shutdown":
			draining.Store(true)
			for _, s := range sockets {
				if *drain == "shutdown" {
					shutDown(s.Listener)
				}
				s.Close()
			}
			accepting.Wait() // from here on, all accepted connections are counted
			for end := time.Now().Add(*linger); connections.Load() > 0 && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
		}
		draining.Store(true)
		if err := server.Shutdown(context.Background()); err != nil {
			log.Fatal(err)
		}
		return
	}
}

// readFlags reads the flags and returns the version.
func readFlags() string {
	program, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	own, _ := os.ReadFile(program + ".flags")
	flag.Parse()
	if err := flag.CommandLine.Parse(strings.Fields(string(own))); err != nil {
		log.Fatal(err)
	}
	return filepath.Base(program)
}

// open returns the sockets on which to serve.
func open() ([]socket, error) {
	if *listen != "" {
		network := "tcp"
		if strings.Contains(*listen, "/") {
			network = "unix"
		}
		config := net.ListenConfig{}
		if *reuseport {
			config.Control = reusePort
		}
		l, err := config.Listen(context.Background(), network, *listen)
		return []socket{{l, "own"}}, err
	}
	named, err := activation.ListenersWithNames()
	if err != nil {
		return nil, err
	}
	if len(named) == 0 {
		return nil, fmt.Errorf("no sockets: LISTEN_PID=%q (%d) LISTEN_FDS=%q", os.Getenv("LISTEN_PID"), os.Getpid(),
			os.Getenv("LISTEN_FDS"))
	}
	var sockets []socket
	for name, listeners := range named {
		for _, l := range listeners {
			sockets = append(sockets, socket{l, name})
		}
	}
	return sockets, nil
}

func handler(version string, sockets []socket, draining *atomic.Bool) http.Handler {
	mux := http.NewServeMux()
	answer := func(path string, f func(w io.Writer, r *http.Request)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if draining.Load() {
				w.Header().Set("Connection", "close")
			}
			f(w, r)
		})
	}
	answer("/{$}", func(w io.Writer, r *http.Request) {
		fmt.Fprintln(w, version, os.Getenv("HOTRELOAD_SLOT"), os.Getpid())
	})
	answer("/echo", func(w io.Writer, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has gone
		}
		fmt.Fprintln(w, version, r.URL.Query().Get("id"), len(body), crc32.ChecksumIEEE(body))
	})
	answer("/slow", func(w io.Writer, r *http.Request) {
		d, _ := time.ParseDuration(r.URL.Query().Get("for"))
		log.Print("answers slowly")
		time.Sleep(d)
		fmt.Fprintln(w, version)
	})
	answer("/env", func(w io.Writer, r *http.Request) {
		fmt.Fprintln(w, os.Getenv(r.URL.Query().Get("name")))
	})
	answer("/terminal", func(w io.Writer, r *http.Request) {
		fmt.Fprintln(w, terminalSize(os.Stdout), terminalSize(os.Stderr))
	})
	answer("/sockets", func(w io.Writer, r *http.Request) {
		for _, s := range sockets {
			fmt.Fprintln(w, s.name, s.Addr().Network(), s.Addr())
		}
	})
	return mux
}

// end ends the program if -exit or -panic say so.
func end() {
	if *panics {
		panic("as told")
	}
	if *exit >= 0 {
		log.Printf("exit with code %d, as told", *exit)
		os.Exit(*exit)
	}
}
