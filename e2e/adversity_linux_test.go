package e2e

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

// peakMemory returns the maximal memory of a process so far, in kB.
func peakMemory(t *testing.T, pid int) (kB int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Sscan(string(regexp.MustCompile(`VmHWM:\s*(\d+)`).FindSubmatch(status)[1]), &kB)
	return kB
}

// asMortal starts a process that is subject to permissions even if its user is root.
func asMortal(start func() error) error {
	if os.Getuid() != 0 {
		return start()
	}
	result := make(chan error)
	go func() { // ends after start, with its thread: only this thread has given up its capabilities
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
	_ = os.WriteFile(filler, make([]byte, 64<<20), 0o666) // as much as the disk takes
	s.save("version.go", version("v2", ""))
	s.waitFor(`build failed .*now stale, keeps serving\n(.*\n)*.*no space left on device\nhint: free some`)
	s.serves("v1")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.save("version.go", version("v3", ""))
	s.serves("v3")
}

// A file of 2 GB in a watched folder is not read, so it costs neither time nor memory.
func TestHugeFile(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"assets/a.txt": "a"})
	huge := filepath.Join(dir, "assets", "huge")
	if err := os.WriteFile(huge, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, 2<<30); err != nil { // a hole, which needs no space
		t.Fatal(err)
	}
	s := start(t, dir, "-w", "assets", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	read := func() (bytes int) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", s.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Sscan(string(regexp.MustCompile(`rchar: (\d+)`).FindSubmatch(text)[1]), &bytes)
		return bytes
	}
	for i := 2; i < 6; i++ {
		if err := os.Truncate(huge, 2<<30+int64(i)); err != nil {
			t.Fatal(err)
		}
		s.waitFor(fmt.Sprintf(`generation %d serves: assets/huge → restart`, i))
	}
	if mb := peakMemory(t, s.cmd.Process.Pid) >> 10; mb > 256 {
		t.Errorf("hotreload used %d MB", mb)
	}
	if mb := read() >> 20; mb > 1024 {
		t.Errorf("hotreload read %d MB", mb)
	}
}
