package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"hotreload/gobuild"
	"hotreload/killswitch"
	"hotreload/runner"
	"hotreload/supervisor"
)

// ofWorkers says what the supervisor has to say.
func (r *reporter) ofWorkers(event supervisor.Event) {
	switch e := event.(type) {
	case supervisor.Started:
		r.detail(fmt.Sprintf("%s started, pid %d", r.name(e.Worker), e.Pid))
	case supervisor.BecameReady:
		r.detail(fmt.Sprintf("%s is ready after %s (%s)", r.name(e.Worker), short(e.After), e.How))
	case supervisor.Drains:
		r.detail(r.name(e.Worker) + " was asked to finish")
	case supervisor.Blocked:
		r.blocked = e.Reason
		hint := "hotreload enable, or hotreload disabled to see what is off"
		if r.keys != nil && e.Reason == (&killswitch.Disabled{Global: true}).Error() {
			hint = "p, or hotreload enable, goes on"
		}
		r.alarm(yellow(e.Reason+": nothing is started; what runs runs on") + lineOf(hintLine(hint)))
	case supervisor.Unblocked:
		r.blocked = ""
		r.line("workers are started again")
	case supervisor.Throttled:
		r.alarm(yellow(r.name(e.Worker) + " sends more messages than anybody can hear, and has to wait"))
	case supervisor.Retiring:
		if e.Why != "" {
			r.line(fmt.Sprintf("%s is replaced by another: %s", r.name(e.Worker), e.Why))
		} else {
			r.detail(r.name(e.Worker) + " is to be replaced by another")
		}
	case supervisor.GraceOver:
		r.alarm(yellow(fmt.Sprintf("%s has not finished within %s and is killed", r.name(e.Worker), e.Grace)))
	case supervisor.HandedOver:
		r.alarm(yellow(fmt.Sprintf("%s was not ready after %s beside the old one, so the old one left first; it stays so (stop-first) for this run", r.name(e.Worker), short(e.After))))
	case supervisor.SwitchedToStopFirst:
		r.alarm(yellow(fmt.Sprintf("the program binds %s itself, so old workers leave before new ones start (stop-first) from here on", e.Address)) +
			lineOf(hintLine("take the socket from LISTEN_FDS, or leave --listen out")))
	case supervisor.Scaled:
		if e.Workers > 0 && e.Workers != r.scaled {
			r.scaled = e.Workers
			r.workers = max(e.Workers, r.workers) // names of workers do not change back and forth
			r.line(fmt.Sprintf("%s now", count(e.Workers, "worker")))
		}
	case supervisor.Forecast:
		r.line(fmt.Sprintf("%d of %d workers are replaced; the others will take about %s", e.Done, e.Of, short(e.Rest)))
	case supervisor.CannotHandOver:
		r.alarm(yellow(fmt.Sprintf("the program has %s, which cannot be handed over, so old workers leave before new ones start (stop-first)", e.Address)))
	case supervisor.Kept:
		r.detail(fmt.Sprintf("hotreload holds %s from here on: it stays open while workers come and go", e.Address))
	case supervisor.NoAgent:
		r.noAgent(e.Reason)
	case supervisor.Rejected:
		r.rejected(e)
	case supervisor.Failed:
		r.failed(e)
	case supervisor.Exited:
		r.exited(e)
	case supervisor.ListenerMended:
		r.mended(e)
	case supervisor.Dropped:
		r.detail(fmt.Sprintf("%d bytes of %s's output were dropped: the terminal did not keep up", e.Bytes, r.name(e.Worker)))
	}
}

// hookEnded shows what a hook's command wrote, line by line, and that it failed.
func (r *reporter) hookEnded(e runner.HookEnded) {
	for line := range strings.Lines(e.Output) {
		r.line(dim(string(e.Hook)+": ") + strings.TrimRight(line, "\r\n"))
	}
	if e.Why != "" {
		r.alarm(yellow(fmt.Sprintf("%s: %s", e.Hook, e.Why)))
	}
}

// noAgent says why requests can be lost that need not be. Programs without a network have none to lose.
func (r *reporter) noAgent(reason string) {
	if reason == gobuild.NoNet {
		r.detail("no agent: " + reason)
		return
	}
	r.line(yellow("no agent: "+reason) + lineOf(hintLine("workers bind their ports themselves, so old ones leave before new ones start; --listen is another way to lose no request")))
}

func (r *reporter) rejected(e supervisor.Rejected) {
	who := "somebody"
	if e.Pid != 0 {
		who = fmt.Sprintf("pid %d", e.Pid)
	}
	r.alarm(yellow(fmt.Sprintf("%s was turned away from the workers' socket: %s", who, e.Reason)))
}

func (r *reporter) mended(e supervisor.ListenerMended) {
	if e.Blocking {
		r.alarm(yellow(fmt.Sprintf("a worker has made %s blocking, which all share: it is not any more", e.Address)) +
			lineOf(hintLine("File and Fd of a listener do that; SyscallConn does not")))
		return
	}
	text := fmt.Sprintf("a worker has called shutdown(2) on %s, which all share", e.Address)
	if e.Suspect.ID != 0 {
		text += fmt.Sprintf(" (it was probably the %s, pid %d)", r.name(e.Suspect), e.Suspect.Pid)
	}
	if e.Err != nil {
		r.alarm(red(text+": nobody can connect any more: "+e.Err.Error()) + lineOf(hintLine("start hotreload anew; let the program close its listener, and not shut it down")))
		return
	}
	r.alarm(yellow(text + ": it listens again, callers who waited are lost"))
}

// leave says for whom we wait.
func (r *reporter) leave(e runner.Leaving) {
	r.left, r.leaving = e.Workers, time.Now()
	r.failure = ""
	if len(e.Workers) == 0 {
		return
	}
	const most = 4
	var names []string
	for _, w := range e.Workers {
		name := "the worker"
		if r.workers > 1 {
			name = fmt.Sprintf("worker %d", w.Slot)
		}
		names = append(names, fmt.Sprintf("%s (pid %d)", name, w.Pid))
	}
	if len(names) > most {
		names = append(names[:most-1], fmt.Sprintf("%d more", len(names)-most+1))
	}
	r.news("stopping: waiting for "+strings.Join(names, ", "), "Ctrl-C again kills", "at most "+e.AtMost.String())
}

func (r *reporter) failed(e supervisor.Failed) {
	r.back = e.Serving
	text := fmt.Sprintf("generation %d %s", e.Generation, r.death(e.Exit, e.Reason, e.After, true))
	said := dim(r.prefix()) + red(text) + yellow(fmt.Sprintf(": generation %d, now stale, serves", e.Serving))
	if e.Exit.AddressInUse != "" {
		said += "\n" + r.addressTaken(e.Exit)
	}
	r.stale(said + lineOf(hintLine(startHint(e.Exit.StartError))))
}

func (r *reporter) exited(e supervisor.Exited) {
	r.left = slices.DeleteFunc(r.left, func(w supervisor.Worker) bool { return w.ID == e.ID })
	if !r.leaving.IsZero() {
		r.console.setProgress(r.service, "")
	}
	who := r.name(e.Worker)
	left := ""
	if e.Exit.Left > 0 {
		left = fmt.Sprintf("; it left %s, now killed", count(e.Exit.Left, "process"))
	}
	switch {
	case e.Expected && e.State <= supervisor.Stable:
		r.finished = e.Generation
		r.line(who + " finished (exit code 0); waiting for a change" + left)
	case e.Expected:
		r.detail(who + " is gone: " + e.Exit.String() + left)
	case e.Retry == supervisor.Retry{}:
		r.detail(who + " is gone: " + e.Exit.String() + left)
	default:
		r.crashed(e, who, left)
	}
}

// crashed says a crash, and a crash that repeats itself only now and then.
func (r *reporter) crashed(e supervisor.Exited, who, left string) {
	text := who + " " + r.death(e.Exit, e.Reason, e.After, e.State == supervisor.Starting) + left
	key := fmt.Sprint(e.Slot, e.Exit.String(), e.Exit.AddressInUse)
	once := e.Exit.StartError != nil // it ends with another program, not with time
	if e.Retry.Failures > 1 && key == r.crash && (once || !seldom(e.Retry.Failures)) {
		r.detail(text)
		return
	}
	r.crash = key
	hint := startHint(e.Exit.StartError)
	if e.Exit.OOM != supervisor.NotOOM {
		hint = "the container, or the machine, has too little memory for it; GOMEMLIMIT makes Go collect earlier"
	}
	switch {
	case e.Exit.AddressInUse != "":
		text = r.addressTaken(e.Exit) + "; it is tried again until it is free, or at the next save"
		hint = "stop the other program, or let this one listen elsewhere"
	case e.Retry.Blocked != "":
		text += "; it is not started again: " + e.Retry.Blocked
	case once:
		text += "; waiting for a change"
	case e.Retry.Now:
		text += "; it is started again"
	case e.Retry.Failures > 1:
		text += fmt.Sprintf("; %d times in a row, next try in %s or at the next save", e.Retry.Failures, short(e.Retry.In))
	default:
		text += "; next try in " + short(e.Retry.In)
	}
	r.alarm(red(text) + lineOf(hintLine(hint)))
}

// startHint is what to do about a program that the system does not run; "" for one that it ran.
func startHint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return "it is built for another system: look at GOOS and GOARCH (go env GOOS GOARCH)"
	case errors.Is(err, syscall.ENOENT):
		return "its file is gone from the cache folder: press R, or save a file, to build it again"
	case errors.Is(err, syscall.EACCES):
		return "if the cache folder is mounted noexec, let HOTRELOAD_CACHE name another"
	default:
		return ""
	}
}

// seldom picks the repetitions of a crash that are worth a line: the 2nd, then the 10th, 100th, …
func seldom(n int) bool {
	for n%10 == 0 {
		n /= 10
	}
	return n == 1 || n == 2
}

// death says how a worker ended.
func (r *reporter) death(exit supervisor.Exit, reason string, after time.Duration, unready bool) string {
	switch {
	case exit.StartError != nil:
		why := exit.StartError.Error()
		var system syscall.Errno
		if errors.As(exit.StartError, &system) { // without the path, which is long and says nothing
			why = system.Error()
		}
		return "cannot be started: " + why
	case reason != "":
		return reason + ": killed"
	case unready:
		return fmt.Sprintf("died before it was ready: %s after %s%s", exit, short(after), quoted(exit))
	default:
		return fmt.Sprintf("died: %s after %s%s", exit, short(after), quoted(exit))
	}
}

// quoted is what a dead worker's last words come down to, to be put behind the way in which it died. Who was killed had
// not come to say anything of it.
func quoted(exit supervisor.Exit) string {
	said := []rune(telling(exit.Tail))
	if len(said) == 0 || exit.Code <= 0 && !slices.Contains(faults, exit.Signal) {
		return ""
	}
	if len(said) > mostQuoted {
		said = append(said[:mostQuoted-1], '…')
	}
	return ": " + harmless(string(said))
}

// faults are the signals by which a program ends that has gone wrong.
var faults = []syscall.Signal{syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGSEGV, syscall.SIGTRAP}

// mostQuoted is how many letters of it are worth it.
const mostQuoted = 120

func (r *reporter) addressTaken(exit supervisor.Exit) string {
	address := exit.AddressInUse
	if address == "?" {
		address = "its address"
	}
	if exit.Holder.Pid != 0 {
		return fmt.Sprintf("%s is in use by %s (pid %d)", address, exit.Holder.Name, exit.Holder.Pid)
	}
	return address + " is in use by another program"
}

// name is what a worker is called: with one worker, the worker.
func (r *reporter) name(w supervisor.Worker) string {
	if r.workers == 1 {
		return fmt.Sprintf("worker of generation %d", w.Generation)
	}
	return fmt.Sprintf("worker %d of generation %d", w.Slot, w.Generation)
}
