package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// peakMemory is the most that a process had at any time, in kB.
func peakMemory(t *testing.T, pid int) (kB int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Sscan(string(regexp.MustCompile(`VmHWM:\s*(\d+)`).FindSubmatch(status)[1]), &kB)
	return kB
}

// asMortal starts a process for which permissions hold even if its user is root.
func asMortal(start func() error) error {
	if os.Getuid() != 0 {
		return start()
	}
	result := make(chan error)
	go func() { // ends after start, and takes the thread with it, which alone gives up its powers
		runtime.LockOSThread()
		for _, power := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH} {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, power, 0, 0, 0); err != nil {
				result <- err
				return
			}
		}
		result <- start()
	}()
	return <-result
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := newModule(t, nil)
	cache := filepath.Join(dir, "..", "small")
	if err := os.Mkdir(cache, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", cache, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(cache, syscall.MNT_DETACH) })
	s := setup{env: []string{"HOTRELOAD_CACHE=" + cache}}.start(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	filler := filepath.Join(cache, "filler")
	_ = os.WriteFile(filler, make([]byte, 64<<20), 0o666) // as far as it goes
	s.save("version.go", version("v2", ""))
	s.waitFor(`build failed .*now stale, keeps serving\n(.*\n)*.*no space left on device\nhint: free some`)
	s.serves("v1")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.save("version.go", version("v3", ""))
	s.serves("v3")
}
