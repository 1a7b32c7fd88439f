package gobuild

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hotreload/lock"
)

// runFolder is the folder of one run of hotreload, with a lock as the sign of a living run.
//
// The lock file is next to the folder, and is locked before the folder is created. So a folder whose lock is free, or
// missing, belongs to a dead run.
type runFolder struct {
	dir  string
	lock *os.File
}

// runPrefix begins the name of each run's folder. hotreload removes nothing else from the cache folder, apart from the
// run's binaries: see home.go.
const runPrefix = "run-"

// newRunFolder creates a folder below root, and root itself if needed.
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
			file.Close() // another run took our new, still unlocked file for a dead run's, and removes it
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

// stillThere reports whether the file's name still refers to the file.
func stillThere(file *os.File) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(file.Name())
	return err == nil && os.SameFile(open, named)
}

// remove ends the run. The folder is removed first, so no folder is ever without a held lock.
func (r *runFolder) remove() error {
	leaveHomes(r.dir)
	err := os.RemoveAll(r.dir)
	_ = os.Remove(r.lock.Name())
	r.lock.Close()
	_ = os.Remove(r.lock.Name()) // Windows cannot remove an open file
	return err
}

// removeDead removes the folders of killed runs below root. Folders with a failed lock are left alone, and so is
// everything on a file system without locks.
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
				leaveHomes(dir)
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
