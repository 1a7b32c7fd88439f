package gobuild

import (
	"slices"
	"testing"
)

// TestDebuggedFlags: the user's own packages are compiled for a debugger, in all modules of a workspace, and no others.
func TestDebuggedFlags(t *testing.T) {
	g := &Graph{
		Module: Module{Path: "example.com/app"},
		Local: []Package{
			{ImportPath: "example.com/app"}, {ImportPath: "example.com/app/inner"}, {ImportPath: "example.com/apple"},
			{ImportPath: "example.com/beside"}, {ImportPath: "example.com/foreign", Vendored: true},
		},
	}
	for _, c := range []struct {
		d    Debugged
		want []string
	}{
		{NotDebugged, nil},
		{AllPackages, []string{"-gcflags=all=-N -l"}},
		{OwnPackages, []string{
			"-gcflags=example.com/app/...=-N -l", "-gcflags=example.com/apple=-N -l", "-gcflags=example.com/beside=-N -l",
		}},
	} {
		if have := c.d.flags(g); !slices.Equal(have, c.want) {
			t.Errorf("%v: have %q, want %q", c.d, have, c.want)
		}
	}
	without := &Graph{Local: []Package{{ImportPath: "command-line-arguments"}}} // files outside a module
	want := []string{"-gcflags=command-line-arguments=-N -l"}
	if have := OwnPackages.flags(without); !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
}
