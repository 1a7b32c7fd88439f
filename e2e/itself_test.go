//go:build unix

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// itself is a server that starts itself again by os.Args[0], and serves in the child.
var itself = strings.Replace(server, "boot()", `boot()
	if os.Getenv("CHILD") == "" {
		child := exec.Command(os.Args[0], os.Args[1:]...)
		child.Env = append(os.Environ(), "CHILD=1")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		log.Fatal(child.Run())
	}
	log.Printf("home %s, name %s", filepath.Dir(os.Args[0]), os.Args[0])`, 1)

// If a program starts itself again, its own binary runs, as with go run, even if another program has the same name. A
// path relative to the folder of os.Args[0] is in the working folder.
func TestStartsItselfAgain(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"app", "test"} { // every PATH contains a program called test
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(newModule(t, nil), name)
			main := strings.Replace(itself, "\"os\"\n", "\"os\"\n\t\"os/exec\"\n\t\"path/filepath\"\n", 1)
			for file, text := range map[string]string{
				"go.mod": "module example.com/" + name + "\n\ngo 1.25\n", "main.go": main, "version.go": version("v1", ""),
			} {
				save(t, filepath.Join(dir, file), text)
			}
			s := start(t, dir, ".", "{addr}")
			s.serves("v1")
			s.waitFor(`home \., name ` + name + `\n`)
			s.waitFor(`generation 1 serves`)
			s.save("version.go", version("v2", ""))
			s.serves("v2")
			if s.count(`died`) > 0 {
				t.Error("the worker has died")
			}
		})
	}
}

// counting is a server that counts its starts in a file next to its executable.
const counting = `package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	exe, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	path, n := filepath.Join(filepath.Dir(exe), "counter"), 0
	if text, err := os.ReadFile(path); err == nil {
		fmt.Sscan(string(text), &n)
	}
	n++
	if err := os.WriteFile(path, fmt.Append(nil, n), 0o600); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, version, " ", n) })
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
`

// A file that the program writes next to its executable exists for the next generation, and for the next hotreload. Its
// place is printed once.
func TestDataBesideTheExecutable(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{"main.go": counting, "version.go": "package main\n\nconst version = \"v1\"\n"})
	n := 0
	for range 2 {
		s := start(t, dir, ".", "{addr}")
		said := `the program writes counter next to its executable, in hotreload's cache folder: (\S+)\nhint: `
		path := s.waitFor(said)[1]
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		for i := range 3 {
			v := fmt.Sprintf("v%d-%d", n, i)
			s.save("version.go", "package main\n\nconst version = \""+v+"\"\n")
			n += 1 + map[bool]int{true: 1}[i == 0] // the first start in this run, too
			s.serves(fmt.Sprint(v, " ", n))
		}
		if have := s.count(said); have != 1 {
			t.Errorf("reported %d times, want once", have)
		}
		s.signal(syscall.SIGINT)
		s.exit()
		if text, err := os.ReadFile(path); err != nil || string(text) != fmt.Sprint(n) {
			t.Errorf("at the end the file contains %q (%v), want %d", text, err, n)
		}
	}
}
