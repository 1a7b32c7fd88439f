package gobuild

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Choose finds the program if the user named none: the main package in dir; else those below cmd/ of dir or of the
// module's root; else all of the module or workspace. The result is arguments for Program.Args, one per package
// ("./cmd/a"), never empty without an error. If there are several, the caller asks the user.
func Choose(ctx context.Context, dir string, flags, env []string) ([]string, error) {
	p := Program{Dir: dir, Flags: flags, Env: env}
	parsed, err := parseFlags(flags)
	if err != nil {
		return nil, err
	}
	t, err := p.toolchain()
	if err != nil {
		return nil, err
	}
	s, err := t.settings(ctx)
	if err != nil {
		return nil, err
	}
	root := dir
	var modules []string
	switch {
	case s.GOMOD != "":
		root = filepath.Dir(s.GOMOD)
		modules = []string{root}
	case s.GOWORK != "": // above the modules: ./... would match nothing
		root = filepath.Dir(s.GOWORK)
		modules = foldersNamed(s.GOWORK)
	default:
		if found := chooseBelow(ctx, dir, flags, env); len(found) > 0 {
			return found, nil
		}
		modules = []string{dir} // go will report the reason
	}
	tries := [][]string{{"."}}
	for _, cmd := range slices.Compact([]string{filepath.Join(dir, "cmd"), filepath.Join(root, "cmd")}) {
		if info, err := os.Stat(cmd); err == nil && info.IsDir() {
			tries = append(tries, []string{argument(dir, cmd) + "/..."})
		}
	}
	var everywhere []string
	for _, module := range modules {
		everywhere = append(everywhere, argument(dir, module)+"/...")
	}
	for _, patterns := range append(tries, everywhere) {
		mains, err := t.mains(ctx, p, parsed, patterns)
		if err != nil || len(mains) > 0 {
			return mains, err
		}
	}
	return nil, &Error{Problem: NotMain, Text: "no main package in " + root,
		Hint: "name one: hotreload ./path/to/package"}
}

// depth limits the search for modules below a folder outside any module.
const depth = 3

// modulesBelow lists the folders with a go.mod below dir, without test data and vendored modules.
func modulesBelow(dir string) (modules []string) {
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || !entry.IsDir() || path == dir:
			return nil
		case strings.ContainsAny(entry.Name()[:1], "._"),
			slices.Contains([]string{"testdata", "vendor", "node_modules"}, entry.Name()):
			return fs.SkipDir
		case isFile(filepath.Join(path, "go.mod")):
			modules = append(modules, path)
			return fs.SkipDir
		case strings.Count(argument(dir, path), "/") == depth:
			return fs.SkipDir
		}
		return nil
	})
	return modules
}

// chooseBelow is Choose for the modules below dir: as if go were run in each. Even if one module is broken, the error
// is still: dir is in no module.
func chooseBelow(ctx context.Context, dir string, flags, env []string) (all []string) {
	for _, module := range modulesBelow(dir) {
		found, _ := Choose(ctx, module, flags, env)
		for _, arg := range found {
			all = append(all, argument(dir, filepath.Join(module, filepath.FromSlash(arg))))
		}
	}
	return all
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// mains lists the main packages matched by the patterns.
func (t *toolchain) mains(ctx context.Context, p Program, flags []flag, patterns []string) ([]string, error) {
	got, err := t.run(ctx, nil, slices.Concat([]string{"list", "-e", "-find", "-json=Dir,Name"}, words(flags),
		patterns)...)
	if err != nil {
		return nil, err
	}
	if !got.exit.Success() {
		return nil, problemOf(p, "go list", got.text)
	}
	packages, err := decode[listed](got.out)
	if err != nil {
		return nil, wrap(err, "go list")
	}
	var args []string
	for _, l := range packages {
		if l.Name == "main" {
			args = append(args, argument(p.Dir, l.Dir))
		}
	}
	return args, nil
}

// argument returns a folder's path as a user in dir would write it: ".", "./cmd/a", "../b".
func argument(dir, path string) string {
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		return path
	}
	rel = filepath.ToSlash(rel)
	if rel == "." || rel == ".." || strings.HasPrefix(rel, "../") {
		return rel
	}
	return "./" + rel
}
