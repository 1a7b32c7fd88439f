package gobuild

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/gobuild/patch"
	"hotreload/internal/testplace"
)

// TestRandomEditsPatched builds with patches after each of many random edits. Each patched program must behave as go's,
// and must not differ from the linked one; everything else must be linked, and must be go's to the byte.
// HOTRELOAD_SOAK=1 makes it 2,000.
func TestRandomEditsPatched(t *testing.T) {
	t.Parallel()
	notShort(t)
	n := 30
	if os.Getenv("HOTRELOAD_SOAK") != "" {
		n = 2000
	}
	random := rand.New(rand.NewPCG(seedOfTests(), 18))
	for done := 0; done < n; {
		edits, own := min(n-done, 15+random.IntN(45)), rand.New(rand.NewPCG(seedOfTests(), random.Uint64()))
		done += edits
		t.Run(fmt.Sprint("until ", done), func(t *testing.T) {
			dir := testplace.Folder(t)
			generate(t, dir, own, 4+own.IntN(5))
			editAndPatch(t, program(dir), own, edits)
		})
	}
}

// TestRandomEditsPatchedOfARealModule does the same to HOTRELOAD_SOAK_MODULE, or to a copy of this very module. Its
// programs are not run to their end: they only say what they are asked for.
func TestRandomEditsPatchedOfARealModule(t *testing.T) {
	notShort(t)
	if os.Getenv("HOTRELOAD_SOAK") == "" {
		t.Skip("HOTRELOAD_SOAK=1 patches a real module")
	}
	editAndPatch(t, realModule(t), rand.New(rand.NewPCG(seedOfTests(), 18)), 1000, "--help")
}

// editAndPatch is editAndCompare with patches. Programs are run with args.
func editAndPatch(t *testing.T, p Program, random *rand.Rand, n int, args ...string) {
	t.Helper()
	p.Patch = true
	c := begin(t, p)
	c.needsPatches()
	patched := map[string]bool{}
	same := func() string { return c.patchedOrSame(patched, random.IntN(3) != 0, args) }
	c.editOften(random, n, same, kindOfWay)
}

// kindOfWay names a way for counting.
func kindOfWay(way string) string {
	switch {
	case strings.HasSuffix(way, ", and patched"):
		return "patched"
	case strings.Contains(way, "not patched: "):
		_, why, _ := strings.Cut(way, "not patched: ")
		return "linked: " + why
	case strings.HasPrefix(way, "compiled"):
		return "nothing to link"
	}
	return strings.TrimRight(way, "0123456789 ")
}

// patchedOrSame is same for a program that may be patched, now or before. With wait, it waits until the linked program
// is there.
func (c *trial) patchedOrSame(patched map[string]bool, wait bool, args []string) (way string) {
	c.Helper()
	a, err := c.build()
	now := err == nil && strings.HasSuffix(a.Way, ", and patched")
	if err != nil || !now && !patched[a.ID] {
		return c.sameAs(a, err)
	}
	patched[a.ID] = true
	out := filepath.Join(c.TempDir(), "by-go")
	said := c.byGo(out)
	if !said.exit.Success() {
		c.Fatalf("%s, but go fails: %s", a.Way, said.text)
	}
	if ours, theirs := behaviourIn(c, "", a.Path, args...), behaviourIn(c, "", out, args...); ours != theirs {
		c.Errorf("the patched program does\n%s\nand go's\n%s", ours, theirs)
	}
	if !now || !wait {
		return a.Way
	}
	for {
		select {
		case news := <-c.b.Adopted():
			if news == (Adopted{a.ID, true}) {
				return a.Way
			}
		case doubt := <-c.b.Doubts():
			c.Errorf("%v\n%s", doubt, c.reported())
			return a.Way
		case <-c.Context().Done():
			return a.Way
		}
	}
}

// The real one must fit.
var _ patchable = (*patch.Base)(nil)
