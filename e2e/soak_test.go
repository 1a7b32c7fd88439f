//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soak makes some tests longer: HOTRELOAD_SOAK=1 go test -run Flat -timeout 1h ./e2e
var soak = os.Getenv("HOTRELOAD_SOAK") != ""

// usage is the resources of a process, from /proc.
type usage struct{ files, threads, kilobytes int }

func usageOf(t *testing.T, pid int) usage {
	t.Helper()
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	files, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		t.Fatal(err)
	}
	number := func(name string) (n int) {
		fmt.Sscan(string(regexp.MustCompile(name + `:\s*(\d+)`).FindSubmatch(status)[1]), &n)
		return n
	}
	return usage{len(files), number("Threads"), number("VmRSS")}
}

// goroutines ends hotreload with a dump and counts its goroutines.
func (s *session) goroutines() int {
	s.t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGABRT)
	<-s.done
	return strings.Count(s.text(), "\ngoroutine ")
}

// reloadTimes saves n times, and waits after each save until the reload is complete and the old worker is gone. It
// needs -v.
func (s *session) reloadTimes(n, from int) {
	s.t.Helper()
	for i := range n {
		s.save("version.go", version(fmt.Sprint("v", from+i), ""))
		s.waitFor(fmt.Sprintf(`worker of generation %d has exited`, from+i-1))
	}
}

// hotreload's resources do not grow with the number of reloads. Memory is compared where programs are linked: a program
// that is read for patches comes and goes. With HOTRELOAD_SOAK, TestPatchUnderLoad compares its memory.
func TestFlatOverReloads(t *testing.T) {
	for _, way := range []string{"auto", "link"} {
		t.Run(way, func(t *testing.T) { flatOverReloads(t, way) })
	}
}

func flatOverReloads(t *testing.T, way string) {
	few, many := 3, 12
	if soak {
		many = 500
	}
	dir := newModule(t, nil)
	short := start(t, dir, "-v", "--build="+way, ".", "{addr}")
	short.waitFor(`generation 1 serves`)
	short.reloadTimes(few, 2)
	want := short.goroutines()

	s := start(t, dir, "-v", "--build="+way, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.reloadTimes(few, 2)
	before := usageOf(t, s.cmd.Process.Pid)
	s.reloadTimes(many, 2+few)
	after := usageOf(t, s.cmd.Process.Pid)
	have := s.goroutines()
	t.Logf("%d reloads: files %d -> %d, threads %d -> %d, RSS %d -> %d kB, goroutines %d -> %d",
		many, before.files, after.files, before.threads, after.threads, before.kilobytes, after.kilobytes, want, have)
	// At either time a child of the builder may run for work between builds, with some files and goroutines.
	if after.files > before.files+6 {
		t.Errorf("open files grew from %d to %d", before.files, after.files)
	}
	if have > want+6 {
		t.Errorf("goroutines grew from %d to %d", want, have)
	}
	if after.threads > before.threads+8 {
		t.Errorf("threads grew from %d to %d", before.threads, after.threads)
	}
	// The heap varies, with -race on a busy machine by 8 MB; a leak grows with the reloads.
	if grown := after.kilobytes - before.kilobytes; way == "link" && grown > 16<<10 {
		t.Errorf("RSS grew by %d kB", grown)
	}
}

// With the build plan of a program of 1,000 packages in memory, 800 of them its own, hotreload uses less than 40 MB, if
// it does not patch.
func TestMemoryOfALargeProgram(t *testing.T) {
	if !soak {
		t.Skip("compiles 1,000 packages: only with HOTRELOAD_SOAK=1")
	}
	const packages, most = 800, 40_000
	files := map[string]string{}
	for i := range packages {
		var imports, uses strings.Builder
		for j := max(0, i-5); j < i; j++ {
			fmt.Fprintf(&imports, "\t\"example.com/app/folder/p%d\"\n", j)
			fmt.Fprintf(&uses, "\tx += p%d.Number(x)\n", j)
		}
		for f := range 3 {
			if f > 0 {
				imports.Reset()
				uses.Reset()
			}
			files[fmt.Sprintf("folder/p%d/file%d.go", i, f)] = fmt.Sprintf("package p%d\n\nimport (\n\t\"strings\"\n%s)\n\n"+
				"func %s(x int) int {\n%s\treturn x + len(strings.Repeat(\"a\", x))\n}\n", i, &imports,
				[]string{"Number", "Second", "Third"}[f], &uses)
		}
	}
	files["more.go"] = fmt.Sprintf(`package main

import (
	_ "archive/zip"
	_ "database/sql"
	_ "encoding/gob"
	_ "encoding/xml"
	_ "go/types"
	_ "html/template"
	_ "image/png"
	_ "net/http/httputil"
	_ "net/http/pprof"
	_ "net/rpc"
	_ "net/smtp"
	_ "testing"

	"example.com/app/folder/p%d"
)

var _ = p%[1]d.Number
`, packages-1)
	s := start(t, newModule(t, files), "-v", "--build=link", ".", "{addr}")
	limit := time.Now().Add(20 * time.Minute)
	for round := 1; ; round++ {
		s.save(fmt.Sprintf("folder/p%d/file1.go", packages-1), fmt.Sprintf("package p%d\n\nfunc init() { println(%d) }\n",
			packages-1, round))
		s.waitForWithin(time.Until(limit), `generation \d+ serves`)
		if regexp.MustCompile(`compiled \d+ of 80\d packages and linked`).MatchString(s.text()) {
			break
		}
		time.Sleep(time.Duration(round) * 3 * time.Second) // no event reports the plan, and a build delays it
	}
	have := usageOf(t, s.cmd.Process.Pid)
	t.Logf("%s, %d kB", regexp.MustCompile(`\d+ packages`).FindString(s.text()), have.kilobytes)
	if have.kilobytes > most {
		t.Errorf("hotreload uses %d kB, want at most %d", have.kilobytes, most)
	}
}
