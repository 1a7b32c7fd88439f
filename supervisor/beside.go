package supervisor

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotreload/supervisor/inspect"
)

// This file collects how a worker stands next to the old workers before it, for the rules in standing.go. The
// supervisor's loop owns the data. supervisor/inspect reads it from the system.

// trail is the list of files opened by a worker before ready, as reported by the agent. After the worker's exit, the
// system no longer knows these files.
type trail struct {
	paths   []string        // in order
	written map[string]bool // the paths opened for writing
	all     int             // total number
}

// longTrail is how many files of one worker are remembered: the last ones.
const longTrail = 1000

func (t *trail) note(path string, how FileUse) {
	path = filepath.Clean(path)
	t.all++
	if how != ToRead {
		if t.written == nil {
			t.written = map[string]bool{}
		}
		t.written[path] = true
	}
	if len(t.paths) >= longTrail {
		delete(t.written, t.paths[0])
		t.paths = slices.Delete(t.paths, 0, 1)
	}
	t.paths = append(t.paths, path)
}

// ready forgets the files that were only read: they do not matter once the worker serves.
func (t *trail) ready() {
	t.paths = slices.DeleteFunc(t.paths, func(path string) bool { return !t.written[path] })
}

// opened reports whether a file is on the trail, perhaps under another name.
func (t *trail) opened(path string) bool {
	return slices.ContainsFunc(t.paths, func(one string) bool {
		if one == path {
			return true
		}
		real, err := filepath.EvalSymlinks(one)
		return err == nil && real == path
	})
}

// shared returns a file that both the worker and one of the others opened for writing. The file must be the last one
// opened by the worker at all, or the worker's last output must name the file.
func (t *trail) shared(others []*running, tail string) string {
	words := lastOf(tail)
	for i := len(t.paths) - 1; i >= 0; i-- {
		path := t.paths[i]
		if !t.written[path] || i < len(t.paths)-1 && !strings.Contains(words, filepath.Base(path)) {
			continue
		}
		if slices.ContainsFunc(others, func(o *running) bool { return o.trail.written[path] }) {
			return path
		}
	}
	return ""
}

// pulse records when a worker was last active, and when it last waited for something other than a lock.
type pulse struct {
	at     time.Time     // last activity
	since  time.Time     // last activity, or last wait for something other than a lock
	looked time.Time     // the last look
	spent  time.Duration // CPU time at the last look
	opened int           // number of opened files at the last look
}

// busy is the share of CPU time above which a worker is working. Below busy, the worker may be retrying in a loop.
const busy = 0.02

// feel updates the pulse. The first call is made when the agent connects.
func (p *pulse) feel(spent time.Duration, opened int, awaits bool, now time.Time) (idle, silent time.Duration) {
	took := now.Sub(p.looked)
	worked := spent-p.spent > inspect.Tick+time.Duration(busy*float64(took))
	if p.looked.IsZero() || worked || opened != p.opened {
		p.at = now
	}
	if p.looked.IsZero() || worked || opened != p.opened || awaits {
		p.since = now
	}
	p.looked, p.spent, p.opened = now, spent, opened
	return now.Sub(p.at), now.Sub(p.since)
}

// beside returns the running workers to be replaced by w.
func (m *machine) beside(w *member, workers map[int]*running) (others []*running) {
	for _, other := range m.members {
		if r := workers[other.ID]; r != nil && m.inTheWay(other, w) {
			others = append(others, r)
		}
	}
	return others
}

// standingOf examines an unready worker.
func standingOf(w *running, others []*running, now time.Time) Standing {
	st, held := besides(others)
	if !st.Known {
		return st
	}
	open, asleep, awaits, known := inspect.StateOf(w.Pid(), w.links)
	_, spent, counted := inspect.Usage(w.Pid())
	if st.Known = known && counted; !st.Known {
		return st
	}
	st.Traced = inspect.TracingOf(w.Pid()) != inspect.Untraced
	st.Awaits = awaits || st.Traced || w.program == 0 // without an agent, the opened files are unknown
	st.Idle, st.Silent = w.pulse.feel(spent, w.trail.all, st.Awaits, now)
	for _, path := range held {
		if slices.Contains(asleep, path) {
			st.Asleep = path
		}
		if slices.Contains(open, path) {
			st.Locked = path
		}
	}
	return st
}

// lastStanding describes how an exited worker stood; zero if the worker had been ready, or was alone.
func (m *machine) lastStanding(w *running, workers map[int]*running, exit Exit) Standing {
	member := m.member(w.worker.ID)
	if member == nil || !member.ready.IsZero() {
		return Standing{}
	}
	others := m.beside(member, workers)
	if len(others) == 0 {
		return Standing{}
	}
	st, held := besides(others)
	for _, path := range held {
		if w.trail.opened(path) {
			st.Locked = path
		}
	}
	st.Shared = w.trail.shared(others, exit.Tail)
	words := strings.FieldsFunc(lastOf(exit.Tail), func(r rune) bool { return r < '0' || r > '9' })
	for _, other := range others {
		st.Names = st.Names || slices.Contains(words, strconv.Itoa(other.Pid()))
	}
	return st
}

// reconsider ends stop-first for a lock if no stable worker holds a lock any more.
func (m *machine) reconsider(workers map[int]*running) {
	var stable []*running
	for _, w := range m.members {
		if r := workers[w.ID]; r != nil && w.state == Stable {
			stable = append(stable, r)
		}
	}
	if m.proved.Kind != ByLock || len(stable) == 0 {
		return
	}
	if st, held := besides(stable); m.proved.outdated(held, st.Known) {
		m.runsBeside()
	}
}

// besides collects the files locked by the others.
func besides(others []*running) (st Standing, held []string) {
	st.Known = true
	for _, other := range others {
		files, known := inspect.ExclusiveLocks(other.Pid())
		st.Known = st.Known && known
		held = append(held, files...)
	}
	if len(held) > 0 {
		st.Held = held[0]
	}
	return st, held
}
