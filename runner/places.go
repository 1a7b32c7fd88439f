package runner

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hotreload/supervisor"
)

// No path is foreign because of its prefix. Every file below the module or the working folder belongs to the program,
// and every file named by an argument or an environment variable of the program. Nobody edits foreign files to see the
// effect on the program: the Go tree, the module cache, hotreload's own folder, and files read by the standard library
// for itself. The opening function identifies the last kind, or else these names do.
var standardFiles = []string{
	"/etc/group", "/etc/hosts", "/etc/localtime", "/etc/machine-id", "/etc/mime.types", "/etc/nsswitch.conf",
	"/etc/os-release", "/etc/passwd", "/etc/protocols", "/etc/resolv.conf", "/etc/services", "/etc/timezone",
	"/etc/apache/mime.types", "/etc/apache2/mime.types", "/etc/httpd/conf/mime.types", "/usr/lib/os-release",
	"/usr/share/mime/globs2", "/usr/local/share/mime/globs2",
}

// libraryFolders are the folders in which the system's loader finds shared libraries. The folders matter only for files
// from which a program runs code, not for files read as data.
var libraryFolders = []string{"/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib",
	"/usr/libexec"}

// foreign reports whether a file opened by a worker does not belong to the program.
func (k *knowledge) foreign(path string, purpose supervisor.Purpose) bool {
	switch {
	case k.graph.Foreign(path) || k.owns != nil && k.owns(path):
		return true
	case purpose != supervisor.ForItself && !slices.Contains(standardFiles, path):
		return false
	}
	return !k.named(path)
}

// foreignLibrary is foreign for a file from which workers run code.
func (k *knowledge) foreignLibrary(path string) bool {
	return k.foreign(path, supervisor.ForProgram) || under(path, libraryFolders) && !k.named(path)
}

// named reports whether a path is below the module, the working folder or an argument of the program, or an environment
// variable names the path or its folder.
func (k *knowledge) named(path string) bool {
	var roots []string
	add := func(root string) {
		if root = filepath.Clean(root); filepath.IsAbs(root) && filepath.Dir(root) != root {
			roots = append(roots, root)
		}
	}
	folder := cmp.Or(k.config.Service.Dir, k.config.Program.Dir)
	add(folder)
	add(k.graph.Module.Dir)
	for _, arg := range k.config.Service.Args {
		if _, value, found := strings.Cut(arg, "="); found {
			arg = value
		}
		if !filepath.IsAbs(arg) {
			arg = filepath.Join(folder, arg)
		}
		if _, err := os.Stat(arg); err == nil {
			add(arg)
		}
	}
	if under(path, roots) {
		return true
	}
	for _, entry := range slices.Concat(k.config.Service.Env, k.env) {
		_, value, _ := strings.Cut(entry, "=")
		for _, one := range filepath.SplitList(value) {
			if one = filepath.Clean(one); one == path || one == filepath.Dir(path) && one != "." {
				return true
			}
		}
	}
	return false
}
