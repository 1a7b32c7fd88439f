//go:build linux || darwin

package core

import (
	"sync/atomic"
	"syscall"
	"time"

	"hotreload/agent/protocol"
)

// When the program closes a file, the agent reports the file's inode and modification time. By these two values
// hotreload recognises the file later, under every name: programs write a temporary file and rename it. A file that
// stays open is reported as held.

// mayBeWritten records that a descriptor will be open for writing.
func (f *files) mayBeWritten() {
	f.until = time.Now().UnixNano()
	if f.unknown++; f.unknown == 1 {
		f.since = f.until
		f.ringLater()
	}
	atomic.StoreInt32(&f.writing, 1)
}

// closing is called before a descriptor other than a connection's is closed. The number tells whether the descriptor
// was open for writing; as long as some numbers are unknown, closing asks the system.
func (f *files) closing(fd int) {
	if atomic.LoadInt32(&f.writing) == 0 {
		return
	}
	f.mu.Lock()
	since, writes := f.writers[fd]
	if !writes && f.unknown == 0 {
		f.mu.Unlock()
		return
	}
	w, _, written := look(fd)
	w.Since = since
	if written && !writes {
		w.Since = f.since
		f.unknown--
	}
	delete(f.writers, fd)
	f.mayRest()
	if written {
		f.queue = protocol.AppendWrote(f.queue, w)
	}
	f.mu.Unlock()
	if written {
		f.flush(false, false)
	}
}

// mayRest ends the checks of closed descriptors if nothing may be open for writing.
func (f *files) mayRest() {
	if f.unknown == 0 && len(f.writers) == 0 {
		atomic.StoreInt32(&f.writing, 0)
	}
}

const (
	// The search for descriptors ends here, or after this many closed numbers in a row.
	maxDescriptors = 1 << 16
	closedInARow   = 256

	// underWay is how long it may take from the report of an opening until the descriptor exists: on an overloaded
	// machine 10 ms were not enough.
	underWay = time.Second
)

// lookForWriters finds unknown descriptors open for writing, after a while, or when the supervisor asks. From then on
// closing another file costs nothing.
func (f *files) lookForWriters(at int64, asked bool) {
	old := at-f.since >= int64(beside)
	if f.unknown == 0 || !old && !asked {
		return
	}
	if !asked && at-f.looked < int64(beside) {
		f.ringLater()
		return
	}
	f.looked = at
	for fd, closed := 0, 0; fd < maxDescriptors && closed < closedInARow; fd++ {
		if _, writes := f.writers[fd]; writes {
			closed = 0
			continue
		}
		w, open, written := look(fd)
		if closed++; open {
			closed = 0
		}
		if written && fd > 2 {
			f.writers[fd] = f.since
			w.Held, w.Since = true, f.since
			f.queue = protocol.AppendWrote(f.queue, w)
		}
	}
	if old && at-f.until >= int64(underWay) {
		f.unknown = 0
		f.mayRest()
	} else if !asked {
		f.ringLater()
	}
}

// look tells whether a descriptor is open, and whether it belongs to a file open for writing.
func look(fd int) (w protocol.FileWritten, open, written bool) {
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	if errno != 0 {
		return w, false, false
	}
	if flags&syscall.O_ACCMODE == syscall.O_RDONLY {
		return w, true, false
	}
	var stat syscall.Stat_t
	if syscall.Fstat(fd, &stat) != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return w, true, false
	}
	w = protocol.FileWritten{
		Only: flags&syscall.O_ACCMODE == syscall.O_WRONLY, At: time.Now().UnixNano(),
		Inode: stat.Ino, Modified: modified(&stat), Path: nameOf(fd),
	}
	return w, true, true
}
