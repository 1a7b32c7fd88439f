package watch

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrClosed is returned by the methods of a closed Watcher.
var ErrClosed = errors.New("the watcher is closed")

// errEvents is the reason of the Problem for a failure of the source of events.
var errEvents = errors.New("read file events")

// errNoAnswer is the reason of the Problem for a disk. The Problem's path is one of the disk's folders.
var errNoAnswer = errors.New("the disk does not answer")

// Problem is a folder without events, and the reason. Test Err with errors.Is for fs.ErrNotExist (its creation will be
// noticed) and fs.ErrPermission; with errors.As for *PolledError (for many folders) and *LimitError. The rest of the
// Set is watched all the same, and existing folders without events are polled.
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

// LimitError means: the operating system allows no more watches.
type LimitError struct {
	Name  string // the limit's usual name: fs.inotify.max_user_watches, or open files
	Value int    // the current value; 0 if unknown
	Used  int    // used by all programs of this user, as far as known; 0 if unknown
	Raise string // the command to raise the limit; "" if there is none
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

// limited wraps err in a LimitError if err means a reached limit. The limit depends on the attempt: making a watcher,
// or watching one more folder.
func limited(err error, making bool) error {
	name := limitName(err, making)
	if name == "" {
		return err
	}
	e := &LimitError{Err: err}
	e.Name, e.Value, e.Used, e.Raise = limitDetails(name)
	return e
}

// Limits returns this system's limits for watching, with their use; Err is nil.
func Limits() (limits []LimitError) {
	for _, name := range systemLimits {
		limit := LimitError{}
		limit.Name, limit.Value, limit.Used, limit.Raise = limitDetails(name)
		limits = append(limits, limit)
	}
	return limits
}

// openFiles is the limit of every system.
const openFiles = "open files"

// openFilesLimit returns the name of the limit of open files if err means this limit.
func openFilesLimit(err error) string {
	if errors.Is(err, syscall.EMFILE) {
		return openFiles
	}
	return ""
}
