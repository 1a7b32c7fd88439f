package patch

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestScratch(t *testing.T) {
	img, cfg, main := os.Getenv("IMG"), os.Getenv("CFG"), os.Getenv("MAIN")
	arch, err := readConfig(cfg, os.Getenv("PKG"), main)
	if err != nil {
		t.Fatal(err)
	}
	t0 := time.Now()
	b, err := Open(t.Context(), Link{img, arch, "go1.26.8"})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(t0), len(b.live.used), len(b.live.called), len(b.live.dropped), b.live.named, b.live.reflect, len(b.tasks), len(b.inlined))
	var ms runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&ms)
	t.Log("heap", ms.HeapAlloc>>20)
	b.Close()
}
