package migrate

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Look reads the files of a project. goos and goarch are the user's system.
func Look(files fs.FS, goos, goarch string) Plan {
	l := newLook(files, goos, goarch)
	l.air()
	l.templier()
	l.modd()
	l.reflexConf()
	l.makefiles()
	l.packageJSON()
	l.mainPackages()
	l.dotenv()
	l.generators()
	l.complete()
	return l.Plan
}

// FromAir reads .air.toml alone, or .config/air.toml; found is the file's name, "" if there is none.
func FromAir(files fs.FS, goos, goarch string) (plan Plan, found string) {
	l := newLook(files, goos, goarch)
	found = l.air()
	l.complete()
	if l.File.Text("package") == "" && l.usual() != "" && len(l.File.List("args")) > 0 {
		l.File.set("package", l.usual()) // on a command line, arguments come after the package
	}
	return l.Plan, found
}

// look collects the findings.
type look struct {
	Plan
	files  fs.FS
	goos   string
	goarch string
	module string   // the module's path
	gomod  string   // the text of go.mod
	mains  []folder // of main packages
	source string   // the file being read
	key    string   // the present thing in the file
	asked  bool     // the package to run is known
	argued string   // the source of the program's arguments
	run    []string // generators named by a command line
	depth  int      // of make's targets in each other
	make   makefile
}

func newLook(files fs.FS, goos, goarch string) *look {
	l := &look{files: files, goos: goos, goarch: goarch, gomod: text(files, "go.mod")}
	for line := range strings.Lines(l.gomod) {
		if rest, found := strings.CutPrefix(line, "module "); found {
			l.module = strings.Trim(strings.TrimSpace(rest), `"`)
		}
	}
	l.mains = mainFolders(files, forever)
	for _, m := range l.mains {
		l.Mains = append(l.Mains, dotted(m.path))
	}
	return l
}

// text is a file's text; "" if unreadable.
func text(files fs.FS, name string) string {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return ""
	}
	return string(text)
}

func (l *look) exists(name string) bool {
	_, err := fs.Stat(l.files, name)
	return err == nil
}

// becomes, needless and decide add a row for the present thing.
func (l *look) becomes(format string, args ...any) { l.add(Becomes, format, args...) }
func (l *look) needless(format string, args ...any) {
	l.add(NotNeeded, format, args...)
}
func (l *look) decide(format string, args ...any) { l.add(YouDecide, format, args...) }

func (l *look) add(fate Fate, format string, args ...any) {
	row := Row{Source: l.source, Key: l.key, Fate: fate, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(l.Rows, row) {
		l.Rows = append(l.Rows, row)
	}
}

// at names the present thing.
func (l *look) at(source, key string) { l.source, l.key = source, key }

// set sets a key of hotreload.toml, with a row about the key.
func (l *look) set(key string, value any) {
	if list, ok := value.([]string); ok {
		all := slices.Clone(l.File.List(key))
		for _, one := range list {
			if key == "args" || !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
		value = all
	}
	if variables, ok := value.(map[string]string); ok {
		if before, ok := l.File.values[key].(map[string]string); ok {
			for name, text := range before {
				if _, known := variables[name]; !known {
					variables[name] = text
				}
			}
		}
	}
	l.File.set(key, value)
	l.becomes("%s = %s", key, written(value))
}

// folder is one with a main package.
type folder struct {
	path   string // "." or cmd/web
	nested bool   // in a module of its own
}

// searchDepth limits the search for files below the project's folder: cmd/web is 2.
const searchDepth = 4

// skipped reports whether go and users would not look for sources in a folder.
func skipped(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") ||
		slices.Contains([]string{"testdata", "vendor", "node_modules"}, name)
}

// forever is the end of a search without a limit.
var forever time.Time

// MainFolders returns the folders of main packages, those near the top first. The search ends at a time.
func MainFolders(files fs.FS, end time.Time) (paths []string) {
	for _, m := range mainFolders(files, end) {
		paths = append(paths, m.path)
	}
	return paths
}

// walk visits the folders of a project, those near the top first, until a time.
func walk(files fs.FS, end time.Time, visit func(dir string, entries []fs.DirEntry)) {
	next := []string{"."}
	for depth := 0; depth <= searchDepth; depth++ {
		var below []string
		for _, dir := range next {
			if !end.IsZero() && time.Now().After(end) {
				return
			}
			entries, _ := fs.ReadDir(files, dir)
			visit(dir, entries)
			for _, e := range entries {
				if e.IsDir() && !skipped(e.Name()) {
					below = append(below, path.Join(dir, e.Name()))
				}
			}
		}
		next = below
	}
}

// mainFolders returns the folders of main packages, those near the top first.
func mainFolders(files fs.FS, end time.Time) (all []folder) {
	modules := map[string]bool{}
	walk(files, end, func(dir string, entries []fs.DirEntry) {
		nested := modules[path.Dir(dir)] && dir != "."
		for _, e := range entries {
			nested = nested || e.Name() == "go.mod" && dir != "."
		}
		modules[dir] = nested
		for _, e := range entries {
			name := e.Name()
			if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, _ := fs.ReadFile(files, path.Join(dir, name))
			file, err := parser.ParseFile(
				token.NewFileSet(),
				name,
				source,
				parser.PackageClauseOnly|parser.ParseComments,
			)
			if err != nil || ignored(string(source)) {
				continue
			}
			if file.Name.Name == "main" {
				all = append(all, folder{dir, nested})
			}
			return // all files of a folder belong to one package
		}
	})
	return all
}

// ignored reports whether a source is no part of a build: scripts for go run.
func ignored(source string) bool {
	head, _, _ := strings.Cut(source, "\npackage ")
	return strings.Contains(head, "//go:build ignore") || strings.Contains(head, "//go:build tools")
}

// usual is the package run by hotreload if none is named, as found by gobuild.Choose; "" if there is none, or several.
func (l *look) usual() string {
	var below, all []string
	for _, m := range l.mains {
		switch {
		case m.nested:
		case m.path == ".":
			return "."
		case strings.HasPrefix(m.path, "cmd/"):
			below = append(below, dotted(m.path))
			fallthrough
		default:
			all = append(all, dotted(m.path))
		}
	}
	if len(below) > 0 {
		all = below
	}
	if len(all) == 1 {
		return all[0]
	}
	return ""
}

// dotted writes a folder as a package.
func dotted(folder string) string {
	folder = path.Clean(folder)
	if folder == "." || folder == ".." || strings.HasPrefix(folder, "../") || path.IsAbs(folder) {
		return folder
	}
	return "./" + folder
}

// mainPackages adds the package to run, if still unknown.
func (l *look) mainPackages() {
	l.at("go.mod", "main packages")
	switch {
	case l.asked:
	case l.usual() != "":
		l.needless("hotreload runs %s by itself", l.usual())
	case len(l.Mains) == 1:
		l.asked = true
		l.set("package", l.Mains[0])
	case len(l.Mains) == 0:
		l.at("the folder", "main packages")
		l.decide("there is none here: start hotreload in the folder of the program's go.mod")
	default:
		l.decide("which one: hotreload %s, or several: hotreload %s", l.Mains[0], strings.Join(l.Mains[:2], " "))
	}
}

// complete makes the file whole: with commands beside the program, the program is a service and needs its package.
func (l *look) complete() {
	if len(l.File.Watches) == 0 || l.File.Text("package") != "" {
		return
	}
	l.File.set("package", l.usual())
	if l.usual() == "" {
		l.at("hotreload.toml", "package")
		l.File.set("package", "./cmd/NAME")
		l.decide("write the program's package in place of ./cmd/NAME")
	}
}
