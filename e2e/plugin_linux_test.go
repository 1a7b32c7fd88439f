package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A loaded plugin counts as a file of the worker, although C code opens the plugin and the agent cannot report this.
func TestPlugin(t *testing.T) {
	t.Parallel()
	dir := newModule(t, map[string]string{
		"main.go": `package main

import (
	"fmt"
	"net/http"
	"os"
	"plugin"
)

func main() {
	p, err := plugin.Open("p.so")
	if err != nil {
		panic(err)
	}
	word, err := p.Lookup("Word")
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, *word.(*string)) })
	fmt.Println(http.ListenAndServe(os.Args[1], nil))
}
`,
		"p/p.go": "package main\n\nvar Word = \"one\"\n",
	})
	build := func() {
		t.Helper()
		cmd := exec.Command("go", "build", "-buildvcs=false", "-buildmode=plugin", "-o", "p.so", "./p")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			if strings.Contains(string(out), "cgo") || strings.Contains(string(out), "gcc") || strings.Contains(string(out),
				"-buildmode=plugin") {
				t.Skipf("plugins cannot be built here: %v\n%s", err, out)
			}
			t.Fatalf("%v\n%s", err, out)
		}
	}
	build()
	s := startControlled(t, dir, "-v", ".", "{addr}")
	s.serves("one")
	save(t, filepath.Join(dir, "p", "p.go"), "package main\n\nvar Word = \"two\"\n")
	build()
	s.serves("two")
	s.waitFor(`p.so written → restart: loaded by the workers`)
	if out, code := s.command("explain", "p.so"); code != 0 || !strings.Contains(out, "runs code from it") {
		t.Errorf("explain: exit code %d, %s", code, out)
	}
}
