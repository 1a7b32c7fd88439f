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
	"hotreload/settings"
)

// pidFile holds hotreload's pid. A lock shows that the file is in use, not the pid: after a crash or a reboot another
// process may have this pid, and must not be touched.
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
		return settings.Hint(fmt.Errorf("pid file %s: %w", path, err),
			"choose a path for --pid-file where a file can be created")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fault(err)
	}
	for {
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return nil, fault(errors.New("not a regular file"))
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
			return nil, settings.Hint(fmt.Errorf("%s does not contain a pid", path),
				"hotreload does not overwrite it: remove the file, or choose another path")
		}
		held, err := lock.Try(file)
		switch {
		case held:
			file.Close()
			return nil, settings.Hint(fmt.Errorf("pid file %s: hotreload is already running, pid %s", path, holder),
				"stop it, or choose another path for --pid-file")
		case err != nil:
			file.Close()
			return nil, fault(fmt.Errorf("lock it: %w", err))
		case !named(file):
			file.Close() // its owner removed it a moment ago
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

// named reports whether the path still leads to this file.
func named(file *os.File) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(file.Name())
	return err == nil && os.SameFile(open, there)
}

// remove removes the file, if it is still hotreload's.
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
