package e2e

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotreload/gobuild/patch"
)

// TestPatch saves a program: the patched program serves, is confirmed by the linker, and stays.
func TestPatch(t *testing.T) {
	t.Parallel()
	s := startPatching(t)
	for generation := 2; generation < 5; generation++ {
		word := fmt.Sprintf("v%d", generation)
		s.save("version.go", version(word, ""))
		built := s.waitFor(`built: (.*)`)[1]
		s.waitFor(fmt.Sprintf(`generation %d serves`, generation))
		if s.serves(word); !strings.HasSuffix(built, ", and patched") {
			t.Fatal(built)
		}
		pid := s.pid()
		s.waitFor(`the linker has confirmed the patched program`)
		if now := s.pid(); now != pid {
			t.Errorf("worker %d was replaced by %d", pid, now)
		}
		if out, _ := s.command("status"); !strings.Contains(out, "and patched, and confirmed by the linker") {
			t.Errorf("status says %s", out)
		}
		if out, _ := s.command("explain", "version.go"); !strings.Contains(out, "and patched") {
			t.Errorf("explain says %s", out)
		}
	}
}

// startPatching starts hotreload, and returns when the next save can be patched.
func startPatching(t *testing.T) *session {
	t.Helper()
	notShort(t)
	if why := patch.Supported(runtime.Version(), runtime.GOOS, runtime.GOARCH); why != "" {
		t.Skip(why)
	}
	s := startControlled(t, newModule(t, nil), "-v", ".", "{addr}")
	s.waitForAll(`generation 1 serves`, `the program is read: the next build can patch it`)
	return s
}

// TestWrongPatch gives hotreload a patched program with a fault: while the linker makes the linked one, a byte of the
// patched program's file is changed. The linked program must replace the patched one without a lost request, a line
// must name the report, and nothing may be patched any more.
func TestWrongPatch(t *testing.T) {
	t.Parallel()
	s := startPatching(t)
	s.save("version.go", version("patched", ""))
	linker := s.stopLinker()
	if built := s.waitFor(`built: (.*)`)[1]; !strings.HasSuffix(built, ", and patched") {
		t.Fatal(built)
	}
	s.waitFor(`generation 2 serves`)
	s.serves("patched")
	wrong := s.pid()
	damageCode(t, fmt.Sprintf("/proc/%d/exe", wrong))
	load := s.load()
	if err := syscall.Kill(linker, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.waitFor(`the linker does not confirm a patched program \(.+: go build builds it again, and .* hotreload links`)
	report := s.waitFor(`hint: .*please report it, with (\S+\.txt)\. --build=link avoids it`)[1]
	s.waitFor(`generation 3 serves`)
	if requests, lost := load(); requests == 0 || len(lost) > 0 {
		t.Errorf("%d of %d requests are lost: %v", len(lost), requests, lost)
	}
	s.serves("patched")
	if s.pid() == wrong {
		t.Error("the wrong program serves on")
	}
	if text, err := os.ReadFile(report); err != nil || !bytes.Contains(text, []byte("patched packages: main\n")) ||
		!bytes.Contains(text, []byte("contents: ")) {
		t.Errorf("the report is %s, %v", text, err)
	}
	for generation := 4; generation < 6; generation++ {
		for _, args := range [][]string{{"status"}, {"explain", "version.go"}} {
			if out, _ := s.command(args...); !strings.Contains(out, "a patch was wrong") || strings.Contains(out, "patched,") {
				t.Errorf("%v says %s", args, out)
			}
		}
		word := fmt.Sprintf("v%d", generation)
		s.save("version.go", version(word, ""))
		s.waitFor(fmt.Sprintf(`generation %d serves`, generation))
		s.serves(word)
	}
	load = s.load() // the control: these clients do notice
	_, _ = s.command("stop")
	s.exit()
	if _, lost := load(); len(lost) == 0 {
		t.Error("no client has noticed the end")
	}
}

// stopLinker stops the next linker that makes a program to compare with, and returns its process ID.
func (s *session) stopLinker() (pid int) {
	s.t.Helper()
	cache := filepath.Join(s.dir, "..", "cache")
	linked := []byte(filepath.Clean(cache) + "/")
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		processes, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, path := range processes {
			line, _ := os.ReadFile(path)
			args := bytes.Split(line, []byte{0})
			if filepath.Base(string(args[0])) != "link" || len(args) < 3 || !bytes.HasPrefix(args[2], linked) ||
				filepath.Base(string(args[2])) != "linked" {
				continue
			}
			pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				s.t.Fatal(err)
			}
			s.t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
			return pid
		}
	}
	s.t.Fatal("no linker runs")
	return 0
}

// damageCode puts a copy with another byte of code in the place of a program. The running one cannot be changed.
func damageCode(t *testing.T, link string) {
	t.Helper()
	path, err := os.Readlink(link)
	if err != nil {
		t.Fatal(err)
	}
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var code *elf.Prog // the last is the patch's
	for _, p := range file.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 {
			code = p
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[code.Off+2] ^= 1
	copied := path + "~"
	if err := os.WriteFile(copied, content, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(copied, path); err != nil {
		t.Fatal(err)
	}
}
