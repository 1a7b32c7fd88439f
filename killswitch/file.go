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

// Default returns the kill switch of a project, named after the module's root. It is in the user's state folder, so it
// survives a clean checkout and is never committed.
func Default(root string) (File, error) {
	path, err := Place(root, "disabled", ".json")
	if err != nil {
		return File{}, fmt.Errorf("no place for the kill switch: %w", err)
	}
	return File{path}, nil
}

// Place returns where the user's state folder has a project's file of some kind.
func Place(root, kind, extension string) (string, error) {
	folder, err := stateFolder()
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	hash := sha256.Sum256([]byte(root))
	// readable, and unique for each project
	name := fmt.Sprintf("%.40s-%x%s", filepath.Base(root), hash[:8], extension)
	return filepath.Join(folder, "hotreload", kind, name), nil
}

// Problem is an unusable kill switch. No worker may start then.
type Problem struct {
	Path string
	Err  error
}

func (p *Problem) Error() string { return fmt.Sprintf("kill switch %s: %v", p.Path, p.Err) }
func (p *Problem) Unwrap() error { return p.Err }

// mostText is larger than any kill switch: a larger file is a mistake and is reported.
const mostText = 1 << 20

// Read returns the file's content; a missing file enables everything. Any error is a *Problem, and means that no worker
// may start.
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
			return nil, &Problem{f.Path, errors.New("a broken symbolic link")}
		}
		return nil, nil
	case err != nil:
		return nil, &Problem{f.Path, why(err)}
	case !info.Mode().IsRegular(): // opening a fifo would wait for ever
		return nil, &Problem{f.Path, errors.New("not a regular file")}
	case info.Size() > mostText:
		return nil, &Problem{f.Path, fmt.Errorf("%d bytes are too many for a kill switch", info.Size())}
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

// why removes the path from an error, because Problem has it.
func why(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// Allows returns nil if the service may start, and otherwise the reason: a *Disabled or a *Problem.
func (f File) Allows(service string) error {
	s, err := f.Read()
	if err != nil {
		return err
	}
	return s.Allows(service)
}

// Update changes the file in one step: readers see the file before or after the change, and no concurrent change is
// lost. It returns the previous content. An invalid file is not changed; Restore replaces it.
func (f File) Update(change func(State) State) (before State, err error) {
	err = f.locked(func() error {
		if before, err = f.Read(); err != nil {
			return err
		}
		return f.write(change(before))
	})
	return before, err
}

// Restore writes a saved content, whatever the file contains now, even if it is corrupt.
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

// EnableGlobally ends this. Services that were disabled by name stay disabled.
func (f File) EnableGlobally() (before State, err error) {
	return f.Update(func(s State) State { s.Global = false; return s })
}

// EnableAll enables everything, even if the file is corrupt.
func (f File) EnableAll() error { return f.Restore(State{}) }

// lockLimit limits the wait for another writer. A writer needs milliseconds, so a slower one is stuck: on a disk that
// does not answer, or in a stopped process.
const lockLimit = 5 * time.Second

// lockTry is the interval of attempts: flock(2) has no time limit.
const lockTry = 2 * time.Millisecond

// locked calls do while no other writer is active.
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
			return &Problem{f.Path, fmt.Errorf("another process has held its lock for %v", lockLimit)}
		}
	}
}

// testOnlyWritten is called between the writing of the new file and its renaming.
var testOnlyWritten = func() {}

// write replaces the file. The lock is held.
func (f File) write(s State) error {
	path := f.Path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link stays a link
	}
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return &Problem{f.Path, errors.New("not a regular file")} // which is not ours to replace
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
	_ = os.Remove(fresh) // left by a killed writer
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
