package gobuild

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// moduleFiles lists the files that decide which modules a program is made of, from the roots that are known: the go.mod
// in use, the go.work, a -modfile, and further ones (the go.mod of packages found, an -overlay; "" is
// none). Folders named in replace and use
// lines are followed too, also where go could not read the file to its end.
func moduleFiles(gomod, gowork, modfile string, further []string) []string {
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
			main(filepath.Join(used, "go.mod")) // a replace target in go.work needs its go.mod alone; a file too many does no harm
		}
	} else if gomod != "" {
		files[filepath.Join(filepath.Dir(gomod), "go.work")] = true // if one appears it is used
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

// folderName is a path to a folder in a go.mod or go.work: after => or use, or on a line of its own in a use block. Only
// ./x, ../x and absolute paths are folders there.
var folderName = regexp.MustCompile("(?m)(?:=>|^\\s*use|^)\\s*[\"`]?(\\.{1,2}(?:[/\\\\][^\\s\"`]*)?|/[^\\s\"`]+|[A-Za-z]:[/\\\\][^\\s\"`]*)[\"`]?\\s*(?://.*)?$")

// foldersNamed lists the folders that a go.mod or go.work names, as absolute paths. It reads line by line, so that a
// mistake in one line hides no other.
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
