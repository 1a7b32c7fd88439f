package watch

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrClosed is returned by the methods of a Watcher that was closed.
var ErrClosed = errors.New("the watcher is closed")

// errEvents is the reason of the Problem that stands for a failure of the source of events itself.
var errEvents = errors.New("read file events")

// errNoAnswer is the reason of the Problem that stands for a disk, by one of its folders.
var errNoAnswer = errors.New("the disk does not answer")

// Problem is a folder from which nothing will be heard, and why. Test Err with errors.Is for fs.ErrNotExist (it is
// noticed when it comes) and fs.ErrPermission, with errors.As for *PolledError, which stands for many folders, and
// *LimitError. The rest of the Set is watched nevertheless, and whatever exists and is not heard is polled.
type Problem struct {
	Path string
	Err  error
}

func (p Problem) Error() string {
	if p.Path == "" { // the source of events itself
		return p.Err.Error()
	}
	return fmt.Sprintf("watch %s: %v", p.Path, p.Err)
}

func (p Problem) Unwrap() error { return p.Err }

// LimitError says that the operating system allows no more watches.
type LimitError struct {
	Name  string // of the limit, as its owner raises it: fs.inotify.max_user_watches, or open files
	Value int    // what it is now; 0 if that is not known
	Used  int    // how much of it all programs of this user have taken, as far as can be seen; 0 if that is not known
	Raise string // the command that raises it; "" if there is none
	Err   error
}

func (e *LimitError) Error() string {
	text := "the limit on " + e.Name + " is reached"
	switch {
	case e.Used > 0:
		text = fmt.Sprintf("the limit %s is reached: %d of %d are in use", e.Name, e.Used, e.Value)
	case e.Value > 0:
		text = fmt.Sprintf("the limit %s = %d is reached", e.Name, e.Value)
	}
	if e.Raise != "" {
		return text + "\nhint: " + e.Raise
	}
	return text
}

func (e *LimitError) Unwrap() error { return e.Err }

func isLimit(err error) bool {
	var limit *LimitError
	return errors.As(err, &limit)
}

// limited wraps err in a LimitError if that is what it means. Which limit it is depends on what was tried: to make a
// watcher, or to hear one more folder.
func limited(err error, making bool) error {
	name := limitName(err, making)
	if name == "" {
		return err
	}
	e := &LimitError{Err: err}
	e.Name, e.Value, e.Used, e.Raise = limitDetails(name)
	return e
}

// limited is the same for a folder. The details are asked for once in a round of looks, however many folders it meets.
func (w *Watcher) limited(err error) error {
	if isLimit(err) {
		return err
	}
	name := limitName(err, false)
	if name == "" {
		return err
	}
	if w.limitName != name || w.limitRound != w.round {
		errors.As(limited(err, false), &w.limit)
		w.limitName, w.limitRound = name, w.round
	}
	return w.limit
}

// Limits are those that watching can meet on this system, and how much of each is in use; Err is nil.
func Limits() (limits []LimitError) {
	for _, name := range systemLimits {
		limit := LimitError{}
		limit.Name, limit.Value, limit.Used, limit.Raise = limitDetails(name)
		limits = append(limits, limit)
	}
	return limits
}

// openFiles is the limit that every system has.
const openFiles = "open files"

// openFilesLimit names it if err means it.
func openFilesLimit(err error) string {
	if errors.Is(err, syscall.EMFILE) {
		return openFiles
	}
	return ""
}
