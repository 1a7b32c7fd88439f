//go:build linux || darwin

package testplace

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"hotreload/lock"
)

// take finds a free place, and gives the place back when the test ends.
func take(t testing.TB) string {
	t.Helper()
	all := filepath.Join(os.TempDir(), fmt.Sprintf("hotreload-%d-tests", os.Getuid()))
	if err := os.MkdirAll(all, 0o755); err != nil {
		t.Fatal(err)
	}
	all, err := filepath.EvalSymlinks(all)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(all)
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Getuid() {
		t.Fatalf("%s belongs to user %d", all, owner)
	}
	for n := 1; ; n++ {
		root := filepath.Join(all, fmt.Sprint(n))
		file, err := os.OpenFile(root+".lock", os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if held, err := lock.Try(file); err != nil {
			t.Fatal(err)
		} else if held {
			file.Close()
			continue
		}
		t.Cleanup(func() {
			if err := os.RemoveAll(root); err != nil {
				t.Errorf("files cannot be removed: %v", err)
			}
			file.Close()
		})
		if err := os.RemoveAll(root); err != nil { // left by a killed run
			t.Fatal(err)
		}
		if err := os.Mkdir(root, 0o777); err != nil {
			t.Fatal(err)
		}
		return root
	}
}
