package gobuild

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"hotreload/internal/testplace"
)

// TestGoVersions makes random edits to a program that other versions of Go build, named in HOTRELOAD_TEST_GO
// ("1.25.14 1.27.4"): each result must be go's to the byte, or patched and not differ from the linked program. The fast
// way depends on the toolchain, and patching more so.
func TestGoVersions(t *testing.T) {
	versions := strings.Fields(os.Getenv("HOTRELOAD_TEST_GO"))
	if len(versions) == 0 {
		t.Skip("HOTRELOAD_TEST_GO names no versions of Go")
	}
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seedOfTests(), 1))
			dir := testplace.Folder(t)
			generate(t, dir, random, 5)
			p := program(dir)
			p.Env = append(p.Env, "GOTOOLCHAIN=go"+version)
			if ways := editAndCompare(t, p, random, 8); !anyWay(ways, fast) {
				t.Errorf("nothing went the fast way: %v", ways)
			}
			if ways := editAndPatch(t, p, random, 12); ways[patchedWay]+ways[movedWay] == 0 {
				t.Errorf("nothing was patched: %v", ways)
			}
			patchedEverything(t, "GOTOOLCHAIN=go"+version)
		})
	}
}

func anyWay(ways map[string]int, is func(way string) bool) bool {
	for way := range ways {
		if is(way) {
			return true
		}
	}
	return false
}
