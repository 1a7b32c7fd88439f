package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"hotreload/gobuild"
	"hotreload/killswitch"
	"hotreload/runner"
	"hotreload/settings"
	"hotreload/supervisor"
	"hotreload/supervisor/inspect"
)

// ofWorkers prints the supervisor's events.
func (r *reporter) ofWorkers(event supervisor.Event) {
	switch e := event.(type) {
	case supervisor.Started:
		r.endRetry()
		r.detail(fmt.Sprintf("%s started, pid %d", r.name(e.Worker), e.Pid))
	case supervisor.BecameReady:
		r.timer.heard(e)
		r.detail(fmt.Sprintf("%s is ready after %s (%s)", r.name(e.Worker), short(e.After), e.How))
	case supervisor.Listens:
		r.news(green(fmt.Sprintf("generation %d serves", e.Generation)), "it listens "+short(e.After)+" after its start")
	case supervisor.Drains:
		r.detail(r.name(e.Worker) + " was asked to exit")
	case supervisor.StoppedBy:
		r.detail("the program handles SIGINT but not SIGTERM, so its stop signal is " + e.Signal)
	case supervisor.Blocked:
		r.blocked = e.Reason
		hint := "run hotreload enable; hotreload disabled lists what is disabled"
		if r.keys != nil && e.Reason == (&killswitch.Disabled{Global: true}).Error() {
			hint = "press p, or run hotreload enable"
		}
		r.alarm(yellow(e.Reason+": no worker is started; running workers are left alone") + lineOf(hintLine(hint)))
	case supervisor.Unblocked:
		r.blocked = ""
		r.line("starting workers is on again")
	case supervisor.Throttled:
		r.alarm(yellow(r.name(e.Worker) + " sends messages faster than 1,000 a second and is being slowed down"))
	case supervisor.Retiring:
		if e.Why != "" {
			r.line(fmt.Sprintf("%s is being replaced: %s", r.name(e.Worker), e.Why))
		} else {
			r.detail(r.name(e.Worker) + " is to be replaced")
		}
	case supervisor.GraceOver:
		r.alarm(yellow(fmt.Sprintf("%s did not exit within %s and is killed", r.name(e.Worker), e.Grace)))
	case supervisor.TriedAlone:
		r.triedAlone(e)
	case supervisor.RunsAlone:
		hint := ""
		if e.Reason.Kind == supervisor.ByAddress {
			hint = "let the program use the socket from LISTEN_FDS, or remove --listen"
		}
		if e.Reason.Kind == supervisor.ByFarewell {
			hint = "set strategy = \"stop-first\" in hotreload.toml to have it from the start, or \"parallel\" to have it as " +
				"it was"
		}
		r.alarm(yellow("from now on, old workers exit before new ones start (stop-first): "+r.reason(e.Reason)) +
			lineOf(hintLine(hint)))
	case supervisor.RunsBeside:
		r.line("new workers start while the old ones run again: the program no longer locks " + r.path(e.Reason.What) +
			" any more")
	case supervisor.Scaled:
		if e.Workers > 0 && e.Workers != r.scaled {
			r.scaled = e.Workers
			r.workers = max(e.Workers, r.workers) // so workers' names do not change back and forth
			r.line(fmt.Sprintf("%s now", count(e.Workers, "worker")))
		}
	case supervisor.Forecast:
		r.line(fmt.Sprintf("%d of %d workers are replaced; the rest takes about %s", e.Done, e.Of, short(e.Rest)))
	case supervisor.CannotHandOver:
		r.alarm(yellow(fmt.Sprintf("the program's socket %s cannot be handed over, so old workers exit before new ones "+
			"start (stop-first)", e.Address)))
	case supervisor.Undone:
		r.alarm(yellow(r.name(e.Worker)+" removed "+r.path(e.Path)+" when it exited, after its successor had created it") +
			lineOf(hintLine("set strategy = \"stop-first\" in hotreload.toml: old workers then exit before new ones start")))
	case supervisor.OwnsListener:
		r.detail(fmt.Sprintf("hotreload now holds %s, which stays open while workers are replaced", e.Address))
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
		r.detail(fmt.Sprintf("%d bytes of %s's output were dropped: the terminal was too slow", e.Bytes, r.name(e.Worker)))
	}
}

// triedAlone prints why the old workers exit first this time.
func (r *reporter) triedAlone(e supervisor.TriedAlone) {
	how := "died"
	if e.Hung {
		how = "was not ready"
	}
	r.detail(fmt.Sprintf("%s %s after %s while the old worker was running; it is tried again without the old worker: %s",
		r.name(e.Worker), how, short(e.After), r.reason(e.Reason)))
}

// reason returns why the program can only run alone, with its file as shown elsewhere.
func (r *reporter) reason(reason supervisor.Reason) string {
	switch reason.Kind {
	case supervisor.ByLock, supervisor.ByFile, supervisor.ByFarewell:
		reason.What = r.path(reason.What)
	case supervisor.ByWords:
		reason.What = cut(reason.What)
	}
	return reason.String()
}

// hookEnded prints the output of a hook's command line by line, and its failure.
func (r *reporter) hookEnded(e runner.HookEnded) {
	for line := range strings.Lines(e.Output) {
		r.line(dim(string(e.Hook)+": ") + strings.TrimRight(line, "\r\n"))
	}
	if e.Why != "" {
		r.alarm(yellow(fmt.Sprintf("%s: %s", e.Hook, e.Why)))
	}
}

// noAgent prints why requests may be lost. Programs without a network have none to lose.
func (r *reporter) noAgent(reason string) {
	if reason == gobuild.NoNet {
		r.detail("no agent: " + reason)
		return
	}
	r.line(yellow("no agent: "+reason) + lineOf(hintLine("workers bind their ports themselves, so old ones exit before "+
		"new ones start; with --listen no request is lost")))
}

func (r *reporter) rejected(e supervisor.Rejected) {
	who := "an unknown process"
	if e.Pid != 0 {
		who = fmt.Sprintf("pid %d", e.Pid)
	}
	r.alarm(yellow(fmt.Sprintf("%s was refused at the workers' socket: %s", who, e.Reason)))
}

func (r *reporter) mended(e supervisor.ListenerMended) {
	if e.Blocking {
		r.alarm(yellow(fmt.Sprintf("a worker had switched the shared socket %s to blocking mode; hotreload switched it back",
			e.Address)) +
			lineOf(hintLine("the methods File and Fd of a listener do this; SyscallConn does not")))
		return
	}
	text := fmt.Sprintf("a worker called shutdown(2) on the shared socket %s", e.Address)
	if e.Suspect.ID != 0 {
		text += fmt.Sprintf(" (probably the %s, pid %d)", r.name(e.Suspect), e.Suspect.Pid)
	}
	if e.Err != nil {
		r.alarm(red(text+": clients can no longer connect: "+e.Err.Error()) +
			lineOf(hintLine("restart hotreload, and let the program close its listener instead of shutting it down")))
		return
	}
	r.alarm(yellow(text + ": hotreload reopened it; connections that waited in the queue are lost"))
}

// leave prints the workers for whose exit hotreload waits.
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
	if !e.Alone.IsZero() {
		text += ", even after the old worker had exited"
	}
	said := dim(r.prefix()) + red(text) + yellow(fmt.Sprintf(": generation %d, now stale, serves", e.Serving))
	if e.Exit.AddressInUse != "" {
		said += "\n" + r.addressTaken(e.Exit)
	}
	r.stale(said + lineOf(hintLine(startHint(e.Exit.StartError))))
}

func (r *reporter) exited(e supervisor.Exited) {
	r.console.restore(r.service, e.ID)
	r.left = slices.DeleteFunc(r.left, func(w supervisor.Worker) bool { return w.ID == e.ID })
	if !r.leaving.IsZero() {
		r.console.setProgress(r.service, "")
	}
	who := r.name(e.Worker)
	left := ""
	if e.Exit.Left > 0 {
		left = fmt.Sprintf("; %s that it started had to be ended", count(e.Exit.Left, "process"))
	}
	for _, pid := range e.Exit.Spared {
		left += fmt.Sprintf("; its daemon (pid %d) keeps running", pid)
	}
	switch {
	case e.Expected && e.State <= supervisor.Stable:
		r.finished = e.Generation
		r.line(who + " finished (exit code 0); waiting for a change" + left)
	case e.Expected:
		r.detail(who + " has exited: " + e.Exit.String() + left)
	case e.Retry == supervisor.Retry{} || !e.Retry.Alone.IsZero():
		r.detail(who + " has exited: " + e.Exit.String() + left)
	default:
		r.crashed(e, who, left)
	}
}

// crashed prints a crash, and a repeated crash only now and then.
func (r *reporter) crashed(e supervisor.Exited, who, left string) {
	text := who + " " + r.death(e.Exit, e.Reason, e.After, e.State == supervisor.Starting) + left
	if e.Retry.In > 0 {
		r.retry, r.retries = time.Now().Add(e.Retry.In), e.Retry.Failures
	}
	key := fmt.Sprint(e.Slot, e.Exit.String(), e.Exit.AddressInUse, e.Retry.Waits)
	once := e.Exit.StartError != nil // another program ends this, not time
	if e.Retry.Failures > 1 && key == r.crash && (once || !seldom(e.Retry.Failures)) {
		r.detail(text)
		return
	}
	r.crash = key
	hint := startHint(e.Exit.StartError)
	if e.Exit.OOM != inspect.NotOOM {
		hint = "the container or the machine has too little memory; GOMEMLIMIT makes Go collect garbage earlier"
	}
	switch {
	case e.Exit.AddressInUse != "":
		text = r.addressTaken(e.Exit) + "; hotreload retries until the address is free, and at the next save"
		hint = "stop the other program, or choose another address"
	case e.Retry.Blocked != "":
		text += "; not restarted: " + e.Retry.Blocked
	case e.Retry.Waits:
		if e.Retry.Failures > 0 {
			text += fmt.Sprintf("; retried %d times", e.Retry.Failures)
		}
		text += "; waiting for a change" + r.orKey()
	case once:
		text += "; next try in " + short(e.Retry.In) + " or at the next save"
	case e.Retry.Now:
		text += "; restarted"
	case e.Retry.Failures > 1:
		text += fmt.Sprintf("; %d times in a row, next try in %s or at the next save", e.Retry.Failures, short(e.Retry.In))
	default:
		text += "; next try in " + short(e.Retry.In)
	}
	r.alarm(red(text) + lineOf(hintLine(hint)))
}

// orKey names the key that ends a wait, on a terminal with keys.
func (r *reporter) orKey() string {
	if r.keys.taken() {
		return ", or r"
	}
	return ""
}

// startHint returns the way out when the system refuses to run a program; "" if the program ran.
func startHint(err error) string {
	folder := (*fs.PathError)(nil)
	switch {
	case errors.As(err, &folder) && folder.Op == "stat":
		return "hotreload retries until this folder is back: " + folder.Path
	case errors.Is(err, syscall.ENOEXEC):
		return "the program is built for another system; check go env GOOS GOARCH"
	case errors.Is(err, syscall.ENOENT):
		return "the program's file was removed from the cache folder; press R or save a file to build again"
	case errors.Is(err, syscall.EACCES):
		return "if the cache folder is mounted noexec, set HOTRELOAD_CACHE to another folder"
	default:
		return ""
	}
}

// seldom picks the repetitions of a crash worth a line: the 2nd, then the 10th, 100th, …
func seldom(n int) bool {
	for n%10 == 0 {
		n /= 10
	}
	return n == 1 || n == 2
}

// death tells how a worker ended.
func (r *reporter) death(exit supervisor.Exit, reason string, after time.Duration, unready bool) string {
	switch {
	case exit.StartError != nil:
		why := exit.StartError.Error()
		var system syscall.Errno
		if errors.As(exit.StartError, &system) { // without the long and useless path
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

// quoted returns the essence of a dead worker's last output, to follow the cause of its death. A killed worker had no
// chance to explain itself.
func quoted(exit supervisor.Exit) string {
	said := telling(cmp.Or(exit.Trace, exit.Tail)) // the end of a long stack has lost the panic
	if said == "" || exit.Code <= 0 && !slices.Contains(faults, exit.Signal) {
		return ""
	}
	return ": " + cut(said)
}

// cut shortens a quoted line of a program.
func cut(line string) string {
	said := []rune(line)
	if len(said) > mostQuoted {
		said = append(said[:mostQuoted-1], '…')
	}
	return settings.Harmless(string(said))
}

// faults are the signals that end a faulty program.
var faults = []syscall.Signal{syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGSEGV,
	syscall.SIGTRAP}

// mostQuoted is the largest number of quoted characters.
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

// name is a worker's name in messages; a single worker is "worker of generation N".
func (r *reporter) name(w supervisor.Worker) string {
	if r.workers == 1 {
		return fmt.Sprintf("worker of generation %d", w.Generation)
	}
	return fmt.Sprintf("worker %d of generation %d", w.Slot, w.Generation)
}
