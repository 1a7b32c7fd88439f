package runner

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotreload/supervisor"
	"hotreload/watch"
)

// evidence is the reports of the workers' agents and of the system about files opened by the program. knowledge
// contains it, and only the loop's goroutine uses it. The rules in reading.go draw the conclusions.
type evidence struct {
	files   map[string]*known         // by absolute path
	serving int                       // the newest generation that served; reads of older generations no longer count
	crowded map[int]bool              // generations that have opened more files than they report
	left    recent[uint64, []leaving] // by inode: the states in which workers have left files
	own     recent[string, bool]      // by path: the last file there was a worker's
	held    map[hold]string           // files open to write in workers -> path
	grown   map[string]bool           // folders created in folders listed by workers
}

// hold is a file open to write in a worker.
type hold struct {
	worker int
	inode  uint64
}

// known is everything known about a file, or about a listed folder.
type known struct {
	early, late reading // before the worker was ready, and since
	wrote       writing
	only        bool // the file was opened only to write
	rereads     int  // generation whose workers read the file again when it changes
	loaded      int  // generation whose workers run code from the file
	heard       bool // the path is watched
}

// reading is how the workers of one generation have read a path.
type reading struct {
	generation int               // the newest generation with a read; 0 = none
	workers    map[int]time.Time // by ID: time of the first read
	counts     map[int]int       // by ID: number of reads
	pids       map[int]int       // by ID
	purpose    supervisor.Purpose
	again      time.Time // time of a read for a later request: a proof of repeated reads
	missing    bool      // the workers looked for the path, and it did not exist
	unsure     bool      // opened by os.OpenFile, possibly to write
	by         string    // the function that has read the path
	last       time.Time // time of the last reported read
}

// writing is the last writer of a path.
type writing struct {
	generation, pid int
	at              time.Time
	by              string
}

// stamp is the state of a file. The zero value is a missing file, or a file without information from the system.
type stamp struct {
	inode    uint64
	modified time.Time // content
	touched  time.Time // content or name; no tool can set touched back
	dir      bool
}

// leaving is the state in which a worker has left a file, and the time since when the worker had the file open.
type leaving struct {
	since, modified time.Time
}

// disk is how evidence asks the system.
type disk struct {
	look    func(path string) stamp
	writing func(path string) bool       // reports whether a worker or its child has the file open to write
	list    func(folder string) []string // the names in a folder; names of folders end in a slash
}

// maxKnown limits the number of files watched because workers open them, maxLeft the number of remembered files written
// by workers.
const (
	maxKnown = 5000
	maxLeft  = 20000
)

// behind is how far the clock of file systems may be behind hotreload's: a tick of the kernel at 100 Hz, twice.
const (
	tick   = 10 * time.Millisecond
	behind = 2 * tick
)

func newEvidence() *evidence {
	return &evidence{files: map[string]*known{}, crowded: map[int]bool{}, held: map[hold]string{},
		grown: map[string]bool{}}
}

// recent is a map with a limit: beyond the limit, the oldest entries are forgotten.
type recent[K comparable, V any] struct{ newer, older map[K]V }

func (r *recent[K, V]) put(key K, value V) {
	if r.newer == nil || len(r.newer) >= maxLeft/2 {
		r.newer, r.older = map[K]V{}, r.newer
	}
	r.newer[key] = value
}

func (r *recent[K, V]) get(key K) (value V, ok bool) {
	if value, ok = r.newer[key]; !ok {
		value, ok = r.older[key]
	}
	return value, ok
}

// of finds or creates the entry of a path; nil if there are too many.
func (o *evidence) of(path string) *known {
	u := o.files[path]
	if u == nil && len(o.files) < maxKnown {
		u = &known{}
		o.files[path] = u
	}
	return u
}

// opened takes a report. fresh: the path has to be watched, and did not before.
func (o *evidence) opened(e supervisor.FileOpened) (path string, fresh bool) {
	path = filepath.Clean(e.Path)
	if e.How == supervisor.TooMany {
		o.crowded[e.Generation] = true
		return path, false
	}
	u := o.files[path]
	if u == nil && e.How != supervisor.Counted {
		u = o.of(path)
	}
	if u == nil || e.Generation < o.serving && e.How != supervisor.ToWrite {
		return path, false
	}
	before := u.watched()
	switch r := u.reading(e.Late); e.How {
	case supervisor.ToWrite:
		u.wrote = writing{e.Generation, e.Pid, e.At, e.Caller}
	case supervisor.Counted:
		r.count(e)
	case supervisor.Again:
		r.note(e)
		r.again = e.At
	default:
		r.note(e)
	}
	return path, u.watched() && !before
}

func (u *known) reading(late bool) *reading {
	if late {
		return &u.late
	}
	return &u.early
}

// note adds a report.
func (r *reading) note(e supervisor.FileOpened) {
	if e.Generation < r.generation {
		return
	}
	sure := r.generation == e.Generation && !r.unsure
	if e.Generation > r.generation {
		*r = reading{
			generation: e.Generation, workers: map[int]time.Time{}, counts: map[int]int{}, pids: map[int]int{},
			purpose: e.For, by: e.Caller,
		}
	}
	if at, known := r.workers[e.ID]; !known || e.At.Before(at) {
		r.workers[e.ID] = e.At
	}
	r.unsure = e.How == supervisor.ToReadOrWrite && !sure
	if e.For != supervisor.ToServe {
		r.purpose = e.For // one reader that does not open the file at each use is enough
	}
	r.missing = e.Missing
	r.pids[e.ID] = e.Pid
	r.count(e)
}

func (r *reading) count(e supervisor.FileOpened) {
	if e.Generation == r.generation && r.counts != nil {
		r.counts[e.ID] = max(r.counts[e.ID], e.Count)
		if e.At.After(r.last) {
			r.last = e.At
		}
	}
}

// first returns when the first worker has read the path.
func (r *reading) first() (first time.Time) {
	for _, at := range r.workers {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

// reads reports whether a worker has read the path, as far as is known.
func (u *known) reads(r *reading) bool { return r.generation > 0 && !(r.unsure && u.only) }

func (u *known) watched() bool { return u.reads(&u.early) || u.reads(&u.late) || u.loaded > 0 }

// written takes a worker's report about a file that the worker had open to write.
func (o *evidence) written(e supervisor.FileWritten) {
	o.leaves(e.Inode, leaving{e.Since, e.Modified})
	h := hold{e.ID, e.Inode}
	delete(o.held, h)
	if e.Path == "" {
		return
	}
	if e.Held {
		o.held[h] = e.Path
	}
	o.own.put(e.Path, true)
	if u := o.files[e.Path]; u != nil {
		u.only = e.Only
		if u.wrote.at.Before(e.At) {
			by := u.wrote.by
			u.wrote = writing{e.Generation, e.Pid, e.At, by}
		}
	}
}

// together is the longest time between two writes that count as one: too short for a write by somebody else. Felt
// right, not measured.
const together = 5 * time.Millisecond

// maxLeavings is the number of remembered states of one file: a change may be classified some time after the watcher
// has seen the change.
const maxLeavings = 32

// leaves notes the state in which a worker has left a file.
func (o *evidence) leaves(inode uint64, l leaving) {
	known, _ := o.left.get(inode)
	if n := len(known); n > 0 && l.since.Sub(known[n-1].modified) < together {
		known[n-1] = leaving{known[n-1].since, l.modified}
	} else {
		known = append(known[max(0, n-maxLeavings+1):n:n], l)
	}
	o.left.put(inode, known)
}

// leftSo reports whether a worker has left a file in this state, or wrote the file at that time. The file system's
// clock ticks slowly, so two states may have the same time.
func (o *evidence) leftSo(s stamp) bool {
	known, _ := o.left.get(s.inode)
	return s.inode != 0 && slices.ContainsFunc(known, func(l leaving) bool {
		return !s.modified.After(l.modified) && s.modified.After(l.since.Add(-behind))
	})
}

// ended notes a worker's exit: the worker has left its open files in their present state.
func (o *evidence) ended(worker int, disk disk) {
	for h, path := range o.held {
		if h.worker != worker {
			continue
		}
		delete(o.held, h)
		if s := disk.look(path); s.inode == h.inode {
			o.leaves(h.inode, leaving{modified: s.modified})
		}
	}
}

// runs notes that workers of a generation run code from a file. fresh: see opened.
func (o *evidence) runs(path string, generation int) (fresh bool) {
	u := o.of(path)
	if u == nil || generation < o.serving {
		return false
	}
	fresh = !u.watched()
	u.loaded = max(u.loaded, generation)
	return fresh
}

// writes reports whether workers write files, as far as is known.
func (o *evidence) writes() bool { return len(o.left.newer) > 0 }

// concerns reports whether workers have read a path, or listed its folder.
func (o *evidence) concerns(path string) bool {
	return o.files[path] != nil || o.files[o.listedAbove(path)] != nil
}

// serves forgets files read only by older generations before they were ready. Later reads stay known: the new workers
// will read the files when needed.
func (o *evidence) serves(generation int) {
	o.serving = max(o.serving, generation)
	for path, u := range o.files {
		if u.early.generation < generation {
			u.early = reading{}
		}
		if u.loaded < generation {
			u.loaded = 0
		}
		if !u.watched() && u.wrote.at.IsZero() {
			delete(o.files, path)
		}
	}
	maps.DeleteFunc(o.crowded, func(g int, _ bool) bool { return g < generation })
}

// reached returns how the workers have read a path, or listed a folder. since: only after a change at the given time.
func (o *evidence) reached(u *known, touched time.Time) (r reach, since bool) {
	after := func(r *reading) bool { return !touched.IsZero() && touched.Before(r.first().Add(-behind)) }
	switch {
	case u == nil:
		return never, false
	case u.reads(&u.early):
		return atStart, after(&u.early)
	case !u.reads(&u.late):
		return never, false
	case u.late.generation < o.serving && len(o.crowded) == 0:
		return formerly, false
	case u.late.purpose == supervisor.ToServe:
		return eachUse, after(&u.late)
	case !u.late.again.IsZero():
		return repeated, after(&u.late)
	}
	return once, after(&u.late)
}

// facts collects the facts about a change for the rules.
func (o *evidence) facts(change watch.Change, disk disk) facts {
	path := change.Path
	now := disk.look(path)
	u, folder := o.files[path], o.listedAbove(path)
	f := facts{op: change.Op, dir: change.Dir, crowded: len(o.crowded) > 0 || len(o.files) >= maxKnown}
	f.read, f.since = o.reached(u, now.touched)
	f.listed, f.after = o.reached(o.files[folder], now.touched)
	if u != nil {
		f.by = u.early.by
		f.wrote, f.loaded = !u.wrote.at.IsZero() || u.only, u.loaded > 0
		f.rereads = o.rereads(u, now.touched)
	}
	if f.read != never || f.listed != never || f.loaded {
		f.own = o.ours(path, now, disk)
	}
	if f.read == never && f.listed != never && change.Op == watch.Created {
		f.kind = o.kind(path, folder, f.listed == once, disk)
	}
	return f
}

// ours reports whether workers have left the file at a path, or the last file there.
func (o *evidence) ours(path string, now stamp, disk disk) bool {
	if now == (stamp{}) {
		own, _ := o.own.get(path)
		return own
	}
	if now.dir {
		return false
	}
	own := o.leftSo(now)
	for h := range o.held {
		own = own || now.inode != 0 && h.inode == now.inode
	}
	own = own || disk.writing(path)
	o.own.put(path, own)
	return own
}

// rereads reports whether all workers that read a file before they were ready have read the file again since its
// change, with the same function.
func (o *evidence) rereads(u *known, touched time.Time) bool {
	switch {
	case u.early.generation == 0 || u.late.generation != u.early.generation:
		return false
	case u.rereads == u.early.generation:
		return true
	case u.late.by != u.early.by || len(u.late.workers) < len(u.early.workers) || touched.IsZero() ||
		touched.Before(u.early.first().Add(2*behind)):
		return false
	}
	for _, at := range u.late.workers {
		if at.Before(touched.Add(-behind)) { // a save in pieces is read at the first one
			return false
		}
	}
	u.rereads = u.early.generation
	return true
}

// listedAbove returns the folder of a path or, if that folder was created later, the listed folder above it.
func (o *evidence) listedAbove(path string) string {
	folder := filepath.Dir(path)
	for o.files[folder] == nil && o.grown[folder] {
		folder = filepath.Dir(folder)
	}
	return folder
}

// grows notes a new folder in a listed one, and reports whether files in the new folder may count: workers have read
// files in the listed one.
func (o *evidence) grows(path string, disk disk) bool {
	folder := o.listedAbove(path)
	u := o.files[folder]
	if u == nil || u.early.generation == 0 && u.late.generation == 0 || len(o.grown) >= maxKnown {
		return false
	}
	top := o.top(folder)
	if top == folder && !o.walked(folder, path, disk) {
		return false
	}
	for file, u := range o.files {
		if below(file, top) && file != top && u.watched() && !disk.look(file).dir {
			o.grown[path] = true
			return true
		}
	}
	return false
}

// shrinks notes that a folder was removed.
func (o *evidence) shrinks(path string) {
	for folder := range o.grown {
		if below(folder, path) {
			delete(o.grown, folder)
		}
	}
}

// top returns the topmost folder from which workers have listed every folder down to the given one.
func (o *evidence) top(folder string) string {
	for {
		above := filepath.Dir(folder)
		if u := o.files[above]; above == folder || u == nil || !u.watched() {
			return folder
		}
		folder = above
	}
}

// walked reports whether workers would have listed a new folder in a listed one, as far as known: workers have listed
// another folder there, or there is no other.
func (o *evidence) walked(folder, fresh string, disk disk) bool {
	none := true
	for _, name := range disk.list(folder) {
		sub, isDir := strings.CutSuffix(name, "/")
		path := filepath.Join(folder, sub)
		if !isDir || path == fresh || o.grown[path] {
			continue
		}
		if o.files[path] != nil {
			return true
		}
		none = false
	}
	return none
}

// kind returns the reason why a new file is like the files read by workers in the listed folder, or in the tree walked
// by workers: the same extension, or reads of every file there, whatever its extension. late: reads since the workers
// were ready.
func (o *evidence) kind(path, folder string, late bool, disk disk) string {
	top, ext := o.top(folder), filepath.Ext(path)
	for file, u := range o.files {
		if file == path || filepath.Ext(file) != ext || !u.reads(u.reading(late)) && !u.reads(&u.early) {
			continue
		}
		if filepath.Dir(file) == folder || below(file, top) && (top != folder || filepath.Dir(path) != folder) {
			if !disk.look(file).dir {
				if ext == "" {
					return "files without an extension"
				}
				return "*" + ext
			}
		}
	}
	kinds := map[string]bool{}
	for _, name := range disk.list(folder) {
		file := filepath.Join(folder, name)
		if strings.HasSuffix(name, "/") || file == path {
			continue
		}
		u := o.files[file]
		if u == nil || !u.reads(&u.early) && !u.reads(&u.late) {
			return ""
		}
		kinds[filepath.Ext(name)] = true
	}
	if len(kinds) >= 2 { // otherwise the extension may count, or a file's name
		return "files"
	}
	return ""
}

func below(path, folder string) bool { return under(path, []string{folder}) }

// namesIn lists the names in a folder, with a slash at the end of names of folders.
func namesIn(folder string) (names []string) {
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() {
			name += "/"
		}
		names = append(names, name)
	}
	return names
}

// paths lists the known paths, the newest first.
func (o *evidence) paths() []string {
	newest := func(u *known) time.Time {
		at := u.wrote.at
		for _, r := range []*reading{&u.early, &u.late} {
			if r.last.After(at) {
				at = r.last
			}
		}
		return at
	}
	return slices.SortedFunc(maps.Keys(o.files), func(a, b string) int {
		if c := newest(o.files[b]).Compare(newest(o.files[a])); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
}

// Evidence is one way in which workers have used a path.
type Evidence struct {
	What       string    `json:"what"`    // one of the constants below
	By         string    `json:"by"`      // the function; "" = not known
	Missing    bool      `json:"missing"` // the path did not exist
	Generation int       `json:"generation"`
	Pids       []int     `json:"pids"`  // of the workers
	Count      int       `json:"count"` // how often, as far as counted
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`  // of the last known use
	Again      time.Time `json:"again"` // first time opened again for a later request; zero: never
}

// The uses of a path by workers.
const (
	ReadBefore = "read before ready"
	ReadSince  = "read since"
	Wrote      = "opened to write"
	Runs       = "runs code from it"
)

// account returns everything known about a path.
func (o *evidence) account(path string) []Evidence {
	all := []Evidence{}
	u := o.files[path]
	if u == nil {
		return all
	}
	for i, r := range []*reading{&u.early, &u.late} {
		if !u.reads(r) {
			continue
		}
		e := Evidence{
			What: []string{ReadBefore, ReadSince}[i], By: r.by, Missing: r.missing, Generation: r.generation,
			Pids:  slices.Sorted(maps.Values(r.pids)),
			First: r.first(), Last: r.last, Again: r.again,
		}
		for _, n := range r.counts {
			e.Count += n
		}
		all = append(all, e)
	}
	if u.loaded > 0 {
		all = append(all, Evidence{What: Runs, Generation: u.loaded})
	}
	if w := u.wrote; !w.at.IsZero() {
		all = append(all, Evidence{What: Wrote, By: w.by, Generation: w.generation, Pids: []int{w.pid}, First: w.at,
			Last: w.at})
	}
	return all
}

// holds reports whether a worker has reported the file as open to write.
func (o *evidence) holds(path string) bool {
	for _, held := range o.held {
		if held == path {
			return true
		}
	}
	return false
}

// atStart lists the files that workers have read before they were ready.
func (o *evidence) atStart() (paths []string) {
	for path, u := range o.files {
		if u.reads(&u.early) {
			paths = append(paths, path)
		}
	}
	return paths
}
