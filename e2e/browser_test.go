//go:build linux || darwin

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotreload/internal/testmodules"
)

// site is a server of pages, with and without TLS. Each page shows the version. Some pages have an event stream, and
// reload at its end, like the live reload of many programs.
const site = `package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	events = "new EventSource('/events').onerror = () => location.reload()"
	socket = "new WebSocket(location.origin.replace('http', 'ws') + '/socket').onclose = () => location.reload()"
)

func show(script string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Cache-Control", "no-store")
		fmt.Fprintf(w, "<!doctype html><title>site</title><body>%s %s</body><script>%s</script>", version, r.Proto, script)
	}
}

func main() {
	boot()
	http.HandleFunc("/", show(""))
	http.HandleFunc("/with-events", show(events))
	http.HandleFunc("/with-socket", show(socket))
	http.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, ": hello\n\n")
		w.(http.Flusher).Flush()
		log.Println("streaming", version)
		<-r.Context().Done()
	})
	http.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		conn, buffers, err := w.(http.Hijacker).Hijack()
		if err != nil {
			log.Println("not hijacked:", err)
			return
		}
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		fmt.Fprintf(buffers, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
		buffers.Flush()
		log.Println("streaming", version)
		go hold(conn, buffers.Reader)
	})
	go func() { log.Fatal(http.ListenAndServe(os.Args[1], nil)) }()
	secure := &http.Server{Addr: os.Args[2], TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate()}}}
	log.Fatal(secure.ListenAndServeTLS("", ""))
}

func hold(conn net.Conn, in *bufio.Reader) {
	io.Copy(io.Discard, in)
	conn.Close()
}

func certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
`

// realBrowser is a Chromium; see testdata/browser.
type realBrowser struct {
	*testing.T
	to     io.Writer
	pages  chan string
	values chan string
}

// newBrowser starts a browser, or skips the test with the reason.
func newBrowser(t *testing.T) *realBrowser {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds a driver and starts a browser: not with -short")
	}
	found := false
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
		"headless_shell"} {
		_, err := exec.LookPath(name)
		found = found || err == nil
	}
	if !found {
		t.Skip("neither Chromium nor Chrome is in PATH; on Debian: apt-get install chromium")
	}
	b := &realBrowser{T: t, pages: make(chan string, 10_000), values: make(chan string, 10)}
	cmd := exec.Command(browserBuilt(t))
	to, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.to = to
	ended := make(chan struct{})
	go func() { // ends with the browser; the cleanup waits for it
		defer close(ended)
		in := bufio.NewScanner(from)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			if value, is := strings.CutPrefix(in.Text(), "value "); is {
				b.values <- value
			} else {
				b.pages <- in.Text()
			}
		}
		_ = cmd.Wait()
		close(b.pages)
		close(b.values)
	}()
	t.Cleanup(func() {
		to.Close()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("the browser does not end")
			_ = cmd.Process.Kill()
		}
		if t.Failed() {
			t.Log(complaints.String())
		}
	})
	return b
}

func browserBuilt(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "browser")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".")
	build.Dir = "testdata/browser"
	out, err := build.CombinedOutput()
	testmodules.Require(t, err, string(out))
	return path
}

// do sends a command to the browser, and returns the page shown next.
func (b *realBrowser) do(what string) string {
	b.Helper()
	fmt.Fprintln(b.to, what)
	return b.shows()
}

// value sends a command to the browser, and returns its value as JSON.
func (b *realBrowser) value(what string) string {
	b.Helper()
	fmt.Fprintln(b.to, what)
	select {
	case value, open := <-b.values:
		if !open {
			b.Fatalf("%s: the browser has ended%s", what, b.reason())
		}
		return value
	case <-time.After(2 * patience):
		b.Fatalf("%s: the browser says nothing", what)
		return ""
	}
}

// reason is why the browser has ended, as it says itself.
func (b *realBrowser) reason() string {
	for page := range b.pages {
		if why, is := strings.CutPrefix(page, "failed"); is {
			return ":" + why
		}
	}
	return ""
}

// tells sends a command without a value to the browser.
func (b *realBrowser) tells(what string) {
	b.Helper()
	fmt.Fprintln(b.to, what)
}

// shows waits for the next page.
func (b *realBrowser) shows() string {
	b.Helper()
	select {
	case page := <-b.pages:
		return page
	case <-time.After(patience):
		b.Fatal("the browser shows nothing")
		return ""
	}
}

// hasAgent fails the test if the program has no agent, because the test would prove nothing.
func (s *session) hasAgent() {
	s.t.Helper()
	if s.count(`no agent`) > 0 {
		s.t.Fatal("the agent is not linked")
	}
}

// listens waits until the program listens on all of its addresses. On a starved machine some may come later than the
// line of the first generation, because nobody knows yet how many there are.
func (s *session) listens(addresses ...string) {
	s.t.Helper()
	for _, address := range addresses {
		s.eventually("the program listens on "+address, func() bool {
			conn, err := net.Dial("tcp", address)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
}

// TestOneRefreshShowsNewCode: a page is open, a file is saved, and hotreload prints that the new generation serves.
// Then the first refresh shows the new code, each time.
func TestOneRefreshShowsNewCode(t *testing.T) {
	t.Parallel()
	plain, secure := newBrowser(t), newBrowser(t)
	overTLS := freeAddr(t)
	// The page is not to reload by itself at the same time.
	s := start(t, newModule(t, map[string]string{"main.go": site}), "--no-browser", ".", "{addr}", overTLS)
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	s.listens(s.addr, overTLS)
	pages := []struct {
		name, protocol string
		*realBrowser
		right int
	}{
		{"HTTP", "HTTP/1.1", plain, 0},
		{"HTTPS", "HTTP/2.0", secure, 0},
	}
	page := func(v int, protocol string) string { return fmt.Sprintf("page %q", fmt.Sprintf("v%d %s", v, protocol)) }
	for i, url := range []string{"http://" + s.addr, "https://" + overTLS} {
		if have, want := pages[i].do("open "+url), page(1, pages[i].protocol); have != want {
			t.Fatalf("%s: the page is %s, want %s", pages[i].name, have, want)
		}
	}
	const saves = 20
	for v := 2; v < 2+saves; v++ {
		s.save("version.go", version(fmt.Sprintf("v%d", v), ""))
		s.waitFor(fmt.Sprintf(`generation %d serves`, v))
		for i := range pages {
			if have, want := pages[i].do("refresh"), page(v, pages[i].protocol); have == want {
				pages[i].right++
			} else {
				t.Logf("%s: the page is %s, want %s", pages[i].name, have, want)
			}
		}
	}
	for _, p := range pages {
		if p.right != saves {
			t.Errorf("%s: %d of %d refreshes show the new code", p.name, p.right, saves)
		}
	}
}

// TestPagesThatReloadWhenTheirStreamEnds show the new code without a refresh, although the grace is longer than the
// test.
func TestPagesThatReloadWhenTheirStreamEnds(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	overTLS := freeAddr(t)
	s := start(t, newModule(t, map[string]string{"main.go": site}), "--grace", "10m", "--no-browser", ".", "{addr}",
		overTLS)
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	s.listens(s.addr, overTLS)
	v := 1
	for _, path := range []string{"/with-events", "/with-socket"} {
		for _, url := range []string{"http://" + s.addr, "https://" + overTLS} {
			page := b.do("open " + url + path)
			for range 3 {
				if want := fmt.Sprintf(`page "v%d HTTP/`, v); !strings.HasPrefix(page, want) {
					t.Fatalf("%s%s: the page is %s, want %s", url, path, page, want)
				}
				s.waitFor(fmt.Sprintf(`streaming v%d`, v))
				v++
				s.save("version.go", version(fmt.Sprintf("v%d", v), ""))
				s.waitFor(fmt.Sprintf(`generation %d serves`, v))
				since := time.Now()
				page = b.shows()
				t.Logf("%s%s: %s %d ms after the line", url, path, page, time.Since(since).Milliseconds())
			}
			s.waitFor(fmt.Sprintf(`streaming v%d`, v))
		}
	}
}
