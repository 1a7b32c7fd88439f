package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hotreload/control"
	"hotreload/gobuild"
	"hotreload/runner"
	"hotreload/supervisor"
	"hotreload/watch"
)

const prefix = "[hotreload] "

// When things are shown at all or said again; all felt right and are not measured.
const (
	tick       = 400 * time.Millisecond // how often it is looked at; no line of the program for so long: it is calm
	longBuild  = time.Second            // a build that takes longer shows that it runs
	longWait   = time.Second            // so does a wait for workers
	pushedAway = 15                     // lines of the program after which a failure is out of sight
	insist     = 5 * time.Second        // how often it is said again to a program that is never calm
)

// reporter reads a service's events and says what they mean. One goroutine calls it.
type reporter struct {
	console *console
	journal *control.Journal
	o       *options
	dir     string // paths are shown relative to it
	service string // its name; "" if it is the only one
	program string // as the user named it
	built   bool   // it is a program, and not a command
	keys    *keyboard

	settings *settingsFile // nil: another reporter speaks of it

	workers   int             // that there should be
	scaled    int             // that there are
	silent    map[string]bool // file systems and limits that were told of
	addresses []supervisor.Address
	greeted   bool
	building  time.Time // when the running build began; zero if none runs
	graph     error     // why the packages of the program are not known; nil if they are
	crash     string    // the last crash, to say a repeated one less often
	newest    int       // generation that was started
	blocked   string    // why nothing is started; "" if it may be
	back      int       // the one that serves after the newest has failed
	finished  int       // the generation whose worker has ended with code 0 last

	failure string    // what is said again: why what serves is stale; "" if it is not
	said    time.Time // when it was said last
	lines   int       // that the program had written since, when last looked

	leaving time.Time // when we began to wait for workers to leave; zero before
	left    []supervisor.Worker
}

func newReporter(c *console, journal *control.Journal, s *service, dir string, keys *keyboard) *reporter {
	return &reporter{console: c, journal: journal, o: s.o, dir: dir, service: s.config.Name, program: s.shown(), built: s.config.Command == nil, keys: keys,
		workers: int(s.o.workers), scaled: int(s.o.workers), silent: map[string]bool{}}
}

// prefix is what our lines begin with.
func (r *reporter) prefix() string {
	if r.service == "" {
		return prefix
	}
	return "[hotreload " + r.service + "] "
}

// read says what happens until the run has ended.
func (r *reporter) read(events <-chan runner.Event) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	ticker.Stop()
	ticking := false
	var reread <-chan struct{}
	if r.settings != nil {
		reread = r.settings.asked
	}
	for {
		// The clock runs only while something depends on it: hotreload at rest does nothing.
		wanted := r.console.terminal() && (!r.building.IsZero() || r.failure != "" || !r.leaving.IsZero())
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
			r.journal.Tell(r.service, event)
			r.report(event)
		case <-reread:
			r.rereadSettings()
		case <-ticker.C:
			r.showProgress()
			r.remind()
		}
	}
}

// line says something in every mode but -q; detail only with -v; alarm always.
func (r *reporter) line(text string) {
	if !r.o.quiet {
		r.console.say(dim(r.prefix()) + text)
	}
}

func (r *reporter) detail(text string) {
	if r.o.verbose {
		r.console.say(dim(r.prefix() + text))
	}
}

func (r *reporter) alarm(text string) { r.console.say(dim(r.prefix()) + text) }

// news is a line that ends in numbers, the important ones first: as many as fit into the terminal's line, and all of
// them with -v.
func (r *reporter) news(text string, numbers ...string) {
	if room := r.console.columns(); room > 0 && !r.o.verbose {
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

// showProgress counts the seconds of what takes long.
func (r *reporter) showProgress() {
	if r.o.quiet {
		return
	}
	switch {
	case !r.leaving.IsZero() && len(r.left) > 0:
		if waited := time.Since(r.leaving); waited >= longWait {
			r.console.setProgress(r.service, fmt.Sprintf("waiting for %s … %d s", count(len(r.left), "worker"), int(waited.Seconds())))
		}
	case !r.building.IsZero():
		if took := time.Since(r.building); took >= longBuild {
			r.console.setProgress(r.service, fmt.Sprintf("building … %d s", int(took.Seconds())))
		}
	}
}

// remind says a failure again when the program's own output has pushed it out of sight and the program is calm, so
// that it does not do so again at once.
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

// stale says why what serves is not what was saved last, and remembers it until it is repaired.
func (r *reporter) stale(text string) {
	r.console.say(text)
	r.console.forget()
	r.failure, r.said, r.lines = text, time.Now(), 0
}

func (r *reporter) report(event runner.Event) {
	switch e := event.(type) {
	case runner.Listening:
		r.addresses = e.Addresses
		if r.greeted {
			r.line("moving" + strings.Replace(cmp.Or(r.where(), " to sockets of the program's own"), " for ", " to ", 1))
		}
	case runner.NoAgent:
		r.noAgent(e.Reason)
	case runner.Noticed: // of the machine, or of the program's builds
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
		r.detail("the packages of the program are not known: " + text)
	case runner.Changed:
		r.changed(e)
	case runner.HookEnded:
		r.hookEnded(e)
	case runner.EnvFailed:
		r.alarm(yellow("environment file: "+e.Err.Error()) + lineOf(hintLine("workers get what was in it before")))
	case runner.TakenOff:
		r.alarm(yellow(r.path(e.Path)+" changes whenever workers start, so it does not replace them any more") + lineOf(hintLine("if they write it themselves, name it in .reloadignore")))
	case runner.BuildStarted:
		if !r.greeted { // not earlier: until now it might have been a program that cannot be run at all
			r.greeted = true
			verb := "building "
			if !r.built {
				verb = "running "
			}
			r.line(verb + r.program + r.where())
		}
		r.building = time.Now()
	case runner.BuildEnded:
		if e.Way != "" {
			r.detail("built: " + e.Way)
		}
		r.building = time.Time{}
		r.console.setProgress(r.service, "")
	case runner.BuildFailed:
		r.buildFailed(e)
	case runner.Unchanged:
		r.failure = ""
		r.news(r.files(e.Effects)+": the program is the same, nothing to replace", "built in "+short(e.Took))
	case runner.Replacement:
		r.newest = e.Generation
		if r.blocked != "" {
			r.line(fmt.Sprintf("%s: generation %d waits: %s", r.files(e.Effects), e.Generation, r.blocked))
		} else {
			r.detail(fmt.Sprintf("generation %d starts", e.Generation))
		}
	case runner.Reloaded:
		r.reloaded(e)
	case runner.Waits:
		r.line("waits until " + strings.Join(e.For, " and ") + serves(len(e.For)))
	case runner.Halted:
		r.halted(e)
	case runner.KeptOn:
		r.keptOn(e)
	case runner.Leaving:
		r.leave(e)
	case runner.Service:
		r.ofWorkers(e.Event)
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
	if strongest(e.Effects) == runner.Live {
		r.line(r.files(e.Effects) + ": in effect already")
	}
	for _, effect := range e.Effects {
		if r.settings != nil && effect.Class == runner.Startup && effect.Path == r.settings.now.path {
			r.settingsChanged()
		}
		r.detail(fmt.Sprintf("%s %s → %s: %s", r.path(effect.Path), effect.Op, effect.Class, effect.Reason))
	}
}

// unwatched says what the system does not tell of; what is polled for that reason, once for each reason.
func (r *reporter) unwatched(e runner.Unwatched) {
	var polled *watch.PolledError
	switch {
	case errors.Is(e.Err, fs.ErrNotExist): // what is not there yet is noticed when it comes
	case errors.As(e.Err, &polled):
		said, text, hint := polledWords(polled)
		if !r.silent[said] {
			r.silent[said] = true
			r.alarm(yellow(text) + lineOf(hint))
		}
	default:
		err := e.Err
		if path := (*fs.PathError)(nil); errors.As(err, &path) && path.Path == e.Path {
			err = path.Err // it is named already, as the terminal can bear
		}
		text, hint, _ := strings.Cut(err.Error(), "\n")
		r.alarm(yellow("not watched: "+r.path(e.Path)+": "+text) + lineOf(hint))
	}
}

// polledWords says what is polled and why, what can be done about it, and under which name it need not be said again.
func polledWords(e *watch.PolledError) (said, text, hint string) {
	looked := fmt.Sprintf("%s looked at every %v", count(e.Folders, "folder")+map[bool]string{true: " is", false: " are"}[e.Folders == 1], e.Round)
	switch e.Reason {
	case watch.Limited:
		var limit *watch.LimitError
		errors.As(e.Err, &limit)
		text, hint, _ = strings.Cut(limit.Error(), "\n")
		return limit.Name, text + ": " + looked + " instead", hint
	case watch.Foreign:
		return e.Disk.String(), fmt.Sprintf("%v does not tell of changes that are made elsewhere: %s", e.Disk, looked), ""
	case watch.Missed:
		return "missed " + e.Disk.String(), fmt.Sprintf("%v did not tell of changes: from now on %s", e.Disk, looked), ""
	}
	return e.Reason.String(), fmt.Sprintf("%v: %s", e.Reason, looked), ""
}

// halted says that workers were sent away.
func (r *reporter) halted(e runner.Halted) {
	if e.Slots < e.Of {
		r.line(yellow(fmt.Sprintf("%d of %d workers are stopped", e.Slots, e.Of)))
		return
	}
	r.failure = ""
	r.line(yellow("stopped: changes wait until it is started again") + lineOf(hintLine(strings.TrimRight("hotreload reload "+r.service, " "))))
}

// keptOn says what has changed for workers that stay as they are.
func (r *reporter) keptOn(e runner.KeptOn) {
	text := r.files(e.Effects) + ": the workers keep their connections, and stay as they are"
	if len(e.Told) > 0 {
		text += dim(separator + count(len(e.Told), "worker") + " told")
	}
	r.line(yellow(text) + lineOf(hintLine(strings.TrimRight("hotreload restart "+r.service, " "))))
}

func serves(n int) string {
	if n == 1 {
		return " serves"
	}
	return " serve"
}

func (r *reporter) buildFailed(e runner.BuildFailed) {
	text := dim(r.prefix()) + red(bold("build failed")) + " after " + short(e.Took)
	if e.Serving > 0 {
		text += yellow(fmt.Sprintf(": generation %d, now stale, keeps serving", e.Serving))
	} else {
		text += ": waiting for a change"
	}
	hint := hintOf(e.Err)
	var build *gobuild.BuildError
	if !errors.As(e.Err, &build) {
		text += "\n" + e.Err.Error() // its hint is in it
	} else {
		text += "\n" + r.diagnostics(build)
		known := build.Cause
		if known == nil {
			errors.As(r.graph, &known)
		}
		switch {
		case hint != "" || known == nil:
		case known.Problem == gobuild.NoPackage:
			hint = "it is built again when the package comes back"
		default:
			hint = known.Hint // go.mod is wrong
		}
	}
	r.stale(text + lineOf(hintLine(hint)))
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
	if e.More {
		lines = append(lines, "too many errors")
	}
	return strings.Join(lines, "\n")
}

func (r *reporter) reloaded(e runner.Reloaded) {
	if e.Generation == r.back && e.Generation < r.newest { // the newer one has failed, and that is said
		r.back = 0
		r.line(yellow(fmt.Sprintf("generation %d is back", e.Generation)))
		return
	}
	r.failure, r.crash = "", ""
	text := fmt.Sprintf("generation %d serves", e.Generation)
	if e.Generation == r.finished { // a program that is no server
		text = fmt.Sprintf("generation %d has run", e.Generation)
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
	numbers = append(numbers, "replaced in "+short(e.Start))
	if e.Generation == 1 && r.keys.taken() {
		numbers = append(numbers, "h for keys")
	}
	r.news(text, numbers...)
}

// files names what has changed, the strongest first, and not more than fits in a line.
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

func (r *reporter) path(path string) string { return relative(r.dir, path) }

// relative is a path as a user in dir would write it, if that is not far away, in a form that no terminal takes for more
// than text.
func relative(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(rel, ".."+string(filepath.Separator)+"..") {
		path = rel
	}
	return harmless(path)
}

// harmless quotes a name with line breaks, control characters or bytes that are no UTF-8: it would garble the screen,
// or pretend to be a line of ours.
func harmless(name string) string {
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

func strongest(effects []runner.Effect) runner.Class {
	class := runner.None
	for _, e := range effects {
		class = max(class, e.Class)
	}
	return class
}
