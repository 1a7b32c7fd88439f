//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"hotreload/internal/testplace"
)

// TestBundledExample edits one file of each kind of the bundled example, and checks its class, the printed reason, and
// the client's view.
func TestBundledExample(t *testing.T) {
	t.Parallel()
	dir := copyOf(t, "testdata/hello")
	save(t, filepath.Join(dir, "go.mod"), "module example.com/hello\n\ngo 1.25\n")
	s := start(t, dir, "-v", ".", "-addr", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.get("/motto") // read when needed
	s.get("/static/style.css")
	for _, c := range []struct {
		file, content string // "" removes the file
		class, path   string
		sees          string
	}{
		{"templates/page.html", "one {{.Title}} {{.Color}} {{.Greeting}} {{.Banner}}",
			`restart: read by the workers at their start`, "/", `^one Hello teal Hello, world!`},
		{"config.json", `{"Title": "two"}`, `restart: read by the workers at their start`, "/", `two teal`},
		{"color.env", "COLOR=three\n", `restart: read by the workers at their start`, "/", `two three`},
		{"motto.txt", "four", `live: read when needed, as by earlier workers`, "/motto", `^four$`},
		{"static/style.css", "five", `live: read when needed, as by earlier workers`, "/static/style.css", `^five$`},
		{"banner.txt", "six", `rebuild: embedded by example.com/hello`, "/", `six$`},
		{"greeting.go", "package main\n\nfunc greeting(string) string { return \"seven\" }\n",
			`rebuild: compiled into example.com/hello`, "/", `seven six$`},
		{"templates/new.html", "new", `restart: new in a folder whose *.html the workers read at their start`, "/",
			`seven six$`},
		{"templates/new.html", "", `restart: read by the workers at their start`, "/", `seven six$`},
		{"templates/new.txt", "new", `none: new; the workers have read no files of this kind there`, "/", `seven six$`},
		{"greeting_test.go", "package main\n", `none: a test: not part of the program`, "/", `seven six$`},
		{"greeting.go", "package main\n\n// A comment below which no line number counts.\n" +
			"func greeting(string) string { return \"seven\" }\n", `rebuild: compiled into example.com/hello`, "/",
			`seven six$`},
	} {
		path := filepath.Join(dir, c.file)
		if c.content == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else {
			save(t, path, c.content)
		}
		s.waitFor(`(?m)` + regexp.QuoteMeta(filepath.FromSlash(c.file)) + ` (created|written|removed) → ` +
			regexp.QuoteMeta(c.class))
		if class := regexp.MustCompile(`^\w+`).FindString(c.class); class == "restart" || class == "rebuild" {
			s.waitFor(`(generation \d+ serves: )?` + regexp.QuoteMeta(filepath.FromSlash(c.file)) + ` → ` + class +
				`( · |: the program is identical)`)
		}
		if have, err := s.get(c.path); err != nil || !regexp.MustCompile(c.sees).MatchString(have) {
			t.Errorf("%s: %s is %q (%v), want %q", c.file, c.path, have, err, c.sees)
		}
	}
}

// copyOf copies one of the project's folders into a folder of the test.
func copyOf(t *testing.T, from string) string {
	t.Helper()
	dir := testplace.Folder(t)
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// writer is a server with all usual ways of opening files for writing, at the start and for each request.
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

// TestWhatWorkersWriteReplacesNobody: whatever the program writes causes no replacement.
func TestWhatWorkersWriteReplacesNobody(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"main.go": writer, "settings.txt": "a"})
	s := start(t, dir, "-v", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	pid := s.pid()
	for range 50 {
		s.serves("v1")
	}
	s.save("note_test.go", "package main\n") // once this change is classified, so are all earlier writes
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
