package tests

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// opened has the paths opened by the tests of each package in their last run: package -> paths. A listed folder ends
// with a separator. The inner maps never change.
type opened map[string]map[string]bool

// readers lists the packages whose tests opened a path. listed: the path has appeared or disappeared, so the listing of
// its folder has changed.
func (o opened) readers(path string, listed bool) (pkgs []string) {
	folder, base := filepath.Dir(path)+string(filepath.Separator), filepath.Base(path)
	listed = listed && !strings.ContainsAny(base[:1], ".#") && !strings.HasSuffix(base, "~") // an editor's own files
	for _, pkg := range sortedKeys(o) {
		if o[pkg][path] || listed && o[pkg][folder] {
			pkgs = append(pkgs, pkg)
		}
	}
	return pkgs
}

// with returns o with what the tests of a package have opened: beside what is known, if only some of its tests ran.
func (o opened) with(pkg string, paths []string, some bool) opened {
	all := map[string]bool{}
	if some {
		maps.Copy(all, o[pkg])
	}
	for _, path := range paths {
		all[path] = true
	}
	now := maps.Clone(o)
	if now == nil {
		now = opened{}
	}
	now[pkg] = all
	return now
}

// folders lists the folders to watch.
func (o opened) folders() []string {
	all := map[string]bool{}
	for _, paths := range o {
		for path := range paths {
			all[filepath.Dir(path)] = true // of a folder: itself
		}
	}
	return sortedKeys(all)
}

// remembered reads what an earlier Tester has stored; nothing if there is no such file.
func remembered(path string) (o opened) {
	text, err := os.ReadFile(path)
	var stored map[string][]string
	if err != nil || json.Unmarshal(text, &stored) != nil {
		return nil
	}
	for pkg, paths := range stored {
		o = o.with(pkg, paths, false)
	}
	return o
}

// store adds o to a file, for the next Tester. After a failure, the next Tester starts without the file.
func (o opened) store(path string) {
	if path == "" {
		return
	}
	stored := map[string][]string{}
	for pkg, paths := range remembered(path) {
		stored[pkg] = sortedKeys(paths)
	}
	for pkg, paths := range o {
		stored[pkg] = sortedKeys(paths)
	}
	text, err := json.Marshal(stored)
	if err != nil || os.MkdirAll(filepath.Dir(path), 0o777) != nil {
		return
	}
	draft, err := os.CreateTemp(filepath.Dir(path), "draft-")
	if err != nil {
		return
	}
	_, err = draft.Write(text)
	if draft.Close() != nil || err != nil || os.Rename(draft.Name(), path) != nil {
		os.Remove(draft.Name())
	}
}

// logMagic begins the log that package testing writes for the go command. From this log, go finds out whether a cached
// result is still valid: see cmd/go/internal/test.
const logMagic = "# test log\n"

// inLog returns the paths of files and listed folders in a log, if wanted accepts them. dir is the working folder of
// the tests, and isFolder reports whether a path is a folder. ok is false if text is not a log.
func inLog(text, dir string, wanted, isFolder func(path string) bool) (paths []string, ok bool) {
	text, ok = strings.CutPrefix(text, logMagic)
	if !ok {
		return nil, false
	}
	found := map[string]bool{}
	for line := range strings.Lines(text) {
		verb, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if verb == "chdir" {
			dir = name
			continue
		}
		if verb != "open" && verb != "stat" || name == "" {
			continue
		}
		path := absIn(dir, name)
		if !wanted(path) {
			continue
		}
		switch folder := isFolder(path); {
		case !folder:
			found[path] = true
		case verb == "open":
			found[path+string(filepath.Separator)] = true
		}
	}
	return sortedKeys(found), true
}

// workspace is the temporary folder of one `go test -work`, with the logs of the tests. Without -work, go removes each
// log after reading it. -work changes neither the tests nor go's cache.
type workspace struct {
	dir  string            // "" before go has named the folder
	of   map[string]string // package -> its folder
	read map[string]bool   // packages whose logs were read
	keep bool              // the user has asked for -work
}

// told processes a line of go's output; true if the line names the workspace.
func (w *workspace) told(line string) bool {
	dir, is := strings.CutPrefix(strings.TrimSpace(line), "WORK=")
	if is && w.dir == "" && filepath.IsAbs(dir) {
		w.dir, w.of, w.read = dir, map[string]string{}, map[string]bool{}
	}
	return is
}

var importPath = regexp.MustCompile(`(?m)^\ttestdeps\.ImportPath = ("[^"]*")$`)

// folderOf finds the folder of a package's tests; "" if it has none.
func (w *workspace) folderOf(pkg string) string {
	if w.dir == "" || w.of[pkg] != "" {
		return w.of[pkg]
	}
	entries, _ := os.ReadDir(w.dir)
	for _, e := range entries {
		folder := filepath.Join(w.dir, e.Name())
		if slices.Contains(slices.Collect(maps.Values(w.of)), folder) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, "_testmain.go"))
		if m := importPath.FindSubmatch(text); err == nil && m != nil {
			if name, err := strconv.Unquote(string(m[1])); err == nil {
				w.of[name] = folder
			}
		}
	}
	return w.of[pkg]
}

// log returns the log of a package after its tests have ended, and removes the test binary, because the binaries of
// many packages together are large.
func (w *workspace) log(pkg string) string {
	folder := w.folderOf(pkg)
	if folder == "" {
		return ""
	}
	w.read[pkg] = true
	text, _ := os.ReadFile(filepath.Join(folder, "testlog.txt"))
	for _, pattern := range []string{"*.test", "*.test.exe"} {
		found, _ := filepath.Glob(filepath.Join(folder, pattern))
		for _, path := range found {
			if !w.keep {
				os.Remove(path)
			}
		}
	}
	return string(text)
}

// unread lists the packages whose logs could not be read at their end: old versions of go name the workspace last.
func (w *workspace) unread(packages []string) []string {
	return slices.DeleteFunc(slices.Clone(packages), func(pkg string) bool { return w.dir == "" || w.read[pkg] })
}

// remove removes everything. No process of `go test` runs any more.
func (w *workspace) remove() {
	if !w.keep && strings.HasPrefix(filepath.Base(w.dir), "go-build") {
		os.RemoveAll(w.dir)
	}
}
