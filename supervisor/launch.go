package supervisor

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hotreload/process"
)

// running is a worker's process with all that hangs on it. Its goroutines end with the process.
type running struct {
	*process.Process
	worker Worker
	output []*capture
	ctx    context.Context // ends with the process
}

// launch starts a worker and the goroutines that watch it.
func (s *Supervisor) launch(w Worker, plan Plan) (_ *running, err error) {
	cmd := exec.Command(plan.Path)
	cmd.Args = append([]string{s.config.Name}, s.config.Args...)
	cmd.Dir = s.config.Dir
	cmd.Env = s.environment(w)

	if cmd.ExtraFiles, err = s.listeners.files(); err != nil {
		return nil, err
	}
	defer func() { closeFiles(cmd.ExtraFiles) }()
	names := s.listeners.names()
	target := s.config.Probe
	if target.path != "" && len(s.listeners) > 0 {
		probed, err := openProbeSocket()
		if err != nil {
			return nil, err
		}
		defer probed.Close()
		file, err := duplicate(probed, "probe")
		if err != nil {
			return nil, err
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
		names = append(names, "probe")
		target.url = "http://" + probed.Addr().String() + target.path
		cmd.Env = append(cmd.Env, "HOTRELOAD_PROBE="+target.url)
	}
	if len(cmd.ExtraFiles) > 0 {
		cmd.Env = append(cmd.Env, "LISTEN_FDS="+strconv.Itoa(len(cmd.ExtraFiles)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
		if err := process.Activate(cmd); err != nil {
			return nil, err
		}
	}
	word, err := listenForWord(filepath.Join(s.notifyDir, strconv.Itoa(w.ID)))
	if err == nil { // without it, readiness is found out in another way
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+word.LocalAddr().String())
	}
	captures, err := s.config.Output.attach(cmd)
	if err != nil {
		return nil, fmt.Errorf("output of the worker: %w", err)
	}
	var input *os.File
	if s.stdin != nil && w.Slot == 0 {
		if input, err = s.stdin.pipeTo(cmd); err != nil {
			return nil, fmt.Errorf("stdin of the worker: %w", err)
		}
	}

	started, err := process.Start(cmd)
	for _, c := range captures {
		c.child.Close()
	}
	if input != nil {
		cmd.Stdin.(*os.File).Close()
	}
	if err != nil {
		for _, c := range captures {
			c.ours.Close()
		}
		if word != nil {
			word.Close()
		}
		return nil, fmt.Errorf("start %s: %w", s.config.Name, err)
	}
	w.Pid = started.Pid()
	ctx, gone := context.WithCancel(context.Background())
	r := &running{Process: started, worker: w, output: captures, ctx: ctx}
	if input != nil {
		s.stdin.switchTo(input)
	}
	for _, c := range captures {
		c.start(s, w)
	}
	if word != nil {
		go s.hear(word, r) // ends when its socket is closed, below
	}
	go s.watchReady(r, target) // ends with ctx, at the latest
	go func() {                // ends with the process; nobody waits for it but through its message
		<-started.Done()
		gone()
		if word != nil {
			word.Close()
		}
		left := started.Sweep() // before the output is awaited: what is left may hold it open
		exit := Exit{Exit: started.Exit(), Left: len(left)}
		for _, c := range captures {
			c.finish()
			exit.Tail += c.tailText()
		}
		if input != nil {
			input.Close()
		}
		exit.AddressInUse = addressInUse(exit.Tail)
		if exit.AddressInUse != "" && !exit.Success() {
			exit.Holder = holderOfText(exit.AddressInUse)
		}
		s.send(exitedInput{w.ID, exit})
	}()
	return r, nil
}

// environment is what a worker sees: the user's, less what other supervisors meant for us, plus who it is.
func (s *Supervisor) environment(w Worker) []string {
	var env []string
	for _, entry := range s.config.Env {
		name, _, _ := strings.Cut(entry, "=")
		switch name {
		case "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID":
			continue
		}
		env = append(env, entry)
	}
	return append(env,
		"HOTRELOAD_SLOT="+strconv.Itoa(w.Slot),
		"HOTRELOAD_GENERATION="+strconv.Itoa(w.Generation))
}

// names lists the sockets' names for LISTEN_FDNAMES; systemd's own word for one without is "unknown".
func (l listeners) names() []string {
	var names []string
	for _, one := range l {
		name := one.Name
		if name == "" {
			name = "unknown"
		}
		names = append(names, name)
	}
	return names
}

// How often /proc is asked about a worker: often at first, for what a person waits for, then seldom.
const (
	firstLook = 2 * time.Millisecond
	lastLook  = 250 * time.Millisecond
)

// poll calls look, at growing intervals, until it says that it has seen enough or ctx ends.
func poll(ctx context.Context, look func() (enough bool)) {
	wait := firstLook
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for !look() {
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if wait += wait / 4; wait > lastLook {
			wait = lastLook
		}
	}
}

// watchReady finds out by itself whether a worker serves: by the probe, or else by a listening socket of its own.
func (s *Supervisor) watchReady(r *running, probe Probe) {
	ctx, cancel := context.WithTimeout(r.ctx, s.config.Policy.StartTimeout+s.config.Policy.Handover)
	defer cancel()
	poll(ctx, func() bool {
		if probe.url == "" {
			own, ok := listensItself(r.Pid(), s.inherited)
			if !ok {
				return false
			}
			if probe.path == "" {
				s.send(readyInput{r.worker.ID, ByListening})
				return true
			}
			probe.url = "http://" + dialable(own.Addr) + probe.path
		}
		if !answers(ctx, probe.url) {
			return false
		}
		s.send(readyInput{r.worker.ID, ByProbe})
		return true
	})
}

// watchRelease finds out when a draining worker has let go of the sockets that it inherited, where that can be seen.
// A worker with sockets of its own is released when it is gone.
func (s *Supervisor) watchRelease(r *running) {
	if len(s.inherited) == 0 {
		return
	}
	go poll(r.ctx, func() bool { // ends with the process
		holds, known := holdsAny(r.Pid(), s.inherited)
		if known && !holds && r.ctx.Err() == nil {
			s.send(releasedInput{r.worker.ID})
		}
		return !holds || !known
	})
}

// dialable turns an address to listen on into one to connect to.
func dialable(addr string) string {
	if host, port, err := net.SplitHostPort(addr); err == nil && host == "" {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// bindError is what Go's net package says when an address is taken; the address is missing when the program has
// wrapped the error in its own words.
var bindError = regexp.MustCompile(`(?:listen (tcp|tcp4|tcp6|unix|udp|udp4|udp6) (\S+): )?bind: (?:address already in use|Only one usage of each socket address)`)

// addressInUse finds the address that a worker could not bind in the last lines it wrote: "" if there is none.
func addressInUse(tail string) string {
	found := bindError.FindAllStringSubmatch(tail, -1)
	if len(found) == 0 {
		return ""
	}
	last := found[len(found)-1]
	switch {
	case last[2] == "":
		return "?"
	case last[1] == "tcp":
		return last[2]
	default:
		return last[1] + ":" + last[2]
	}
}

func holderOfText(address string) Holder {
	a, err := ParseAddress(address)
	if err != nil {
		return Holder{}
	}
	return holderOf(a)
}

// resize gives the worker's terminals the size of ours.
func (r *running) resize(o Output) {
	resized := false
	for _, c := range r.output {
		resized = c.resize(o) || resized
	}
	if resized {
		_ = r.Signal(windowChange)
	}
}
