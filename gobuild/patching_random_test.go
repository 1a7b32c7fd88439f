package gobuild

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"hotreload/gobuild/patch"
	"hotreload/internal/testplace"
)

// TestRandomEditsPatched builds after many random edits, until 200 programs were patched. Each must behave as the
// linked one, and must not differ from it in anything that the runtime sees. HOTRELOAD_SOAK=1 makes it 2,000.
func TestRandomEditsPatched(t *testing.T) {
	t.Parallel()
	notShort(t)
	if why := patch.Supported(runtime.Version(), runtime.GOOS, runtime.GOARCH); why != "" {
		t.Skip(why)
	}
	n := 200
	if os.Getenv("HOTRELOAD_SOAK") != "" {
		n = 2000
	}
	random := rand.New(rand.NewPCG(seedOfTests(), 18))
	moved := 0
	for module, done := 1, 0; done < n; module++ {
		before, edits := done, 40+random.IntN(40)
		t.Run(fmt.Sprint("module ", module), func(t *testing.T) {
			dir, own := testplace.Folder(t), rand.New(rand.NewPCG(seedOfTests(), random.Uint64()))
			generate(t, dir, own, 4+own.IntN(5))
			ways := editAndPatch(t, program(dir), own, edits)
			done += ways[patchedWay] + ways[movedWay]
			moved += ways[movedWay]
		})
		if t.Failed() || done == before {
			t.Fatalf("module %d: %d patched", module, done-before)
		}
	}
	if moved == 0 {
		t.Error("importers have never stayed behind")
	}
}

// TestRandomEditsPatchedOfARealModule does the same to HOTRELOAD_SOAK_MODULE, or to a copy of this very module. Its
// programs are run with the arguments HOTRELOAD_SOAK_ARGS, by default --help; they must end, and say the same each
// time.
func TestRandomEditsPatchedOfARealModule(t *testing.T) {
	notShort(t)
	if os.Getenv("HOTRELOAD_SOAK") == "" {
		t.Skip("HOTRELOAD_SOAK=1 patches a real module")
	}
	n, args := 1000, []string{"--help"}
	if text := os.Getenv("HOTRELOAD_SOAK_EDITS"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	if text := os.Getenv("HOTRELOAD_SOAK_ARGS"); text != "" {
		args = strings.Fields(text)
	}
	editAndPatch(t, realModule(t), rand.New(rand.NewPCG(seedOfTests(), 18)), n, args...)
}

// editAndPatch is editAndCompare with patches. Programs are run with args.
func editAndPatch(t *testing.T, p Program, random *rand.Rand, n int, args ...string) (ways map[string]int) {
	t.Helper()
	p.Patch = true
	c := begin(t, p)
	c.needsPatches()
	c.milder = 2
	r := &patchedEdits{trial: c, args: args, patched: map[string]bool{}}
	return c.editOften(random, n, func() string { return r.same(random.IntN(4) != 0) }, kindOfWay)
}

// Kinds of ways.
const (
	patchedWay = "patched"
	movedWay   = "patched, with moved lines"
)

// kindOfWay names a way for counting.
func kindOfWay(way string) string {
	switch {
	case strings.Contains(way, ", moved lines in "):
		return movedWay
	case strings.HasSuffix(way, ", and patched"):
		return patchedWay
	case strings.Contains(way, "not patched: "):
		_, why, _ := strings.Cut(way, "not patched: ")
		return "linked: " + why
	case strings.HasPrefix(way, "compiled"):
		return "nothing to link"
	}
	return strings.TrimRight(way, "0123456789 ")
}

// patchedEdits compares the programs after edits, patched or not.
type patchedEdits struct {
	*trial
	args    []string        // of the programs
	edits   int             // so far
	patched map[string]bool // by ID: the programs that were patched
}

// goEvery is after how many edits the result is compared with go build's. All other patched programs are compared with
// the linked ones of hotreload, which takes half the time and proves as much: the linked ones are go's to the byte, as
// TestRandomEditsOfGeneratedModules shows, and each nth edit here.
const goEvery = 20

// same builds. It requires the behaviour of the linked program of a patched one, and, with wait, that the comparison
// finds no difference. Each goEvery-th edit, it requires go build's result, patched or not.
func (r *patchedEdits) same(wait bool) (way string) {
	r.Helper()
	r.edits++
	byGo := r.edits%goEvery == 0
	a, err := r.build()
	if err != nil {
		if failed := (*BuildError)(nil); byGo || !errors.As(err, &failed) {
			return r.sameAs(nil, err)
		}
		return ""
	}
	now := strings.HasSuffix(a.Way, ", and patched")
	r.patched[a.ID] = r.patched[a.ID] || now
	switch {
	case !now && byGo && !r.patched[a.ID]:
		return r.sameAs(a, nil)
	case !now && !byGo:
		return a.Way
	}
	var linked, id string
	if now && wait {
		linked, id = r.confirmation(a)
	} else {
		linked, id = r.link()
	}
	if r.Failed() || linked == "" {
		return a.Way
	}
	if byGo {
		linked = filepath.Join(r.TempDir(), "by-go")
		if said := r.byGo(linked); !said.exit.Success() {
			r.Fatalf("%s, but go fails: %s", a.Way, said.text)
		}
		if theirs, err := contentID(linked); err != nil || theirs != id {
			r.Errorf("hotreload links %s, and go %s (%v)", id, theirs, err)
		}
	}
	ours, theirs := behaviourIn(r, "", a.Path, r.args...), behaviourIn(r, "", linked, r.args...)
	if addresses.ReplaceAllString(ours, "0x") != addresses.ReplaceAllString(theirs, "0x") {
		r.Errorf("the patched program does\n%s\nand the linked one\n%s", ours, theirs)
	}
	return a.Way
}

// addresses are in the stacks of panics. Those of a patched program are others.
var addresses = regexp.MustCompile(`0x[0-9a-f]+`)

// confirmation waits until the linked program of a patched one is there and is found to be the same. It returns where
// the linked program is, and its ID.
func (r *patchedEdits) confirmation(a *Artifact) (path, id string) {
	r.Helper()
	r.b.short.mu.Lock()
	ended := r.b.short.ended
	r.b.short.mu.Unlock()
	for {
		select {
		case news := <-r.b.Adopted():
			if news != (Adopted{a.ID, true}) {
				continue // that of an earlier build
			}
			r.b.short.mu.Lock()
			defer r.b.short.mu.Unlock()
			b := r.b.short.at(r.p.key()).patching.base
			return b.program, b.bp.artifact
		case doubt := <-r.b.Doubts():
			r.Errorf("%v\n%s", doubt, r.reported())
			return "", ""
		case <-ended:
			if len(r.b.Adopted())+len(r.b.Doubts()) == 0 {
				r.Errorf("%s: not confirmed", a.Way)
				return "", ""
			}
		}
	}
}

// link links the program as it was built last.
func (r *patchedEdits) link() (path, id string) {
	r.Helper()
	l := r.b.learner(nil, r.p, nil, r.g, nil)
	t, err := r.p.toolchain()
	if err != nil {
		r.Fatal(err)
	}
	work := r.TempDir()
	bp := *l.blueprint()
	bp.units = maps.Clone(bp.units)
	m := &remake{t: t, bp: &bp, work: work, thrift: &r.b.thrift,
		proved: func(string) (same, known bool) { return true, true }}
	if doubt, err := m.catchUp(r.Context()); doubt != "" || err != nil {
		r.Fatal(doubt, err)
	}
	id, doubt, err := m.linkTo(r.Context(), filepath.Join(work, "linked"))
	if doubt != "" || err != nil {
		r.Fatal(doubt, err)
	}
	return filepath.Join(work, "linked"), id
}

// The real one must fit.
var _ patchable = (*patch.Base)(nil)
