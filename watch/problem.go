package watch

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// ErrClosed is returned by the methods of a Watcher that was closed.
var ErrClosed = errors.New("the watcher is closed")

// errEvents is the reason of the Problem that stands for a failure of the source of events itself.
var errEvents = errors.New("read file events")

// Problem is a folder of which the kernel will not tell, or not all, and why. Test Err with errors.Is for fs.ErrNotExist
// (it is noticed when it comes) and fs.ErrPermission, with errors.As for *LimitError and *SilentError, for which it is
// polled. The rest of the Set is watched nevertheless, and Sync sees what is in the folder if it can be read.
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
	Used  int    // how much of it our user's processes use, as far as we may look; 0 if that is not known
	Raise string // the command that raises it
	Err   error
}

func (e *LimitError) Error() string {
	text := "the limit on " + e.Name + " is reached"
	if e.Value > 0 {
		text = fmt.Sprintf("the limit %s = %d is reached", e.Name, e.Value)
	}
	if e.Used > 0 {
		text += fmt.Sprintf(" (%d seen in use)", e.Used)
	}
	return text + "\nhint: raise it: " + e.Raise
}

func (e *LimitError) Unwrap() error { return e.Err }

// limited wraps err in a LimitError if that is what it means. Which limit it is depends on what was tried: to make a
// watcher, or to hear one more folder.
func limited(err error, making bool) error {
	name, file := limitName(err, making)
	if name == "" || overTheLimit(err) {
		return err
	}
	value := 0
	if file != "" {
		if text, err := os.ReadFile(file); err == nil {
			value, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		}
	}
	e := &LimitError{Name: name, Value: value, Err: err, Raise: "ulimit -n 65536"}
	if file != "" {
		e.Used = used(name)
		e.Raise = fmt.Sprintf("sudo sysctl %s=%d", name, max(8*value, 524288))
		if strings.HasSuffix(name, "instances") {
			e.Raise = fmt.Sprintf("sudo sysctl %s=%d", name, max(8*value, 1024))
		}
	}
	return e
}

// openFiles is the limit that every system has.
func openFiles(err error) string {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return "open files"
	}
	return ""
}
