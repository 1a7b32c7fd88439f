package supervisor

import (
	"os"
	"path/filepath"
	"slices"
)

// farewells finds out whether an exiting worker removes a file created by its successor: a PID file, or a file with its
// address. If new workers start next to old ones, the old one's cleanup comes after the new one's start. The loop owns
// farewells.
//
// The system does not report who removes a file. So for all files that both workers opened for writing, the supervisor
// checks whether the files exist just before the old worker drains, and again after its exit.
type farewells struct {
	wrote map[string]map[int]bool // path -> generations with workers that opened the file for writing
	there map[int][]string        // ID of a draining worker -> its existing files of this kind
}

// mostWritten is the number of remembered files. Interesting files are created at the start.
const mostWritten = 1000

func newFarewells() *farewells {
	return &farewells{wrote: map[string]map[int]bool{}, there: map[int][]string{}}
}

// opened notes a file opened by a worker.
func (f *farewells) opened(e FileOpened) {
	if e.How == ToRead {
		return
	}
	path := filepath.Clean(e.Path)
	if f.wrote[path] == nil {
		if len(f.wrote) >= mostWritten {
			return
		}
		f.wrote[path] = map[int]bool{}
	}
	f.wrote[path][e.Generation] = true
}

// leaves records which files exist before a worker is asked to drain or to finish.
func (f *farewells) leaves(w Worker, exists func(path string) bool) {
	for path, by := range f.wrote {
		newer := false
		for generation := range by {
			newer = newer || generation > w.Generation
		}
		if newer && by[w.Generation] && !slices.Contains(f.there[w.ID], path) && exists(path) {
			f.there[w.ID] = append(f.there[w.ID], path)
		}
	}
}

// gone returns a file of the successor removed by an exited worker; "" if there is none.
func (f *farewells) gone(w Worker, exists func(path string) bool) (removed string) {
	for _, path := range f.there[w.ID] {
		if !exists(path) && (removed == "" || path < removed) {
			removed = path
		}
	}
	delete(f.there, w.ID)
	return removed
}

// forget removes the files of a generation without workers.
func (f *farewells) forget(generation int) {
	for path, by := range f.wrote {
		if delete(by, generation); len(by) == 0 {
			delete(f.wrote, path)
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
