package gobuild

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// embeds reports whether one of the patterns of a package in dir selects the file or folder name, by the rules of
// package embed: a pattern for a folder selects everything below the folder, hidden files only after "all:".
func embeds(dir string, patterns []string, name string) bool {
	rel, err := filepath.Rel(dir, name)
	if err != nil || rel == "." || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return false
	}
	parts := strings.Split(filepath.ToSlash(rel), "/")
	for _, pattern := range patterns {
		pattern, all := strings.CutPrefix(pattern, "all:")
		for n := 1; n <= len(parts); n++ {
			if ok, _ := path.Match(pattern, strings.Join(parts[:n], "/")); ok || pattern == "." {
				below := parts[n:]
				if pattern == "." {
					below = parts
				}
				if all || !anyHidden(below) {
					return true
				}
			}
		}
	}
	return false
}

func anyHidden(parts []string) bool {
	for _, part := range parts {
		if part[0] == '.' || part[0] == '_' {
			return true
		}
	}
	return false
}

// embedDirs lists the folders in which a new file could be selected by the patterns of a package in dir: the folders on
// the way of a pattern, and everything below a folder selected as a whole.
func embedDirs(dir string, patterns []string) []string {
	var dirs []string
	for _, pattern := range patterns {
		pattern, all := strings.CutPrefix(pattern, "all:")
		parts := strings.Split(pattern, "/")
		for n := 1; n <= len(parts); n++ {
			found, _ := filepath.Glob(filepath.Join(escape(dir), filepath.FromSlash(strings.Join(parts[:n], "/"))))
			for _, name := range found {
				if info, err := os.Stat(name); err != nil || !info.IsDir() {
					continue
				}
				if n < len(parts) {
					dirs = append(dirs, name)
					continue
				}
				dirs = append(dirs, foldersBelow(name, all)...)
			}
		}
	}
	return dirs
}

// leadsTo reports whether a new folder with this name is on the way of one of the patterns of a package in dir.
func leadsTo(dir string, patterns []string, name string) bool {
	rel, err := filepath.Rel(dir, name)
	if err != nil {
		return false
	}
	depth := strings.Count(filepath.ToSlash(rel), "/") + 1
	for _, pattern := range patterns {
		parts := strings.Split(strings.TrimPrefix(pattern, "all:"), "/")
		if depth < len(parts) {
			if ok, _ := path.Match(strings.Join(parts[:depth], "/"), filepath.ToSlash(rel)); ok {
				return true
			}
		}
	}
	return false
}

// missingFolders lists the missing paths named without wildcards by the patterns of a package in dir.
func missingFolders(dir string, patterns []string) []string {
	var missing []string
	for _, pattern := range patterns {
		fixed, _ := strings.CutPrefix(pattern, "all:")
		if wild := strings.IndexAny(fixed, `*?[\`); wild >= 0 {
			fixed = path.Dir(fixed[:wild] + "x")
		}
		name := filepath.Join(dir, filepath.FromSlash(fixed))
		if _, err := os.Lstat(name); err != nil {
			missing = append(missing, name)
		}
	}
	return missing
}

// foldersBelow lists root and the folders below, as in an embedded folder.
func foldersBelow(root string, hidden bool) []string {
	var dirs []string
	_ = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		if name != root {
			if !hidden && anyHidden([]string{d.Name()}) {
				return filepath.SkipDir
			}
			if _, err := os.Lstat(filepath.Join(name, "go.mod")); err == nil {
				return filepath.SkipDir // another module
			}
		}
		dirs = append(dirs, name)
		return nil
	})
	return dirs
}

// escape returns a pattern for filepath.Glob that matches only this folder's name.
func escape(dir string) string {
	if filepath.Separator == '\\' {
		return dir // Windows has no escape; a [ in a folder's name then begins a class and matches nothing
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// existing returns dir, or the nearest existing folder above.
func existing(dir string) string {
	for {
		info, err := os.Stat(dir)
		if err == nil && info.IsDir() {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return dir
		}
		dir = up
	}
}
