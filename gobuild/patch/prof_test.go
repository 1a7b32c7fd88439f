package patch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProf(t *testing.T) {
	s := &source{dir: "/tmp/pt/src", pkg: "."}
	s.compile(t)
	b := s.open(t)
	file := filepath.Join(s.dir, "process/process.go")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(file, text, 0o644)
	os.WriteFile(file, []byte(strings.Replace(string(text), "\nimport", "\n// a line\n\nimport", 1)), 0o644)
	changed := s.compile(t)
	out := filepath.Join(t.TempDir(), "patched")
	t0 := time.Now()
	for range 40 {
		os.Remove(out)
		r, err := b.Patch(t.Context(), changed, out)
		if err != nil {
			t.Fatal(err)
		}
		if time.Since(t0) < 400*time.Millisecond {
			t.Log(len(changed), r, time.Since(t0))
		}
	}
	t.Log(time.Since(t0) / 40)
}
