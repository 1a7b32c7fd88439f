package e2e

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"hotreload/gobuild/patch"
)

// TestPatch saves a program with --build=patch: the patched program serves, is confirmed by the linker, and stays.
func TestPatch(t *testing.T) {
	t.Parallel()
	notShort(t)
	if why := patch.Supported(runtime.Version(), runtime.GOOS, runtime.GOARCH); why != "" {
		t.Skip(why)
	}
	dir := newModule(t, nil)
	s := startControlled(t, dir, "-v", "--build=patch", ".", "{addr}")
	s.waitForAll(`generation 1 serves`, `the program is read: the next build can patch it`)
	for generation := 2; generation < 5; generation++ {
		word := fmt.Sprintf("v%d", generation)
		s.save("version.go", version(word, ""))
		built := s.waitFor(`built: (.*)`)[1]
		s.waitFor(fmt.Sprintf(`generation %d serves`, generation))
		if s.serves(word); !strings.HasSuffix(built, ", and patched") {
			t.Fatal(built)
		}
		pid := s.pid()
		s.waitFor(`the linker has confirmed the patched program`)
		if now := s.pid(); now != pid {
			t.Errorf("worker %d was replaced by %d", pid, now)
		}
		if out, _ := s.command("status"); !strings.Contains(out, "and patched, and confirmed by the linker") {
			t.Errorf("status says %s", out)
		}
		if out, _ := s.command("explain", "version.go"); !strings.Contains(out, "and patched") {
			t.Errorf("explain says %s", out)
		}
	}
}
