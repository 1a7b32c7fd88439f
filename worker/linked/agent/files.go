//go:build linux || darwin

package agent

import (
	"os"
	"runtime"
	"sync"
	"time"

	"hotreload/worker/linked/protocol"
)

// Logger is internal/testlog.Interface.
type Logger interface {
	Getenv(key string)
	Stat(file string)
	Open(file string)
	Chdir(dir string)
}

// files is the Logger that reports which files the program opens. What it hears is sent by a goroutine of its own, so
// that the program does not wait for the supervisor.
type files struct {
	link *link
	wake chan struct{} // has room for one

	sending sync.Mutex // held while frames are taken and sent, so that they keep their order

	mu     sync.Mutex      // guards all below
	folder string          // current, absolute; "" if it is not known
	seen   map[string]byte // how each path was opened, since the start or since the first accept
	serves bool            // there was a first accept
	queue  []byte          // frames to send
}

// maxFiles is how many files are reported before the program is ready, and again afterwards.
const maxFiles = 10000

func newFiles(l *link) *files {
	folder, _ := os.Getwd()
	return &files{link: l, wake: make(chan struct{}, 1), folder: folder, seen: map[string]byte{}}
}

// Getenv and Stat are of no interest.
func (f *files) Getenv(string) {}
func (f *files) Stat(string)   {}

// Chdir is told the new current folder, absolute.
func (f *files) Chdir(dir string) {
	f.mu.Lock()
	f.folder = dir
	f.mu.Unlock()
}

// Open is called before a file is opened.
func (f *files) Open(name string) {
	if name == "" {
		return
	}
	how := howOpened()
	if how == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if name[0] != '/' {
		if f.folder == "" {
			return
		}
		name = f.folder + "/" + name
	}
	if f.seen[name]&how != 0 || len(f.seen) >= maxFiles || len(name) > protocol.MaxBody-9 || foreign(name) {
		return
	}
	f.seen[name] |= how
	f.queue = protocol.Append(f.queue, protocol.Opened, protocol.OpenedBody(how, time.Now().UnixNano(), name))
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// foreign tells files of the system, which nobody edits to see what a program makes of them.
func foreign(path string) bool {
	for _, prefix := range []string{"/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/System/", "/Library/"} {
		if len(path) >= len(prefix) && path[:len(prefix)] == prefix {
			return true
		}
	}
	return false
}

// flush sends what is queued: what was opened before this call is told before what is told after it. The first time
// what was seen is forgotten, so that what is opened again when the program serves is reported again.
func (f *files) flush(ready bool) {
	f.sending.Lock()
	defer f.sending.Unlock()
	f.mu.Lock()
	if ready && !f.serves {
		f.serves = true
		f.seen = map[string]byte{}
	}
	frames := f.queue
	f.queue = nil
	f.mu.Unlock()
	if len(frames) > 0 {
		_ = f.link.write(frames, -1) // if the supervisor is gone, hearSupervisor will find out
	}
}

// reportFiles sends what Open has queued, as long as the program lives.
func (f *files) reportFiles() {
	for range f.wake {
		f.flush(false)
	}
}

// howOpened looks who has called: the function of package os that the program used says more than is reported.
func howOpened() byte {
	callers := make([]uintptr, 16)
	frames := runtime.CallersFrames(callers[:runtime.Callers(4, callers)])
	entry := ""
	for {
		frame, more := frames.Next()
		if len(frame.Function) < 3 || frame.Function[:3] != "os." {
			if entry != "" || frame.Function == "" {
				break
			}
		} else {
			entry = frame.Function
		}
		if !more {
			break
		}
	}
	switch entry {
	case "os.Create", "os.WriteFile", "os.CreateTemp", "os.(*Root).Create", "os.(*Root).WriteFile":
		return protocol.ToWrite
	case "os.OpenFile", "os.(*Root).OpenFile":
		return protocol.ToReadOrWrite
	case "os.StartProcess", "os/exec.(*Cmd).Start", "os.Chdir", "":
		return 0
	}
	return protocol.ToRead
}
