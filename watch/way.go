package watch

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Reason says why something is polled.
type Reason uint8

const (
	Heard   Reason = iota // it is not: the kernel tells
	Asked                 // Config.Poll
	Silent                // the kernel did not tell of something that was done to try it
	Foreign               // changes are made behind the kernel's back: by other machines, the host, a program in user space
	Missed                // files on this disk were found changed, and the kernel had not told
	Limited               // the operating system allows no more watches; Err is a *LimitError
	Refused               // the kernel does not watch this folder; Err says why
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
	Type  string // as mount(8) has it: ext4, nfs4, 9p, fuse.sshfs; "" if that is not known
	Mount string // where it is mounted; "" if that is not known
}

// Way is how a folder, and what is in it, is watched.
type Way struct {
	Reason Reason
	Disk   Disk
	Err    error         // of Limited and Refused
	Round  time.Duration // how long it may take until a change is seen, if it is polled
}

// Polled tells whether the disk is looked at again and again. On a Foreign disk the kernel's events count as well: they
// tell of what this machine does, at once.
func (w Way) Polled() bool { return w.Reason != Heard }

// String says why, where and how often something is polled: "every 1s: nfs4 on /home: changes are …".
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

// How says how a path would be watched, as far as the type of its file system tells. It need not exist.
func How(path string) Way {
	disk, foreign := diskOf(existing(path))
	if foreign {
		return Way{Reason: Foreign, Disk: disk, Round: DefaultPoll}
	}
	return Way{Disk: disk}
}

// How says how a path is watched. watched is false if no change of it would be reported, because it is not in the Set or
// is ignored; the Way is then that of the function How.
func (w *Watcher) How(ctx context.Context, path string) (way Way, watched bool, err error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return Way{}, false, err
	}
	way = How(absolute)
	err = w.ask(ctx, func() {
		f := w.known(absolute)
		if f == nil || !f.present || !f.now.all {
			base := filepath.Base(absolute)
			if f = w.known(filepath.Dir(absolute)); f == nil || !w.visible(f, base, f.entries[base].kind == dir) {
				return
			}
		}
		for f.parent != nil && !f.present { // the folder that will tell when this one comes
			f = f.parent
		}
		way, watched = w.way(f), true
	})
	return way, watched, err
}

// way is how a folder of the snapshot is watched.
func (w *Watcher) way(f *folder) Way {
	way := Way{Reason: w.reason(f), Disk: w.disk(f).Disk}
	if way.Reason == Limited || way.Reason == Refused {
		way.Err = f.deafFor
	}
	if way.Polled() {
		way.Round = w.polled.takes()
	}
	return way
}

// existing is the path, or the nearest above it that exists.
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

// PolledError is the reason of a Problem that stands for all folders that are polled for one Reason, on one disk or for
// one limit. The Path of the Problem is the first of them.
type PolledError struct {
	Way
	Folders int
}

func (e *PolledError) Error() string {
	return fmt.Sprintf("%d folders polled %v", e.Folders, e.Way)
}

func (e *PolledError) Unwrap() error { return e.Err }
