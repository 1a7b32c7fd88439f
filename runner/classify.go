package runner

import (
	"path/filepath"
	"strings"

	"hotreload/gobuild"
	"hotreload/watch"
)

// classifyByBuild classifies a change by the role of its file in the build, and by the paths named by --watch.
// graphChanged: the program may now consist of other packages or files. The function reads at most the beginning of the
// changed file. If graph is nil, every change counts.
func classifyByBuild(change watch.Change, graph *gobuild.Graph, named []string) (class Class, reason string,
	graphChanged bool) {
	if graph == nil {
		return Rebuild, "the program's packages are not known yet", true
	}
	graphChanged = graph.ChangedBy(change.Path)
	kind, pkg := graph.Classify(change.Path)
	if pkg == "" {
		pkg = "the program" // go could not tell the import path
	}
	switch kind {
	case gobuild.Compiled:
		return Rebuild, "compiled into " + pkg, graphChanged
	case gobuild.Embedded:
		return Rebuild, "embedded by " + pkg, graphChanged
	case gobuild.ModuleFile:
		return Rebuild, "part of the module graph", graphChanged
	}
	switch {
	case graphChanged:
		return Rebuild, "may change which packages are compiled", graphChanged
	case under(change.Path, named):
		return Restart, "named by --watch", false
	case kind == gobuild.Test:
		return None, "a test: not part of the program", false
	case kind == gobuild.Excluded:
		return None, "excluded by build constraints", false
	default:
		return None, "not part of the program", false
	}
}

// under reports whether path is one of roots or lies below one.
func under(path string, roots []string) bool {
	for _, root := range roots {
		if rel, err := filepath.Rel(root, path); err == nil && rel != ".." &&
			!strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return true
		}
	}
	return false
}
