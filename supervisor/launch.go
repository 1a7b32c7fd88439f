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
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"hotreload/process"
	"hotreload/supervisor/inspect"
)

// running is a worker's process with its resources. The goroutines end with the process.
type running struct {
	*process.Process
	worker  Worker
	program int                    // pid of the process with the agent, perhaps a wrapper's child; owned by the loop
	sockets map[inspect.Inode]bool // the inherited sockets at its start
	output  []*capture
	ctx     context.Context // ends with the process
	look    func()          // begins a search for signs of readiness, if the policy needs any
	enough  func()          // ends the search
	kills   inspect.Kills   // the kernel's OOM kills at its start
	ended   atomic.Bool     // the supervisor sent SIGKILL
	hello   atomic.Int32    // same as program, once its agent is connected
	whole   bool            // signals go to all processes of the worker

	trail trail // owned by the loop, as are pulse and links
	pulse pulse
	links int // Unix connections between the worker and the supervisor
}

// launch starts a worker and the goroutines for its observation.
func (l *loop) launch(w Worker, plan Plan) (*running, error) {
	p := &preparation{cmd: l.command(plan), probe: l.config.Probe}
	err := l.prepare(p, w, plan)
	defer closeAll(p.theirs)
	kills := inspect.CountKills()
	var started *process.Process
	if err == nil {
		started, err = process.Start(p.cmd)
	}
	if err != nil {
		closeAll(p.ours)
		return nil, fmt.Errorf("start %s: %w", l.config.Name, err)
	}
	w.Pid = started.Pid()
	r := &running{
		Process: started, worker: w, sockets: l.sockets.inherited, output: p.captures, kills: kills, whole: l.config.Whole,
	}
	l.attend(r, p)
	return r, nil
}

// preparation is a worker just before its start.
type preparation struct {
	cmd          *exec.Cmd
	probe        Probe       // the probe for this worker
	theirs, ours []io.Closer // theirs are always closed by launch, ours only if the start fails

	word     *word      // receives READY=1; nil = not available
	captures []*capture // its output
	terminal *capture   // one of captures: the worker's own terminal; nil = none
	input    *os.File   // write end of its stdin; nil = none
}

// prepare collects everything for the start of a worker. On an error, theirs and ours contain the files to close.
func (l *loop) prepare(p *preparation, w Worker, plan Plan) (err error) {
	if p.cmd.Dir, err = workingFolder(l.config.Dir); err != nil {
		return err
	}
	p.cmd.Env = append(l.environment(w, plan), l.agents.admit(w, plan, l.debugged && w.Slot == 0)...)
	p.cmd.Env = append(p.cmd.Env, l.lines.Admit(w.ID)...)
	if user := l.config.User; user != nil {
		user.assume(p.cmd)
		p.cmd.Env = append(p.cmd.Env, user.environment()...)
		for _, one := range l.sockets.open {
			user.ownOpen(one.socket.(syscall.Conn))
		}
	}
	if err := l.handSockets(p); err != nil {
		return err
	}
	l.giveWord(p, w)
	return l.connectStreams(p, w)
}

// handSockets lets the worker inherit the sockets, and one more socket if the probe is only a path.
func (l *loop) handSockets(p *preparation) (err error) {
	cmd := p.cmd
	if cmd.ExtraFiles, err = l.sockets.open.files(); err != nil {
		return err
	}
	for _, file := range cmd.ExtraFiles {
		p.theirs = append(p.theirs, file)
	}
	names := l.sockets.open.names()
	if p.probe.path != "" && len(l.sockets.open) > 0 {
		probed, err := openProbeSocket()
		if err != nil {
			return err
		}
		p.theirs = append(p.theirs, probed)
		file, err := duplicate(probed, "probe")
		if err != nil {
			return err
		}
		p.theirs = append(p.theirs, file)
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
		names = append(names, "probe")
		p.probe.url = "http://" + probed.Addr().String() + p.probe.path
		cmd.Env = append(cmd.Env, "HOTRELOAD_PROBE="+p.probe.url)
	}
	handed := len(cmd.ExtraFiles)
	if l.config.User != nil {
		program, err := process.Carry(cmd)
		if err != nil {
			return err
		}
		if program != nil {
			p.theirs = append(p.theirs, program)
		}
	}
	if handed > 0 {
		cmd.Env = append(cmd.Env, "LISTEN_FDS="+strconv.Itoa(handed), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	}
	if len(cmd.ExtraFiles) > 0 {
		return process.Activate(cmd)
	}
	return nil
}

// giveWord gives the worker a socket for READY=1. If this fails, other signs of readiness are used.
func (l *loop) giveWord(p *preparation, w Worker) {
	word, err := listenForWord(filepath.Join(l.notifyDir, strconv.Itoa(w.ID)))
	if err != nil {
		return
	}
	_ = l.config.User.own(word.path)
	p.word, p.ours = word, append(p.ours, word)
	p.cmd.Env = append(p.cmd.Env, "NOTIFY_SOCKET="+word.path)
}

// connectStreams connects stdin, stdout and stderr.
func (l *loop) connectStreams(p *preparation, w Worker) (err error) {
	if p.captures, p.terminal, err = l.connect(p.cmd, w); err != nil {
		return err
	}
	for _, c := range p.captures {
		l.config.User.ownOpen(c.child) // programs may open /dev/stdout
		p.theirs, p.ours = append(p.theirs, c.child), append(p.ours, c.ours)
	}
	if l.stdin == nil || w.Slot != 0 || p.terminal != nil {
		return nil
	}
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("stdin of the worker: %w", err)
	}
	p.cmd.Stdin, p.input = read, write
	p.theirs, p.ours = append(p.theirs, read), append(p.ours, write)
	return nil
}

// attend starts the goroutines of a running worker. The goroutines end with the process.
func (l *loop) attend(r *running, p *preparation) {
	var gone context.CancelFunc
	r.ctx, gone = context.WithCancel(context.Background())
	r.look = func() { // called by the loop
		var looking context.Context
		looking, r.enough = context.WithTimeout(r.ctx, l.config.Policy.StartTimeout+l.config.Policy.Handover)
		if l.config.Policy.counts(ByProbe) || l.config.Policy.counts(ByListening) {
			go l.watchReady(looking, r, p.probe) // ends with looking
		}
	}
	switch {
	case p.terminal != nil:
		l.stdin.switchTo(p.terminal.ours)
	case p.input != nil:
		l.stdin.switchTo(p.input)
	}
	for _, c := range p.captures {
		c.start(l.Supervisor, r.worker)
	}
	if p.word != nil {
		go l.hear(p.word, r) // ends when word is closed below
	}
	r.look()
	go func() { // ends with the process, and sends an input
		<-r.Done()
		gone() // and with it the search
		if p.word != nil {
			p.word.Close()
		}
		if p.terminal != nil {
			l.stdin.leave(p.terminal.ours)
		}
		l.send(exitedInput{r.worker.ID, l.autopsy(r)})
		if p.input != nil {
			p.input.Close()
		}
	}()
}

// workingFolder returns the folder to set for a worker: "" means hotreload's own working folder, because a worker of
// another user may not be allowed to enter the folder by its path. The check is needed because the folder may have been
// removed and created again.
func workingFolder(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	wanted, err := os.Stat(dir)
	if err != nil {
		return "", fmt.Errorf("the working folder is gone: %w", err)
	}
	if here, err := os.Stat("."); err == nil && os.SameFile(here, wanted) {
		return "", nil
	}
	return dir, nil
}

// command returns the command for a worker: the program, or the wrapper with the program.
func (s *Supervisor) command(plan Plan) *exec.Cmd {
	args := plan.Args
	if args == nil {
		args = s.config.Args
	}
	if wrapper := s.config.Exec; len(wrapper) > 0 {
		cmd := exec.Command(wrapper[0])
		cmd.Args = slices.Concat(wrapper, []string{plan.Path}, args)
		return cmd
	}
	cmd := exec.Command(plan.Path)
	cmd.Args = append([]string{s.config.Name}, args...)
	return cmd
}

// autopsy ends the remaining processes of a dead worker, waits for its last output, and describes its end.
func (s *Supervisor) autopsy(r *running) Exit {
	left, spared := r.SweepWith(s.manners(r)) // before waiting for the output: these processes may hold the pipe open
	exit := Exit{Exit: r.Exit(), Left: len(left), Spared: spared}
	if exit.NotRun != nil {
		exit.StartError = fmt.Errorf("start %s: %w", s.config.Name, exit.NotRun)
	}
	if exit.Signal == syscall.SIGKILL && !r.ended.Load() {
		exit.OOM = r.kills.Since(inspect.CountKills())
	}
	s.agents.awaitLast(r.worker.ID)
	limit := time.Now().Add(drainLimit)
	for _, c := range r.output {
		c.finish(limit)
		exit.Tail += c.lastText(tailSize)
		exit.Trace += traceIn(c.lastText(lastSize), exit.Exit)
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

// environment returns a worker's environment: the user's, without other supervisors' variables for hotreload, and with
// the worker's slot and generation.
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
	if plan.Dir != "" && s.config.User == nil { // another user may not enter this folder
		env = withFolderFirst(env, plan.Dir)
	}
	return append(env,
		"HOTRELOAD_SLOT="+strconv.Itoa(w.Slot),
		"HOTRELOAD_GENERATION="+strconv.Itoa(w.Generation))
}

// withFolderFirst puts the folder of the program at the front of PATH. A program that starts itself again by
// os.Args[0], a name without a path, then finds its own file and no other program of this name.
func withFolderFirst(env []string, dir string) []string {
	env = slices.Clone(env)
	path := -1
	for i, entry := range env {
		if strings.HasPrefix(entry, "PATH=") { // the last one counts
			path = i
		}
	}
	if path < 0 {
		return append(env, "PATH="+dir)
	}
	env[path] = "PATH=" + dir + string(filepath.ListSeparator) + strings.TrimPrefix(env[path], "PATH=")
	return env
}

// names lists the sockets' names for LISTEN_FDNAMES. systemd uses "unknown" for a socket without a name.
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

// How often /proc is read for a worker: often at first, because a person may be waiting, then less often.
const (
	firstLook = 2 * time.Millisecond
	lastLook  = 250 * time.Millisecond
)

// agentLook is how often /proc is read for a worker with an agent, where /proc rarely tells anything new.
const agentLook = 20 * time.Millisecond

// poll calls look at growing intervals until look returns true or ctx ends.
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

// watchReady looks for signs of a serving worker: an answer to the probe, or else a listening socket of its own. An
// agent reports by itself when the program accepts, unless the program calls the system directly.
func (s *Supervisor) watchReady(ctx context.Context, r *running, probe Probe) {
	var looked time.Time
	accepts := 0 // looks in a row
	poll(ctx, func() bool {
		if probe.url != "" {
			return s.probe(ctx, r, probe.url)
		}
		if program := int(r.hello.Load()); program != 0 && probe.IsZero() {
			if time.Since(looked) < agentLook {
				return false
			}
			looked = time.Now()
			if !inspect.AcceptsItself(program, func() map[inspect.Inode]bool { return s.held(r) }) {
				accepts = 0
				return false
			}
			if accepts++; accepts < 2 { // gnet listens some milliseconds before its loops run
				return false
			}
			s.send(readyInput{r.worker.ID, ByListening})
			return true
		}
		own := addressesAt(inspect.Listening(r.sockets, r.Pid()))
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

// watchRelease finds out when a draining worker has closed its inherited sockets, if the system tells. For a worker
// with sockets of its own, the time of the close is unknown before its exit.
func (s *Supervisor) watchRelease(r *running) {
	if len(r.sockets) == 0 {
		return
	}
	go poll(r.ctx, func() bool { // ends with the process
		holds, known := inspect.HoldsAny(r.Pid(), r.sockets)
		if known && !holds && r.ctx.Err() == nil {
			s.send(releasedInput{r.worker.ID})
		}
		return !holds || !known
	})
}

// dialable converts an address to listen on into addresses to connect to. A socket on all addresses may accept IPv4,
// IPv6 or both.
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

// bindError matches the error of Go's net package about an address in use. A worker with an agent gets the error from
// listen, if the address belongs to another hotreload of the same user. The address is missing if the program wraps the
// error in its own text or calls the system directly.
var bindError = regexp.MustCompile(
	`(?:listen (tcp|tcp4|tcp6|unix|udp|udp4|udp6) (\S+): (?:bind|listen): )?` +
		`(?:address already in use|Only one usage of each socket address)`,
)

// addressInUse finds in a worker's last output the address of a failed bind; "" if there is none.
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

// resize sets the worker's terminals to the size of the user's terminal.
func (r *running) resize(o Output) {
	resized := false
	for _, c := range r.output {
		resized = c.resize(o) || resized
	}
	if resized {
		_ = r.Signal(windowChange)
	}
}
