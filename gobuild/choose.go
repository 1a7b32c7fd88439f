package gobuild

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Choose finds what to run if nobody said: the main package in dir; else those below cmd/ of dir, or of the module's
// root; else all of the module or workspace. The answer is arguments for Program.Args, one for each package ("./cmd/a"); never
// none without an error. If there are several the caller asks.
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
	case s.GOWORK != "": // above its modules: ./... would match nothing
		root = filepath.Dir(s.GOWORK)
		modules = foldersNamed(s.GOWORK)
	default:
		modules = []string{dir} // go will say that there is none
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
	return nil, &Error{Problem: NotMain, Text: "no main package in " + root, Hint: "name one: hotreload ./path/to/package"}
}

// mains lists the main packages that the patterns match.
func (t *toolchain) mains(ctx context.Context, p Program, flags []flag, patterns []string) ([]string, error) {
	got, err := t.run(ctx, nil, slices.Concat([]string{"list", "-e", "-find", "-json=Dir,Name"}, words(flags), patterns)...)
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

// argument is how a user in dir would write the folder path: ".", "./cmd/a", "../b".
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
