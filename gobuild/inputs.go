package gobuild

import "os"

// look is the state of a program's inputs at one moment. A missing path is nil.
type look struct {
	files map[string]os.FileInfo
	dirs  map[string]os.FileInfo
}

// lookAt stats all inputs, and the folders in which inputs could appear.
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

// moved reports whether an input has changed since before: its time, its size, the file itself, or its existence; or
// whether a folder has a new input, unknown to the graph.
func (g *Graph) moved(before look) bool {
	for path, old := range before.files {
		if !same(old, statOrNil(path)) {
			return true
		}
	}
	return g.hasNews(before)
}

// statOrNil follows symbolic links, because go reads their targets.
func statOrNil(path string) os.FileInfo {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return info
}

// same compares two stats. os.SameFile compares the inode, or its equivalent on Windows.
func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && os.SameFile(a, b)
}
