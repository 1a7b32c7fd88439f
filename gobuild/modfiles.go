package gobuild

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// moduleFiles lists the files that decide about the modules of a program. moduleFiles starts at the known ones: the
// go.mod in use, the go.work, a -modfile, and further ones (the go.mod files of packages, an -overlay; "" is none).
// moduleFiles follows the folders in replace and use lines, even in files that go could not read to the end.
//
// works are the go.work files that go would use if they existed; see worksAbove.
func moduleFiles(gomod, gowork, modfile string, works, further []string) []string {
	files := map[string]bool{}
	main := func(gomod string) {
		dir := filepath.Dir(gomod)
		files[gomod] = true
		files[filepath.Join(dir, "go.sum")] = true
		for _, replaced := range foldersNamed(gomod) {
			files[filepath.Join(replaced, "go.mod")] = true
		}
		if gowork == "" {
			files[filepath.Join(dir, "vendor", "modules.txt")] = true
		}
	}
	if gomod != "" {
		main(gomod)
	}
	if gowork != "" {
		files[gowork] = true
		files[gowork+".sum"] = true
		files[filepath.Join(filepath.Dir(gowork), "vendor", "modules.txt")] = true
		for _, used := range foldersNamed(gowork) {
			// of a replace target in go.work only the go.mod matters; a needless file does no harm
			main(filepath.Join(used, "go.mod"))
		}
	}
	for _, work := range works {
		files[work] = true
	}
	if modfile != "" {
		files[modfile] = true
		files[strings.TrimSuffix(modfile, ".mod")+".sum"] = true
		for _, replaced := range foldersNamed(modfile) {
			files[filepath.Join(replaced, "go.mod")] = true
		}
	}
	for _, path := range further {
		files[path] = true
	}
	delete(files, "")
	return slices.Sorted(maps.Keys(files))
}

// worksAbove returns the go.work files that go looks for in dir and the folders above, until one exists. Unreadable
// folders are left out.
func worksAbove(dir string, env []string) (works []string) {
	if getenv(env, "GOWORK") != "" {
		return nil
	}
	for {
		path := filepath.Join(dir, "go.work")
		if folder, err := os.Open(dir); err == nil {
			folder.Close()
			works = append(works, path)
		}
		up := filepath.Dir(dir)
		if isFile(path) || up == dir {
			return works
		}
		dir = up
	}
}

// folderName matches a path to a folder in a go.mod or go.work: after => or use, or on its own line in a use block.
// Only ./x, ../x and absolute paths are folders there.
var folderName = regexp.MustCompile(
	"(?m)(?:=>|^\\s*use|^)\\s*[\"`]?(\\.{1,2}(?:[/\\\\][^\\s\"`]*)?|/[^\\s\"`]+|" +
		"[A-Za-z]:[/\\\\][^\\s\"`]*)[\"`]?\\s*(?://.*)?$")

// foldersNamed lists the folders named in a go.mod or go.work, as absolute paths, line by line, so a mistake in one
// line hides no other.
func foldersNamed(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var dirs []string
	for _, match := range folderName.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\r", ""), -1) {
		if strings.HasPrefix(match[1], "//") {
			continue // a comment
		}
		dirs = append(dirs, absIn(filepath.Dir(file), filepath.FromSlash(match[1])))
	}
	return dirs
}
