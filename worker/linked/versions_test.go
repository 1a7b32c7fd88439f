//go:build linux || darwin

package linked_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/gobuild"
)

// oldServer compiles as Go of any version.
const oldServer = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid(), " ") })
	panic(http.ListenAndServe(os.Args[1], nil))
}
`

// TestGoVersions hands over programs built by other versions of Go, named in HOTRELOAD_TEST_GO ("1.21.13 1.22.12"),
// which go fetches unless they are there.
func TestGoVersions(t *testing.T) {
	versions := strings.Fields(os.Getenv("HOTRELOAD_TEST_GO"))
	if len(versions) == 0 {
		t.Skip("HOTRELOAD_TEST_GO names none")
	}
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"main.go": oldServer, "go.mod": "module example.com/old\n\ngo 1.12\n"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			tcp := freePort(t)
			s := newService(t, tcp)
			s.path = filepath.Join(t.TempDir(), "server")
			p := gobuild.Program{Dir: dir, Env: append(os.Environ(), "GOTOOLCHAIN=go"+version)}
			if err := build(p, s.path, true); err != nil {
				t.Fatal(err)
			}
			s.replace(true)
			l := run(8, keepAlive("tcp", tcp, post, 0))
			for i := range handovers {
				l.until(t, i+1)
				s.replace(true)
			}
			l.until(t, handovers+1)
			if l.end(t) > 0 {
				t.Error("requests failed")
			}
		})
	}
}
