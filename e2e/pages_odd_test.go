//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// odd is a server with pages in forms that could hide hotreload's script, or a change. All pages show the content of
// shown.txt. Brotli needs no library, because the format can store plain text.
const odd = `package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
)

func page(script string) string {
	text, err := os.ReadFile("shown.txt")
	if err != nil {
		log.Fatal(err)
	}
	return "<!doctype html><html><head><title>odd</title></head><body><p>" + strings.TrimSpace(string(text)) +
		"</p><script>" + script + "</script></body></html>"
}

func brotli(text string) string {
	head := (len(text)-1)<<4 | 1<<20
	return string([]byte{byte(head), byte(head >> 8), byte(head >> 16)}) + text + "\x03"
}

func show(script string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		text := page(script)
		if r.URL.Query().Has("length") {
			w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		}
		io.WriteString(w, text)
	}
}

// packed is a middleware that compresses if the client accepts it, or always.
func packed(coding string, pack func(string) string, content func(r *http.Request) (string, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		kind, text := content(r)
		w.Header().Set("Content-Type", kind)
		if r.URL.Query().Has("always") || strings.Contains(r.Header.Get("Accept-Encoding"), coding) {
			w.Header().Set("Content-Encoding", coding)
			text = pack(text)
		}
		io.WriteString(w, text)
	}
}

func content(r *http.Request) (string, string) {
	if strings.HasSuffix(r.URL.Path, ".js") {
		return "text/javascript", "document.title = 'unpacked'"
	}
	return "text/html", strings.Replace(page(""), "</body>", "<script src=" + r.URL.Path + ".js></script></body>", 1)
}

func gzipped(text string) string {
	var b strings.Builder
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.String()
}

const htmx = "var x = new XMLHttpRequest(); x.open('GET', '/fragment'); x.overrideMimeType('text/html');" +
	"x.setRequestHeader('HX-Request', 'true'); x.setRequestHeader('HX-Current-URL', location.href);" +
	"x.onload = () => { const d = document.createElement('div'); d.innerHTML = window.got = x.responseText;" +
	"document.body.append(d) }; x.send();" +
	"fetch('/fragment').then(r => r.text()).then(t => window.fetched = t)"

const registers = "sessionStorage.loads = Number(sessionStorage.loads || 0) + 1;" +
	"const warn = console.warn; console.warn = (...a) => { sessionStorage.warned = a.join(' '); warn(...a) };" +
	"navigator.serviceWorker.register('/sw/worker.js')"

const worker = "self.oninstall = e => self.skipWaiting(); self.onactivate = e => e.waitUntil(self.clients.claim());" +
	"self.onfetch = e => { if (e.request.mode != 'navigate') return;" +
	"e.respondWith(caches.open('pages').then(async c => {" +
	"const kept = await c.match(e.request); const fresh = () => fetch(e.request).then(async a => {" +
	"await c.put(e.request, a.clone()); return a });" +
	"return e.request.url.includes('fresh') || !kept ? fresh() : kept })) }"

func main() {
	boot()
	behind, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(behind, show(""))
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: behind.Addr().String()})
	proxy.FlushInterval = -1
	http.Handle("/proxied", proxy)
	http.HandleFunc("/htmx", show(htmx))
	http.HandleFunc("/fragment", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<p id=fragment>a fragment")
	})
	http.HandleFunc("/sw/", show(registers))
	http.HandleFunc("/sw/worker.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, worker)
	})
	for _, path := range []string{"/gzip", "/gzip.js"} {
		http.HandleFunc(path, packed("gzip", gzipped, content))
	}
	for _, path := range []string{"/brotli", "/brotli.js"} {
		http.HandleFunc(path, packed("br", brotli, content))
	}
	http.HandleFunc("/integrity", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Integrity-Policy", "blocked-destinations=(script)")
		if r.URL.Query().Has("csp") {
			w.Header().Set("Content-Security-Policy", "script-src 'nonce-abc'")
		}
		show("")(w, r)
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
`

// TestOddPages: pages follow changes, however they come to the browser.
func TestOddPages(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	s := startControlled(t, newModule(t, map[string]string{"main.go": odd, "shown.txt": "v0"}), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	v := 0
	shows := func() { b.await(fmt.Sprintf(`document.querySelector("p").textContent == "v%d"`, v)) }
	for _, c := range []struct{ path, is string }{
		{"/proxied?length", ""},
		{"/proxied", ""},
		{"/htmx", `window.got == "<p id=fragment>a fragment" && window.fetched == window.got && !!window.fragment`},
		{"/gzip", `document.title == "unpacked"`},
		{"/gzip?always", `document.title == "unpacked"`},
		{"/brotli", `document.title == "unpacked"`},
		{"/integrity", ""},
		{"/integrity?csp", ""},
		{"/sw/fresh", `!!navigator.serviceWorker.controller`},
	} {
		t.Log(c.path)
		b.tells("open http://" + s.addr + c.path)
		shows()
		for range 1 + strings.Count(c.path, "sw") { // the second page comes from the service worker
			b.await(`window[Symbol.for("hotreload")] === true`)
			if c.is != "" {
				b.await(c.is)
			}
			s.listeners(b, 1)
			v++
			s.save("shown.txt", fmt.Sprint("v", v))
			shows()
		}
	}

	// Unrequested compression is left alone, and hotreload says why.
	b.tells("open http://" + s.addr + "/brotli?always")
	shows()
	b.await(`document.title == "unpacked"`)
	b.is(`window[Symbol.for("hotreload")] === undefined`, "true")
	s.waitFor(`/brotli: this page does not follow changes: its Content-Encoding is br`)

	// A service worker answers from its cache: the page reloads once, and then explains why it is old.
	b.tells("open http://" + s.addr + "/sw/kept")
	b.await(`!!navigator.serviceWorker.controller && window[Symbol.for("hotreload")] === true`)
	s.listeners(b, 1)
	b.value(`eval sessionStorage.loads = 0`)
	if out, code := s.command("reload"); code != 0 {
		t.Fatal(out)
	}
	b.await(`(sessionStorage.warned || "").includes("a cache or a service worker has answered")`)
	s.listeners(b, 1)
	b.is(`["1", "2"].includes(sessionStorage.loads)`, "true")
}
