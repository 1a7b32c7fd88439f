package lock

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// beyond is an offset beyond the end of any file: other processes cannot read a locked range here.
var beyond = windows.Overlapped{OffsetHigh: 1 << 30}

func try(file *os.File) (held bool, err error) {
	at := beyond
	err = windows.LockFileEx(windows.Handle(file.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return true, nil
	}
	return false, err
}
