package settings

import (
	"fmt"
	"slices"
	"time"

	"hotreload/gobuild"
	"hotreload/killswitch"
	"hotreload/runner"
)

// Tests is what hotreload tests, and how.
type Tests struct {
	Values  *Values
	Program gobuild.Program // names the packages, by patterns
	Flags   []string        // of go test, those of builds included
	Poll    time.Duration
	Memory  string // the file that remembers what tests opened; "": there is no place for it
	Ignore  func(folders, trees []string) runner.Ignorer
}

// ofTests are the flags that mean something for hotreload test.
var ofTests = []*Setting{Ignore.Setting, Config.Setting, Quiet.Setting, Verbose.Setting, Poll.Setting,
	NoGitignore.Setting, Color.Setting}

// Tests reads the settings of `hotreload test`: the wishes' arguments are packages, by default all below this folder.
// testFlags are the given flags of go test.
func (w *Wishes) Tests(testFlags []string) (*Tests, error) {
	for _, given := range w.given {
		if !slices.ContainsFunc(ofTests, func(s *Setting) bool { return s.Name == given.name }) {
			return nil, Usage(fmt.Errorf("--%s means nothing for hotreload test", given.name),
				"flags of go test stand after --: hotreload test ./... -- -short")
		}
	}
	r := &Resolved{}
	if err := w.ofHotreload(r); err != nil {
		return nil, err
	}
	return w.tests(r, w.Dir, w.args, testFlags), nil
}

// Beside returns the tests to run beside the services: all of the module of the first program, or of its workspace.
func (w *Wishes) Beside(r *Resolved) (*Tests, error) {
	p, v := gobuild.Program{Dir: w.Dir}, r.Values
	built := func(s *Service) bool { return s.Config.Command == nil }
	if i := slices.IndexFunc(r.Services, built); i >= 0 {
		p, v = r.Services[i].Config.Program, r.Services[i].Values
	}
	place, patterns := gobuild.PlaceOfTests(p.Dir, p.Args, w.env)
	t := w.tests(r, place, patterns, nil)
	var err error
	t.Flags, err = gobuild.AbsoluteFlags(w.Dir, v.GoFlags)
	return t, err
}

// tests returns the tests of packages, with the flags and variables of builds.
func (w *Wishes) tests(r *Resolved, dir string, packages, testFlags []string) *Tests {
	v := r.Values
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	p := gobuild.Program{Dir: dir, Args: packages, Env: w.env}
	if r.file != nil {
		p.Set = withVariables(w.env, BuildEnv.in(r.file.top))[len(w.env):]
	}
	memory, _ := killswitch.Place(rootOf(dir), "tests", ".json")
	return &Tests{Values: v, Program: p, Flags: slices.Concat(v.GoFlags, testFlags), Poll: Poll.Of(v), Memory: memory,
		Ignore: ignorer(v, w.Dir)}
}

// ErrTestFlag makes an error about a flag of go test one of usage.
func ErrTestFlag(err error) error {
	return Usage(err, "go help testflag lists the flags of go test")
}
