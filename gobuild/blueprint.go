package gobuild

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"hotreload/gobuild/plan"
)

// blueprint describes one binary of a program: the commands, their inputs and outputs. A blueprint never changes; a
// build that follows the blueprint makes the next one.
type blueprint struct {
	args     []string // of go build, without the output
	outer    []string // the environment of go
	env      []string // additional environment of go's tools
	graph    *Graph
	others   look              // files and folders on which the commands depend; tools, settings
	units    map[string]*unit  // by import path: packages that users edit
	archives map[string]string // by import path: the archives of all other packages
	packages map[string]known  // by import path: all packages of the program
	link     plan.Link
	proof    string // names the link command; see shortcut.proved
	artifact string // ID of the binary
}

// unit is one package of a blueprint. It never changes.
type unit struct {
	*plan.Compile
	plan.Archive                   // the contents of the package's archive
	seen         plan.Sum          // the export data seen by the importers; if they are others, the importers are behind
	path         string            // the archive's path
	dir          string            // the package's folder
	sources      map[string]source // the compiler's inputs: Go files, embedded files
	importers    []string          // units
	proof        string
}

// embedded lists a package's embedded files.
func embedded(c *plan.Compile) ([]string, error) {
	if c.Embed == "" {
		return nil, nil
	}
	var config struct{ Files map[string]string }
	if err := json.Unmarshal([]byte(c.Embed), &config); err != nil {
		return nil, fmt.Errorf("read the embedcfg of %s: %w", c.ImportPath, err)
	}
	return slices.Collect(maps.Values(config.Files)), nil
}

// codeSize returns the number of bytes of Go code for the compiler.
func (u *unit) codeSize() (n int64) {
	for _, s := range u.sources {
		if s.code {
			n += s.info.Size()
		}
	}
	return n
}

// connect sets each unit's importers.
func connect(units map[string]*unit) {
	for _, name := range slices.Sorted(maps.Keys(units)) {
		for _, path := range units[name].Imports {
			if imported := units[path]; imported != nil {
				imported.importers = append(imported.importers, name)
			}
		}
	}
}

// look compares the blueprint with the disk. Next is the blueprint with the current sources, and dirty are the units to
// compile. A doubt is a clause with the reason to run go build instead.
func (bp *blueprint) look() (next *blueprint, dirty []string, doubt string) {
	if doubt := bp.lookAtOthers(); doubt != "" {
		return nil, nil, doubt
	}
	now := *bp
	now.units = maps.Clone(bp.units)
	var reimported []reimport
	for _, name := range slices.Sorted(maps.Keys(bp.units)) {
		u := bp.units[name]
		var fresh map[string]source
		touched := false
		for path, old := range u.sources {
			source, changed, err := old.again(path)
			if source.info == old.info && err == nil {
				continue
			}
			if doubt := old.doubt(source, filepath.Base(path), err); doubt != "" {
				return nil, nil, doubt
			}
			if fresh == nil {
				fresh = maps.Clone(u.sources)
			}
			fresh[path] = source
			touched = touched || changed
		}
		if fresh != nil {
			seen := *u
			seen.sources = fresh
			now.units[name] = &seen
		}
		if touched {
			dirty = append(dirty, name)
			change := importing(name, u.sources, now.units[name].sources)
			if len(change.added)+len(change.removed) > 0 {
				reimported = append(reimported, change)
			}
		}
	}
	if len(reimported) > 0 {
		if doubt := now.reimport(reimported); doubt != "" {
			return nil, nil, doubt
		}
	}
	return &now, dirty, ""
}

// unmoved reports whether the disk is as the blueprint says.
func (bp *blueprint) unmoved() bool {
	_, dirty, doubt := bp.look()
	return len(dirty) == 0 && doubt == ""
}

// doubt returns why a package cannot be compiled by its previous command: go would read its files differently.
func (s source) doubt(now source, name string, err error) string {
	switch {
	case os.IsNotExist(err):
		return name + " is gone"
	case err != nil:
		return name + " cannot be read, or " + errRestless.Error()
	case now.frame != s.frame, s.code && s.frame == broken, !slices.Equal(special(now.imports), special(s.imports)):
		return name + " has other build constraints, embeds, cgo or package clause"
	case now.orders != s.orders:
		return name + " has other //go: lines"
	}
	return ""
}

// lookAtOthers looks for changes that make go run other commands: a go.mod, a new file, a tool.
func (bp *blueprint) lookAtOthers() (doubt string) {
	for path, old := range bp.others.files {
		if !same(old, statOrNil(path)) {
			return filepath.Base(path) + " has changed"
		}
	}
	for dir, old := range bp.others.dirs {
		if same(old, statOrNil(dir)) {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return filepath.Base(dir) + " cannot be read"
		}
		for _, entry := range entries {
			if e, known := bp.graph.classify(filepath.Join(dir, entry.Name())); !known && e.kind <= Embedded {
				return entry.Name() + " is new"
			}
		}
	}
	return ""
}

// archiveOf returns the path of a package's archive, "" if unknown.
func (bp *blueprint) archiveOf(importPath string) string {
	if u := bp.units[importPath]; u != nil {
		return u.path
	}
	return bp.archives[importPath]
}

// archivesFor returns the archives needed to compile a unit.
func (bp *blueprint) archivesFor(u *unit) map[string]string {
	archives := make(map[string]string, len(u.Imports))
	for _, importPath := range u.Imports {
		archives[importPath] = bp.archiveOf(importPath)
	}
	return archives
}

// above returns the changed units and all their importers, direct and indirect, each with the number of such units
// among its imports.
func (bp *blueprint) above(changed []string) map[string]int {
	counts := map[string]int{}
	for _, name := range changed {
		counts[name] = 0
	}
	for next := slices.Sorted(maps.Keys(counts)); len(next) > 0; {
		name := next[0]
		next = next[1:]
		for _, importer := range bp.units[name].importers {
			if _, known := counts[importer]; !known {
				next = append(next, importer)
			}
			counts[importer]++
		}
	}
	return counts
}
