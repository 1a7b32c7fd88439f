//go:build linux || darwin

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"hotreload/gobuild"
	"hotreload/runner"
)

// withoutLocks takes from pages what they need to share a connection.
const withoutLocks = `<script>Object.defineProperty(navigator, "locks", { value: undefined })</script>`

// inFrames is an expression: how many frames of the page fulfil a condition on f, the frame's window.
func inFrames(condition string) string {
	return `[...document.querySelectorAll("iframe")].map((e) => e.contentWindow).filter((f) => f.document.body && (` +
		condition + `)).length`
}

// TestFramesShareAConnection: a page with ten frames loads, and each frame follows the saves. Without sharing, the
// browser's connections to the server are used up, and everything else waits.
func TestFramesShareAConnection(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	const frames = 10
	const ask = `fetch("/", {cache: "no-store", signal: AbortSignal.timeout(%d)}).then((a) => a.status, (e) => e.name)`
	t.Run("control", func(t *testing.T) {
		b.T = t
		p := newPlayed(t, standard)
		p.early = withoutLocks
		b.tells("open about:blank")
		b.value(fmt.Sprintf(`eval location.href = "http://%s/?frames=%d", 1`, p.addr, frames))
		p.clients(6) // HTTP/1.1: as many as a browser opens to one server
		b.await(`document.title == "frames"`)
		b.is(fmt.Sprintf(ask, 1000), `"TimeoutError"`)
		b.tells("open about:blank")
	})
	t.Run("shared", func(t *testing.T) {
		b.T = t
		p := newPlayed(t, standard)
		b.tells(fmt.Sprintf("open http://%s/?frames=%d", p.addr, frames))
		b.await(inFrames(`f.document.body.innerText.startsWith("generation 1")`) + fmt.Sprint(" == ", frames))
		p.clients(1)
		b.is(fmt.Sprintf(ask, patience.Milliseconds()), "200")
		p.serves(2, "main.go")
		b.await(inFrames(`f.document.body.innerText.startsWith("generation 2")`) + fmt.Sprint(" == ", frames))
		p.clients(1)
		b.is(fmt.Sprintf(ask, patience.Milliseconds()), "200")
	})
}

// TestWindowsShareAConnection: of three visible windows and eight frames of one origin, one page has a connection, and
// one more has those in a foreign page. All follow what happens, also after the page with the connection is gone.
func TestWindowsShareAConnection(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	p := newPlayed(t, standard)
	p.head = `<link rel="stylesheet" href="/a.css">`
	p.set("/a.css", colored("red"))
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>foreign</title><body><iframe src=http://%s/></iframe></body>", p.addr)
	}))
	defer foreign.Close()
	b.tells("open http://" + p.addr + "/")
	p.clients(1)
	for _, path := range []string{"/", "/?frames=8"} {
		b.value("window")
		b.tells("open http://" + p.addr + path)
	}
	for i := range 3 {
		b.tells(fmt.Sprint("look ", i))
		b.await(`document.visibilityState == "visible" && document.readyState == "complete"`)
	}
	// all waits until each page fulfils a condition on f, its window.
	all := func(pages []int, condition string) {
		t.Helper()
		for _, i := range pages {
			b.tells(fmt.Sprint("look ", i))
			if i == 2 {
				b.await(inFrames(condition) + " == 8")
			} else {
				b.await(`((f) => ` + condition + `)(window)`)
			}
		}
	}
	pages := []int{0, 1, 2}
	mark := func() {
		t.Helper()
		all(pages, `(f.mark = 1)`)
	}
	colour := func(color string) {
		t.Helper()
		p.set("/a.css", colored(color))
		p.saved("a.css")
		all(pages, fmt.Sprintf(`f.getComputedStyle(f.document.body).backgroundColor == %q`, color))
		all(pages, `f.mark == 1`)
		p.clients(1)
	}
	generation := func(n int) {
		t.Helper()
		p.serves(n, "main.go")
		all(pages, fmt.Sprintf(`f.mark === undefined && f.document.body.innerText.trim() == "generation %d"`, n))
		p.clients(1)
	}
	all(pages, `f.document.body.innerText.trim() == "generation 1"`)
	p.clients(1)
	mark()
	colour("rgb(0, 0, 1)")
	generation(2)
	mark()
	p.tell(runner.BuildFailed{Serving: 2, Err: &gobuild.BuildError{Text: "go: no such tool"}})
	for _, i := range []int{0, 1} {
		b.tells(fmt.Sprint("look ", i))
		b.overlay("go: no such tool")
	}
	p.tell(runner.Unchanged{})
	for _, i := range []int{0, 1} {
		b.tells(fmt.Sprint("look ", i))
		b.overlay()
	}
	colour("rgb(0, 0, 2)")

	// The page that leads goes: it is the first, or comes after it.
	b.tells("look 0")
	b.tells("open about:blank")
	pages = []int{1, 2}
	p.clients(1)
	colour("rgb(0, 0, 3)")
	b.tells("look 1")
	b.tells("close")
	pages = []int{2}
	p.clients(1)
	colour("rgb(0, 0, 4)")
	generation(3)

	// A later page has the whole state, and what it has missed.
	p.tell(runner.BuildFailed{Serving: 3, Err: &gobuild.BuildError{Text: "go: no such tool"}})
	b.tells("look 0")
	b.tells("open http://" + p.addr + "/")
	b.overlay("go: no such tool")
	p.clients(1)
	p.tell(runner.Unchanged{})
	b.overlay()
	b.value("window")
	b.tells("open " + foreign.URL) // 127.0.0.1 is the same site
	p.clients(1)
	b.tells("open http://localhost" + foreign.URL[len("http://127.0.0.1"):])
	p.clients(2)
}
