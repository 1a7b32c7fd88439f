package watch

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The script language. A case is a list of commands, one a line, with paths relative to a folder of its own:
//
//	write PATH [TEXT]       create or truncate, then write
//	append PATH TEXT
//	rm PATH                 with all below
//	mkdir PATH              with all above
//	mv OLD NEW
//	link TARGET PATH        a symbolic link, with the text TARGET
//	chmod MODE PATH
//	touch PATH              sets the modification time to now
//	fifo PATH
//	cp OLD NEW              writes NEW in place
//	chunks PATH TEXT        truncates, and writes word by word with pauses of 30 ms
//	sparse PATH BYTES       a file with a hole of that size
//	emacs PATH TEXT         saves as Emacs does: a lock .#PATH (a dangling link), the file renamed to PATH~, a new PATH
//	vimcopy PATH TEXT       saves as vim does with backupcopy=yes: copy to PATH~, truncate and write PATH
//	vscode PATH TEXT        saves as VS Code does: truncate, write in place
//	atomic PATH TEXT        saves as gofmt -w, Sublime and many others do: write PATH.tmp with fsync, rename it over
//	gofmt PATH TEXT         saves unformatted, and after 20 ms the formatter writes again
//	git ARGS...             git itself, in the case's folder; the case is skipped where there is none
//	vim PATH TEXT           saves as vim does with backupcopy=no: rename to PATH~, write, remove PATH~; and 4913
//	jetbrains PATH TEXT     saves as IDEA does: write PATH___jb_tmp___, swap by two renames, remove the old one
//	sed PATH TEXT           saves as sed -i does: write another file, rename it over
//	slow PATH TEXT          writes byte by byte with pauses of 2 ms
//	bulk PATH N TEXT        writes N files, ten to a folder
//	forget TEXT             ends the batch: waits for a settled one; TEXT starts the next part of the result
//	set KIND PATH...        replaces the Set; KIND is dir, tree or file, and may come again on the line
//	ignore [PATTERN]        replaces what is ignored (SetIgnored): base names, as filepath.Match has them
//	sync                    calls Sync
//
// A word may be quoted, with Go's escapes: names can hold spaces, newlines and bytes that are no UTF-8.
//
// The result is the changes of all settled batches: a line for each path that begins with + (created), ~ (written) or
// - (removed); the names of folders end with a slash.
type script struct {
	t       *testing.T
	w       *Watcher
	root    string
	set     Set
	ends    int
	changes map[string]Change // since the last forget
	lines   []string
}

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// open starts a watcher that is closed with the test.
func open(t testing.TB, config Config) *Watcher {
	t.Helper()
	w, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func mustWatch(t testing.TB, w *Watcher, set Set) {
	t.Helper()
	problems, err := w.Watch(testContext(t), set)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

// next receives a batch.
func next(t testing.TB, w *Watcher) Batch {
	t.Helper()
	select {
	case b, ok := <-w.Batches():
		if !ok {
			t.Fatal("the batches have ended")
		}
		return b
	case <-testContext(t).Done():
		t.Fatal("no batch came")
	}
	return Batch{}
}

// settled receives batches until one is settled.
func settled(t testing.TB, w *Watcher) Batch {
	t.Helper()
	for {
		if b := next(t, w); b.Settled {
			return b
		}
	}
}

func matching(pattern string) func(string, bool) bool {
	return func(path string, _ bool) bool {
		ok, _ := filepath.Match(pattern, filepath.Base(path))
		return ok
	}
}

// parseSet reads "tree a b dir c file d".
func (s *script) parseSet(words []string) {
	s.set = Set{Files: []string{markOf(s.root)}}
	list := &s.set.Trees
	for _, word := range words {
		switch word {
		case "dir":
			list = &s.set.Dirs
		case "tree":
			list = &s.set.Trees
		case "file":
			list = &s.set.Files
		default:
			*list = append(*list, filepath.Join(s.root, word))
		}
	}
}

// run carries out commands. Those for the watcher need s.w.
func (s *script) run(commands string) {
	s.t.Helper()
	for line := range strings.Lines(commands) {
		if words := strings.Fields(line); len(words) > 0 {
			for i, word := range words {
				if text, err := strconv.Unquote(word); err == nil {
					words[i] = text
				}
			}
			if err := s.step(words[0], words[1:]); err != nil {
				s.t.Fatalf("%s: %v", strings.TrimSpace(line), err)
			}
		}
	}
}

// step carries out one command.
func (s *script) step(name string, words []string) error {
	do := commands[name]
	if do == nil {
		return fmt.Errorf("unknown command")
	}
	return do(s, words)
}

// at returns the path of a word; text joins the words from i on to a line.
func (s *script) at(word string) string { return filepath.Join(s.root, word) }

func text(words []string, i int) []byte {
	if i >= len(words) {
		return nil
	}
	return []byte(strings.Join(words[i:], " ") + "\n")
}

var commands map[string]func(s *script, words []string) error

func init() { // commands use each other
	commands = map[string]func(s *script, words []string) error{
		"write":  func(s *script, w []string) error { return os.WriteFile(s.at(w[0]), text(w, 1), 0o644) },
		"append": func(s *script, w []string) error { return s.open(w[0], os.O_APPEND|os.O_WRONLY, s.whole(w)) },
		"rm":     func(s *script, w []string) error { return os.RemoveAll(s.at(w[0])) },
		"mkdir":  func(s *script, w []string) error { return os.MkdirAll(s.at(w[0]), 0o755) },
		"mv":     func(s *script, w []string) error { return os.Rename(s.at(w[0]), s.at(w[1])) },
		"link":   func(s *script, w []string) error { return os.Symlink(w[0], s.at(w[1])) },
		"fifo":   func(s *script, w []string) error { return makeFifo(s.at(w[0])) },
		"touch": func(s *script, w []string) error {
			now := time.Now()
			return os.Chtimes(s.at(w[0]), now, now)
		},
		"chmod": func(s *script, w []string) error {
			mode, err := strconv.ParseUint(w[0], 8, 32)
			return first(err, os.Chmod(s.at(w[1]), fs.FileMode(mode)))
		},
		"cp": func(s *script, w []string) error {
			data, err := os.ReadFile(s.at(w[0]))
			return first(err, os.WriteFile(s.at(w[1]), data, 0o644))
		},
		"sparse": func(s *script, w []string) error {
			size, err := strconv.ParseInt(w[1], 10, 64)
			return first(err, s.open(w[0], os.O_CREATE|os.O_WRONLY, func(f *os.File) error { return f.Truncate(size) }))
		},
		"bulk": (*script).bulk,
		"git":  (*script).git,

		"emacs":     (*script).emacs,
		"vim":       (*script).vim,
		"jetbrains": (*script).jetbrains,
		"vscode":    func(s *script, w []string) error { return os.WriteFile(s.at(w[0]), text(w, 1), 0o644) },
		"vimcopy": func(s *script, w []string) error {
			data, err := os.ReadFile(s.at(w[0]))
			return first(err, os.WriteFile(s.at(w[0])+"~", data, 0o644),
				os.WriteFile(s.at(w[0]), text(w, 1), 0o644), os.Remove(s.at(w[0])+"~"))
		},
		"atomic": func(s *script, w []string) error {
			write := func(f *os.File) error {
				_, err := f.Write(text(w, 1))
				return first(err, f.Sync())
			}
			return first(s.open(w[0]+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, write),
				os.Rename(s.at(w[0])+".tmp", s.at(w[0])))
		},
		"gofmt": func(s *script, w []string) error {
			if err := os.WriteFile(s.at(w[0]), append([]byte("  "), text(w, 1)...), 0o644); err != nil {
				return err
			}
			time.Sleep(20 * time.Millisecond) // the time of the formatter
			return s.step("atomic", w)
		},
		"sed": func(s *script, w []string) error {
			other := filepath.Join(filepath.Dir(s.at(w[0])), "sedQq7aXz")
			return first(os.WriteFile(other, text(w, 1), 0o644), os.Rename(other, s.at(w[0])))
		},
		"chunks": func(s *script, w []string) error {
			var words []string
			for _, word := range w[1:] {
				words = append(words, word+"\n")
			}
			return s.trickle(w[0], words, 30*time.Millisecond)
		},
		"slow": func(s *script, w []string) error {
			return s.trickle(w[0], strings.Split(string(text(w, 1)), ""), 2*time.Millisecond)
		},
	}
}

func init() { // for the watcher
	maps.Copy(commands, map[string]func(s *script, words []string) error{
		"forget": func(s *script, w []string) error {
			s.collect()
			s.lines = append(s.lines, w...)
			return nil
		},
		"set": func(s *script, w []string) error {
			s.parseSet(w)
			_, err := s.w.Watch(testContext(s.t), s.set)
			return err
		},
		"ignore": func(s *script, w []string) error {
			return s.w.SetIgnored(testContext(s.t), matching(strings.Join(w, "")))
		},
		"sync": func(s *script, _ []string) error { return s.w.Sync(testContext(s.t)) },
	})
}

// open opens a file, and closes it when do is done.
func (s *script) open(path string, flags int, do func(*os.File) error) error {
	f, err := os.OpenFile(s.at(path), flags, 0o666)
	if err != nil {
		return err
	}
	return first(do(f), f.Close())
}

// whole writes all words at once.
func (s *script) whole(words []string) func(*os.File) error {
	return func(f *os.File) error {
		_, err := f.Write(text(words, 1))
		return err
	}
}

// trickle writes a file slowly, like a program with long pauses. The caller does not wait for the end.
func (s *script) trickle(path string, parts []string, pause time.Duration) error {
	return s.open(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, func(f *os.File) error {
		for _, part := range parts {
			if _, err := f.WriteString(part); err != nil {
				return err
			}
			time.Sleep(pause) // the pace of the program
		}
		return nil
	})
}

func (s *script) bulk(w []string) error {
	n, err := strconv.Atoi(w[1])
	for i := 0; i < n && err == nil; i++ {
		folder := filepath.Join(s.at(w[0]), fmt.Sprintf("d%02d", i/10))
		err = first(os.MkdirAll(folder, 0o755),
			os.WriteFile(filepath.Join(folder, fmt.Sprintf("f%d", i%10)), text(w, 2), 0o644))
	}
	return err
}

func (s *script) git(w []string) error {
	if _, err := exec.LookPath("git"); err != nil {
		s.t.Skip("git is not installed")
	}
	settings := []string{"-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false", "-c",
		"core.autocrlf=false"}
	command := exec.Command("git", append(settings, w...)...)
	command.Dir = s.root
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_EDITOR=true")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func (s *script) emacs(w []string) error {
	path := s.at(w[0])
	folder, name := filepath.Split(path)
	lock, auto := filepath.Join(folder, ".#"+name), filepath.Join(folder, "#"+name+"#")
	return first(
		os.Symlink("me@host.1234:1600000000", lock), os.WriteFile(auto, nil, 0o644),
		os.Rename(path, path+"~"), os.WriteFile(path, text(w, 1), 0o644), os.Chmod(path, 0o644),
		os.Remove(auto), os.Remove(lock))
}

func (s *script) vim(w []string) error {
	path := s.at(w[0])
	probe := filepath.Join(filepath.Dir(path), "4913")
	return first(
		os.WriteFile(probe, nil, 0o644), os.Remove(probe),
		os.Rename(path, path+"~"), os.WriteFile(path, text(w, 1), 0o644), os.Chmod(path, 0o644),
		os.Remove(path+"~"))
}

func (s *script) jetbrains(w []string) error {
	path := s.at(w[0])
	return first(
		os.WriteFile(path+"___jb_tmp___", text(w, 1), 0o644),
		os.Rename(path, path+"___jb_old___"), os.Rename(path+"___jb_tmp___", path),
		os.Remove(path+"___jb_old___"))
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// collect marks the end with a file, and receives batches until a settled batch contains the mark. The kernel keeps the
// order of events, so all earlier changes are in. Polling does not keep the order: the mark is written after a complete
// round.
func (s *script) collect() {
	s.t.Helper()
	s.ends++
	if s.w.ears.asked {
		receiveDuring(s.w, func() { waitForRounds(s.t, s.w, 2) }, func(b Batch) { s.take(b, "") })
	}
	mark := putMark(s.t, s.root, s.ends)
	for ended := false; !ended; {
		ended = s.take(settled(s.t, s.w), mark)
	}
	for _, path := range slices.Sorted(maps.Keys(s.changes)) {
		s.lines = append(s.lines, s.line(s.changes[path]))
	}
	clear(s.changes)
}

// take adds a settled batch to the result, and reports whether the mark was in the batch.
func (s *script) take(b Batch, mark string) (ended bool) {
	checkForm(s.t, b)
	for _, p := range b.Problems {
		s.t.Error(p)
	}
	for _, c := range b.Changes {
		if c.Path == mark {
			ended = true
		} else {
			s.merge(c)
		}
	}
	return ended
}

// receiveDuring takes the settled batches that come while f waits for something.
func receiveDuring(w *Watcher, f func(), take func(Batch)) {
	done := make(chan struct{})
	go func() { // awaited below
		defer close(done)
		f()
	}()
	for {
		select {
		case b := <-w.Batches():
			if b.Settled {
				take(b)
			}
		case <-done:
			return
		}
	}
}

// waitForRounds waits until the watcher has looked at all polled files, in n rounds that have not begun yet or are
// going on.
func waitForRounds(t testing.TB, w *Watcher, n uint64) {
	t.Helper()
	ctx := testContext(t)
	rounds := func() (n uint64) {
		if err := w.ask(ctx, func() { n = w.polling.polled.rounds }); err != nil {
			t.Error(err)
		}
		return n
	}
	for want := rounds() + n; rounds() < want && !t.Failed(); {
		time.Sleep(2 * time.Millisecond) // this waits for the watcher
	}
}

// markOf is the file that marks the end of a folder's changes. The file lies beside the folder, so the watcher sees no
// further change because of the mark.
func markOf(root string) string { return filepath.Join(root+".mark", "end") }

// putMark puts the mark into place in one step: one that was seen empty would be seen twice.
func putMark(t testing.TB, root string, n int) (path string) {
	t.Helper()
	path = markOf(root)
	aside := root + ".aside"
	if err := first(os.WriteFile(aside, fmt.Append(nil, n), 0o644), os.Rename(aside, path)); err != nil {
		t.Fatal(err)
	}
	return path
}

// newRoot makes a folder for a case, and the one for its mark.
func newRoot(t testing.TB) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	if err := first(os.Mkdir(root, 0o755), os.Mkdir(filepath.Dir(markOf(root)), 0o755)); err != nil {
		t.Fatal(err)
	}
	return root
}

// merge adds a change to earlier ones: a slow machine may split a batch.
func (s *script) merge(c Change) {
	old, ok := s.changes[c.Path]
	switch {
	case !ok:
		s.changes[c.Path] = c
	case old.Op == Created && c.Op == Removed:
		delete(s.changes, c.Path)
	case old.Op == Created:
		s.changes[c.Path] = Change{c.Path, Created, c.Dir}
	case old.Op == Removed && c.Op == Created && old.Dir && c.Dir:
		delete(s.changes, c.Path)
	case old.Op == Removed && c.Op == Created:
		s.changes[c.Path] = Change{c.Path, Written, c.Dir}
	default:
		s.changes[c.Path] = c
	}
}

func (s *script) line(c Change) string {
	name, err := filepath.Rel(s.root, c.Path)
	if err != nil {
		s.t.Error(err)
	}
	name = filepath.ToSlash(name)
	if c.Dir {
		name += "/"
	}
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		name = quoted
	}
	return [...]string{"?", "+", "~", "-"}[c.Op] + " " + name
}

// checkForm checks the rules for every batch.
func checkForm(t testing.TB, b Batch) {
	t.Helper()
	for i, c := range b.Changes {
		if i > 0 && b.Changes[i-1].Path >= c.Path {
			t.Errorf("not sorted, or twice: %s after %s", c.Path, b.Changes[i-1].Path)
		}
		if !filepath.IsAbs(c.Path) || filepath.Clean(c.Path) != c.Path {
			t.Errorf("not an absolute, clean path: %s", c.Path)
		}
	}
	if b.Began.IsZero() || b.Last.Before(b.Began) {
		t.Errorf("began %v, last %v", b.Began, b.Last)
	}
}

// compare reports the difference between two texts, line by line.
func compare(t testing.TB, have, want []string) {
	t.Helper()
	if slices.Equal(have, want) {
		return
	}
	var diff strings.Builder
	for _, line := range want {
		if !slices.Contains(have, line) {
			fmt.Fprintf(&diff, "    missing   %s\n", line)
		}
	}
	for _, line := range have {
		if !slices.Contains(want, line) {
			fmt.Fprintf(&diff, "    too much  %s\n", line)
		}
	}
	t.Errorf("\nhave:\n    %s\nwant:\n    %s\ndifference:\n%s",
		strings.Join(have, "\n    "), strings.Join(want, "\n    "), diff.String())
}

func linesOf(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// spaced puts every word on a line.
func spaced(words string) string { return strings.Join(strings.Fields(words), "\n") }

// bulkLines is what "bulk" makes, from file number from up to to: the top folder, a folder, a file. "" leaves a line
// out.
func bulkLines(top, folder, file string, from, to int) string {
	lines := []string{}
	if top != "" {
		lines = append(lines, top)
	}
	for i := from; i < to; i++ {
		d := fmt.Sprintf("d%02d", i/10)
		if folder != "" && i%10 == 0 {
			lines = append(lines, strings.Replace(folder, "d%", d, 1))
		}
		lines = append(lines, strings.Replace(strings.Replace(file, "d%", d, 1), "f%", fmt.Sprintf("f%d", i%10), 1))
	}
	return strings.Join(lines, "\n") + "\n"
}
