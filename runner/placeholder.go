package runner

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Placeholders in a rule's command for the changed files: one run per file, or all files in one run.
const (
	oneFile  = "{file}"
	allFiles = "{files}"
)

// namesFiles reports whether a command contains a placeholder.
func namesFiles(run string) bool {
	return strings.Contains(run, oneFile) || strings.Contains(run, allFiles)
}

// commandLines returns the lines to run for these files, one after the other. A command without a placeholder runs
// once. A command with a placeholder does not run without files.
func commandLines(run, root string, files []string) []string {
	if !namesFiles(run) {
		return []string{run}
	}
	var names []string
	for _, file := range files {
		names = append(names, quoted(shown(root, file)))
	}
	if !strings.Contains(run, oneFile) {
		var lines []string
		for _, some := range chunks(names, maxNames) {
			lines = append(lines, strings.ReplaceAll(run, allFiles, strings.Join(some, " ")))
		}
		return lines
	}
	var lines []string
	for _, name := range names {
		lines = append(lines, strings.NewReplacer(oneFile, name, allFiles, name).Replace(run))
	}
	return lines
}

// shown returns a file's name for a command that runs in root. The name cannot be taken for an option.
func shown(root, file string) string {
	rel, err := filepath.Rel(root, file)
	if err != nil {
		return file
	}
	if strings.HasPrefix(rel, "-") {
		return "." + string(filepath.Separator) + rel
	}
	return rel
}

// chunks divides words into as few groups as possible, none longer than limit unless it is a single word.
func chunks(words []string, limit int) (groups [][]string) {
	size := 0
	for _, word := range words {
		if len(groups) == 0 || size+len(word) > limit {
			groups, size = append(groups, nil), 0
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], word)
		size += len(word) + 1
	}
	return groups
}

// files lists the existing files of a rule, without ignored ones.
func (r Rule) files(ignored func(path string, dir bool) bool) (found []string) {
	there := map[string]bool{}
	for _, pattern := range r.Match {
		base, _ := doublestar.SplitPattern(pattern)
		start := filepath.Join(r.Root, filepath.FromSlash(base))
		_ = filepath.WalkDir(start, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil: // removed or unreadable, so no input of a generator
				return nil
			case path != start && ignored(path, entry.IsDir()) && entry.IsDir():
				return fs.SkipDir
			case entry.IsDir() || there[path] || ignored(path, false) || !r.matches(path):
				return nil
			}
			there[path] = true
			found = append(found, path)
			return nil
		})
	}
	return found
}

// present removes folders and missing files: no command can read either.
func present(files []string) (there []string) {
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			there = append(there, file)
		}
	}
	return there
}
