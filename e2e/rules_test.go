//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// readsAtStart answers /made with the content of made.txt at its start, and /live with the present content of live.txt.
const readsAtStart = `package main

import (
	_ "embed"
	"fmt"
	"net/http"
	"os"
)

//go:embed embedded.txt
var embedded string

func main() {
	made, _ := os.ReadFile("made.txt")
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, embedded) })
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	http.HandleFunc("/made", func(w http.ResponseWriter, r *http.Request) { w.Write(made) })
	fmt.Println(http.ListenAndServe(os.Args[1], nil))
}
`

// holds polls until a file contains a text.
func (s *session) holds(name, want string) {
	s.t.Helper()
	s.eventually(name+" holds "+want, func() bool {
		have, err := os.ReadFile(filepath.Join(s.dir, name))
		return err == nil && string(have) == want
	})
}

// TestRulesRunWhateverTheClass: a rule's command runs when its file changes, and then the class takes effect.
func TestRulesRunWhateverTheClass(t *testing.T) {
	t.Parallel()
	rule := func(match, run, class string) string {
		return "[[rule]]\nmatch = \"" + match + "\"\nrun = \"" + run + "\"\n" + class + "\n"
	}
	files := map[string]string{"main.go": readsAtStart, "version.go": "package main\n", "embedded.txt": "-"}
	for _, name := range []string{"live", "none", "restart", "rebuild", "feeds"} {
		files[name+".in"] = "one"
	}
	files["hotreload.toml"] = rule("live.in", "cp live.in live.out", `class = "live"`) +
		rule("none.in", "cp none.in none.out", `class = "none"`) +
		rule("restart.in", "cp restart.in made.txt", `class = "restart"`) +
		rule("rebuild.in", "cp rebuild.in rebuild.out", "") +
		rule("feeds.in", "cp feeds.in embedded.txt", `class = "none"`)
	s := start(t, newModule(t, files), "-v", ".", "{addr}")
	s.serves("one")
	s.holds("live.out", "one") // at the start, too
	s.holds("none.out", "one")
	s.holds("rebuild.out", "one")
	pid := s.pid()

	s.save("live.in", "two")
	s.waitFor(`live.in written → live: a rule runs cp live.in live.out`)
	s.waitFor(`live.in → live: ran cp live.in live.out`)
	s.holds("live.out", "two")
	s.save("none.in", "two")
	s.waitFor(`none.in → none: ran cp none.in none.out`)
	s.holds("none.out", "two")
	if s.pid() != pid || s.count(`in effect already`) > 0 {
		t.Errorf("the workers were replaced, or a line was printed too early:\n%s", s.text())
	}

	s.save("restart.in", "two")
	// On a busy machine, the change of made.txt is noticed only after generation 2 has started, which is then replaced.
	s.waitFor(`generation \d+ serves: .*(restart.in|made.txt).* → restart`)
	if made, err := s.get("/made"); made != "two" {
		t.Errorf("the new worker has read %q, %v", made, err)
	}
	s.save("rebuild.in", "two")
	s.waitFor(`rebuild.in.* → rebuild: the program is identical`)
	s.holds("rebuild.out", "two")

	// Files that the command writes are classified like others.
	s.save("feeds.in", "two")
	s.serves("two")

	// A failure is shown until the command succeeds.
	s.save("hotreload.toml", rule("live.in", "grep -q ok live.in", `class = "live"`))
	s.waitFor(`build failed .*generation \d+, now stale, keeps serving\ngrep -q ok live.in: exit code 1`)
	s.save("live.in", "ok")
	s.waitFor(`live.in → rebuild|live.in → live: |the program is identical`)
	s.serves("two")
}

// TestRulesInOrder: rules for the same files run in their order, at the chosen time, with the names of the changed
// files.
func TestRulesInOrder(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{
		"a.css": "a", "css/b c.css": "b",
		"hotreload.toml": `[[rule]]
match = "**/*.css"
run = "echo each {file} >> log"
class = "none"

[[rule]]
match = "**/*.css"
run = "echo all {files} >> log"

[[rule]]
run = "echo start >> log"
when = "start"

[[rule]]
match = "*.css"
run = "echo change >> log"
when = "change"
`,
	})
	s := start(t, dir, "-i", "log", ".", "{addr}")
	s.serves("v1")
	log := "each a.css\neach css/b c.css\nall a.css css/b c.css\nstart\n"
	s.holds("log", log)
	s.save("css/b c.css", "bb")
	log += "each css/b c.css\nall css/b c.css\n"
	s.holds("log", log)
	s.waitFor(`css/b c.css → none: ran echo each \{file\} >> log, then echo all \{files\} >> log`)
	s.save("a.css", "aa")
	log += "each a.css\nall a.css\nchange\n"
	s.holds("log", log)
	if err := os.Remove(filepath.Join(dir, "a.css")); err != nil { // no changed file is left to name
		t.Fatal(err)
	}
	s.holds("log", log+"change\n")
}
