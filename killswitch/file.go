package killswitch

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hotreload/lock"
)

// File is a kill switch on the disk. Its methods may be called from any goroutine and any process.
type File struct{ Path string }

// Default is the kill switch for a project, named by the root of its module: in the user's state folder, so that it
// outlives a clean checkout and is in nobody's commit.
func Default(root string) (File, error) {
	folder, err := stateFolder()
	if err != nil {
		return File{}, fmt.Errorf("no place for the kill switch: %w", err)
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	hash := sha256.Sum256([]byte(root))
	name := fmt.Sprintf("%.40s-%x.json", filepath.Base(root), hash[:8]) // a person finds it, and no two projects share it
	return File{filepath.Join(folder, "hotreload", "disabled", name)}, nil
}

// Problem is why a kill switch cannot be used. Nothing may be started then.
type Problem struct {
	Path string
	Err  error
}

func (p *Problem) Error() string { return fmt.Sprintf("kill switch %s: %v", p.Path, p.Err) }
func (p *Problem) Unwrap() error { return p.Err }

// mostText is more than any kill switch has: who put something else there is told so.
const mostText = 1 << 20

// Read returns what the file says; all may be started if there is none. Any error is a *Problem, and means that
// nothing may be started.
func (f File) Read() (State, error) {
	text, err := f.text()
	if err != nil || text == nil {
		return State{}, err
	}
	s, err := Parse(text)
	if err != nil {
		return State{}, &Problem{f.Path, err}
	}
	return s, nil
}

// text returns nil if there is no file.
func (f File) text() ([]byte, error) {
	info, err := os.Stat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if info, err := os.Lstat(f.Path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return nil, &Problem{f.Path, errors.New("a link that leads nowhere")}
		}
		return nil, nil
	case err != nil:
		return nil, &Problem{f.Path, why(err)}
	case !info.Mode().IsRegular(): // opening a pipe would wait for ever
		return nil, &Problem{f.Path, errors.New("no regular file")}
	case info.Size() > mostText:
		return nil, &Problem{f.Path, fmt.Errorf("%d bytes: that is no kill switch", info.Size())}
	}
	text, err := os.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // removed just now
	}
	if err != nil {
		return nil, &Problem{f.Path, why(err)}
	}
	if text == nil {
		text = []byte{}
	}
	return text, nil
}

// why takes the path off an error: Problem says it.
func why(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// Allows returns nil if the service may be started, and else why not: a *Disabled or a *Problem.
func (f File) Allows(service string) error {
	s, err := f.Read()
	if err != nil {
		return err
	}
	return s.Allows(service)
}

// Update changes the file in one step: others see it before or after change, and no change between is lost. It returns
// what was there before. A file that cannot be understood is not touched: Restore replaces it.
func (f File) Update(change func(State) State) (before State, err error) {
	err = f.locked(func() error {
		if before, err = f.Read(); err != nil {
			return err
		}
		return f.write(change(before))
	})
	return before, err
}

// Restore makes the file say what was saved, whatever it says now, a corrupt one too.
func (f File) Restore(saved State) error {
	return f.locked(func() error { return f.write(saved) })
}

// Disable turns services off, all in one step.
func (f File) Disable(services ...string) (before State, err error) {
	return f.Update(func(s State) State { return s.With(services...) })
}

// Enable turns services on again, all in one step. If all are off globally, they stay off.
func (f File) Enable(services ...string) (before State, err error) {
	return f.Update(func(s State) State { return s.Without(services...) })
}

// DisableGlobally turns everything off, and remembers what was off by name.
func (f File) DisableGlobally() (before State, err error) {
	return f.Update(func(s State) State { s.Global = true; return s })
}

// EnableGlobally ends that. What is off by name stays off.
func (f File) EnableGlobally() (before State, err error) {
	return f.Update(func(s State) State { s.Global = false; return s })
}

// EnableAll turns everything on, also where the file is corrupt.
func (f File) EnableAll() error { return f.Restore(State{}) }

// lockLimit is how long another writer is waited for. Each needs milliseconds, so one that takes longer is stuck: a disk
// that does not answer, or a process that was stopped.
const lockLimit = 5 * time.Second

// lockTry is how often it is tried: flock(2) has no time limit of its own.
const lockTry = 2 * time.Millisecond

// locked calls do while no other writer is about.
func (f File) locked(do func() error) error {
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return &Problem{f.Path, err}
	}
	file, err := os.OpenFile(f.Path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return &Problem{f.Path, err}
	}
	defer file.Close() // ends the lock
	retry := time.NewTicker(lockTry)
	defer retry.Stop()
	for end := time.Now().Add(lockLimit); ; <-retry.C {
		held, err := lock.Try(file)
		switch {
		case err != nil:
			return &Problem{f.Path, fmt.Errorf("lock it: %w", err)}
		case !held:
			return do()
		case time.Now().After(end):
			return &Problem{f.Path, fmt.Errorf("somebody has been writing it for %v", lockLimit)}
		}
	}
}

// testOnlyWritten is called between the writing of the new file and its renaming.
var testOnlyWritten = func() {}

// write replaces the file. The lock is held.
func (f File) write(s State) error {
	path := f.Path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link stays one
	}
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return &Problem{f.Path, errors.New("no regular file")} // which is not ours to replace
		}
		mode = info.Mode().Perm()
	}
	if err := replaceFile(path, s.Text(), mode); err != nil {
		return &Problem{f.Path, err}
	}
	return nil
}

func replaceFile(path string, text []byte, mode fs.FileMode) error {
	fresh := path + ".new"
	_ = os.Remove(fresh) // of a writer that was killed
	file, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Chmod(mode) // whatever the umask
	}
	if err == nil {
		err = file.Sync()
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		testOnlyWritten()
		err = os.Rename(fresh, path)
	}
	if err != nil {
		_ = os.Remove(fresh)
		return err
	}
	return syncFolder(filepath.Dir(path))
}
