package patch

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestMemoryOfABase: a base holds little memory of its own, and of the mapped files only what the next patch reads.
func TestMemoryOfABase(t *testing.T) {
	s := newSource(t, baseProgram)
	s.compile(t)
	link := s.link(t)
	before, used := held(), allocated()
	b, err := Open(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	used = allocated() - used
	// 57 bytes for a program of 20 MB, 43 for this one. With maps that contain the keys, it was 130.
	const most = 70
	if each := (held() - before) / len(b.program.defs); each > most {
		t.Errorf("a base holds %d bytes for each of %d symbols; at most %d are expected", each, len(b.program.defs), most)
	}
	// What is only needed for a while makes the peak.
	const mostUsed = 120
	if each := used / len(b.program.defs); each > mostUsed {
		t.Errorf("Open allocates %d bytes for each symbol; at most %d are expected", each, mostUsed)
	}
	mapped := func() (kB int) {
		kB = resident(t, link.Image)
		for _, file := range link.Archives {
			kB += resident(t, file)
		}
		return kB
	}
	all := 0 // without a rest, Open leaves nearly all of the image and of the symbols in memory
	for _, file := range append(slices.Collect(maps.Values(link.Archives)), link.Image) {
		if info, err := os.Stat(file); err == nil {
			all += int(info.Size() >> 10)
		}
	}
	few := all / 5
	if kB := mapped(); kB > few {
		t.Errorf("after Open, %d kB of the files are in memory, of %d kB", kB, all)
	}
	used = allocated()
	if _, err := b.Compare(t.Context(), link.Image, 1); err != nil {
		t.Fatal(err)
	}
	const mostCompared = 40
	if each := (allocated() - used) / len(b.program.defs); each > mostCompared {
		t.Errorf("Compare allocates %d bytes for each symbol; at most %d are expected", each, mostCompared)
	}
	if kB := mapped(); kB > few {
		t.Errorf("after Compare, %d kB of the files are in memory, of %d kB", kB, all)
	}
	b.rest()
	if kB := mapped(); kB > 0 {
		t.Errorf("after a rest, %d kB of the files are in memory", kB)
	}
	if string(bytes.Clone(b.layout.image.data[:4])) != "\x7fELF" || mapped() == 0 {
		t.Error("the test does not see that a file is in memory")
	}
}

// held returns the bytes that the program holds.
func held() int {
	runtime.GC()
	runtime.GC() // what has a finalizer or a pool is gone only now
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// allocated returns the bytes that the program has ever allocated.
func allocated() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.TotalAlloc)
}

// resident returns how much of a mapped file is in this process's memory, in kB.
func resident(t *testing.T, file string) (kB int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	in := false
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(line, " ")
		if !strings.HasSuffix(name, ":") { // the head of the next mapping
			in = strings.HasSuffix(strings.TrimSpace(line), " "+file)
		}
		var n int
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &n); err == nil && in {
			kB += n
		}
	}
	return kB
}
