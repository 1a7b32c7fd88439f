package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPageWhileNobodyServes: the program crashes again and again. A browser shows the reason, and shows the program
// after the repair, without a reload by hand. The repaired program answers a request sent by another client meanwhile.
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

// TestPageOfABrokenFirstBuild: the first build fails, and --listen tells the address. A browser shows why, and then the
// program. A request of another client is answered by the program, whoever takes the connection: the agent, for a
// listener of the program's or an inherited one, or a program that accepts by system calls, from the kernel's queue.
func TestPageOfABrokenFirstBuild(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, main string
		relayed    bool // the program sees another connection
	}{
		{"own listener", strings.Replace(seen, "LISTEN", `net.Listen("tcp", os.Args[1])`, 1), false},
		{"inherited", strings.Replace(seen, "LISTEN", `net.FileListener(os.NewFile(3, "inherited"))`, 1), false},
		{"without an agent", seenRaw, true},
		{"with an agent, past it", strings.Replace(seenRaw, "import (", "import (\n\t_ \"net\"", 1), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			addr := freeAddr(t)
			dir := newModule(t, map[string]string{"main.go": c.main, "version.go": "package main\n\nbroken\n"})
			s := startControlled(t, dir, "--listen", addr, ".", addr)
			s.waitFor(`build failed`)
			ask := func(accept string) *bufio.Reader {
				t.Helper()
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
				_ = conn.SetDeadline(time.Now().Add(patience))
				if _, err := fmt.Fprintf(conn, "GET /%s HTTP/1.0\r\nHost: localhost\r\nAccept: %s\r\n\r\n", conn.LocalAddr(),
					accept); err != nil {
					t.Fatal(err)
				}
				return bufio.NewReader(conn)
			}
			unserved := func() {
				t.Helper()
				answer, err := http.ReadResponse(ask("text/html"), nil)
				if err != nil || answer.StatusCode != http.StatusServiceUnavailable {
					t.Fatalf("while nobody serves, a browser gets %v, %v", answer, err)
				}
			}
			unserved()
			other := ask("*/*")
			unserved() // the connection before was accepted, too
			var b *browserPage
			if c.name == "own listener" { // one is enough
				b = &browserPage{newBrowser(t)}
				b.tells("open http://" + addr + "/")
				b.await(`document.title.includes("nobody serves")`)
				b.overlay("Build failed", "version.go:3:1")
			}
			s.save("version.go", version("v1", ""))
			s.waitFor(`generation 1 (serves|is running)`)
			answer, err := http.ReadResponse(other, nil)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(answer.Body)
			var have, want string
			if n, _ := fmt.Sscanf(string(text), "<body>v1 from %s for /%s", &have, &want); n != 2 || err != nil {
				t.Fatalf("the request without a worker gets %q, %v", text, err)
			}
			if (have != want) != c.relayed {
				t.Errorf("the program sees a connection from %s, the client's is from %s; relayed: want %v", have, want, c.relayed)
			}
			if b != nil {
				b.await(`document.body.innerText.startsWith("v1")`)
			}
		})
	}
}

// seen answers with the client's address as the program sees it, and the path.
const seen = `package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	boot()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<body>%s from %s for %s", version, r.RemoteAddr, r.URL.Path)
	})
	_ = os.Args
	l, err := LISTEN
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(l, nil))
}
`

// seenRaw is the same by system calls alone.
const seenRaw = `package main

import (
	"bytes"
	"fmt"
	"syscall"
	"time"
)

func main() {
	boot()
	for {
		conn, from, err := syscall.Accept(3)
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		go answer(conn, from.(*syscall.SockaddrInet4))
	}
}

func answer(conn int, from *syscall.SockaddrInet4) {
	defer syscall.Close(conn)
	var request []byte
	for buffer := make([]byte, 4096); !bytes.Contains(request, []byte("\r\n\r\n")); {
		n, err := syscall.Read(conn, buffer)
		if err != nil || n == 0 {
			return
		}
		request = append(request, buffer[:n]...)
	}
	syscall.Write(conn, []byte(fmt.Sprintf("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n"+
		"<body>%s from 127.0.0.1:%d for %s", version, from.Port, bytes.Fields(request)[1])))
}
`
