package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const testTag = `<script src="/.hotreload/k/client.js" data-generation="1" async></script>`

// wanting has the gates of the test do the work for browsers.
func wanting(t *testing.T, b Browser) {
	b.Key = "k"
	if b.Tag == "" {
		b.Tag = testTag
	}
	browser = &b
	t.Cleanup(func() { browser = nil })
}

// two are a server with a gate and one without, with the same handler.
func two(t *testing.T, handler http.Handler) (with, without *httptest.Server) {
	with, without = httptest.NewUnstartedServer(handler), httptest.NewUnstartedServer(handler)
	Install(with.Config, func() bool { return false })
	for _, s := range []*httptest.Server{with, without} {
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.Start()
		t.Cleanup(s.Close)
	}
	return with, without
}

var dates = regexp.MustCompile(`(?m)^Date: .*$|127\.0\.0\.1:[0-9]+`)

// say sends a request unchanged, with the connection closed after it, and returns the whole answer, except for dates
// and ports.
func say(t *testing.T, s *httptest.Server, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(limit))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	return dates.ReplaceAllString(string(all), "Date: X\r")
}

// browsers' requests: for a document, and for a document without a header that says so.
const (
	document    = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html,*/*;q=0.8\r\nSec-Fetch-Dest: document\r\n"
	unsaid      = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html,*/*;q=0.8\r\n"
	compressed  = "Accept-Encoding: gzip, br\r\n"
	conditional = "If-None-Match: \"v\"\r\nIf-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
	last        = "Connection: close\r\n\r\n"
)

const wholePage = "<!doctype html><html><head><title>x</title></head><body>hello</body></html>"

// write is a handler that sets headers, given in pairs, and writes pieces.
func write(header []string, pieces ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		for _, piece := range pieces {
			_, _ = io.WriteString(w, piece)
		}
	}
}

// html are headers of a page, and more.
func html(more ...string) []string {
	return append([]string{"Content-Type", "text/html; charset=utf-8", "Cache-Control", "private"}, more...)
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// TestTag: answers to requests for documents. They are the same as without the gate, except for the tag and the named
// differences.
func TestTag(t *testing.T) {
	longHead := "<!doctype html><!--" + strings.Repeat("x", 3*maxLook) + "--><head>"
	file := filepath.Join(t.TempDir(), "page.html")
	large := strings.Replace(wholePage, "hello", strings.Repeat("hello ", 1<<17), 1)
	if err := os.WriteFile(file, []byte(large), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		request string   // "" = document
		after   string   // the tag stands after this text; "": there is no tag; "END": at the end
		without []string // headers
	}{
		{name: "a page", handler: write(html(), wholePage), after: "<head>"},
		{name: "a page in a frame", handler: write(html(), wholePage), after: "<head>",
			request: strings.Replace(document, "document", "iframe", 1)},
		{name: "a page that a service worker passes on", handler: write(html(), wholePage), after: "<head>",
			request: strings.Replace(document, "document", "empty\r\nSec-Fetch-Mode: navigate", 1)},
		{name: "a page that it does not say what for",
			handler: write(html(), wholePage), request: unsaid, after: "<head>"},
		{name: "the answer to a form", handler: write(html(), wholePage), after: "<head>",
			request: "POST" + document[3:] + "Content-Length: 0\r\n"},
		{name: "a page of unsaid type",
			handler: write([]string{"Cache-Control", "private"}, wholePage), after: "<head>"},
		{name: "in pieces", handler: write(html(), strings.Split(wholePage, "")...), after: "<head>"},
		{name: "in pieces, of unsaid type",
			handler: write([]string{"Cache-Control", "private"}, strings.Split(wholePage, "")...),
			after:   "<head>"},
		{name: "with its length",
			handler: write(html("Content-Length", fmt.Sprint(len(wholePage))), wholePage), after: "<head>"},
		{name: "with too great a length", handler: write(html("Content-Length", "1000"), wholePage), after: "<head>"},
		{name: "with too small a length",
			handler: write(html("Content-Length", "10"), "<head>", wholePage), after: "<head>"},
		{name: "an error", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Cache-Control", "private")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, wholePage)
		}, after: "<head>"},
		{name: "a file", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "private")
			http.ServeFile(w, r, file)
		}, after: "<head>"},
		{name: "a page without a head", handler: write(html(), "<!doctype html><body>"), after: "<!doctype html>"},
		{name: "a part, as a document", handler: write(html(), "<h1>hello</h1>"), after: "END"},
		{name: "a part with its length",
			handler: write(html("Content-Length", "14"), "<h1>hello</h1>"), after: "END"},
		{name: "a part with too small a length",
			handler: write(html("Content-Length", "4"), "<h1>", "hello</h1>"), after: "END"},
		{name: "a part, in a frame", handler: write(html(), "<h1>hello</h1>"),
			request: strings.Replace(document, "document", "iframe", 1)},
		{name: "a part that may be a fragment", handler: write(html(), "<h1>hello</h1>"), request: unsaid},
		{name: "a page with its head too far away",
			handler: write(html(), strings.SplitAfter(longHead, "xxxx")...), after: "<!doctype html>"},
		{name: "a page that has one",
			handler: write(html(), "<html><head>\n"+`<script src="/.hotreload/other/client.js"`)},
		{name: "an empty page", handler: write(html(), "")},
		{name: "a page that is not written", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusNotFound)
		}},
		{name: "nothing", handler: func(http.ResponseWriter, *http.Request) {}},
		{name: "text", handler: write(nil, "hello")},
		{name: "JSON", handler: write([]string{"Content-Type", "application/json"}, `{"a": "<head>"}`)},
		{name: "a download", handler: write(html("Content-Disposition", "Attachment; filename=x.html"), wholePage)},
		{name: "a redirect", handler: http.RedirectHandler("/x", http.StatusFound).ServeHTTP},
		{name: "UTF-16", handler: write([]string{"Content-Type", `text/html;charset="UTF-16LE"`}, "<\x00h\x00")},
		{name: "UTF-16 that does not say so",
			handler: write([]string{"Content-Type", "text/html"}, "\xff\xfe<\x00h\x00")},
		{name: "Latin",
			handler: write([]string{"Cache-Control", "x", "Content-Type", "text/html; Charset=ISO-8859-1"}, wholePage),
			after:   "<head>"},
		{name: "a type that is none", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, wholePage)
		}},
		{name: "brotli unasked", handler: write(html("Content-Encoding", "br"), "brotli")},
		{name: "gzip that is none", handler: write(html("Content-Encoding", "gzip"), "hello")},
		{name: "digests",
			handler: write(html("Digest", "x", "Content-MD5", "x", "Repr-Digest", "x"), wholePage), after: "<head>",
			without: []string{"Digest", "Content-Md5", "Repr-Digest"}},
		{name: "a code twice", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "private")
			w.WriteHeader(http.StatusNotFound)
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, wholePage)
		}, after: "<head>"},
		{name: "a header that comes too late", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "private")
			w.WriteHeader(http.StatusOK)
			w.Header().Set("X-Late", "1")
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, wholePage)
		}, after: "<head>"},
		{name: "early hints and a trailer", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</x.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("Cache-Control", "private")
			w.Header().Set("Trailer", "X-Sum")
			_, _ = io.WriteString(w, wholePage)
			w.Header().Set("X-Sum", "1")
		}, after: "<head>"},
		{name: "a length in chunks", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "private")
			_, _ = io.WriteString(w, "<!doctype html>")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "<html><he")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "ad>")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "</head>")
		}, after: "<head>"},
		{name: "its length, and flushed before its head", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "21")
			_, _ = io.WriteString(w, "<!doctype html>")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "<head>")
		}, after: "<head>"},
		{name: "its length, and flushed before its first byte", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(wholePage)))
			w.Header().Set("Content-Type", "text/html")
			_ = http.NewResponseController(w).Flush()
			for _, piece := range wholePage {
				_, _ = io.WriteString(w, string(piece))
				_ = http.NewResponseController(w).Flush()
			}
		}, after: "<head>"},
		{name: "its length, flushed, and not a byte follows", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "21")
			w.Header().Set("Content-Type", "text/html")
			_ = http.NewResponseController(w).Flush()
		}},
		{name: "its length, flushed, and no head", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			w.Header().Set("Content-Type", "text/html")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "hello")
		}, request: unsaid},
		{name: "flushed, and not a byte", handler: func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, wholePage)
		}},
		{name: "taken over", handler: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<!doctype html>")
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "and more")
				conn.Close()
			}
		}},
		{name: "a limit of time",
			handler: http.TimeoutHandler(write(html(), wholePage), time.Minute, "").ServeHTTP, after: "<head>"},
		{name: "a limit of the body", handler: func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2))
			write(html("X-Error", fmt.Sprint(err)), wholePage)(w, r)
		}, request: "POST" + document[3:] + "Content-Length: 5\r\n", after: "<head>"},
		{name: "what is kept", handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v"`)
			http.ServeContent(w, r, "x.html", time.Unix(1, 0), strings.NewReader(wholePage))
		}, request: document, after: "<head>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wanting(t, Browser{Revalidate: true})
			with, without := two(t, c.handler)
			request, body := c.request, ""
			if request == "" {
				request = document
			}
			if strings.Contains(request, "Content-Length: 5") {
				body = "hello"
			}
			want := say(t, without, request+last+body)
			have := say(t, with, request+compressed+conditional+last+body)
			if c.after == "" {
				if have != want {
					t.Errorf("have %s\nwant %s", cut(have), cut(want))
				}
				return
			}
			mine, theirs := parse(t, have), parse(t, want)
			for _, key := range c.without {
				delete(theirs.header, key)
			}
			if _, said := theirs.header["Cache-Control"]; !said {
				theirs.header.Set("Cache-Control", "no-cache")
			}
			if theirs.length >= 0 && mine.length >= 0 {
				theirs.length += int64(len(testTag))
			} else {
				theirs.length = mine.length // net/http counts the missing bytes
			}
			at := len(theirs.body)
			if c.after != "END" {
				at = strings.Index(theirs.body, c.after) + len(c.after)
			}
			theirs.body = theirs.body[:at] + testTag + theirs.body[at:]
			if !reflect.DeepEqual(mine, theirs) {
				t.Errorf("have %s\nwant %s", cut(fmt.Sprintf("%+v", mine)), cut(fmt.Sprintf("%+v", theirs)))
			}
		})
	}
}

// parsed is an answer.
type parsed struct {
	status  string
	early   int // interim answers before this one
	header  http.Header
	trailer http.Header
	length  int64
	body    string
	err     error
}

func parse(t *testing.T, text string) (p parsed) {
	t.Helper()
	from := bufio.NewReader(strings.NewReader(text))
	for {
		answer, err := http.ReadResponse(from, nil)
		if err != nil {
			t.Fatalf("%v: %s", err, cut(text))
		}
		if answer.StatusCode < 200 {
			p.early++
			continue
		}
		body, err := io.ReadAll(answer.Body)
		delete(answer.Header, "Content-Length")
		p.status, p.header, p.length, p.body, p.err = answer.Status, answer.Header, answer.ContentLength, string(body), err
		p.trailer = answer.Trailer
		return p
	}
}

func cut(text string) string {
	if len(text) > 700 {
		return text[:700] + " …"
	}
	return text
}
