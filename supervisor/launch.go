package supervisor

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"hotreload/process"
)

// running is a worker's process with all that hangs on it. Its goroutines end with the process.
type running struct {
	*process.Process
	worker  Worker
	program int            // of the loop: the pid of the process with the agent, which a wrapper may have started
	sockets map[inode]bool // that are not its own, or were not when it was started
	output  []*capture
	ctx     context.Context // ends with the process
	enough  func()          // ends the search for signs of readiness
	kills   killCount       // when it was started
	ended   atomic.Bool     // by us, with SIGKILL
}

// launch starts a worker and the goroutines that watch it.
func (s *Supervisor) launch(w Worker, plan Plan) (_ *running, err error) {
	cmd := exec.Command(plan.Path)
	args := plan.Args
	if args == nil {
		args = s.config.Args
	}
	cmd.Args = append([]string{s.config.Name}, args...)
	cmd.Dir = s.config.Dir
	cmd.Env = append(s.environment(w, plan), s.agents.admit(w, plan)...)
	cmd.Env = append(cmd.Env, s.lines.Admit(w.ID)...)

	var theirs, ours []io.Closer // what is closed here in any case, and what only if the worker does not start
	defer func() {
		closeAll(theirs)
		if err != nil {
			closeAll(ours)
		}
	}()
	user := s.config.User
	if user != nil {
		user.assume(cmd)
		cmd.Env = append(cmd.Env, user.environment()...)
		for _, l := range s.listeners {
			user.ownOpen(l.socket.(syscall.Conn))
		}
	}
	if cmd.ExtraFiles, err = s.listeners.files(); err != nil {
		return nil, err
	}
	names := s.listeners.names()
	target := s.config.Probe
	if target.path != "" && len(s.listeners) > 0 {
		probed, err := openProbeSocket()
		if err != nil {
			return nil, err
		}
		theirs = append(theirs, probed)
		file, err := duplicate(probed, "probe")
		if err != nil {
			return nil, err
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
		names = append(names, "probe")
		target.url = "http://" + probed.Addr().String() + target.path
		cmd.Env = append(cmd.Env, "HOTRELOAD_PROBE="+target.url)
	}
	for _, file := range cmd.ExtraFiles {
		theirs = append(theirs, file)
	}
	handed := len(cmd.ExtraFiles)
	if user != nil {
		program, err := process.Carry(cmd)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", s.config.Name, err)
		}
		if program != nil {
			theirs = append(theirs, program)
		}
	}
	if handed > 0 {
		cmd.Env = append(cmd.Env, "LISTEN_FDS="+strconv.Itoa(handed), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	}
	if len(cmd.ExtraFiles) > 0 {
		if err := process.Activate(cmd); err != nil {
			return nil, err
		}
	}
	word, err := listenForWord(filepath.Join(s.notifyDir, strconv.Itoa(w.ID)))
	if err == nil { // without it, readiness is found out in another way
		_ = user.own(word.path)
		ours = append(ours, word)
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+word.path)
	}
	captures, err := s.config.Output.attach(cmd)
	if err != nil {
		return nil, fmt.Errorf("output of the worker: %w", err)
	}
	for _, c := range captures {
		user.ownOpen(c.child) // programs open /dev/stdout
		theirs, ours = append(theirs, c.child), append(ours, c.ours)
	}
	var input *os.File
	if s.stdin != nil && w.Slot == 0 {
		read, write, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("stdin of the worker: %w", err)
		}
		cmd.Stdin, input = read, write
		theirs, ours = append(theirs, read), append(ours, write)
	}

	kills := countKills()
	started, err := process.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.config.Name, err)
	}
	w.Pid = started.Pid()
	ctx, gone := context.WithCancel(context.Background())
	looking, enough := context.WithTimeout(ctx, s.config.Policy.StartTimeout+s.config.Policy.Handover)
	r := &running{Process: started, worker: w, sockets: s.inherited, output: captures, ctx: ctx, enough: enough, kills: kills}
	if input != nil {
		s.stdin.switchTo(input)
	}
	for _, c := range captures {
		c.start(s, w)
	}
	if word != nil {
		go s.hear(word, r) // ends when its socket is closed, below
	}
	if s.config.Policy.counts(ByProbe) || s.config.Policy.counts(ByListening) {
		go s.watchReady(looking, r, target) // ends with looking
	}
	go func() { // ends with the process; nobody waits for it but through its message
		<-started.Done()
		enough()
		gone()
		if word != nil {
			word.Close()
		}
		s.send(exitedInput{w.ID, s.autopsy(r)})
		if input != nil {
			input.Close()
		}
	}()
	return r, nil
}

// autopsy ends what a dead worker has left behind, waits for its last words, and says how it ended.
func (s *Supervisor) autopsy(r *running) Exit {
	left := r.Sweep() // before the output is awaited: what is left may hold it open
	exit := Exit{Exit: r.Exit(), Left: len(left)}
	if exit.NotRun != nil {
		exit.StartError = fmt.Errorf("start %s: %w", s.config.Name, exit.NotRun)
	}
	if exit.Signal == syscall.SIGKILL && !r.ended.Load() {
		exit.OOM = r.kills.oomSince(countKills())
	}
	limit := time.Now().Add(drainLimit)
	for _, c := range r.output {
		c.finish(limit)
		exit.Tail += c.tailText()
	}
	if exit.AddressInUse = addressInUse(exit.Tail); exit.AddressInUse != "" {
		exit.Holder = holderOfText(exit.AddressInUse)
	}
	return exit
}

func closeAll(all []io.Closer) {
	for _, one := range all {
		one.Close()
	}
}

// end kills the worker.
func (r *running) end() {
	r.ended.Store(true)
	r.Kill()
}

// environment is what a worker sees: the user's, less what other supervisors meant for us, plus who it is.
func (s *Supervisor) environment(w Worker, plan Plan) []string {
	given := plan.Env
	if given == nil {
		given = s.config.Env
	}
	var env []string
	for _, entry := range given {
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
func (s *Supervisor) watchReady(ctx context.Context, r *running, probe Probe) {
	poll(ctx, func() bool {
		if probe.url != "" {
			return s.probe(ctx, r, probe.url)
		}
		own := listensItself(r.Pid(), r.sockets)
		if probe.path == "" && len(own) > 0 {
			s.send(readyInput{r.worker.ID, ByListening})
			return true
		}
		for _, address := range own {
			for _, host := range dialable(address) {
				if s.probe(ctx, r, "http://"+host+probe.path) {
					return true
				}
			}
		}
		return false
	})
}

func (s *Supervisor) probe(ctx context.Context, r *running, url string) bool {
	if !answers(ctx, url) {
		return false
	}
	s.send(readyInput{r.worker.ID, ByProbe})
	return true
}

// watchRelease finds out when a draining worker has let go of the sockets that it inherited, where that can be seen.
// A worker with sockets of its own is released when it is gone.
func (s *Supervisor) watchRelease(r *running) {
	if len(r.sockets) == 0 {
		return
	}
	go poll(r.ctx, func() bool { // ends with the process
		holds, known := holdsAny(r.Pid(), r.sockets)
		if known && !holds && r.ctx.Err() == nil {
			s.send(releasedInput{r.worker.ID})
		}
		return !holds || !known
	})
}

// dialable turns an address to listen on into those to connect to: of a socket bound to all addresses it is not
// known here whether it takes both kinds.
func dialable(a Address) []string {
	host, port, err := net.SplitHostPort(a.Addr)
	switch {
	case a.Network == "unix" || err != nil:
		return nil
	case host == "":
		return []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}
	default:
		return []string{a.Addr}
	}
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
