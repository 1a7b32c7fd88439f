package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A file that is written twice within one tick of the kernel's clock, with the same size, has the same metadata.
func TestWrittenTwiceInOneTick(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	r, known := newReader(), stamp{}
	for i := range 500 {
		if err := os.WriteFile(path, fmt.Appendf(nil, "%03d", i), 0o644); err != nil {
			t.Fatal(err)
		}
		at := time.Now()
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		now := r.stamp(path, info, at, known)
		if known.same(now) {
			t.Fatalf("the content %03d was not seen", i)
		}
		known = now
	}
}

func TestStampIsTrusted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	text := make([]byte, hashMost+1)
	const hour = time.Hour
	for _, c := range []struct {
		name   string
		size   int
		mtime  time.Duration // after now
		change func(stamp) stamp
		want   bool
	}{
		{"old and equal", 3, -hour, nil, true},
		{"just written", 3, 0, nil, false},
		{"from the future", 3, hour, nil, false},
		{"other time", 3, -hour, func(s stamp) stamp { s.mtime++; return s }, false},
		{"other size", 3, -hour, func(s stamp) stamp { s.size++; return s }, false},
		{"other file", 3, -hour, func(s stamp) stamp { s.inode++; return s }, false},
		{"attributes", 3, -hour, func(s stamp) stamp { s.ctime++; return s }, false},
		{"large", len(text), -hour, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			mtime := time.Now().Add(c.mtime)
			if err := first(os.WriteFile(path, text[:c.size], 0o644), os.Chtimes(path, mtime, mtime)); err != nil {
				t.Fatal(err)
			}
			info, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			// The change time is now; the look is made as if that were a minute ago.
			at := time.Now().Add(time.Minute)
			if c.mtime == 0 {
				at = time.Now()
			}
			s := newReader().stamp(path, info, at, stamp{})
			if s.hashed != (c.size <= hashMost) {
				t.Errorf("hashed is %v", s.hashed)
			}
			later := s
			if c.change != nil {
				later = c.change(s)
			}
			if have := s.untouched(later); have != c.want {
				t.Errorf("have %v, want %v", have, c.want)
			}
		})
	}
}
