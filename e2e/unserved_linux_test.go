package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPageWhileNobodyServes: the program crashes again and again. A browser shows why, and shows the program by itself
// when it is mended. A request of a program that was sent meanwhile is answered by the mended program.
func TestPageWhileNobodyServes(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	dir := copyOf(t, "testdata/hello")
	save(t, filepath.Join(dir, "go.mod"), "module example.com/hello\n\ngo 1.25\n")
	die := filepath.Join(t.TempDir(), "die")
	save(t, filepath.Join(dir, "die.go"), fmt.Sprintf(`package main

import (
	"fmt"
	"net/http"
	"os"
)

func init() {
	http.HandleFunc("/pid", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getpid()) })
	if _, err := os.Lstat(%q); err == nil {
		panic("it dies as told")
	}
}
`, die))
	s := startControlled(t, dir, ".", "-addr", "{addr}")
	s.waitFor(`generation 1 serves`)
	b.tells("open http://" + s.addr + "/")
	b.await(`document.body.innerText.includes("Hello, world")`)
	save(t, die, "")
	if err := syscall.Kill(s.pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.waitFor(`died before it was ready`)
	b.tells("open http://" + s.addr + "/motto")
	b.await(`document.title.includes("nobody serves")`)
	b.overlay("it dies as told")
	photograph(b, "nobody-serves")
	answered := make(chan string, 1)
	go func() { // ends with the answer
		client := &http.Client{Timeout: patience}
		answer, err := client.Post("http://"+s.addr+"/pid", "text/plain", strings.NewReader("x"))
		if err != nil {
			answered <- err.Error()
			return
		}
		answer.Body.Close()
		answered <- answer.Status
	}()
	save(t, filepath.Join(dir, "die.go"), "package main\n\n"+`import "net/http"`+"\n\n"+
		`func init() { http.HandleFunc("/pid", func(http.ResponseWriter, *http.Request) {}) }`+"\n")
	s.waitFor(`generation 2 serves`)
	b.await(`!document.title.includes("nobody serves") && document.body.innerText.length > 0`)
	if answer := <-answered; answer != "200 OK" {
		t.Errorf("the request without a worker: %s", answer)
	}
}
