package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// TestEverythingElse: all other answers are the same to the byte as without the gate.
func TestEverythingElse(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: localhost\r\n"
	page := func(more string) string { return document + more }
	const upgrades = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	fetch := strings.Replace(document, "document", "empty", 1)
	kept := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v"`)
		w.Header().Set("Content-Type", "text/html")
		http.ServeContent(w, r, "", time.Unix(1, 0), strings.NewReader(wholePage))
	}
	upstream := httptest.NewServer(write(html("X-Upstream", "1"), wholePage))
	defer upstream.Close()
	target, _ := url.Parse(upstream.URL)
	for _, c := range []struct {
		name, request string
		handler       http.HandlerFunc
	}{
		{"what a program asks for", get + "Accept: */*\r\n", write(html(), wholePage)},
		{"and without a wish", get, write(html(), wholePage)},
		{"a fragment that a script fetches", fetch, write(html(), wholePage)},
		{"a fragment of htmx", page("HX-Request: true\r\n"), write(html(), wholePage)},
		{"a fragment of Datastar", page("Datastar-Request: true\r\n"), write(html(), wholePage)},
		{"a fragment of jQuery", page("X-Requested-With: XMLHttpRequest\r\n"), write(html(), wholePage)},
		{"a frame of Turbo", page("Turbo-Frame: x\r\n"), write(html(), wholePage)},
		{"what another gate will tag", page("X-Hotreload: k\r\n"), write(html(), wholePage)},
		{"a stranger's name", strings.Replace(document, "localhost", "evil.example", 1), write(html(), wholePage)},
		{"the head of a page", "HEAD" + document[3:], write(html("Content-Length", "75"), wholePage)},
		{"what is deleted", "DELETE" + document[3:], write(html(), wholePage)},
		{"a piece of a file", page("Range: bytes=0-5\r\n"), kept},
		{"what has not changed", fetch + conditional, kept},
		{"JSON", page(""), write([]string{"Content-Type", "application/json"}, `{}`)},
		{"a stream of events", get + "Accept: text/event-stream\r\n", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for i := 0; i < 3; i++ {
				fmt.Fprintf(w, "data: %d\n\n", i)
				_ = http.NewResponseController(w).Flush()
			}
		}},
		{"a stream", get, func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < 3; i++ {
				_, _ = io.WriteString(w, wholePage)
				w.(http.Flusher).Flush()
			}
		}},
		{"another protocol", page(upgrades), func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n<head>")
				conn.Close()
			}
		}},
		{"notes before an answer", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</x>")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusProcessing)
			_, _ = io.WriteString(w, wholePage)
		}},
		{"nothing", get, func(http.ResponseWriter, *http.Request) {}},
		{"nothing, as a document", page(""), func(http.ResponseWriter, *http.Request) {}},
		{"no content", page(""), func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }},
		{"a code twice", get, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK)
		}},
		{"more than was said", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "3")
			_, err := io.WriteString(w, wholePage)
			_, _ = io.WriteString(w, err.Error()[:3])
		}},
		{"less than was said", get, write(html("Content-Length", "300"), wholePage)},
		{"a limit of time", get, http.TimeoutHandler(write(html(), wholePage), time.Minute, "").ServeHTTP},
		{"a limit of the body", "POST" + get[3:] + "Content-Length: 5\r\n", func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2))
			fmt.Fprint(w, err)
		}},
		{"a proxy", get, httputil.NewSingleHostReverseProxy(target).ServeHTTP},
		{"a panic", page(""), func(w http.ResponseWriter, r *http.Request) { panic("x") }},
		{"a panic after a word", page(""), func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, wholePage)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}},
		{"what is compressed", fetch + compressed, write(html("Content-Encoding", "gzip"), packed(wholePage))},
	} {
		t.Run(c.name, func(t *testing.T) {
			wanting(t, Browser{Revalidate: true})
			with, without := two(t, c.handler)
			body := ""
			if strings.Contains(c.request, "Content-Length: 5") {
				body = "hello"
			}
			want := say(t, without, c.request+last+body)
			have := say(t, with, c.request+last+body)
			if c.name == "a panic after a word" {
				have = strings.Replace(have, testTag, "", 1) // in a chunk of greater size
				want, have = want[strings.Index(want, "<!"):], have[strings.Index(have, "<!"):]
			}
			if c.name == "a limit of the body" { // net/http reports the error, as behind any middleware
				const closes = "Connection: close\r\n"
				have, want = strings.Replace(have, closes, "", 1), strings.Replace(want, closes, "", 1)
			}
			if have != want {
				t.Errorf("have %s\nwant %s", cut(have), cut(want))
			}
		})
	}
}

// TestPackedPage: a compressed page is unpacked, in pieces of any size, and flushed when the program flushes.
func TestPackedPage(t *testing.T) {
	want := strings.Replace(wholePage, "<head>", "<head>"+testTag, 1)
	for _, size := range []int{1, 7, 10_000} {
		for _, long := range []int{0, 100_000} {
			text, want := wholePage+strings.Repeat("long ", long), want+strings.Repeat("long ", long)
			wanting(t, Browser{})
			with, _ := two(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				all := packed(text)
				w.Header().Set("Content-Encoding", "gzip")
				w.Header().Set("Content-Length", fmt.Sprint(len(all)))
				w.Header().Set("Content-Type", "text/html")
				for len(all) > size {
					if n, err := io.WriteString(w, all[:size]); n != size || err != nil {
						t.Error(n, err)
					}
					all = all[size:]
				}
				_, _ = io.WriteString(w, all)
			}))
			have := parse(t, say(t, with, document+compressed+last))
			if have.body != want || have.header.Get("Content-Encoding") != "" || have.err != nil {
				t.Errorf("in pieces of %d: have %s", size, cut(fmt.Sprintf("%+v", have)))
			}
		}
	}
	t.Run("a part of one", func(t *testing.T) {
		failed := make(chan error, 1)
		with, _ := two(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Type", "text/html")
			all := packed(wholePage)
			_, _ = io.WriteString(w, all[:len(all)-8])
			_, err := io.WriteString(w, strings.Repeat("\xff", 8)) // the checksum is wrong
			failed <- err
		}))
		_ = say(t, with, document+compressed+last)
		if err := <-failed; err == nil {
			t.Error("the handler does not hear that what it writes is not gzip")
		}
	})
}

// TestStreamingPage: the first bytes come while the handler still works, with the tag, compressed or not.
func TestStreamingPage(t *testing.T) {
	for _, c := range []struct{ name, encoding string }{{"in clear", ""}, {"compressed", "gzip"}} {
		t.Run(c.name, func(t *testing.T) {
			wanting(t, Browser{})
			release := make(chan struct{})
			with, _ := two(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				var to io.Writer = w
				flush := w.(http.Flusher).Flush
				if c.encoding != "" {
					w.Header().Set("Content-Encoding", c.encoding)
					z := gzip.NewWriter(w)
					defer z.Close()
					to, flush = z, func() { _ = z.Flush(); w.(http.Flusher).Flush() }
				}
				_, _ = io.WriteString(to, "<!doctype html><head><title>first</title>")
				flush()
				<-release
				_, _ = io.WriteString(to, "</head>last")
			}))
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			r, _ := http.NewRequestWithContext(ctx, "GET", with.URL, nil)
			r.Header.Set("Accept", "text/html")
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			in := bufio.NewReader(answer.Body)
			want := "<!doctype html><head>" + testTag + "<title>first</title>"
			first := make([]byte, len(want))
			if _, err := io.ReadFull(in, first); err != nil || string(first) != want {
				t.Fatalf("have %q, %v", first, err)
			}
			close(release)
			if rest, err := io.ReadAll(in); err != nil || string(rest) != "</head>last" {
				t.Errorf("have %q, %v", rest, err)
			}
		})
	}
}

// TestTagOfHTTP2: pages over TLS get the tag, by HTTP/1.1 and by HTTP/2.
func TestTagOfHTTP2(t *testing.T) {
	wanting(t, Browser{})
	for _, second := range []bool{false, true} {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, pushes := w.(http.Pusher)
			_, hijacks := w.(http.Hijacker)
			if pushes != second || hijacks == second {
				t.Errorf("HTTP/2 %v: the answer can push: %v, be taken over: %v", second, pushes, hijacks)
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(wholePage)))
			w.Header().Set("Content-Security-Policy", "script-src https:; connect-src 'none'")
			_, _ = io.WriteString(w, wholePage)
		})
		answer, body := askOverTLS(t, handler, true, second, "text/html")
		policy := answer.Header.Get("Content-Security-Policy")
		if !strings.Contains(body, "<head>"+testTag) || answer.ContentLength != int64(len(body)) ||
			policy != "script-src https:; connect-src 'self'" || (answer.ProtoMajor == 2) != second {
			t.Errorf("HTTP/2 %v: have %s, length %d, policy %q", second, body, answer.ContentLength, policy)
		}
	}
}

// TestNonce: the tag has the nonce added to the policy, a new nonce each time.
func TestNonce(t *testing.T) {
	wanting(t, Browser{})
	with, _ := two(t, write(html("Content-Security-Policy", "script-src 'sha256-x='", "Content-Length", "75"), wholePage))
	seen := map[string]bool{}
	for range 2 {
		have := parse(t, say(t, with, document+last))
		var nonce string
		_, _ = fmt.Sscanf(have.header.Get("Content-Security-Policy"), "script-src 'sha256-x=' 'nonce-%s", &nonce)
		nonce = strings.TrimSuffix(nonce, "'")
		tag := strings.Replace(testTag, "></script>", ` nonce="`+nonce+`"></script>`, 1)
		if len(nonce) != 24 || seen[nonce] || !strings.Contains(have.body, "<head>"+tag) || have.err != nil ||
			have.length != int64(len(have.body)) {
			t.Errorf("have %+v", have)
		}
		seen[nonce] = true
	}
}

// TestAnswerCanDoWhatItCould: handlers find all methods of net/http's answers, in answers to requests for documents,
// too.
func TestAnswerCanDoWhatItCould(t *testing.T) {
	seen := make(chan string, 2)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, flusher := w.(http.Flusher)
		_, errors := w.(interface{ FlushError() error })
		_, hijacker := w.(http.Hijacker)
		_, pusher := w.(http.Pusher)
		_, from := w.(io.ReaderFrom)
		_, text := w.(io.StringWriter)
		_, notifier := w.(interface{ CloseNotify() <-chan bool })
		control := http.NewResponseController(w)
		seen <- fmt.Sprint(flusher, errors, hijacker, pusher, from, text, notifier,
			control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{}),
			control.EnableFullDuplex(), control.Flush())
	})
	compare := func(t *testing.T, accept string) {
		for _, second := range []bool{false, true} {
			var all []string
			for _, gated := range []bool{false, true} {
				askOverTLS(t, handler, gated, second, accept)
				all = append(all, <-seen)
			}
			if all[0] != all[1] {
				t.Errorf("HTTP/2 %v: have %s, want %s", second, all[1], all[0])
			}
		}
	}
	t.Run("no browsers are wanted", func(t *testing.T) { compare(t, "") })
	wanting(t, Browser{})
	t.Run("no document", func(t *testing.T) { compare(t, "") })
	t.Run("document", func(t *testing.T) { compare(t, "text/html") })
}

// askOverTLS asks a server once, with or without the gate, by HTTP/1.1 or HTTP/2, and returns the answer and its
// body.
func askOverTLS(t *testing.T, handler http.Handler, gated, second bool, accept string) (*http.Response, string) {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	if gated {
		Install(s.Config, func() bool { return false })
	}
	s.EnableHTTP2 = second
	s.StartTLS()
	defer s.Close()
	r, _ := http.NewRequest("GET", s.URL, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// TestProxyBeforeAProgram: of two programs with gates, one behind the other, only one adds the tag.
func TestProxyBeforeAProgram(t *testing.T) {
	wanting(t, Browser{})
	upstream, _ := two(t, write(html(), wholePage))
	target, _ := url.Parse(upstream.URL)
	with, _ := two(t, httputil.NewSingleHostReverseProxy(target))
	have := parse(t, say(t, with, document+last))
	if strings.Count(have.body, testTag) != 1 || have.err != nil {
		t.Errorf("have %+v", have)
	}
}

// TestFormsLeaveNoFiles: net/http removes the files of its own request.
func TestFormsLeaveNoFiles(t *testing.T) {
	wanting(t, Browser{})
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	with, _ := two(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil || len(r.MultipartForm.File) != 1 {
			t.Error(err)
		}
		write(html(), wholePage)(w, r)
	}))
	form := "--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n" +
		strings.Repeat("x", 1<<24) + "\r\n--b--\r\n"
	have := parse(t, say(t, with, "POST"+document[3:]+"Content-Type: multipart/form-data; boundary=b\r\n"+
		fmt.Sprintf("Content-Length: %d\r\n", len(form))+last+form))
	if !strings.Contains(have.body, testTag) {
		t.Errorf("have %s", cut(have.body))
	}
	if files := filesIn(t, dir); len(files) > 0 {
		t.Errorf("it leaves %v", files)
	}
}

func TestCaching(t *testing.T) {
	const css = "GET /x.css HTTP/1.1\r\nHost: localhost\r\nAccept: text/css,*/*;q=0.1\r\n"
	const script = "GET /x.js HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n"
	for _, c := range []struct {
		name, request, said string
		browser             Browser
		want                string
	}{
		{"a style sheet", css + "Sec-Fetch-Dest: style\r\n", "", Browser{Revalidate: true}, "no-cache"},
		{"which it does not say", css, "", Browser{Revalidate: true}, "no-cache"},
		{"a script", script + "Sec-Fetch-Dest: script\r\n", "", Browser{Revalidate: true}, "no-cache"},
		{"which it does not say, of a page", script + "Referer: http://x/\r\n", "", Browser{Revalidate: true}, "no-cache"},
		{"what a program asks for", script, "", Browser{Revalidate: true}, ""},
		{"what a script fetches", script + "Referer: x\r\nSec-Fetch-Dest: empty\r\n", "", Browser{Revalidate: true}, ""},
		{"what the program keeps", css, "max-age=60", Browser{Revalidate: true}, "max-age=60"},
		{"what the program keeps, and is not to", css, "max-age=60", Browser{Uncached: true}, "no-cache"},
		{"what is the program's affair", css, "", Browser{}, ""},
		{"a page", document, "", Browser{Revalidate: true}, "no-cache"},
		{"a page that the program keeps", document, "max-age=60", Browser{Revalidate: true}, "max-age=60"},
		{"a page that the program keeps, and is not to", document, "max-age=60", Browser{Uncached: true}, "no-cache"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wanting(t, c.browser)
			with, _ := two(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.said != "" {
					w.Header().Set("Cache-Control", c.said)
				}
				_, _ = io.WriteString(w, wholePage)
			}))
			if have := parse(t, say(t, with, c.request+last)).header.Get("Cache-Control"); have != c.want {
				t.Errorf("have %q, want %q", have, c.want)
			}
		})
	}
}

// TestSavedTwiceInASecond: a part of a document carries no Last-Modified while another save may get the same one. A
// file with an older date, or with a tag of its own, keeps the header.
func TestSavedTwiceInASecond(t *testing.T) {
	const css = "GET /x.css HTTP/1.1\r\nHost: localhost\r\nAccept: text/css,*/*;q=0.1\r\n"
	for _, c := range []struct {
		name    string
		age     time.Duration
		tag     string
		browser Browser
		want    bool // the header
	}{
		{"just now", 0, "", Browser{Revalidate: true}, false},
		{"just now, and the program's caching is off", 0, "", Browser{Uncached: true}, false},
		{"a minute ago", time.Minute, "", Browser{Revalidate: true}, true},
		{"just now, with a tag", 0, `"x"`, Browser{Revalidate: true}, true},
		{"just now, and caching is the program's affair", 0, "", Browser{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			wanting(t, c.browser)
			with, _ := two(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.tag != "" {
					w.Header().Set("Etag", c.tag)
				}
				http.ServeContent(w, r, "x.css", time.Now().Add(-c.age), strings.NewReader("body{}"))
			}))
			have := parse(t, say(t, with, css+last))
			if have.body != "body{}" || (have.header.Get("Last-Modified") != "") != c.want {
				t.Errorf("have %+v", have)
			}
		})
	}
}

// TestPanicPage: if a handler panics, its document shows the panic, with the stack only on this machine. net/http still
// gets the panic.
func TestPanicPage(t *testing.T) {
	wanting(t, Browser{Panics: true})
	with, _ := two(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		if r.URL.Path == "/late" {
			_, _ = io.WriteString(w, "x")
		}
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		panicsDeep("<oops>")
	}))
	var said bytes.Buffer
	with.Config.ErrorLog.SetOutput(&said)
	have := parse(t, say(t, with, document+last))
	for _, want := range []string{testTag, "panic: &lt;oops&gt;", "panicsDeep", "document_test.go:"} {
		if !strings.Contains(have.body, want) {
			t.Errorf("have %s\nwant %s", have.body, want)
		}
	}
	if strings.Contains(have.body, "(*Browser).serve") || have.err != nil ||
		!strings.HasPrefix(have.status, "500") || have.header.Get("Content-Encoding") != "" {
		t.Errorf("have %+v", have)
	}
	for _, path := range []string{"/late", "/abort"} {
		if have := say(t, with, strings.Replace(document, "/ ", path+" ", 1)+last); strings.Contains(have, "panic") {
			t.Errorf("%s: have %s", path, have)
		}
	}
	with.Close()
	if text := said.String(); strings.Count(text, "http: panic serving") != 2 || !strings.Contains(text, "panicsDeep") {
		t.Errorf("net/http says %s", cut(text))
	}
}

func filesIn(t *testing.T, dir string) (names []string) {
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		names = append(names, one.Name())
	}
	return names
}

func panicsDeep(why string) { panic(why) }

// TestHosts: the names by which browsers may request documents.
func TestHosts(t *testing.T) {
	b := &Browser{Hosts: []string{"box", ".tunnel.dev"}}
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:80": true, "localhost.:80": true, "a.b.localhost": true, "127.0.0.1:80": true,
		"[::1]:80": true, "[::1]": true, "[fe80::1%eth0]:80": true, "0.0.0.0:80": true, "192.168.1.1": true, "box:80": true,
		"a.tunnel.dev": true, "tunnel.dev": false, "": false, "notlocalhost": false, "localhost.evil": false, "evil": false,
		"127.0.0.1.evil": false, "boxbox": false, "tunnel.dev.evil": false, "1": false,
	} {
		if have := b.allows(host); have != want {
			t.Errorf("%q: have %v, want %v", host, have, want)
		}
	}
}
