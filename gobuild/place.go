package gobuild

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Place returns where to run go for a package named by the user in dir, and the package's name there. The place is dir,
// unless the package is in another module, outside dir's module and the workspace in use. Then the place is the root of
// that module, as if the user had changed the folder.
func Place(dir string, args, env []string) (place string, there []string) {
	if len(args) == 0 || !isPath(args[0]) || getenv(env, "GO111MODULE") == "off" {
		return dir, args
	}
	folder := folderOf(dir, args[0])
	theirs := upwards(folder, "go.mod")
	if theirs == "" || theirs == upwards(dir, "go.mod") {
		return dir, args
	}
	root := filepath.Dir(theirs)
	if work := workspaceOf(dir, env); work != "" && slices.Contains(foldersNamed(work), root) {
		return dir, args
	}
	for _, arg := range args {
		there = append(there, argument(root, filepath.Clean(absIn(dir, filepath.FromSlash(arg)))))
	}
	return root, there
}

// PlaceOfTests returns where to run go for the tests of a whole module, and the patterns of its packages: the module of
// a package named in dir, or all modules of its workspace.
func PlaceOfTests(dir string, args, env []string) (place string, patterns []string) {
	folder := dir
	if len(args) > 0 && isPath(args[0]) {
		folder = folderOf(dir, args[0])
	}
	mod := upwards(folder, "go.mod")
	if mod == "" || getenv(env, "GO111MODULE") == "off" {
		return dir, []string{"./..."}
	}
	root := filepath.Dir(mod)
	work := workspaceOf(folder, env)
	if work == "" || !slices.Contains(foldersNamed(work), root) {
		return root, []string{"./..."}
	}
	place = filepath.Dir(work)
	for _, module := range foldersNamed(work) {
		if info, err := os.Stat(module); err == nil && info.IsDir() {
			patterns = append(patterns, argument(place, module)+"/...")
		}
	}
	return place, patterns
}

// folderOf returns the folder of a package that is named by its path.
func folderOf(dir, arg string) string {
	folder := absIn(dir, filepath.FromSlash(arg))
	if strings.HasSuffix(arg, ".go") {
		return filepath.Dir(folder)
	}
	return folder
}

// isPath reports whether a package is named by its path in the file system.
func isPath(arg string) bool {
	return strings.HasPrefix(arg, ".") || filepath.IsAbs(arg) || strings.HasSuffix(arg, ".go")
}

// workspaceOf returns the go.work in use in a folder; "" if none is.
func workspaceOf(dir string, env []string) string {
	switch work := getenv(env, "GOWORK"); work {
	case "":
		return upwards(dir, "go.work")
	case "off":
		return ""
	default:
		return absIn(dir, work)
	}
}

// AbsoluteFlags makes the paths in build flags absolute, relative to dir, for a build that runs elsewhere.
func AbsoluteFlags(dir string, args []string) ([]string, error) {
	flags, err := parseFlagsFor(args, true)
	if err != nil {
		return nil, err
	}
	for i, f := range flags {
		switch {
		case f.name == "pgo" && (f.value == "auto" || f.value == "off"):
		case slices.Contains([]string{"modfile", "overlay", "pgo", "pkgdir"}, f.name):
			flags[i].value = absIn(dir, f.value)
		}
	}
	return words(flags), nil
}
