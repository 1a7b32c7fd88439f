//go:build unix

package e2e

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// asker sends requests again and again, each on a new connection, and never retries a failed one.
type asker struct {
	stop  chan struct{}
	done  sync.WaitGroup
	asked int
	fails []string
	old   []string // answers from elsewhere than the program
}

func keepAsking(url string, right func(string) bool) *asker {
	a := &asker{stop: make(chan struct{})}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	a.done.Go(func() { // ends with stop
		for {
			select {
			case <-a.stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
			a.asked++
			response, err := client.Get(url)
			if err != nil {
				a.fails = append(a.fails, err.Error())
				continue
			}
			text, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || !right(string(text)) {
				a.old = append(a.old, string(text))
			}
		}
	})
	return a
}

func (a *asker) end(t *testing.T) {
	t.Helper()
	close(a.stop)
	a.done.Wait()
	t.Logf("%d requests, %d failed, %d answers were wrong", a.asked, len(a.fails), len(a.old))
	if len(a.fails) > 0 || len(a.old) > 0 || a.asked == 0 {
		t.Errorf("failed: %q; wrong: %q", firstOf(a.fails), firstOf(a.old))
	}
}

func firstOf(all []string) []string { return all[:min(len(all), 5)] }

// halves is a program that needs all its files, although it compiles without some of them: it reads the page at the
// start, and extra.go and lib/extra.go add to the answer.
var halves = map[string]string{
	"go.mod":      "module example.com/app\n\ngo 1.25\n",
	"main.go":     "package main\n",
	"version.go":  "package main\n",
	"svc/main.go": "package main\n\nimport \"os\"\n\nvar parts []string\n\nfunc main() { serve(os.Args[1]) }\n",
	"svc/serve.go": `package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"

	"example.com/app/svc/lib"
)

func serve(address string) {
	page, err := os.ReadFile("svc/page.html")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, word, lib.Parts, strings.Join(parts, ""), string(page))
	})
	fmt.Println(http.ListenAndServe(address, nil))
}
`,
	"svc/word.go":      "package main\n\nconst word = \"v1\"\n",
	"svc/extra.go":     "package main\n\nfunc init() { parts = append(parts, \"E\") }\n",
	"svc/lib/lib.go":   "package lib\n\nvar Parts = \"L\"\n",
	"svc/lib/extra.go": "package lib\n\nfunc init() { Parts += \"X\" }\n",
	"svc/page.html":    "P",
}

// TestFolderComesInPieces: a folder of the program is removed and copied back, with pauses of a quiet tree, or by git
// or rsync. The old generation keeps serving until the complete program can replace it.
func TestFolderComesInPieces(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, dir, name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b",
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
	}
	word := func(t *testing.T, dir, v string) {
		save(t, filepath.Join(dir, "word.go"), "package main\n\nconst word = \""+v+"\"\n")
	}
	const pause = 600 * time.Millisecond
	pieces := func(order ...string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			kept := filepath.Join(t.TempDir(), "kept")
			svc := filepath.Join(dir, "svc")
			ensure(t, os.CopyFS(kept, os.DirFS(svc)))
			word(t, kept, "v2")
			ensure(t, os.RemoveAll(svc))
			for _, name := range order {
				time.Sleep(pause) // the pause under test: the tree is quiet for long enough to be built
				text, err := os.ReadFile(filepath.Join(kept, name))
				ensure(t, err)
				save(t, filepath.Join(svc, name), string(text))
			}
		}
	}
	// The program compiles and starts before the last two files arrive.
	all := []string{"page.html", "main.go", "word.go", "lib/lib.go", "serve.go", "lib/extra.go", "extra.go"}
	backwards := slices.Clone(all)
	slices.Reverse(backwards)
	for _, c := range []struct {
		name, tool string
		change     func(t *testing.T, dir string)
	}{
		{"file by file", "", pieces(all...)},
		{"the other way round", "", pieces(backwards...)},
		{"rm -rf and cp -r", "", func(t *testing.T, dir string) {
			run(t, dir, "cp", "-r", "svc", "away")
			word(t, filepath.Join(dir, "away"), "v2")
			run(t, dir, "sh", "-c", "rm -rf svc; cp -r away svc")
		}},
		{"rsync --delete", "rsync", func(t *testing.T, dir string) {
			run(t, dir, "cp", "-r", "svc", "away")
			word(t, filepath.Join(dir, "away"), "v2")
			run(t, dir, "rsync", "-ac", "--delete", "away/", "svc/")
		}},
		{"git checkout of another branch, and back", "git", func(t *testing.T, dir string) {
			run(t, dir, "git", "checkout", "-q", "-b", "without")
			run(t, dir, "git", "rm", "-q", "-r", "svc")
			run(t, dir, "git", "commit", "-q", "-m", "without")
			run(t, dir, "git", "checkout", "-q", "main")
			word(t, filepath.Join(dir, "svc"), "v2")
		}},
		{"git stash, and git stash pop", "git", func(t *testing.T, dir string) {
			word(t, filepath.Join(dir, "svc"), "v2")
			run(t, dir, "git", "stash", "-q")
			run(t, dir, "git", "stash", "pop", "-q")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(c.tool); c.tool != "" && err != nil {
				t.Skip(c.tool + " is not installed")
			}
			dir := newModule(t, halves)
			if c.tool == "git" {
				run(t, dir, "git", "init", "-q", "-b", "main")
				run(t, dir, "git", "add", "go.mod", "svc")
				run(t, dir, "git", "commit", "-q", "-m", "all")
			}
			s := start(t, dir, "./svc", "{addr}")
			s.serves("v1LXEP")
			s.waitFor(`generation 1 serves`)
			client := keepAsking("http://"+s.addr, func(text string) bool { return strings.HasSuffix(text, "LXEP") })
			c.change(t, dir)
			s.serves("v2LXEP")
			s.waitFor(`generation \d+ serves`)
			client.end(t)
			if s.count(`no agent|stop-first`) > 0 {
				t.Errorf("the agent was lost:\n%s", s.text())
			}
		})
	}
}
