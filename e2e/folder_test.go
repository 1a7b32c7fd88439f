//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// paged is a server that reads a file in its working folder before it listens.
var paged = strings.Replace(strings.Replace(server, "boot()", "page, err := os.ReadFile(\"page.html\")\n"+
	"\tif err != nil {\n\t\tlog.Fatal(err)\n\t}", 1),
	"fmt.Fprint(w, version)", "fmt.Fprint(w, version, string(page))", 1)

// If the working folder is removed and comes back, as in a checkout, later workers start in the new folder and not in
// the removed one. The workers have their agent, and the files read by them are watched.
func TestFolderIsMadeAnew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		absent func(t *testing.T, dir string) (back func())
	}{
		{"removed and made anew", func(t *testing.T, dir string) func() {
			kept := filepath.Join(t.TempDir(), "kept")
			ensure(t, os.CopyFS(kept, os.DirFS(dir)))
			ensure(t, os.RemoveAll(dir))
			return func() { ensure(t, os.CopyFS(dir, os.DirFS(kept))) }
		}},
		{"moved away and copied back", func(t *testing.T, dir string) func() {
			ensure(t, os.Rename(dir, dir+"-away"))
			return func() { ensure(t, os.CopyFS(dir, os.DirFS(dir+"-away"))) }
		}},
		{"another in its place", func(t *testing.T, dir string) func() {
			ensure(t, os.CopyFS(dir+"-new", os.DirFS(dir)))
			ensure(t, os.Rename(dir, dir+"-away"))
			return func() { ensure(t, os.Rename(dir+"-new", dir)) }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(newModule(t, nil), "svc")
			for name, text := range map[string]string{
				"go.mod": "module example.com/svc\n\ngo 1.25\n", "main.go": paged, "version.go": version("v1", ""),
				"page.html": " leaf",
			} {
				save(t, filepath.Join(dir, name), text)
			}
			s := setup{env: []string{"HOTRELOAD_CACHE=" + t.TempDir()}}.start(t, dir, "-v", ".", "{addr}")
			s.waitFor(`generation 1 serves`)
			back := c.absent(t, dir)
			s.waitFor(`generation 1, now stale, keeps serving`)
			s.serves("v1 leaf")
			back()
			s.save("version.go", version("v2", ""))
			s.serves("v2 leaf")
			s.waitFor(`is ready after .* \(accepts\)`)
			s.waitFor(`generation \d+ serves`)
			s.save("page.html", " page")
			s.serves("v2 page")
		})
	}
}

func ensure(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// One save changes a source without changing the binary, and a file read at the start: the file causes a restart.
func TestSameProgramAndAnotherPage(t *testing.T) {
	t.Parallel()
	s := start(t, newModule(t, map[string]string{"main.go": paged, "page.html": " leaf"}), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.serves("v1 leaf")
	save(t, filepath.Join(s.dir, "page.html"), " page")
	save(t, filepath.Join(s.dir, "version.go"), version("v1", "")+"\n// a comment\n")
	s.serves("v1 page")
}
