package gobuild

import (
	"os"
	"path/filepath"
)

// look is what the inputs of a program looked like at one moment. A path that was not there is nil.
type look struct {
	files map[string]os.FileInfo
	dirs  map[string]os.FileInfo
}

// lookAt stats all inputs and the folders in which more could appear.
func (g *Graph) lookAt() look {
	l := look{files: map[string]os.FileInfo{}, dirs: map[string]os.FileInfo{}}
	for _, path := range g.Inputs() {
		l.files[path] = statOrNil(path)
	}
	for _, dir := range g.watch {
		l.dirs[dir] = statOrNil(dir)
	}
	return l
}

// moved reports whether an input is other than before: its time, its size, the file itself, or that it is there at all;
// or whether a folder has got an input that the graph does not know.
func (g *Graph) moved(before look) bool {
	for path, old := range before.files {
		if !same(old, statOrNil(path)) {
			return true
		}
	}
	for dir, old := range before.dirs {
		if same(old, statOrNil(dir)) {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return true
		}
		for _, entry := range entries {
			if e, known := g.classify(filepath.Join(dir, entry.Name())); !known && e.kind <= Embedded {
				return true
			}
		}
	}
	return false
}

// statOrNil follows symbolic links: what is read is their target.
func statOrNil(path string) os.FileInfo {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return info
}

// same compares what two stats told. os.SameFile is the inode, or its like on Windows.
func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && os.SameFile(a, b)
}
