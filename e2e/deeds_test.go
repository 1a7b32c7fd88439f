//go:build unix

package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// doer is a server that reads, lists, writes and renames files on request. doer caches the files read: data and all its
// folders at the start, and lazy at the first request. live is not cached.
const doer = `package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

var (
	mu   sync.Mutex
	kept = map[string]string{}
)

func read(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return "none"
	}
	return string(text)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func renamed(folder, name, text string) {
	f, err := os.CreateTemp(folder, "*.txt")
	must(err)
	fmt.Fprint(f, text)
	must(f.Close())
	must(os.Rename(f.Name(), name))
}

func do(deed, name, text string) {
	switch deed {
	case "write":
		must(os.WriteFile(name, []byte(text), 0o666))
	case "rename":
		renamed(filepath.Dir(name), name, text)
	case "elsewhere":
		renamed("tmp", name, text)
	case "slowly":
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
		must(err)
		for _, c := range text {
			fmt.Fprint(f, string(c))
		}
		must(f.Close())
	case "upload":
		must(os.MkdirAll("uploads/"+text, 0o777))
		renamed("uploads", "uploads/"+text+"/"+text+".bin", text)
		return
	case "clean":
		_ = os.RemoveAll("uploads/" + text)
		return
	case "list":
		_, err := os.ReadDir("uploads")
		must(err)
		return
	}
	kept[name] = text
}

func main() {
	must(filepath.WalkDir("data", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			kept[path] = read(path)
		}
		return err
	}))
	_, err := os.ReadDir("uploads")
	must(err)
	http.HandleFunc("/do", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		do(r.FormValue("deed"), r.FormValue("name"), r.FormValue("text"))
	})
	http.HandleFunc("/get", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		name := r.FormValue("name")
		if filepath.Dir(name) == "live" {
			fmt.Fprint(w, read(name))
			return
		}
		if _, known := kept[name]; !known && filepath.Dir(name) == "lazy" {
			kept[name] = read(name)
		} else if !known {
			kept[name] = "none"
		}
		fmt.Fprint(w, kept[name])
	})
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	fmt.Println(http.ListenAndServe(os.Args[1], nil))
}
`

// deeds is a random sequence of actions of a program and a person.
type deeds struct {
	*session
	t      *testing.T
	random *rand.Rand
	names  []string // of the files cached or read by the program
	done   int
	byHand bool     // at the last check, data/new.txt was written by the person
	wrong  []string // answers different from those of a fresh start
	moved  []string // replacements caused by the program's own actions
}

// startDeeds starts the program. without names rules that are switched off.
func startDeeds(t *testing.T, seed uint64, without string) *deeds {
	t.Helper()
	dir := newModule(t, map[string]string{
		"main.go": doer, "data/a.txt": "a", "data/b.txt": "b", "data/sub/c.txt": "c", "lazy/d.html": "d", "lazy/e.html": "e",
		"live/f.css": "f", "uploads/old.png": "png", "tmp/none": "",
	})
	s := setup{env: []string{"XDG_RUNTIME_DIR=" + runtimeOf(t, dir), withoutRules + "=" + without}}.start(t, dir, "-v",
		".", "{addr}")
	s.waitFor(`generation 1 serves`)
	return &deeds{
		session: s, t: t, random: rand.New(rand.NewPCG(seed, 0)),
		names: []string{"data/a.txt", "data/b.txt", "data/sub/c.txt", "data/new.txt", "lazy/d.html", "lazy/e.html",
			"live/f.css"},
	}
}

func (d *deeds) name() string { return d.names[d.random.IntN(len(d.names))] }

func (d *deeds) wait() {
	d.t.Helper()
	if out, code := d.command("wait", "--timeout", "60s"); code != 0 {
		d.t.Fatalf("wait after %d deeds: exit code %d, %s", d.done, code, out)
	}
}

func (d *deeds) served(name string) string {
	d.t.Helper()
	have, err := d.get("/get?name=" + url.QueryEscape(name))
	if err != nil {
		d.t.Fatal(err)
	}
	return have
}

// program lets the program do something.
func (d *deeds) program() {
	d.t.Helper()
	d.done++
	deed := []string{"write", "rename", "elsewhere", "slowly", "upload", "clean", "list"}[d.random.IntN(7)]
	text := strconv.Itoa(d.random.IntN(1 << 20))
	if deed == "clean" || deed == "upload" {
		text = strconv.Itoa(d.random.IntN(4))
	}
	if _, err := d.get("/do?" + url.Values{"deed": {deed}, "name": {d.name()}, "text": {text}}.Encode()); err != nil {
		d.t.Fatal(err)
	}
}

// person edits a file in one of the ways of editors.
func (d *deeds) person() {
	d.t.Helper()
	d.done++
	path := filepath.Join(d.dir, d.name())
	text := []byte("by hand " + strconv.Itoa(d.random.IntN(1<<20)))
	var err error
	switch d.random.IntN(5) {
	case 0, 1:
		err = os.WriteFile(path, text, 0o666)
	case 2, 3:
		if err = os.WriteFile(path+".tmp", text, 0o666); err == nil {
			err = os.Rename(path+".tmp", path)
		}
	case 4:
		// If the person removes a file last written by the program, hotreload attributes the removal to the program,
		// because the system does not report who removes a file.
		if filepath.Base(path) == "new.txt" && d.byHand {
			_ = os.Remove(path)
		} else {
			err = os.WriteFile(filepath.Join(d.dir, "uploads", "by-hand.png"), text, 0o666)
		}
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// check compares the answers with those of a fresh start.
func (d *deeds) check() {
	d.t.Helper()
	for _, name := range d.names {
		want := "none"
		if text, err := os.ReadFile(filepath.Join(d.dir, name)); err == nil {
			want = string(text)
		}
		if name == "data/new.txt" {
			d.byHand = strings.HasPrefix(want, "by hand")
		}
		if have := d.served(name); have != want {
			d.wrong = append(d.wrong, fmt.Sprintf("after %d deeds %s is served as %q, want %q", d.done, name, have, want))
		}
	}
}

// run does a number of actions in groups: actions of the program, which must not cause a replacement, and actions of
// the person.
func (d *deeds) run(times int) {
	d.t.Helper()
	for d.done < times && len(d.wrong) == 0 && len(d.moved) == 0 {
		group := 1 + d.random.IntN(8)
		if times > 1000 && d.random.IntN(2) == 0 {
			group *= 8 // otherwise the test takes too long
		}
		if d.random.IntN(2) == 0 {
			before := d.pid()
			for range group {
				d.program()
			}
			d.wait()
			if now := d.pid(); now != before {
				d.moved = append(d.moved, fmt.Sprintf("before deed %d: worker %d has become %d", d.done, before, now))
			}
		} else {
			for range group {
				d.person()
			}
			d.wait()
		}
		d.check()
	}
}

// TestDeeds: the program answers like a freshly started one, and none of its own actions causes a replacement.
// HOTRELOAD_DEEDS is the number of actions, HOTRELOAD_SEED repeats a run.
func TestDeeds(t *testing.T) {
	t.Parallel()
	times, seed := 200, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("HOTRELOAD_DEEDS")); err == nil {
		times = n
	}
	if given, err := strconv.ParseUint(os.Getenv("HOTRELOAD_SEED"), 10, 64); err == nil {
		seed = given
	}
	d := startDeeds(t, seed, "")
	d.run(times)
	for _, problem := range append(d.wrong, d.moved...) {
		t.Error(problem)
	}
	t.Logf("%d deeds, %d generations", d.done, strings.Count(d.text(), " serves"))
}

// TestDeedsCanFail: the same test fails if a rule is switched off.
func TestDeedsCanFail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule  string
		found func(*deeds) []string
	}{
		{"own", func(d *deeds) []string { return d.moved }},
		{"proof", func(d *deeds) []string { return d.wrong }},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			d := startDeeds(t, 1, c.rule)
			d.run(1000)
			if len(c.found(d)) == 0 {
				t.Errorf("%d deeds show no wrong answer; other findings: %v %v", d.done, d.wrong, d.moved)
			}
		})
	}
}
