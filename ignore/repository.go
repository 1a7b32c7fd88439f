package ignore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// findTop returns the folder where rules about dir begin: the nearest folder, from dir upward, with .git, else with
// go.work, else with go.mod, else dir. A go.work counts more than a nearer go.mod, because it holds several modules
// together.
func findTop(dir string) string {
	var work, mod string
	for d := dir; ; d = filepath.Dir(d) {
		if exists(filepath.Join(d, ".git")) {
			return d
		}
		if work == "" && exists(filepath.Join(d, "go.work")) {
			work = d
		}
		if mod == "" && exists(filepath.Join(d, "go.mod")) {
			mod = d
		}
		if d == filepath.Dir(d) {
			break
		}
	}
	switch {
	case work != "":
		return work
	case mod != "":
		return mod
	}
	return dir
}

// excludeFile returns the path of info/exclude for the repository at root. In a submodule or a worktree, .git is a file
// with the repository's path; in a worktree, a file there has the path of the shared part (gitrepository-layout(5)).
func excludeFile(root string) string {
	dir := filepath.Join(root, ".git")
	if to, ok := readPointer(dir, "gitdir: "); ok {
		dir = resolve(root, to)
	}
	if to, ok := readPointer(filepath.Join(dir, "commondir"), ""); ok {
		dir = resolve(dir, to)
	}
	return filepath.Join(dir, "info", "exclude")
}

// readPointer returns the path in one of the small files by which git refers to another place.
func readPointer(file, prefix string) (string, bool) {
	content, _, err := readSmall(file, true)
	if err != nil {
		return "", false // a folder, as usual, or nothing at all
	}
	to, ok := strings.CutPrefix(strings.TrimRight(content, "\r\n"), prefix)
	return to, ok && to != ""
}

func resolve(dir, to string) string {
	if filepath.IsAbs(to) {
		return filepath.Clean(to)
	}
	return filepath.Join(dir, to)
}

// maxSize is the largest size of a rule file. Real ones have a few kilobytes, and every rule is checked for every
// event.
const maxSize = 1 << 20

var (
	errSymlink   = errors.New("it is a symbolic link; git does not follow it either")
	errIrregular = errors.New("it is not a regular file")
	errTooLarge  = errors.New("it is larger than 1 MiB")
)

// readSmall reads a file. It refuses everything but regular files before opening: reading a named pipe would never end.
func readSmall(path string, follow bool) (content string, found bool, err error) {
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if !follow {
			return "", true, &fs.PathError{Op: "read", Path: path, Err: errSymlink}
		}
		info, err = os.Stat(path)
	}
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return "", false, nil
		}
		return "", false, err
	}
	switch {
	case !info.Mode().IsRegular():
		err = errIrregular
	case info.Size() > maxSize:
		err = errTooLarge
	}
	if err != nil {
		return "", true, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return string(data), err == nil, err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
