package watch

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Reason tells why a folder is polled.
type Reason uint8

const (
	Heard   Reason = iota // it is not polled: the kernel sends events
	Asked                 // Config.Poll
	Silent                // the probe got no event from the kernel
	Foreign               // others change the files: other machines, the host, a program in user space
	Missed                // files on this disk have changed without an event
	Limited               // the operating system allows no more watches; Err is a *LimitError
	Refused               // the kernel does not watch this folder; Err tells why
)

func (r Reason) String() string {
	return [...]string{
		"the kernel tells",
		"it was asked for",
		"the kernel tells nothing here",
		"changes are made where the kernel does not see them",
		"the kernel did not tell of changes",
		"a limit is reached",
		"the kernel refuses",
	}[r]
}

// Disk is a mounted file system.
type Disk struct {
	Type  string // as in mount(8): ext4, nfs4, 9p, fuse.sshfs; "" if unknown
	Mount string // where it is mounted; "" if unknown
}

// Way tells how a folder and its contents are watched.
type Way struct {
	Reason Reason
	Disk   Disk
	Err    error         // for Limited and Refused
	Round  time.Duration // how long it may take to notice a change, if it is polled
}

// Polled reports whether the folder is polled. On a Foreign disk the kernel's events count as well: this machine's own
// changes arrive at once.
func (w Way) Polled() bool { return w.Reason != Heard }

// String tells why, where and how often something is polled: "every 1s: nfs4 on /home: changes are …".
func (w Way) String() string {
	if !w.Polled() {
		return w.Reason.String()
	}
	text := "every " + w.Round.Round(max(w.Round/100, 1)).String() + ": "
	if w.Reason == Foreign || w.Reason == Missed {
		text += w.Disk.String() + ": "
	}
	if w.Err != nil {
		reason, _, _ := strings.Cut(w.Err.Error(), "\n")
		return text + reason
	}
	return text + w.Reason.String()
}

func (d Disk) String() string {
	return cmp.Or(d.Type, "the disk") + " on " + cmp.Or(d.Mount, "an unknown place")
}

// How returns how a path would be watched, as far as the type of its file system tells. The path need not exist.
func How(path string) Way {
	disk, foreign := diskOf(existing(path))
	if foreign {
		return Way{Reason: Foreign, Disk: disk, Round: DefaultPoll}
	}
	return Way{Disk: disk}
}

// How returns how a path is watched. watched is false if changes of the path are not reported, because it is not in the
// Set or is ignored; then the Way is that of the function How.
func (w *Watcher) How(ctx context.Context, path string) (way Way, watched bool, err error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return Way{}, false, err
	}
	way = How(absolute)
	err = w.ask(ctx, func() {
		f := w.tree.known(absolute)
		if f == nil || !f.present || !f.now.all {
			base := filepath.Base(absolute)
			f = w.tree.known(filepath.Dir(absolute))
			if f == nil || !w.tree.visible(f, base, f.entries[base].kind == dir) {
				return
			}
		}
		for f.parent != nil && !f.present { // the existing folder above, which will report this one's creation
			f = f.parent
		}
		way, watched = w.polling.way(f), true
	})
	return way, watched, err
}

// way returns how a folder of the snapshot is watched.
func (p *polling) way(f *folder) Way {
	way := Way{Reason: p.reason(f), Disk: p.disks.of(f).Disk}
	if way.Reason == Limited || way.Reason == Refused {
		way.Err = f.deafFor
	}
	if way.Polled() {
		way.Round = p.polled.takes()
	}
	return way
}

// existing returns the path, or the nearest existing one above.
func existing(path string) string {
	for {
		if _, err := sightOf(path); err == nil {
			if s, _ := sightOf(path); s.kind != none {
				return path
			}
		}
		above := filepath.Dir(path)
		if above == path {
			return path
		}
		path = above
	}
}

// PolledError is the reason of a Problem that stands for all folders polled for one Reason, on one disk or because of
// one limit. The Problem's Path is the first of them.
type PolledError struct {
	Way
	Folders int
}

func (e *PolledError) Error() string {
	return fmt.Sprintf("%d folders polled %v", e.Folders, e.Way)
}

func (e *PolledError) Unwrap() error { return e.Err }
