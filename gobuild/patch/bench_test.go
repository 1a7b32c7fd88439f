package patch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkSave measures what a save costs with patching and with the linker, for a small program, or for the module in
// HOTRELOAD_PATCH_HISTORY: the first file of package main gets a line more.
func BenchmarkSave(b *testing.B) {
	s := &source{dir: os.Getenv("HOTRELOAD_PATCH_HISTORY"), pkg: os.Getenv("HOTRELOAD_PATCH_PACKAGE")}
	file := filepath.Join(s.dir, os.Getenv("HOTRELOAD_PATCH_FILE"))
	if s.dir == "" {
		s = newSource(b, baseProgram)
		file = filepath.Join(s.dir, "lib/lib.go")
	}
	s.compile(b)
	base := s.open(b)
	before := s.archives
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = os.WriteFile(file, text, 0o600) }()
	edited := strings.Replace(string(text), "\nimport", "\n// a line more\n\nimport", 1)
	if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
		b.Fatal(err)
	}
	changed := s.compile(b)
	out := filepath.Join(b.TempDir(), "patched")
	b.Run("patch", func(b *testing.B) {
		for range b.N {
			if _, err := base.Patch(b.Context(), changes(changed), out); err != nil {
				b.Fatal(err)
			}
			if err := os.Remove(out); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(changed)), "packages")
	})
	b.Run("first", func(b *testing.B) { // as after a rest, for a package that was edited before
		for path := range changed {
			base.likely[path] = Change{Archive: before[path]}
		}
		for range b.N {
			b.StopTimer()
			base.rest()
			base.rehearse(b.Context())
			b.StartTimer()
			if _, err := base.Patch(b.Context(), changes(changed), out); err != nil {
				b.Fatal(err)
			}
			if err := os.Remove(out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("link", func(b *testing.B) {
		for range b.N {
			s.link(b)
		}
	})
	link := s.link(b)
	b.Run("open", func(b *testing.B) {
		for range b.N {
			opened, err := Open(b.Context(), link)
			if err != nil {
				b.Fatal(err)
			}
			_ = opened.Close()
		}
	})
	exact := s.open(b)
	if _, err := base.Patch(b.Context(), changes(changed), out); err != nil {
		b.Fatal(err)
	}
	b.Run("compare", func(b *testing.B) {
		for range b.N {
			if found, err := exact.Compare(b.Context(), out, 1); err != nil || len(found) > 0 {
				b.Fatal(found, err)
			}
		}
	})
}
