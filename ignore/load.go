package ignore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Options say which rules apply and where, in addition to the folders given to Load.
type Options struct {
	NoGitignore bool     // git's files have no effect
	Trees       []string // folders that are watched with everything below; Load searches them for rule files
	Extra       []string // patterns of the command line; they override all others
	Dir         string   // the folder of Extra: as if Extra were a .reloadignore there
}

// Load reads the rules about the contents of dirs and opts.Trees, which are absolute paths.
//
// The Matcher is always usable. The errors name the missing rules: an unreadable file, a line without any possible
// match. Such a file or line affects no other rule.
func Load(dirs []string, opts Options) (*Matcher, []error) {
	l := loader{
		m:    &Matcher{folders: map[string]*folder{}, files: map[string]bool{}, gitignore: !opts.NoGitignore},
		open: map[string]bool{},
	}
	dirs = l.absolute(dirs)
	trees := l.absolute(opts.Trees)
	given := slices.Concat(dirs, trees)
	if len(opts.Extra) > 0 {
		if base := l.absolute([]string{opts.Dir}); len(base) == 1 {
			given = append(given, base[0])
			l.m.extraDir = slashed(base[0])
			var errs []error
			l.m.extra, errs = parseArgs(opts.Extra)
			l.errs = append(l.errs, errs...)
		}
	}
	l.addTops(given)
	for _, dir := range given {
		l.enter(slashed(dir))
	}
	for _, tree := range trees {
		l.m.trees = append(l.m.trees, slashed(tree))
		if l.enter(slashed(tree)) {
			l.walk(slashed(tree))
		}
	}
	return l.m, l.errs
}

// loader fills a Matcher from the top down: it judges a folder by the rules above before it reads the folder's own.
// Only the loader may change the Matcher, and only until Load returns.
type loader struct {
	m    *Matcher
	open map[string]bool // folders that were entered; true: not ignored
	errs []error
}

func (l *loader) absolute(dirs []string) []string {
	var clean []string
	for _, dir := range dirs {
		if !filepath.IsAbs(dir) {
			l.errs = append(l.errs, fmt.Errorf("ignore rules for folder %q: the path is not absolute", dir))
			continue
		}
		clean = append(clean, filepath.Clean(dir))
	}
	return clean
}

// addTops finds the tops of the folders and keeps the outermost ones.
func (l *loader) addTops(dirs []string) {
	var tops []string
	within := func(p string) func(string) bool {
		return func(top string) bool { return p == top || contains(top, p) }
	}
	for _, dir := range dirs {
		if slices.ContainsFunc(tops, within(slashed(dir))) {
			continue // this folder is inside that top, and so is its own top
		}
		top := slashed(findTop(dir))
		tops = slices.DeleteFunc(tops, func(other string) bool { return contains(top, other) })
		tops = append(tops, top)
	}
	slices.Sort(tops)
	for _, path := range tops {
		top := &folder{path: path}
		l.m.tops = append(l.m.tops, top)
		l.m.folders[path] = top
	}
}

// enter reads the rule files from the top down to the folder and reports whether it is not ignored.
func (l *loader) enter(path string) bool {
	top, start := l.m.top(path)
	for end := len(top.path); ; {
		if !l.enterOne(path[:end]) {
			return false
		}
		if start > len(path) {
			return true
		}
		end = len(path)
		if i := strings.IndexByte(path[start:], '/'); i >= 0 {
			end = start + i
		}
		start = end + 1
	}
}

// enterOne reads the rule files of one folder, unless the folder is ignored. The files above have been read.
func (l *loader) enterOne(path string) bool {
	if open, done := l.open[path]; done {
		return open
	}
	l.markRepository(path, exists(native(path, ".git"))) // before judging: see gitRule
	open := !l.m.Match(native(path), true).Ignored
	l.open[path] = open
	if open {
		l.noteFile(native(path, reloadignore))
		l.readUser(path)
		if l.m.gitignore {
			l.noteFile(native(path, gitignore))
			l.readGit(path)
		}
	}
	return open
}

// walk finds the rule files in a tree. The tree's root has been entered and is not ignored.
func (l *loader) walk(root string) {
	todo := []string{root}
	for len(todo) > 0 {
		path := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		entries, err := os.ReadDir(native(path))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.errs = append(l.errs, fmt.Errorf("look for ignore rules: %w", err))
		}
		if _, done := l.open[path]; !done {
			l.open[path] = true
			l.readListed(path, entries)
		}
		for _, e := range slices.Backward(entries) {
			sub := path + "/" + e.Name()
			if e.IsDir() && !l.m.Match(native(sub), true).Ignored {
				todo = append(todo, sub)
			}
		}
	}
}

// readListed reads the rule files that a folder's listing contains.
func (l *loader) readListed(path string, entries []fs.DirEntry) {
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
	}
	l.markRepository(path, has(".git"))
	if has(reloadignore) {
		l.noteFile(native(path, reloadignore))
		l.readUser(path)
	}
	if l.m.gitignore && has(gitignore) {
		l.noteFile(native(path, gitignore))
		l.readGit(path)
	}
}

// markRepository makes a folder the root of a repository and reads its info/exclude.
func (l *loader) markRepository(path string, repo bool) {
	if !repo || !l.m.gitignore {
		return
	}
	f := l.folder(path)
	f.repo = true
	file := excludeFile(native(path))
	l.noteFile(file)
	f.exclude = l.read(file, layerGit, true)
}

func (l *loader) readUser(path string) {
	if rs := l.read(native(path, reloadignore), layerUser, true); rs != nil {
		l.folder(path).user = rs
	}
}

func (l *loader) readGit(path string) {
	if rs := l.read(native(path, gitignore), layerGit, false); rs != nil {
		l.folder(path).git = rs
	}
}

func (l *loader) read(file string, layer layer, follow bool) rules {
	content, found, err := readSmall(file, follow)
	if err != nil {
		l.errs = append(l.errs, fmt.Errorf("ignore rules: %w", err))
	}
	if err != nil || !found {
		return nil
	}
	rs, errs := parseFile(content, file, layer)
	if layer == layerUser { // git does not report errors in its own files, so hotreload does not, either
		l.errs = append(l.errs, errs...)
	}
	return rs
}

// folder returns the folder with this path, and makes it part of the Matcher.
func (l *loader) folder(path string) *folder {
	f := l.m.folders[path]
	if f == nil {
		f = &folder{path: path}
		for above := path; f.parent == nil; { // ends at the top
			above = above[:strings.LastIndexByte(above, '/')]
			f.parent = l.m.folders[above]
		}
		l.m.folders[path] = f
	}
	return f
}

func (l *loader) noteFile(file string) { l.m.files[file] = true }

// native returns a path as the system writes it.
func native(path string, names ...string) string {
	return filepath.Join(append([]string{filepath.FromSlash(path + "/")}, names...)...)
}
