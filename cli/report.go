package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/fatih/color"

	"hotreload/gobuild"
	"hotreload/runner"
	"hotreload/supervisor"
)

const prefix = "[hotreload] "

// When things are said again or shown at all; all three felt right and are not measured.
const (
	progressAfter = time.Second            // a build that takes longer shows that it runs
	pushedAway    = 15                     // lines of the program after which a build failure is out of sight
	calm          = 400 * time.Millisecond // the program has written nothing for so long: it will not push it away again
)

var (
	dim    = color.New(color.Faint).SprintFunc()
	red    = color.New(color.FgRed).SprintFunc()
	green  = color.New(color.FgGreen).SprintFunc()
	yellow = color.New(color.FgYellow).SprintFunc()
	bold   = color.New(color.Bold).SprintFunc()
)

// reporter reads a run's events and says what they mean. One goroutine calls it.
type reporter struct {
	console *console
	o       *options
	dir     string // paths are shown relative to it
	program string // as the user named it
	keys    bool

	addresses []supervisor.Address
	building  time.Time // when the running build began; zero if none runs
	failure   string    // what is said again: why what serves is stale; "" if it is not
	lines     int       // of the program, when last looked
	waiting   bool      // for workers to leave
	crash     string    // the last crash line, to say a repeated one less often
	worker    map[int]supervisor.Worker
}

func newReporter(c *console, o *options, dir, program string, keys bool) *reporter {
	return &reporter{console: c, o: o, dir: dir, program: program, keys: keys, worker: map[int]supervisor.Worker{}}
}

// read says what happens until the run has ended.
func (r *reporter) read(events <-chan runner.Event) {
	tick := time.NewTicker(calm)
	tick.Stop()
	ticking := false
	for {
		// The clock runs only while something depends on it: hotreload at rest does nothing.
		if wanted := !r.building.IsZero() || r.failure != "" && r.console.streams[supervisor.Stderr].terminal; wanted != ticking {
			if ticking = wanted; wanted {
				tick.Reset(calm)
			} else {
				tick.Stop()
			}
		}
		select {
		case event, ok := <-events:
			if !ok {
				r.console.setProgress("")
				return
			}
			r.report(event)
		case <-tick.C:
			r.showProgress()
			r.remind()
		}
	}
}

// line says something in every mode but -q; detail only with -v; alarm always.
func (r *reporter) line(text string) {
	if !r.o.quiet {
		r.console.say(dim(prefix) + text)
	}
}

func (r *reporter) detail(text string) {
	if r.o.verbose {
		r.console.say(dim(prefix + text))
	}
}

func (r *reporter) alarm(text string) { r.console.say(dim(prefix) + text) }

func (r *reporter) hint(text string) { r.console.say("hint: " + text) }

// showProgress counts the seconds of a long build.
func (r *reporter) showProgress() {
	if r.building.IsZero() {
		return
	}
	if took := time.Since(r.building); took >= progressAfter && !r.o.quiet {
		r.console.setProgress(dim(fmt.Sprintf("%sbuilding … %d s", prefix, int(took.Seconds()))))
	}
}

// remind says the failure again when the program has pushed it off the screen and is calm.
func (r *reporter) remind() {
	if r.failure == "" || !r.building.IsZero() {
		return
	}
	lines := r.console.writtenSince(false)
	if lines == r.lines && lines >= pushedAway {
		r.console.say(r.failure)
		r.console.writtenSince(true)
		lines = 0
	}
	r.lines = lines
}

// stale remembers what has to be said again until it is repaired.
func (r *reporter) stale(text string) {
	r.failure = text
	r.console.writtenSince(true)
	r.lines = 0
}

func (r *reporter) report(event runner.Event) {
	switch e := event.(type) {
	case runner.Listening:
		r.addresses = e.Addresses
		r.line("building " + r.program + r.where())
	case runner.Noticed:
		r.alarm(yellow(e.Err.Error()))
	case runner.Watching:
		r.detail(fmt.Sprintf("%s: %d packages, %s watched", e.Program, e.Packages, count(e.Folders, "folder")))
	case runner.Unwatched:
		if !errors.Is(e.Err, fs.ErrNotExist) { // what is not there yet is noticed when it comes
			r.alarm(yellow("not watched: ") + r.path(e.Path) + ": " + e.Err.Error())
		}
	case runner.GraphFailed:
		r.detail("the packages of the program are not known: " + e.Err.Error())
	case runner.Changed:
		r.changed(e)
	case runner.BuildStarted:
		r.building = time.Now()
	case runner.BuildEnded:
		r.building = time.Time{}
		r.console.setProgress("")
	case runner.BuildFailed:
		r.buildFailed(e)
	case runner.Unchanged:
		r.failure = ""
		r.line(fmt.Sprintf("%s: the program is the same, nothing to replace %s", r.files(e.Effects), dim("· built in "+short(e.Took))))
	case runner.Replacement:
		r.detail(fmt.Sprintf("generation %d starts", e.Generation))
	case runner.Reloaded:
		r.reloaded(e)
	case runner.Paused:
		if e.On {
			r.line("paused: changes wait until p is pressed again")
		} else {
			r.line("going on")
		}
	case runner.Leaving:
		r.waiting = true
		if e.Waiting > 0 {
			r.line(fmt.Sprintf("stopping: waiting for %s to finish, at most %s; Ctrl-C again kills", count(e.Waiting, "worker"), e.Grace))
		}
	case runner.Service:
		r.service(e.Event)
	}
}

func (r *reporter) where() string {
	if len(r.addresses) == 0 {
		return ""
	}
	var all []string
	for _, a := range r.addresses {
		all = append(all, a.String())
	}
	return " for " + strings.Join(all, ", ")
}

func (r *reporter) changed(e runner.Changed) {
	if e.Overflow {
		r.line("the system lost file events: everything was looked at")
	}
	if e.Paused {
		r.line("paused, so nothing is done about " + r.files(e.Effects))
	}
	for _, effect := range e.Effects {
		r.detail(fmt.Sprintf("%s %s → %s: %s", r.path(effect.Path), effect.Op, effect.Class, effect.Reason))
	}
}

func (r *reporter) buildFailed(e runner.BuildFailed) {
	var text strings.Builder
	fmt.Fprintf(&text, "%s%s after %s", dim(prefix), red(bold("build failed")), short(e.Took))
	if e.Serving > 0 {
		text.WriteString(yellow(fmt.Sprintf(": generation %d, now stale, keeps serving", e.Serving)))
	} else {
		text.WriteString(": waiting for a change")
	}
	var build *gobuild.BuildError
	if errors.As(e.Err, &build) {
		text.WriteString("\n" + r.diagnostics(build))
	} else {
		text.WriteString("\n" + e.Err.Error())
	}
	if hint := hintOf(e.Err); hint != "" {
		text.WriteString("\nhint: " + hint)
	}
	r.console.say(text.String())
	r.stale(text.String())
}

// diagnostics shows the compiler's messages with paths that a terminal turns into links: relative to where we were
// started.
func (r *reporter) diagnostics(e *gobuild.BuildError) string {
	if len(e.Diagnostics) == 0 {
		return strings.TrimRight(e.Text, "\n")
	}
	var lines []string
	for _, d := range e.Diagnostics {
		if d.File == "" {
			lines = append(lines, d.Text)
			continue
		}
		place := r.path(d.File)
		if d.Line > 0 {
			place += fmt.Sprintf(":%d", d.Line)
			if d.Col > 0 {
				place += fmt.Sprintf(":%d", d.Col)
			}
		}
		lines = append(lines, bold(place)+": "+d.Text)
	}
	return strings.Join(lines, "\n")
}

func (r *reporter) reloaded(e runner.Reloaded) {
	r.failure, r.crash = "", ""
	parts := []string{green(fmt.Sprintf("generation %d serves", e.Generation))}
	if len(e.Effects) > 0 {
		parts[0] += ": " + r.files(e.Effects)
	}
	if e.Build > 0 {
		parts = append(parts, "built in "+short(e.Build))
	}
	parts = append(parts, "replaced in "+short(e.Start))
	if e.Total > 0 {
		parts = append(parts, short(e.Total)+" after the save")
	}
	text := parts[0] + dim(" · "+strings.Join(parts[1:], " · "))
	if e.Generation == 1 && r.keys {
		text += dim(" · h for keys")
	}
	r.line(text)
}

// service says what the supervisor has to say.
func (r *reporter) service(event supervisor.Event) {
	switch e := event.(type) {
	case supervisor.Started:
		r.detail(fmt.Sprintf("%s started, pid %d", r.name(e.Worker), e.Pid))
	case supervisor.BecameReady:
		r.detail(fmt.Sprintf("%s is ready after %s (%s)", r.name(e.Worker), short(e.After), e.How))
	case supervisor.Drains:
		r.detail(r.name(e.Worker) + " was asked to finish")
	case supervisor.GraceOver:
		r.alarm(yellow(fmt.Sprintf("%s has not finished within %s and is killed", r.name(e.Worker), e.Grace)))
	case supervisor.HandedOver:
		r.alarm(yellow(fmt.Sprintf("%s was not ready after %s beside the old one, so the old one left first; it stays so (stop-first) for this run", r.name(e.Worker), short(e.After))))
	case supervisor.SwitchedToStopFirst:
		r.alarm(yellow(fmt.Sprintf("the program binds %s itself, so old workers leave before new ones start (stop-first) from here on", e.Address)))
		r.hint("take the socket from LISTEN_FDS, or leave --listen out")
	case supervisor.Failed:
		r.failed(e)
	case supervisor.Exited:
		r.exited(e)
	case supervisor.Dropped:
		r.detail(fmt.Sprintf("%d bytes of %s's output were dropped: the terminal did not keep up", e.Bytes, r.name(e.Worker)))
	}
}

func (r *reporter) failed(e supervisor.Failed) {
	text := fmt.Sprintf("generation %d %s", e.Generation, r.death(e.Exit, e.Reason, e.After, true))
	said := dim(prefix) + red(text) + yellow(fmt.Sprintf(": generation %d, now stale, serves", e.Serving))
	if e.Exit.AddressInUse != "" {
		said += "\n" + r.addressTaken(e.Exit)
	}
	r.console.say(said)
	r.stale(said)
}

func (r *reporter) exited(e supervisor.Exited) {
	who := r.name(e.Worker)
	left := ""
	if e.Exit.Left > 0 {
		left = fmt.Sprintf("; it left %s, now killed", count(e.Exit.Left, "process"))
	}
	switch {
	case e.Expected && e.State <= supervisor.Stable:
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
	if e.Retry.Failures > 1 && key == r.crash && !seldom(e.Retry.Failures) {
		r.detail(text)
		return
	}
	r.crash = key
	switch {
	case e.Retry.Now:
		text += "; it is started again"
	case e.Retry.Failures > 1:
		text += fmt.Sprintf("; %d times in a row, next try in %s or at the next save", e.Retry.Failures, short(e.Retry.In))
	default:
		text += "; next try in " + short(e.Retry.In)
	}
	if e.Exit.AddressInUse != "" {
		text = r.addressTaken(e.Exit) + "; it is tried again until it is free, or at the next save"
	}
	r.alarm(red(text))
	if e.Exit.AddressInUse != "" {
		r.hint("stop the other program, or let this one listen elsewhere")
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
		return "cannot be started: " + exit.StartError.Error()
	case reason != "":
		return reason + ": killed"
	case unready:
		return fmt.Sprintf("died before it was ready: %s after %s", exit, short(after))
	default:
		return fmt.Sprintf("died: %s after %s", exit, short(after))
	}
}

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
	if r.o.workers == 1 {
		return fmt.Sprintf("worker of generation %d", w.Generation)
	}
	return fmt.Sprintf("worker %d of generation %d", w.Slot, w.Generation)
}

// files names what has changed, the strongest first, and not more than fits in a line.
func (r *reporter) files(effects []runner.Effect) string {
	if len(effects) == 0 {
		return "on request"
	}
	strongest := runner.None
	for _, e := range effects {
		strongest = max(strongest, e.Class)
	}
	var names []string
	seen := map[string]bool{}
	for _, e := range effects {
		if e.Class == strongest && !seen[e.Path] {
			seen[e.Path] = true
			names = append(names, r.path(e.Path))
		}
	}
	const most = 3
	if len(names) > most {
		names = append(names[:most-1], fmt.Sprintf("%d more", len(names)-most+1))
	}
	return strings.Join(names, ", ") + dim(" → ") + strongest.String()
}

func (r *reporter) path(path string) string {
	rel, err := filepath.Rel(r.dir, path)
	if err != nil || strings.HasPrefix(rel, ".."+string(filepath.Separator)+"..") {
		return path
	}
	return rel
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return fmt.Sprintf("%d %ses", n, what)
	default:
		return fmt.Sprintf("%d %ss", n, what)
	}
}

// short rounds a duration to what a person reads.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}
