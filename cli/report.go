package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotreload/gobuild"
	"hotreload/runner"
	"hotreload/settings"
	"hotreload/supervisor"
	"hotreload/watch"
)

const prefix = "[hotreload] "

// Times and numbers for messages; all felt right and are not measured.
const (
	tick       = 400 * time.Millisecond // interval of checks; a program without output for this time is calm
	longBuild  = time.Second            // a longer build shows its progress
	longWait   = time.Second            // so does a longer wait for workers
	pushedAway = 15                     // after so many lines of the program a failure is out of sight
	insist     = 5 * time.Second        // interval of reminders if the program is never calm
)

// reporter reads a service's events and prints their meaning. One goroutine calls the reporter.
type reporter struct {
	console *console
	dir     string // the base of shown paths
	keys    *keyboard
	file    *settingsFile // nil: another reporter handles the file
	up      *upward       // gets the service's events; nil in tests

	subject
	build
	generations
	crashes
	reminder
	departure
	timer

	addresses []supervisor.Address
	size
	blocked string          // why no worker is started; "" if starting is on
	silent  map[string]bool // file systems and limits already reported
}

// subject is what the lines are about. A subject does not change.
type subject struct {
	service string // name of the service; "" if it is the only one
	program string // as the user named it
	built   bool   // the service is a program, not a command
	only    bool   // the program is built but not run
	output  string // the path of the result; may be ""
}

// size is the number of workers.
type size struct {
	workers int // wanted
	scaled  int // as last reported
}

// build is the state of building.
type build struct {
	greeted  bool      // the first build was reported
	building time.Time // start of the running build; zero if none runs
	graph    error     // why the program's packages are unknown; nil if known
}

// generations are the generations that lines tell apart.
type generations struct {
	newest   int // the last started one
	back     int // the serving one after a failure of the newest
	finished int // the last one with a worker's exit code 0
}

// crashes are the crashes of workers.
type crashes struct {
	crash   string    // the last one, to report repetitions less often
	retry   time.Time // time of the next restart; zero if nothing waits
	retries int       // failures in a row, then
}

// reminder is a failure, printed again when out of sight.
type reminder struct {
	failure string    // why the service is stale; "" if not stale
	said    time.Time // time of the last reminder
	lines   int       // lines of the program since then, at the last check
}

// departure is the wait for workers' exits at the end.
type departure struct {
	leaving time.Time // start; zero before
	left    []supervisor.Worker
}

func newReporter(c *console, s *settings.Service, dir string, keys *keyboard) *reporter {
	workers := int(settings.Workers.Of(s.Values))
	return &reporter{
		console: c, dir: dir, keys: keys,
		subject: subject{service: s.Config.Name, program: s.Shown(), built: s.Config.Command == nil,
			only: s.Config.BuildOnly, output: s.Config.Output},
		size: size{workers: workers, scaled: workers}, silent: map[string]bool{},
	}
}

// prefix is the beginning of hotreload's lines.
func (r *reporter) prefix() string {
	if r.service == "" {
		return prefix
	}
	return "[hotreload " + r.service + "] "
}

// read prints the events until the run has ended.
func (r *reporter) read(events <-chan runner.Event) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	ticker.Stop()
	ticking := false
	var reread <-chan struct{}
	if r.file != nil {
		reread = r.file.asked
	}
	for {
		// The clock runs only while something depends on it: hotreload at rest uses no processor time.
		wanted := r.console.terminal() && (!r.building.IsZero() || r.failure != "" || !r.leaving.IsZero() ||
			!r.retry.IsZero())
		if wanted != ticking {
			if ticking = wanted; wanted {
				ticker.Reset(tick)
			} else {
				ticker.Stop()
			}
		}
		select {
		case event, ok := <-events:
			if !ok {
				return
			}
			r.report(event)
		case <-reread:
			r.rereadSettings()
		case <-ticker.C:
			r.showProgress()
			r.remind()
		}
	}
}

// line prints in every mode except -q; detail only with -v; alarm always.
func (r *reporter) line(text string) {
	if !r.console.quiet() {
		r.console.say(dim(r.prefix()) + text)
	}
}

func (r *reporter) detail(text string) {
	if r.console.verbose() {
		r.console.say(dim(r.prefix() + text))
	}
}

func (r *reporter) alarm(text string) { r.console.say(dim(r.prefix()) + text) }

// news prints a line that ends in numbers, the important ones first: as many as fit into the terminal's line, and all
// with -v.
func (r *reporter) news(text string, numbers ...string) {
	if room := r.console.columns(); room > 0 && !r.console.verbose() {
		used := width(r.prefix() + text)
		for i, number := range numbers {
			if used += width(separator + number); used > room {
				numbers = numbers[:i]
				break
			}
		}
	}
	for _, number := range numbers {
		text += dim(separator + number)
	}
	r.line(text)
}

// showProgress shows the seconds of long activities.
func (r *reporter) showProgress() {
	if r.console.quiet() {
		return
	}
	switch {
	case !r.leaving.IsZero() && len(r.left) > 0:
		if waited := time.Since(r.leaving); waited >= longWait {
			r.console.setProgress(r.service, fmt.Sprintf("waiting for %s … %d s", count(len(r.left), "worker"),
				int(waited.Seconds())))
		}
	case !r.retry.IsZero() && r.building.IsZero():
		if rest := time.Until(r.retry); rest > 0 {
			text := fmt.Sprintf("next try in %d s", int((rest+time.Second-1)/time.Second))
			if r.retries > 1 {
				text += fmt.Sprintf(", after %d in a row", r.retries)
			}
			r.console.setProgress(r.service, text)
		}
	case !r.building.IsZero():
		if took := time.Since(r.building); took >= longBuild {
			r.console.setProgress(r.service, fmt.Sprintf("building … %d s", int(took.Seconds())))
		}
	}
}

// endRetry takes the wait for the next try off the screen.
func (r *reporter) endRetry() {
	if !r.retry.IsZero() {
		r.retry = time.Time{}
		r.console.setProgress(r.service, "")
	}
}

// remind prints a failure again when the program's output has pushed it out of sight and the program is calm. Otherwise
// the reminder would be out of sight at once.
func (r *reporter) remind() {
	if r.failure == "" || !r.building.IsZero() || !r.leaving.IsZero() {
		return
	}
	lines := r.console.written()
	calm := lines == r.lines || time.Since(r.said) >= insist
	r.lines = lines
	if lines >= pushedAway && calm {
		r.stale(r.failure)
	}
}

// stale prints why the service is stale, and stores the text until the service is repaired.
func (r *reporter) stale(text string) {
	r.console.say(text)
	r.console.forget()
	r.failure, r.said, r.lines = text, time.Now(), 0
}

// report prints what an event means.
func (r *reporter) report(event runner.Event) {
	r.up.heard(r.service, event)
	switch e := event.(type) {
	case runner.Changed:
		r.changed(e)
	case runner.BuildStarted:
		r.buildStarted()
	case runner.BuildEnded:
		if e.Way != "" {
			r.detail("built: " + e.Way)
		}
		r.building = time.Time{}
		r.console.setProgress(r.service, "")
	case runner.Patchable:
		r.detail("the program is read: the next build can patch it")
	case runner.Confirmed:
		r.detail("the linker has confirmed the patched program")
	case runner.BuildFailed:
		r.buildFailed(e)
	case runner.Unchanged:
		r.failure = ""
		r.news(r.files(e.Effects)+": the program is identical, nothing to replace", "built in "+short(e.Took))
	case runner.Ran:
		files := slices.DeleteFunc(slices.Clone(e.Effects), func(e runner.Effect) bool { return !e.Runs })
		r.news(r.files(files)+": "+ranWhat(files), "in "+short(e.Took))
	case runner.Replacement:
		if r.newest > 0 { // the first one has nothing to clear away
			r.console.reloads(r.service, false)
		}
		r.newest = e.Generation
		if r.blocked != "" {
			r.line(fmt.Sprintf("%s: generation %d waits: %s", r.files(e.Effects), e.Generation, r.blocked))
		} else {
			r.detail(fmt.Sprintf("generation %d starts", e.Generation))
		}
	case runner.Reloaded:
		r.reloaded(e)
	case runner.SlotsStopped:
		r.slotsStopped(e)
	case runner.LeftRunning:
		r.leftRunning(e)
	case runner.Leaving:
		r.endRetry()
		r.leave(e)
	case runner.Service:
		r.ofWorkers(e.Event)
	default:
		r.notice(event)
	}
	switch event.(type) {
	case runner.BuildFailed, runner.Unchanged, runner.Ran, runner.Reloaded, runner.LeftRunning:
		r.console.reloaded(r.service)
	}
}

// notice prints events that are not about a single change: what the service waits for, and what does not work as usual.
func (r *reporter) notice(event runner.Event) {
	switch e := event.(type) {
	case runner.Listening:
		r.addresses = e.Addresses
		if r.greeted {
			where := cmp.Or(r.where(), " to sockets that the program opens itself")
			r.line("moving" + strings.Replace(where, " for ", " to ", 1))
		}
	case runner.Waits:
		verb := " serve"
		if len(e.For) == 1 {
			verb = " serves"
		}
		r.line("waits until " + strings.Join(e.For, " and ") + verb)
	case runner.NoAgent:
		r.noAgent(e.Reason)
	case runner.Noticed: // about the machine, or the program's builds
		text, hint, _ := strings.Cut(e.Err.Error(), "\n")
		r.alarm(yellow(text) + lineOf(hint))
	case runner.Watching:
		r.graph = nil
		r.detail(fmt.Sprintf("%s: %s, %s watched", e.Program, count(e.Packages, "package"), count(e.Folders, "folder")))
	case runner.Unwatched:
		r.unwatched(e)
	case runner.GraphFailed:
		r.graph = e.Err
		text, _, _ := strings.Cut(e.Err.Error(), "\n")
		r.detail("cannot list the program's packages: " + text)
	case runner.HookEnded:
		r.hookEnded(e)
	case runner.EnvFailed:
		r.alarm(yellow("environment file: "+e.Err.Error()) +
			lineOf(hintLine("workers get the variables from before the change")))
	case runner.Beside:
		r.alarm(yellow("the program writes "+filepath.Base(e.Path)+" next to its executable, in hotreload's cache folder: "+
			r.path(e.Path)) +
			lineOf(hintLine("the file stays there until the cache folder is removed; after go build the executable is in "+
				"another folder")))
	case runner.Postponed:
		r.alarm(yellow(fmt.Sprintf("%s changes just after each restart for it; the next restart comes when it has not "+
			"changed for %s", r.path(e.Path), e.For)) +
			lineOf(hintLine("if the program writes this file, add it to .reloadignore")))
	}
}

// buildStarted notes a build, and greets at the first one: until then it might have been impossible to run the program.
func (r *reporter) buildStarted() {
	r.endRetry()
	if r.greeted {
		r.console.reloads(r.service, true)
	} else {
		r.greeted = true
		verb := "building "
		if !r.built {
			verb = "running "
		}
		r.line(verb + r.program + r.where())
	}
	r.building = time.Now()
}

// ranWhat names the commands run for files, in the words of their rules.
func ranWhat(effects []runner.Effect) string {
	var all []string
	for _, e := range effects {
		if what, _ := strings.CutPrefix(e.Reason, "a rule runs "); e.Runs && !slices.Contains(all, what) {
			all = append(all, what)
		}
	}
	if len(all) == 1 {
		return "ran " + all[0]
	}
	return "ran the commands of " + count(len(all), "rule")
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
		r.line("the kernel dropped file events; everything was scanned again")
	}
	atOnce := slices.DeleteFunc(slices.Clone(e.Effects), func(e runner.Effect) bool { return e.Runs })
	if strongest(e.Effects) == runner.Live && strongest(atOnce) == runner.Live {
		r.line(r.files(atOnce) + ": in effect already")
	}
	for _, effect := range e.Effects {
		if r.file != nil && effect.Class == runner.Startup && effect.Path == r.file.now.Path {
			r.settingsChanged()
		}
		r.detail(fmt.Sprintf("%s %s → %s: %s", r.path(effect.Path), effect.Op, effect.Class, effect.Reason))
	}
}

// unwatched reports paths without events; polled paths once for each reason.
func (r *reporter) unwatched(e runner.Unwatched) {
	var polled *watch.PolledError
	switch {
	case errors.Is(e.Err, fs.ErrNotExist): // a missing file is noticed when it appears
	case errors.As(e.Err, &polled):
		said, text, hint := polledWords(polled)
		if !r.silent[said] {
			r.silent[said] = true
			r.alarm(yellow(text) + lineOf(hint))
		}
	default:
		err := e.Err
		if path := (*fs.PathError)(nil); errors.As(err, &path) && path.Path == e.Path {
			err = path.Err // the path is already named, safely quoted
		}
		text, hint, _ := strings.Cut(err.Error(), "\n")
		r.alarm(yellow("not watched: "+r.path(e.Path)+": "+text) + lineOf(hint))
	}
}

// polledWords returns a sentence about polling with the reason, a hint, and a key for a single report.
func polledWords(e *watch.PolledError) (said, text, hint string) {
	looked := fmt.Sprintf("%s polled every %v", count(e.Folders, "folder")+map[bool]string{true: " is",
		false: " are"}[e.Folders == 1], e.Round)
	switch e.Reason {
	case watch.Limited:
		var limit *watch.LimitError
		errors.As(e.Err, &limit)
		text, hint, _ = strings.Cut(limit.Error(), "\n")
		return limit.Name, text + ": " + looked + " instead", hint
	case watch.Foreign:
		return e.Disk.String(), fmt.Sprintf("%v does not report changes made on other machines: %s", e.Disk, looked), ""
	case watch.Missed:
		return "missed " + e.Disk.String(), fmt.Sprintf("%v did not report some changes: from now on %s", e.Disk, looked), ""
	}
	return e.Reason.String(), fmt.Sprintf("%v: %s", e.Reason, looked), ""
}

// slotsStopped reports stopped workers.
func (r *reporter) slotsStopped(e runner.SlotsStopped) {
	if e.Slots < e.Of {
		r.line(yellow(fmt.Sprintf("%d of %d workers are stopped", e.Slots, e.Of)))
		return
	}
	r.failure = ""
	r.line(yellow("stopped; changes take effect when the service is started again") +
		lineOf(hintLine(strings.TrimRight("hotreload reload "+r.service, " "))))
}

// leftRunning reports a change without effect for workers with reloadable = false.
func (r *reporter) leftRunning(e runner.LeftRunning) {
	text := r.files(e.Effects) + ": the workers keep their connections and the old code"
	if len(e.Told) > 0 {
		text += dim(separator + count(len(e.Told), "worker") + " told")
	}
	r.line(yellow(text) + lineOf(hintLine(strings.TrimRight("hotreload restart "+r.service, " "))))
}

func (r *reporter) buildFailed(e runner.BuildFailed) {
	text := dim(r.prefix()) + red(bold("build failed")) + " after " + short(e.Took)
	switch {
	case r.only && r.output != "" && e.Serving > 0:
		text += yellow(": " + r.path(r.output) + ", now stale, stays as it is")
	case e.Serving > 0 && !r.only:
		text += yellow(fmt.Sprintf(": generation %d, now stale, keeps serving", e.Serving))
	default:
		text += ": waiting for a change"
	}
	hint := hintOf(e.Err)
	var build *gobuild.BuildError
	if !errors.As(e.Err, &build) {
		text += "\n" + e.Err.Error() // with its hint
	} else {
		text += "\n" + r.diagnostics(build)
		known := build.Cause
		if known == nil {
			errors.As(r.graph, &known)
		}
		switch {
		case hint != "" || known == nil:
		case known.Problem == gobuild.NoPackage:
			hint = "hotreload builds again when the package is back"
		default:
			hint = known.Hint // go.mod is wrong
		}
	}
	r.stale(text + lineOf(hintLine(hint)))
}

// diagnostics formats the compiler's messages with paths relative to the start folder, so terminals turn them into
// links.
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
	if e.More {
		lines = append(lines, "too many errors")
	}
	return strings.Join(lines, "\n")
}

func (r *reporter) reloaded(e runner.Reloaded) {
	if e.Generation == r.back && e.Generation < r.newest { // the newer one has failed, as already reported
		r.back = 0
		r.line(yellow(fmt.Sprintf("generation %d is back", e.Generation)))
		return
	}
	r.failure, r.crash = "", ""
	if text := r.timed(e); text != "" {
		r.detail(text)
	}
	text := fmt.Sprintf("generation %d serves", e.Generation)
	switch {
	case e.Generation == r.finished: // the program is not a server
		text = fmt.Sprintf("generation %d has run", e.Generation)
	case e.Runs: // no server, or not ready yet
		text = fmt.Sprintf("generation %d is running", e.Generation)
	}
	if r.only {
		text = "builds"
	}
	text = green(text)
	if len(e.Effects) > 0 {
		text += ": " + r.files(e.Effects)
	}
	var numbers []string
	if e.Total > 0 {
		numbers = append(numbers, short(e.Total)+" after the save")
	}
	if e.Build > 0 && r.built {
		numbers = append(numbers, "built in "+short(e.Build))
	}
	switch {
	case !r.only:
		numbers = append(numbers, "replaced in "+short(e.Start))
	case r.output != "":
		text += dim(separator) + r.path(r.output)
	}
	if hint := r.keys.hint(); e.Generation == 1 && hint != "" {
		numbers = append(numbers, hint)
	}
	r.news(text, numbers...)
}

// files names the changed files, the strongest class first, as many as fit into a line.
func (r *reporter) files(effects []runner.Effect) string {
	if len(effects) == 0 {
		return "on request"
	}
	class := strongest(effects)
	var names []string
	seen := map[string]bool{}
	for _, e := range effects {
		if e.Class == class && !seen[e.Path] {
			seen[e.Path] = true
			names = append(names, r.path(e.Path))
		}
	}
	const most = 3
	if len(names) > most {
		names = append(names[:most-1], fmt.Sprintf("%d more", len(names)-most+1))
	}
	return strings.Join(names, ", ") + dim(" → ") + class.String()
}

func (r *reporter) path(path string) string { return settings.Relative(r.dir, path) }

func strongest(effects []runner.Effect) runner.Class {
	class := runner.None
	for _, e := range effects {
		class = max(class, e.Class)
	}
	return class
}
