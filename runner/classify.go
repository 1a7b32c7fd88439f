package runner

import (
	"path/filepath"
	"strings"

	"hotreload/gobuild"
	"hotreload/watch"
)

// classify says how a change takes effect, why, and whether it may have changed the module graph. It reads at most
// the changed file's head. graph may be nil: then everything counts.
func classify(change watch.Change, graph *gobuild.Graph, named []string) (class Class, reason string, renew bool) {
	if graph == nil {
		return Rebuild, "the program's packages are not known yet", true
	}
	renew = graph.Renews(change.Path)
	kind, pkg := graph.Classify(change.Path)
	switch kind {
	case gobuild.Compiled:
		return Rebuild, "compiled into " + pkg, renew
	case gobuild.Embedded:
		return Rebuild, "embedded by " + pkg, renew
	case gobuild.ModuleFile:
		return Rebuild, "part of the module graph", renew
	}
	switch {
	case renew:
		return Rebuild, "may change what is compiled", renew
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
		if rel, err := filepath.Rel(root, path); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return true
		}
	}
	return false
}
