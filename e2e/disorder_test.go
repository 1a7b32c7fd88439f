//go:build unix

package e2e

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mirror is a server that answers with the content of its sources.
const mirror = `package main

import (
	"embed"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"

	"example.com/app/compiled"
)

//go:embed all:web
var web embed.FS

func main() {
	lines := slices.Clone(compiled.Lines)
	_ = fs.WalkDir(web, "web", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			text, _ := web.ReadFile(path)
			lines = append(lines, path+" "+string(text))
		}
		return err
	})
	slices.Sort(lines)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, strings.Join(lines, "\n")) })
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
`

// reflection returns the answer of a mirror built from the present files.
func reflection(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(filepath.Join(dir, "web"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		lines = append(lines, filepath.ToSlash(rel)+" "+string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "compiled", "*.go"))
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`add\("(.*)"\)`).FindAllStringSubmatch(string(text), -1) {
			lines = append(lines, "compiled "+found[1])
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// turmoil does random things to the mirror's sources. Errors (no such file, a folder moved into itself) are part of it.
type turmoil struct {
	*rand.Rand
	s       *session
	log     []string
	saved   int
	commits []string
}

func (m *turmoil) say(format string, args ...any) {
	m.log = append(m.log, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (m *turmoil) path(names ...string) string {
	return filepath.Join(append([]string{m.s.dir}, names...)...)
}

// page returns a path below web. After a while, about half of these paths exist.
func (m *turmoil) page() string {
	path := m.path("web")
	for range 1 + m.IntN(3) {
		path = filepath.Join(path, string(rune('a'+m.IntN(3))))
	}
	return path
}

func (m *turmoil) source() string {
	return m.path("compiled", "f"+strconv.Itoa(m.IntN(4))+".go")
}

// pause waits at the pace of the scenario: mostly not at all, sometimes shortly, rarely long enough for a build.
func (m *turmoil) pause() {
	switch m.IntN(60) {
	case 0:
		time.Sleep(time.Duration(m.IntN(1000)) * time.Millisecond)
	case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15:
		time.Sleep(time.Duration(m.IntN(20)) * time.Millisecond)
	}
}

func (m *turmoil) git(args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false",
		"-c", "gc.auto=0"}, args...)...)
	cmd.Dir = m.s.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_DIR="+m.s.dir+".git", "GIT_WORK_TREE="+m.s.dir)
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// step does one thing.
func (m *turmoil) step() {
	m.saved++
	a, b := m.page(), m.page()
	text := []byte(fmt.Sprint("text ", m.saved))
	source := fmt.Appendf(nil, "package compiled\n\nfunc init() { add(\"%d\") }\n", m.saved)
	switch m.IntN(20) {
	case 0, 1, 2:
		m.say("write %s", a)
		_ = os.MkdirAll(filepath.Dir(a), 0o777)
		_ = os.WriteFile(a, text, 0o666)
	case 3:
		m.say("in pieces %s", a)
		if f, err := os.Create(a); err == nil {
			for range 3 {
				_, _ = f.Write(text)
				m.pause()
			}
			f.Close()
		}
	case 4, 5:
		m.say("mv %s %s", a, b)
		_ = os.Rename(a, b)
	case 6:
		m.say("rm -r %s", a)
		_ = os.RemoveAll(a)
	case 7:
		m.say("mkdir %s", a)
		_ = os.MkdirAll(a, 0o777)
	case 8, 9, 10:
		path := m.source()
		m.say("write %s", path)
		_ = os.WriteFile(path, source, 0o666)
	case 11:
		path := m.source()
		m.say("by rename %s", path)
		if os.WriteFile(path+".tmp", source, 0o666) == nil {
			_ = os.Rename(path+".tmp", path)
		}
	case 12:
		path := m.source()
		m.say("in pieces %s", path)
		if f, err := os.Create(path); err == nil {
			for len(source) > 0 {
				n := 1 + m.IntN(len(source))
				_, _ = f.Write(source[:n])
				source = source[n:]
				m.pause()
			}
			f.Close()
		}
	case 13:
		from, to := m.source(), m.source()
		m.say("mv %s %s", from, to)
		_ = os.Rename(from, to)
	case 14:
		path := m.source()
		m.say("rm %s", path)
		_ = os.Remove(path)
	case 15:
		m.say("break, or mend")
		if os.Remove(m.path("compiled", "broken.go")) != nil {
			_ = os.WriteFile(m.path("compiled", "broken.go"), []byte("package compiled\n\nvar x = undefined\n"), 0o666)
		}
	case 16:
		m.say("the package goes and comes")
		_ = os.Rename(m.path("compiled"), m.path("away"))
		m.pause()
		_ = os.Rename(m.path("away"), m.path("compiled"))
	case 17:
		m.say("git commit")
		_, _ = m.git("add", "-A")
		_, _ = m.git("commit", "-qm", "x")
		if name, err := m.git("rev-parse", "HEAD"); err == nil {
			m.commits = append(m.commits, name)
		}
	default:
		if len(m.commits) > 0 {
			which := m.commits[m.IntN(len(m.commits))]
			m.say("git checkout %s", which)
			_, _ = m.git("checkout", "-qf", "--detach", which)
		}
	}
}

// overflow makes more events than the kernel's queue can hold (16384) while hotreload is stopped.
func (m *turmoil) overflow() {
	m.say("overflow")
	_ = m.s.cmd.Process.Signal(syscall.SIGSTOP)
	defer func() { _ = m.s.cmd.Process.Signal(syscall.SIGCONT) }()
	m.step()
	var files [2]*os.File
	for i := range files {
		var err error
		if files[i], err = os.Create(m.path(fmt.Sprint("noise", i))); err != nil {
			m.s.t.Fatal(err)
		}
		defer files[i].Close()
	}
	for i := range 20_000 { // alternating, because the kernel merges two equal events in a row
		fmt.Fprintln(files[i%2], i)
	}
	m.step()
}

// TestServesWhatIsOnTheDisk: whatever was done to the sources, and even if events were lost, the serving program is
// built from the files on the disk once the tree is quiet. HOTRELOAD_SEED repeats a run; HOTRELOAD_SOAK=1 does 10,000
// things.
func TestServesWhatIsOnTheDisk(t *testing.T) {
	t.Parallel()
	steps, stretch := 75, 25
	if os.Getenv("HOTRELOAD_SOAK") != "" {
		steps, stretch = 10_000, 100
	}
	for _, c := range []struct {
		name     string
		flags    []string
		overflow bool
	}{
		{"events", nil, false},
		{"polling", []string{"--poll=200ms"}, false},
		{"overflows", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			if given, err := strconv.ParseUint(os.Getenv("HOTRELOAD_SEED"), 10, 64); err == nil {
				seed = given
			}
			dir := newModule(t, map[string]string{
				"main.go": mirror, "web/keep": "kept",
				"compiled/compiled.go": "package compiled\n\nvar Lines []string\n\n" +
					"func add(text string) { Lines = append(Lines, \"compiled \"+text) }\n",
			})
			if err := os.Remove(filepath.Join(dir, "version.go")); err != nil {
				t.Fatal(err)
			}
			s := startControlled(t, dir, append(c.flags, ".", "{addr}")...)
			m := &turmoil{Rand: rand.New(rand.NewPCG(seed, 0)), s: s}
			_, _ = m.git("init", "-q")
			s.serves(reflection(t, dir))
			defer func() {
				if t.Failed() {
					last := strings.Join(m.log[max(0, len(m.log)-2*stretch):], "\n")
					t.Logf("seed %d; the last actions:\n%s", seed, strings.ReplaceAll(last, dir+"/", ""))
				}
			}()
			began := time.Now()
			for i := range steps {
				if c.overflow && i%stretch == stretch/2 {
					m.overflow()
				}
				m.step()
				m.pause()
				if i%stretch != stretch-1 {
					continue
				}
				m.mend()
				want := reflection(t, dir)
				s.serves(want) // without a request
				if out, code := s.command("wait"); code != 0 {
					t.Fatalf("wait: exit code %d: %s", code, out)
				}
				if have, err := s.get("/"); err != nil || have != want {
					t.Fatalf("after the last change the server answers\n%s\n(%v), want\n%s", have, err, want)
				}
			}
			if c.overflow && s.count("the kernel dropped file events") == 0 {
				t.Error("no event was lost")
			}
			t.Logf("seed %d: %d things done, %d generations, %v", seed, m.saved, s.count(`generation \d+ serves`),
				time.Since(began).Round(time.Second))
		})
	}
}

// mend removes broken files, including files from a checkout.
func (m *turmoil) mend() {
	_ = os.Remove(m.path("compiled", "broken.go"))
	files, _ := filepath.Glob(m.path("compiled", "f*.go"))
	for _, path := range files {
		text, _ := os.ReadFile(path)
		if !regexp.MustCompile(`^package compiled\n\nfunc init\(\) \{ add\("\d+"\) \}\n$`).Match(text) {
			_ = os.Remove(path)
		}
	}
}
