package watch

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// onDisk is what a watcher of a set ought to know: for each path the content, or "/" for a folder.
func onDisk(t testing.TB, set Set) map[string]string {
	t.Helper()
	found := make(map[string]string)
	add := func(path string) {
		info, err := os.Stat(path)
		switch {
		case err != nil: // nothing, or a link to nothing
		case info.IsDir():
			found[path] = "/"
		default:
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found[path] = string(text)
		}
	}
	for _, root := range set.Trees {
		add(root)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil {
				add(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range set.Dirs {
		add(folder)
		entries, _ := os.ReadDir(folder)
		for _, entry := range entries {
			add(filepath.Join(folder, entry.Name()))
		}
	}
	for _, path := range set.Files {
		add(path)
	}
	return found
}

// account is what a consumer knows from batches alone, without a look at the disk.
type account struct {
	dirs map[string]bool     // path -> is it a folder?
	told map[string]struct{} // created or written since the last audit
	seen map[string]string   // the disk at the last audit
}

// apply replays the changes of a settled batch, and checks that each change fits the state before.
func (a *account) apply(t testing.TB, b Batch) {
	checkForm(t, b)
	for _, p := range b.Problems {
		t.Error(p)
	}
	for _, c := range b.Changes {
		folder, known := a.dirs[c.Path]
		switch {
		case c.Op == Created && known, c.Op != Created && !known,
			c.Op == Removed && folder != c.Dir, c.Op == Written && folder && c.Dir:
			t.Errorf("%v %s (folder: %v), but it was known: %v (folder: %v)", c.Op, c.Path, c.Dir, known, folder)
		}
		if c.Op == Removed {
			delete(a.dirs, c.Path)
		} else {
			a.dirs[c.Path] = c.Dir
			a.told[c.Path] = struct{}{}
		}
	}
}

// audit compares the known state with the disk, when the tree is quiet.
func (a *account) audit(t testing.TB, set Set) (faults []string) {
	disk := onDisk(t, set)
	for path, content := range disk {
		folder, known := a.dirs[path]
		_, told := a.told[path]
		switch {
		case !known:
			faults = append(faults, "not known: "+path)
		case folder != (content == "/"):
			faults = append(faults, "folder or file: "+path)
		case content != a.seen[path] && !told:
			faults = append(faults, "not told: "+path)
		}
	}
	for path := range a.dirs {
		if _, ok := disk[path]; !ok {
			faults = append(faults, "not there: "+path)
		}
	}
	a.seen = disk
	clear(a.told)
	return faults
}

// disorder does random things to a folder.
type disorder struct {
	*rand.Rand
	root    string
	log     []string // the operations so far
	commits []string
}

// pause is a short time, or none: the pace is part of the disorder.
func (d *disorder) pause() {
	if d.IntN(3) == 0 {
		time.Sleep(time.Duration(d.IntN(8)) * time.Millisecond)
	}
}

// git runs git, whose own folder lies beside the root. Where there is no git the disorder goes without.
func (d *disorder) git(args ...string) (says string, err error) {
	command := exec.Command("git",
		append([]string{"-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false", "-c",
			"gc.auto=0"}, args...)...)
	command.Dir = d.root
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_DIR="+d.root+".git", "GIT_WORK_TREE="+d.root)
	out, err := command.Output()
	return strings.TrimSpace(string(out)), err
}

// path is a random one; about every second exists after a while.
func (d *disorder) path() string {
	path := d.root
	for range 1 + d.IntN(4) {
		path = filepath.Join(path, string(rune('a'+d.IntN(3))))
	}
	return path
}

func (d *disorder) say(format string, args ...any) {
	d.log = append(d.log, fmt.Sprintf(format, args...))
}

// step does one thing. Errors (no such folder, not a folder, into itself) are part of the disorder.
func (d *disorder) step() {
	a, b := d.path(), d.path()
	text := []byte(strings.Repeat("x", d.IntN(3)) + string(rune('0'+d.IntN(4))))
	switch what := d.IntN(24); what {
	case 0, 1, 2, 3, 4:
		d.say("write %s %s", a, text)
		os.WriteFile(a, text, 0o644)
	case 5, 6, 7:
		d.say("mkdir -p and write %s %s", a, text)
		os.MkdirAll(filepath.Dir(a), 0o755)
		os.WriteFile(a, text, 0o644)
	case 8, 9:
		d.say("%s", "mkdir "+a)
		os.MkdirAll(a, 0o755)
	case 10:
		d.say("%s", "rm -r "+a)
		os.RemoveAll(a)
	case 11:
		d.say("%s", "rm "+a)
		os.Remove(a)
	case 12, 13, 14, 15:
		d.say("%s", "mv "+a+" "+b)
		os.Rename(a, b)
	case 16:
		d.say("%s", "swap "+a+" "+b)
		away := filepath.Join(filepath.Dir(d.root), "away")
		os.Rename(a, away)
		os.Rename(b, a)
		os.Rename(away, b)
		os.RemoveAll(away)
	case 17:
		d.say("%s", "sed -i "+a)
		if info, err := os.Lstat(a); err == nil && info.Mode().IsRegular() {
			os.WriteFile(a+".new", text, 0o644)
			os.Rename(a+".new", a)
		}
	case 18:
		d.say("%s", "append "+a)
		if f, err := os.OpenFile(a, os.O_APPEND|os.O_WRONLY, 0); err == nil {
			f.Write(text)
			f.Close()
		}
	case 19:
		d.say("%s", "link "+b+" "+a)
		os.Symlink(b, a)
	case 20:
		d.say("%s", "in pieces "+a)
		if f, err := os.Create(a); err == nil {
			for range 1 + d.IntN(5) {
				f.Write(text)
				d.pause()
			}
			f.Close()
		}
	case 21:
		d.say("git commit")
		d.git("add", "-A")
		d.git("commit", "-qm", "x")
		if name, err := d.git("rev-parse", "HEAD"); err == nil {
			d.commits = append(d.commits, name)
		}
	case 22:
		if len(d.commits) > 0 {
			which := d.commits[d.IntN(len(d.commits))]
			d.say("%s", "git checkout "+which)
			d.git("checkout", "-qf", "--detach", which)
		}
	case 23:
		d.say("as a checkout")
		for range 30 { // as git does it: the file is removed, and written again
			path := d.path()
			os.Remove(path)
			if d.IntN(3) > 0 {
				os.MkdirAll(filepath.Dir(path), 0o755)
				os.WriteFile(path, text, 0o644)
			}
		}
	}
}

func TestWhatIsToldIsWhatIsOnTheDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: not with -short")
	}
	below := func(root string, names ...string) (paths []string) {
		for _, name := range names {
			paths = append(paths, filepath.Join(root, name))
		}
		return paths
	}
	seeds, steps := 2, 300 // as much as fits in some seconds
	if os.Getenv("HOTRELOAD_SOAK") != "" {
		seeds, steps = 1, 10_000
	}
	for _, mode := range modes {
		for range seeds {
			seed := rand.Uint64()
			t.Run(fmt.Sprintf("tree, %s, seed %d", mode.name, seed), func(t *testing.T) {
				t.Parallel()
				root := newRoot(t)
				testDisorder(t, root, Set{Trees: []string{root}}, mode, seed, steps)
			})
			if mode.lean {
				continue // see mustHear: folders between, that are moved, are not noticed
			}
			t.Run(fmt.Sprintf("dirs and files, %s, seed %d", mode.name, seed), func(t *testing.T) {
				t.Parallel()
				root := newRoot(t)
				testDisorder(t, root, Set{
					Dirs:  below(root, "a", "a/b", "b/c"),
					Files: below(root, "go.mod", "c/a", "a/b/c/a"),
				}, mode, seed, steps)
			})
		}
	}
}

func testDisorder(t *testing.T, root string, set Set, m mode, seed uint64, steps int) {
	w := m.open(t, Config{Quiet: 20 * time.Millisecond, MaxWait: 100 * time.Millisecond})
	set.Files = append(set.Files, markOf(root))
	if _, err := w.Watch(testContext(t), set); err != nil {
		t.Fatal(err)
	}
	known := &account{dirs: make(map[string]bool), told: make(map[string]struct{})}
	known.seen = onDisk(t, set)
	for path, content := range known.seen {
		known.dirs[path] = content == "/"
	}
	chaos := &disorder{Rand: rand.New(rand.NewPCG(seed, 1)), root: root}
	chaos.git("init", "-q", "-b", "main")
	for i := range steps {
		chaos.step()
		for busy := true; busy; { // receive the waiting batches, without blocking
			select {
			case b := <-w.Batches():
				if b.Settled {
					known.apply(t, b)
				}
			default:
				busy = false
			}
		}
		chaos.pause()
		if i%50 != 49 {
			continue
		}
		if m.poll {
			receiveDuring(w, func() { waitForRounds(t, w, 2) }, func(b Batch) { known.apply(t, b) })
		}
		mark := putMark(t, root, i)
		for done := false; !done; {
			known.apply(t, settled(t, w))
			_, done = known.told[mark]
		}
		if m.lossy { // the kernel may have dropped the events of the last changes, but not the mark's
			receiveDuring(w, func() { time.Sleep(lossMost + 4*lullMost) }, func(b Batch) { known.apply(t, b) })
		}
		faults := known.audit(t, set)
		// A look at everything must find nothing that was not found before.
		if err := w.Sync(testContext(t)); err != nil {
			t.Fatal(err)
		}
		select {
		case b := <-w.Batches():
			for _, c := range b.Changes {
				faults = append(faults, fmt.Sprint("found by Sync: ", c.Op, " ", c.Path))
			}
		case <-time.After(2 * lullMost):
		}
		if len(faults) > 0 {
			t.Fatalf("after step %d, below %s:\n  %s\nafter\n  %s", i, root,
				strings.ReplaceAll(strings.Join(faults, "\n  "), root+"/", ""),
				strings.ReplaceAll(strings.Join(chaos.log[max(0, i-50):], "\n  "), root+"/", ""))
		}
	}
	if _, err := exec.LookPath("git"); err == nil && len(chaos.commits) == 0 {
		t.Error("git has done nothing")
	}
}
