package gobuild

import (
	"maps"
	"slices"
	"strings"
)

// A new or removed import changes two commands of go build: the compiler gets one archive more or less, and the linker
// gets another list of packages. As long as the program consists of the same packages, only the first command changes,
// and the archive exists already. Only plain cases are decided here, such as whether go allows the import at all; all
// other cases are left to go.

// known is go's report about a package of the program.
type known struct {
	standard, main bool
	cgo            bool
	module         string
	imports        []string
}

// knownPackages keeps the facts by which imports are judged. Equal paths share one string, because there are many.
func knownPackages(packages []exported) map[string]known {
	all := make(map[string]known, len(packages))
	paths := map[string]string{}
	one := func(path string) string {
		path, _, _ = strings.Cut(path, " [") // a variant for a profile
		if paths[path] == "" {
			paths[path] = strings.Clone(path)
		}
		return paths[path]
	}
	for _, p := range packages {
		k := known{standard: p.Standard, main: p.Name == "main", cgo: len(p.CgoFiles) > 0,
			imports: make([]string, 0, len(p.Imports))}
		if p.Module != nil {
			k.module = one(p.Module.Path)
		}
		for _, path := range p.Imports {
			k.imports = append(k.imports, one(path))
		}
		all[one(p.ImportPath)] = k
	}
	return all
}

// reimport is the change of one unit's imports.
type reimport struct {
	unit           string
	added, removed []string
}

// importsOf returns the imports of all files of a unit.
func importsOf(sources map[string]source) map[string]bool {
	all := map[string]bool{}
	for _, s := range sources {
		for _, path := range s.imports {
			all[path] = true
		}
	}
	return all
}

// importing compares a unit's imports before and after.
func importing(unit string, before, after map[string]source) reimport {
	old, now := importsOf(before), importsOf(after)
	r := reimport{unit: unit}
	for _, path := range slices.Sorted(maps.Keys(now)) {
		if !old[path] {
			r.added = append(r.added, path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(old)) {
		if !now[path] {
			r.removed = append(r.removed, path)
		}
	}
	return r
}

// special returns the imports with a further meaning for the go command.
func special(imports []string) []string {
	return slices.DeleteFunc(slices.Clone(imports), func(path string) bool {
		return path != "C" &&
			path != "embed" && path != "unsafe"
	})
}

// reimport updates the blueprint, a fresh copy, for these changes of imports.
func (bp *blueprint) reimport(changes []reimport) (doubt string) {
	before := bp.reach()
	packages := maps.Clone(bp.packages)
	units := make(map[string]*unit, len(bp.units))
	for name, u := range bp.units {
		again := *u
		again.importers = nil
		units[name] = &again
	}
	for _, change := range changes {
		for _, path := range change.added {
			if doubt := bp.forbids(change.unit, path); doubt != "" {
				return doubt
			}
		}
		p := packages[change.unit]
		p.imports = slices.DeleteFunc(slices.Concat(p.imports, change.added),
			func(path string) bool { return slices.Contains(change.removed, path) })
		packages[change.unit] = p
		u := units[change.unit]
		u.Compile = u.Importing(change.added, change.removed)
	}
	connect(units)
	bp.packages, bp.units = packages, units
	after := bp.reach()
	switch {
	case after == nil:
		return "packages import each other"
	case !maps.Equal(before, after):
		return "the program's set of packages has changed"
	}
	return ""
}

// forbids returns why go might not allow this import.
func (bp *blueprint) forbids(importer, path string) (doubt string) {
	p, there := bp.packages[path]
	parts := strings.Split(path, "/")
	if i := slices.Index(parts, "internal"); i >= 0 {
		if parent := strings.Join(parts[:i], "/"); p.standard || importer != parent &&
			!strings.HasPrefix(importer, parent+"/") {
			return path + " is internal"
		}
	}
	module := bp.packages[importer].module
	switch {
	case !there:
		return path + " is new to the program"
	case p.main:
		return path + " is a program"
	case slices.Contains(parts, "vendor"):
		return path + " is vendored"
	case p.standard:
		return ""
	case module == "":
		return importer + " is in no module"
	case p.module == module:
		return ""
	}
	for name := range bp.units { // then go.mod names the package's module, and so does go.sum
		if q := bp.packages[name]; q.module == module && slices.Contains(q.imports, path) {
			return ""
		}
	}
	return "nothing in " + module + " imports " + path + " yet"
}

// reach returns the direct and indirect imports of main, as far as the sources tell; nil if packages import each other.
func (bp *blueprint) reach() map[string]bool {
	done := map[string]bool{} // false: not finished yet
	var visit func(path string) bool
	visit = func(path string) bool {
		if finished, seen := done[path]; seen {
			return finished
		}
		done[path] = false
		for _, imported := range bp.packages[path].imports {
			if !visit(imported) {
				return false
			}
		}
		done[path] = true
		return true
	}
	if !visit(bp.link.Main) {
		return nil
	}
	return done
}
