package gobuild

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hotreload/lock"
)

// runFolder is the folder of one run of hotreload, and the lock that says that the run is alive.
//
// The lock lies beside the folder and is held before the folder exists: whoever finds a folder whose lock is free, or
// gone, has found that of a dead run.
type runFolder struct {
	dir  string
	lock *os.File
}

// runPrefix begins the name of each run's folder. Nothing else in the cache folder is ever removed.
const runPrefix = "run-"

// newRunFolder makes a folder below root, which it makes too.
func newRunFolder(root string) (*runFolder, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	for {
		dir := filepath.Join(root, fmt.Sprintf("%s%d-%s", runPrefix, os.Getpid(), rand.Text()[:6]))
		file, err := os.OpenFile(dir+".lock", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		if held, _ := lock.Try(file); held || !stillThere(file) {
			file.Close() // another run took our new file, not yet locked, for a dead one's: it removes it
			continue
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			file.Close()
			_ = os.Remove(dir + ".lock")
			return nil, err
		}
		return &runFolder{dir, file}, nil
	}
}

// stillThere reports whether the file's name still leads to it.
func stillThere(file *os.File) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(file.Name())
	return err == nil && os.SameFile(open, named)
}

// remove ends the run: the folder goes first, so that no folder is ever without a lock that somebody holds.
func (r *runFolder) remove() error {
	err := os.RemoveAll(r.dir)
	_ = os.Remove(r.lock.Name())
	r.lock.Close()
	_ = os.Remove(r.lock.Name()) // Windows removes no open file
	return err
}

// removeDead removes what runs that were killed have left below root. What it cannot lock it leaves alone, and so
// also everything on a file system without locks.
func removeDead(root string) {
	entries, _ := os.ReadDir(root)
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".lock")
		if !strings.HasPrefix(name, runPrefix) {
			continue
		}
		dir := filepath.Join(root, name)
		file, err := os.OpenFile(dir+".lock", os.O_RDWR, 0)
		if err != nil {
			if os.IsNotExist(err) {
				_ = os.RemoveAll(dir)
			}
			continue
		}
		if held, err := lock.Try(file); held || err != nil {
			file.Close()
			continue
		}
		_ = (&runFolder{dir, file}).remove()
	}
}
