package gobuild

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestPlace(t *testing.T) {
	dir := tree(t, `-- top/go.mod --
module top
-- top/in/main.go --
-- top/own/go.mod --
module own
-- top/own/cmd/x/main.go --
-- top/inner/go.mod --
module inner
-- top/inner/main.go --
-- top/go.work --
go 1.24
use (
	.
	./inner
)
-- alone/server/go.mod --
module server
-- alone/server/main.go --
-- alone/server/more.go --
-- alone/go.work --
go 1.24
`)
	for _, c := range []struct {
		name, dir string
		args      []string
		env       []string
		place     string
		there     []string
	}{
		{"no package", "top", nil, nil, "top", nil},
		{"in the module", "top", []string{"./in"}, nil, "top", []string{"./in"}},
		{"an import path", "top", []string{"own/cmd/x"}, nil, "top", []string{"own/cmd/x"}},
		{"in a module of its own", "top", []string{"./own/cmd/x"}, nil, "top/own", []string{"./cmd/x"}},
		{"files of one", "alone", []string{"server/main.go", "./server/more.go"}, nil, "alone/server",
			[]string{"./main.go", "./more.go"}},
		{"its root", "alone", []string{"./server"}, nil, "alone/server", []string{"."}},
		{"its root, from beside", "top", []string{"../alone/server"}, nil, "alone/server", []string{"."}},
		{"absolute", "top", []string{filepath.Join(dir, "alone", "server")}, nil, "alone/server", []string{"."}},
		{"in the workspace", "top", []string{"./inner"}, nil, "top", []string{"./inner"}},
		{"the workspace is off", "top", []string{"./inner"}, []string{"GOWORK=off"}, "top/inner", []string{"."}},
		{"another workspace", "top", []string{"./inner"}, []string{"GOWORK=" + filepath.Join(dir, "alone",
			"go.work")}, "top/inner",
			[]string{"."}},
		{"no modules at all", "alone", []string{"./server"}, []string{"GO111MODULE=off"}, "alone",
			[]string{"./server"}},
		{"a folder that is not there", "top", []string{"./missing"}, nil, "top", []string{"./missing"}},
	} {
		place, there := Place(filepath.Join(dir, filepath.FromSlash(c.dir)), c.args, c.env)
		if place != filepath.Join(dir, filepath.FromSlash(c.place)) || !slices.Equal(there, c.there) {
			t.Errorf("%s: have %s, %q; want %s, %q", c.name, place, there, c.place, c.there)
		}
	}
}

func TestAbsoluteFlags(t *testing.T) {
	dir := t.TempDir()
	have, err := AbsoluteFlags(dir, []string{"-race", "-overlay", "o.json", "-pgo=auto", "-tags=x"})
	want := []string{"-race", "-overlay=" + filepath.Join(dir, "o.json"), "-pgo=auto", "-tags=x"}
	if err != nil || !slices.Equal(have, want) {
		t.Errorf("have %q, %v; want %q", have, err, want)
	}
}

func TestPlaceOfTests(t *testing.T) {
	dir := tree(t, `-- top/go.mod --
module top
-- top/cmd/x/main.go --
-- top/inner/go.mod --
module inner
-- top/own/go.mod --
module own
-- top/own/main.go --
-- top/go.work --
go 1.24
use (
	.
	./inner
	./gone
)
`)
	everything := []string{"./..."}
	for _, c := range []struct {
		name, dir string
		args, env []string
		place     string
		patterns  []string
	}{
		{"in a workspace", "top/cmd", []string{"./x"}, nil, "top", []string{"./...", "./inner/..."}},
		{"another module of it", "top/inner", []string{"."}, nil, "top", []string{"./...", "./inner/..."}},
		{"outside of it", "top", []string{"./own/main.go"}, nil, "top/own", everything},
		{"it is off", "top/cmd", []string{"./x"}, []string{"GOWORK=off"}, "top", everything},
		{"an import path", "top/inner", []string{"inner"}, []string{"GOWORK=off"}, "top/inner", everything},
		{"no module", "", []string{"."}, nil, "", everything},
	} {
		place, patterns := PlaceOfTests(filepath.Join(dir, filepath.FromSlash(c.dir)), c.args, c.env)
		if place != filepath.Join(dir, filepath.FromSlash(c.place)) || !slices.Equal(patterns, c.patterns) {
			t.Errorf("%s: have %s, %q; want %s, %q", c.name, place, patterns, c.place, c.patterns)
		}
	}
}
