//go:build unix

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestBundledExample edits one file of each kind of the bundled example, and looks at its class, the reason, and what
// a client sees.
func TestBundledExample(t *testing.T) {
	t.Parallel()
	dir := copyOf(t, "testdata/hello")
	save(t, filepath.Join(dir, "go.mod"), "module example.com/hello\n\ngo 1.25\n")
	s := start(t, dir, "-v", ".", "-addr", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.get("/motto") // read as needed: known from here on
	s.get("/static/style.css")
	for _, c := range []struct {
		file, content string // "" removes
		class, path   string
		sees          string
	}{
		{"templates/page.html", "one {{.Title}} {{.Color}} {{.Greeting}} {{.Banner}}", `restart: read by the workers at their start`, "/", `^one Hello teal Hello, world!`},
		{"config.json", `{"Title": "two"}`, `restart: read by the workers at their start`, "/", `two teal`},
		{"color.env", "COLOR=three\n", `restart: read by the workers at their start`, "/", `two three`},
		{"motto.txt", "four", `live: read by the workers as needed`, "/motto", `^four$`},
		{"static/style.css", "five", `live: read by the workers as needed`, "/static/style.css", `^five$`},
		{"banner.txt", "six", `rebuild: embedded by example.com/hello`, "/", `six$`},
		{"greeting.go", "package main\n\nfunc greeting(string) string { return \"seven\" }\n", `rebuild: compiled into example.com/hello`, "/", `seven six$`},
		{"templates/new.html", "new", `restart: in a folder that the workers read at their start`, "/", `seven six$`},
		{"templates/new.html", "", `restart: `, "/", `seven six$`},
		{"greeting_test.go", "package main\n", `none: a test: not part of the program`, "/", `seven six$`},
		{"greeting.go", "package main\n\n// A comment below which no line number counts.\nfunc greeting(string) string { return \"seven\" }\n", `rebuild: compiled into example.com/hello`, "/", `seven six$`},
	} {
		path := filepath.Join(dir, c.file)
		if c.content == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else {
			save(t, path, c.content)
		}
		s.waitFor(`(?m)` + regexp.QuoteMeta(filepath.FromSlash(c.file)) + ` (created|written|removed) → ` + regexp.QuoteMeta(c.class))
		if class := regexp.MustCompile(`^\w+`).FindString(c.class); class == "restart" || class == "rebuild" {
			s.waitFor(`(generation \d+ serves: )?` + regexp.QuoteMeta(filepath.FromSlash(c.file)) + ` → ` + class + `( · |: the program is the same)`)
		}
		if have, err := s.get(c.path); err != nil || !regexp.MustCompile(c.sees).MatchString(have) {
			t.Errorf("%s: %s is %q (%v), want %q", c.file, c.path, have, err, c.sees)
		}
	}
}

// copyOf copies a folder of ours into one of the test's.
func copyOf(t *testing.T, from string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// writer is a server that opens files in all the ways of programs that write, at its start and for each request.
const writer = `package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	must(os.MkdirAll("data", 0o777))
	_, err := os.ReadDir("data") // a folder that is read at the start, and written to
	must(err)
	must(os.WriteFile("data/server.pid", []byte(fmt.Sprint(os.Getpid())), 0o666))
	logs, err := os.OpenFile("data/server.log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	must(err)
	log.SetOutput(io.MultiWriter(logs, os.Stderr))
	db, err := os.OpenFile("data/app.db", os.O_RDWR|os.O_CREATE, 0o666)
	must(err)
	_, _ = os.ReadFile("data/cache.json") // written back later
	once, err := os.OpenFile("data/started", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	must(err)
	fmt.Fprintln(once, time.Now())
	once.Close()
	must(os.WriteFile("data/cache.json", []byte(time.Now().String()), 0o666))
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		log.Print("asked")
		_, err := db.WriteAt([]byte(time.Now().String()), 0)
		must(err)
		journal, err := os.OpenFile("data/app.db-journal", os.O_RDWR|os.O_CREATE, 0o666)
		must(err)
		fmt.Fprintln(journal, time.Now())
		journal.Close()
		must(os.Remove("data/app.db-journal"))
		upload, err := os.CreateTemp("data", "upload")
		must(err)
		fmt.Fprintln(upload, time.Now())
		upload.Close()
		must(os.WriteFile("data/cache.json", []byte(time.Now().String()), 0o666))
		fmt.Fprint(w, version)
	})
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	boot()
	must(http.ListenAndServe(os.Args[1], nil))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`

// TestWhatWorkersWriteReplacesNobody: not one replacement, however much the program writes.
func TestWhatWorkersWriteReplacesNobody(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"main.go": writer, "settings.txt": "a"})
	s := start(t, dir, "-v", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	pid := s.pid()
	for range 50 {
		s.serves("v1")
	}
	s.save("note_test.go", "package main\n") // what was written before it has been judged when this is
	s.waitFor(`note_test.go created → none`)
	if now := s.pid(); now != pid {
		t.Errorf("the worker changed from %d to %d", pid, now)
	}
	s.save("version.go", version("v2", ""))
	s.waitFor(`generation 2 serves: version.go`)
	for range 50 {
		s.serves("v2")
	}
	s.save("note_test.go", "package main\n\n// more\n")
	s.waitFor(`note_test.go written → none`)
	if n := s.count(`generation \d+ starts`); n != 2 {
		t.Errorf("%d generations were started, want 2", n)
	}
}
