package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"hotreload/lock"
	"hotreload/process"
)

// pidFile holds our pid. What says that it is in use is a lock and not the pid, which after a crash or a restart of the
// machine may be anybody's: that process is not looked at, let alone touched.
type pidFile struct{ file *os.File }

// writePidFile makes a pid file; nil for no path.
func writePidFile(path string) (*pidFile, error) {
	if path == "" {
		return nil, nil
	}
	fault := func(err error) error {
		var inner *fs.PathError
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return hinted{fmt.Errorf("pid file %s: %w", path, err), "let --pid-file name a file that can be made"}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fault(err)
	}
	for {
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return nil, fault(errors.New("no regular file"))
		}
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, fault(err)
		}
		text := make([]byte, 32)
		n, _ := file.Read(text)
		holder := strings.TrimSpace(string(text[:n]))
		if _, err := strconv.Atoi(holder); err != nil && holder != "" {
			file.Close()
			return nil, hinted{fmt.Errorf("%s holds no pid", path), "it is not overwritten: choose another path, or remove it"}
		}
		held, err := lock.Try(file)
		switch {
		case held:
			file.Close()
			return nil, hinted{fmt.Errorf("pid file %s: hotreload runs already, pid %s", path, holder), "stop it, or let --pid-file name another file"}
		case err != nil:
			file.Close()
			return nil, fault(fmt.Errorf("lock it: %w", err))
		case !named(file):
			file.Close() // its owner has just removed it
			continue
		}
		if err = file.Truncate(0); err == nil {
			_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		}
		if err != nil {
			file.Close()
			return nil, fault(err)
		}
		process.Bequeath(path)
		return &pidFile{file}, nil
	}
}

// named reports whether the file's name still leads to it.
func named(file *os.File) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(file.Name())
	return err == nil && os.SameFile(open, there)
}

// remove removes the file, if it is still ours.
func (p *pidFile) remove() {
	if p == nil {
		return
	}
	process.Disinherit(p.file.Name())
	if named(p.file) {
		_ = os.Remove(p.file.Name())
	}
	p.file.Close()
}
