//go:build linux

package agent_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/gobuild"
	"hotreload/internal/testmodules"
	"hotreload/supervisor/host"
)

// TestPagesOfFrameworks: pages get the tag once, right after <head>, with every framework and middleware, and come
// uncompressed. Fetches of scripts from the same handlers get the same answer, to the byte, as without the agent.
func TestPagesOfFrameworks(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program with web frameworks: not with -short")
	}
	dir, err := filepath.Abs("../testdata/pages")
	if err != nil {
		t.Fatal(err)
	}
	download := exec.Command("go", "mod", "download")
	download.Dir = dir
	text, err := combinedOutput(download)
	testmodules.Require(t, err, text)
	p := gobuild.Program{Dir: dir}
	with, plain := filepath.Join(t.TempDir(), "with"), filepath.Join(t.TempDir(), "plain")
	for out, agent := range map[string]bool{with: true, plain: false} {
		if err := build(p, out, agent); err != nil {
			t.Fatal(err)
		}
	}
	ours, theirs := freePort(t), freePort(t)
	s := newService(t, ours)
	s.path = with
	visited(s)
	s.startReady()
	bare := exec.Command(plain, theirs)
	if err := bare.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bare.Process.Kill(); _ = bare.Wait() })
	listening(t, "tcp", theirs)
	tag := []byte("<script 1></script>")
	for _, path := range []string{
		"/net-http", "/template", "/templ", "/templ-streaming", "/gin", "/gin/template", "/echo", "/echo/gzip", "/chi",
		"/chi/compress", "/gziphandler", "/gzhttp", "/brotli",
	} {
		for _, encoding := range []string{"", "gzip", "gzip, deflate, br, zstd"} {
			t.Run(fmt.Sprint(path, " ", encoding), func(t *testing.T) {
				h := http.Header{"Accept": {"text/html,*/*;q=0.8"}, "Accept-Encoding": {encoding}, "Sec-Fetch-Dest": {"document"}}
				page, body := ask(t, ours, path, h)
				h.Del("Accept-Encoding")
				_, want := ask(t, theirs, path, h)
				at := bytes.Index(want, []byte("<head>")) + len("<head>")
				want = append(append(append([]byte{}, want[:at]...), tag...), want[at:]...)
				if !bytes.Equal(body, want) || page.Header.Get("Content-Encoding") != "" {
					t.Errorf("have %.300s\nwant %.300s", body, want)
				}
				h = http.Header{"Accept": {"text/html"}, "Accept-Encoding": {encoding}, "Sec-Fetch-Dest": {"empty"}}
				for _, path := range []string{path, path + "?fragment"} {
					fragment, body := ask(t, ours, path, h)
					bare, want := ask(t, theirs, path, h)
					fragment.Header.Del("Date")
					bare.Header.Del("Date")
					if !bytes.Equal(body, want) || fmt.Sprint(fragment.Header) != fmt.Sprint(bare.Header) {
						t.Errorf("%s, fetched: have %v %.300q\nwant %v %.300q", path, fragment.Header, body, bare.Header, want)
					}
				}
			})
		}
	}
}

func ask(t *testing.T, address, path string, h http.Header) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequest("GET", "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = h.Clone()
	answer, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", path, answer.Status, err)
	}
	return answer, body
}

// TestNothingInProduction: a binary of go build has nothing for browsers. The control is the same program with the
// agent. The agent is silent, too, if no supervisor has asked for anything.
func TestNothingInProduction(t *testing.T) {
	with, plain := binaries(t)
	for _, word := range []string{".hotreload", "X-Hotreload", "hotreload_agent", "The handler panicked"} {
		if has(t, plain, word) {
			t.Errorf("what go build makes has %q in it", word)
		}
		if !has(t, with, word) {
			t.Errorf("the control has no %q in it: the test would find nothing", word)
		}
	}
	tcp := freePort(t)
	s := newService(t, "http="+tcp)
	s.startReady()
	document := http.Header{"Accept": {"text/html"}, "Sec-Fetch-Dest": {"document"}}
	_, body := ask(t, tcp, "/?type=text/html", document)
	if !strings.HasSuffix(string(body), " 0 HTTP/1.1") {
		t.Errorf("without a supervisor that wants it a page is %q", body)
	}
	s.Host.Browser(func(int) host.Browser { return host.Browser{Key: visitKey, Tag: "<script 1></script>"} })
	_, _ = s.succeed()
	if _, body = ask(t, tcp, "/?type=text/html", document); !strings.HasSuffix(string(body), "<script 1></script>") {
		t.Errorf("the control: a page is %q", body)
	}
}

func has(t *testing.T, binary, word string) bool {
	t.Helper()
	text, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(text, []byte(word))
}
