package gobuild

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"hotreload/door"
)

// Builder builds programs and keeps their binaries, for one run of hotreload. Its methods may be called from any
// goroutine; before Close, the caller waits for the end of all builds.
type Builder struct {
	run    *runFolder
	notice *Error
	serial atomic.Int64 // of builds
	short  *shortcuts
	thrift thrift

	// mu guards all below.
	mu     sync.Mutex
	kept   map[string]*binary    // by ID
	latest map[string]string     // program -> ID of the last built binary
	homes  map[string]string     // program -> the folder of its binaries
	agents map[string]*agentOnce // program -> its agent
	faults map[string]string     // program and version of Go -> reason to build without the agent
	same   map[string]string     // ID of a linked binary -> ID of the patched binary that was confirmed to be the same
}

// NewBuilder creates this run's folder in dir, the cache folder ("" for hotreload in the user's), and removes the
// folders of dead runs. If dir is not writable, the run's folder is in the folder for temporary files, and Notice tells
// so.
func NewBuilder(dir string) (*Builder, error) {
	b := &Builder{kept: map[string]*binary{}, latest: map[string]string{}, homes: map[string]string{},
		agents: map[string]*agentOnce{}, faults: map[string]string{}, same: map[string]string{}, short: newShortcuts()}
	root, err := dir, error(nil)
	if root == "" {
		if root, err = os.UserCacheDir(); err == nil {
			root = filepath.Join(root, "hotreload")
		}
	}
	if err == nil {
		root, _ = filepath.Abs(root)
		b.run, err = newRunFolder(root)
	}
	if err != nil {
		b.notice = &Error{Problem: NoCache, Text: "cannot write to the cache folder: " + err.Error(), Err: err,
			Hint: "binaries go to the folder for temporary files; XDG_CACHE_HOME can name another " +
				"(HOME is often what is missing)"}
		if root, err = temporaryRoot(); err == nil {
			b.run, err = newRunFolder(root)
		}
		if err != nil {
			return nil, &Error{Problem: NoCache, Text: "no folder for binaries: " + err.Error(),
				Err:  errors.Join(b.notice.Err, err),
				Hint: "let XDG_CACHE_HOME or TMPDIR name a folder that can be written to"}
		}
	}
	removeDead(root)
	return b, nil
}

// Root returns the cache folder in use.
func (b *Builder) Root() string { return filepath.Dir(b.run.dir) }

// temporaryRoot is hotreload's folder in the folder for temporary files. No other user may change the programs run from
// there.
func temporaryRoot() (string, error) {
	root := filepath.Join(os.TempDir(), "hotreload-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(root, 0o700); err != nil {
		return "", err
	}
	info, err := os.Lstat(root)
	if err != nil {
		return "", err
	}
	if !door.Private(info) {
		return "", fmt.Errorf("%s belongs to another user, or other users can write to it", root)
	}
	return root, nil
}

// Notice returns an *Error with Problem NoCache if the cache folder could not be used, else nil.
func (b *Builder) Notice() error {
	if b.notice == nil {
		return nil
	}
	return b.notice
}

// Owns reports whether a path is in this run's folder, or in a folder of a program's binaries.
func (b *Builder) Owns(path string) bool { return within(path, b.run.dir) || b.Beside(path) }

// Close removes this run's folder with all artifacts, even unreleased ones. On Windows a running binary stays, for the
// next run to remove.
func (b *Builder) Close() error {
	b.short.close()
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.kept)
	clear(b.latest)
	if err := b.run.remove(); err != nil {
		return fmt.Errorf("remove this run's binaries: %w", err)
	}
	return nil
}

// newWork creates the folder for one build.
func (b *Builder) newWork() (string, error) {
	dir := filepath.Join(b.run.dir, "work", strconv.FormatInt(b.serial.Add(1), 10))
	if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o700); err != nil {
		return "", fmt.Errorf("make a folder for the build: %w", err)
	}
	return dir, nil
}
