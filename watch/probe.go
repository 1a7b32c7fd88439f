package watch

import (
	"os"
	"path/filepath"
	"time"
)

// probeMost is the limit for an event to arrive. Even on a busy machine an event takes milliseconds.
const probeMost = 5 * time.Second

// probe checks whether the kernel sends events at all: some sandboxes and emulators (gVisor, qemu-user, old versions of
// WSL) accept a watch and send nothing. The probe makes a folder in the folder for temporary files, watches the folder,
// writes to the folder and removes the folder. A probe in the user's tree would not help: this machine's own changes
// cause events on every disk. Only isForeign and the patrol tell whether other machines' changes do.
type probe struct {
	wanted bool
	failed bool // no event came
	done   bool // an event came
	timer  *time.Timer
}

func (p *probe) begin(k kernel) {
	p.timer = time.NewTimer(probeMost)
	if !p.wanted || !p.try(k) {
		p.timer.Stop()
	}
}

// try reports whether an event should arrive.
func (p *probe) try(k kernel) bool {
	folder, err := os.MkdirTemp("", "hotreload-")
	if err != nil {
		return false
	}
	watched := k.Add(folder) == nil
	// A file, because fsnotify does not report the removal of a folder if the folder above is watched, too.
	err = os.WriteFile(filepath.Join(folder, "probe"), nil, 0o600)
	os.RemoveAll(folder)
	return err == nil && watched
}

// passed notes the arrival of an event, and returns true if the probe had already failed.
func (p *probe) passed() (news bool) {
	p.timer.Stop()
	news, p.failed, p.done = p.failed, false, true
	return news
}

// noKernel sends no events; err is the reason, nil if events are not wanted.
type noKernel struct{ err error }

func (k noKernel) Add(string) error  { return k.err }
func (noKernel) Remove(string) error { return nil }
func (noKernel) Close() error        { return nil }
