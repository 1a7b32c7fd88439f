package killswitch

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// tryLock locks the file for as long as it is open, without waiting; held says that somebody else has it.
func tryLock(file *os.File) (held bool, err error) {
	err = windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return true, nil
	}
	return false, err
}

// syncFolder has nothing to do: a folder cannot be opened for that here.
func syncFolder(string) error { return nil }

// stateFolder is where programs keep what is neither settings nor a document: %LocalAppData%.
func stateFolder() (string, error) { return os.UserCacheDir() }
