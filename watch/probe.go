package watch

import (
	"os"
	"path/filepath"
	"time"
)

// probeMost is how long an event may take. On a busy machine it takes milliseconds.
const probeMost = 5 * time.Second

// probe tries whether the kernel tells anything at all: in some sandboxes and emulators (gVisor, qemu-user, old
// versions of WSL) it takes the watch and is silent. A folder is made among the temporary files, watched, written to and
// removed. Nothing is written into the user's tree, and it would not help: a change that is made here has an
// event on every disk. Whether there are events of changes that others make is what only others can show: see isForeign and
// the patrol.
type probe struct {
	wanted bool
	failed bool // no event has come
	done   bool // one has
	timer  *time.Timer
}

func (p *probe) begin(k kernel) {
	p.timer = time.NewTimer(probeMost)
	if !p.wanted || !p.try(k) {
		p.timer.Stop()
	}
}

// try tells whether an event is to be expected.
func (p *probe) try(k kernel) bool {
	folder, err := os.MkdirTemp("", "hotreload-")
	if err != nil {
		return false
	}
	watched := k.Add(folder) == nil
	// A file, since fsnotify passes over the removal of a folder if the one above is watched too.
	err = os.WriteFile(filepath.Join(folder, "probe"), nil, 0o600)
	os.RemoveAll(folder)
	return err == nil && watched
}

// passed notes that an event has come, and tells whether that is news: it was not expected any more.
func (p *probe) passed() (news bool) {
	p.timer.Stop()
	news, p.failed, p.done = p.failed, false, true
	return news
}

// noKernel hears nothing, for the reason given; nil: nobody asks it to.
type noKernel struct{ err error }

func (k noKernel) Add(string) error  { return k.err }
func (noKernel) Remove(string) error { return nil }
func (noKernel) Close() error        { return nil }
