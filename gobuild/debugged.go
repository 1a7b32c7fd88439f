package gobuild

import "strings"

// Debugged tells which packages are compiled for a debugger: without optimisation, so that every line and every
// variable is there. Such a program keeps its DWARF.
type Debugged uint8

const (
	NotDebugged Debugged = iota
	OwnPackages          // packages of the main modules
	AllPackages          // and their dependencies, and the standard library
)

// unoptimisedFlags are the compiler's flags for a debugger.
const unoptimisedFlags = "-N -l"

// flags returns the flags of go build. These flags come last, because the last matching list of a package counts.
func (d Debugged) flags(g *Graph) (flags []string) {
	switch d {
	case AllPackages:
		return []string{"-gcflags=all=" + unoptimisedFlags}
	case OwnPackages:
		if g.Module.Path != "" {
			flags = append(flags, "-gcflags="+g.Module.Path+"/...="+unoptimisedFlags)
		}
		for _, p := range g.Local { // other modules of a workspace, folders in place of a module
			within := p.ImportPath == g.Module.Path || strings.HasPrefix(p.ImportPath, g.Module.Path+"/")
			if p.ImportPath != "" && !p.Vendored && (g.Module.Path == "" || !within) {
				flags = append(flags, "-gcflags="+p.ImportPath+"="+unoptimisedFlags)
			}
		}
	}
	return flags
}
