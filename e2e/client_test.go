//go:build linux || darwin

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hotreload/browser"
	"hotreload/gobuild"
	"hotreload/problems"
	"hotreload/runner"
	"hotreload/supervisor"
	"hotreload/watch"
)

// played imitates a program: the test decides about its generations and files. played has hotreload's pages, and acts
// as the agent: played inserts the tag, and hands connections over.
type played struct {
	*testing.T
	pages *browser.Pages
	addr  string
	dir   string

	mu         sync.Mutex // guards all below
	generation int
	early      string // before the tag
	head, body string
	how        string            // attributes of the tag
	files      map[string]string // path -> text
	said       []browser.Said
	pressed    int // buttons of hotreload's own page
}

const playedKey = "00112233445566778899aabbccddeeff"

func newPlayed(t *testing.T, options browser.Options) *played {
	t.Helper()
	p := &played{T: t, how: " async", generation: 1, files: map[string]string{}, dir: t.TempDir()}
	press := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.pressed++
	}
	editor := filepath.Join(p.dir, "editor") // notes the files to open
	save(t, editor, "#!/bin/sh\nprintf %s \"$1\" >"+filepath.Join(p.dir, "opened")+"\n")
	if err := os.Chmod(editor, 0o777); err != nil {
		t.Fatal(err)
	}
	p.pages = browser.New(browser.Config{
		Key: playedKey, Dir: p.dir, Services: []string{""},
		InBuild: func(context.Context, string) bool { return false },
		Said: func(s browser.Said) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.said = append(p.said, s)
		},
		Reload: press, Rebuild: press,
	}, browser.Settings{Options: options, EditorCommand: []string{editor, "{file}:{line}:{col}"}})
	server := httptest.NewServer(p)
	p.addr = server.Listener.Addr().String()
	t.Cleanup(func() {
		p.pages.Close()
		server.Close()
	})
	p.tell(runner.Reloaded{Replacement: runner.Replacement{Generation: 1}})
	return p
}

var standard = browser.Options{Reload: "page", CSS: true, Overlay: true, Console: "errors"}

func (p *played) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, browser.Prefix) {
		p.handOver(w, r)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Cache-Control", "no-cache")
	if text, known := p.files[r.URL.Path]; known {
		kind := map[string]string{".css": "text/css", ".svg": "image/svg+xml"}[filepath.Ext(r.URL.Path)]
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, text)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if n, err := strconv.Atoi(r.URL.Query().Get("frames")); err == nil { // a page without the script
		all := strings.Repeat("<iframe src=/></iframe>", n)
		fmt.Fprint(w, "<!doctype html><title>frames</title><body>", all, "</body>")
		return
	}
	fmt.Fprintf(w, `<!doctype html><html><head>%s<script src="%s%s/client.js" data-generation="%d"%s></script>`+
		`<title>played</title>%s</head><body>generation %d %s</body></html>`, p.early, browser.Prefix, playedKey,
		p.generation, p.how, p.head, p.generation, p.body)
}

// handOver passes a connection, with the request read so far, to the pages.
func (p *played) handOver(w http.ResponseWriter, r *http.Request) {
	head, err := httputil.DumpRequest(r, true)
	if err != nil {
		p.Error(err)
		return
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		p.Error(err)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	p.pages.Take("", &replayed{conn, io.MultiReader(bytes.NewReader(head), conn)})
}

type replayed struct {
	net.Conn
	from io.Reader
}

func (r *replayed) Read(b []byte) (int, error) { return r.from.Read(b) }

func (p *played) set(path, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files[path] = text
}

func (p *played) tell(event runner.Event) { p.pages.Tell("", event) }

// saved reports a change of class live.
func (p *played) saved(names ...string) {
	p.tell(runner.Changed{Effects: p.effects(runner.Live, names...)})
}

// serves reports a new generation after a change of these files.
func (p *played) serves(generation int, names ...string) {
	p.mu.Lock()
	p.generation = generation
	p.mu.Unlock()
	p.tell(runner.Replacement{Generation: generation})
	p.tell(runner.Reloaded{Replacement: runner.Replacement{
		Generation: generation, Effects: p.effects(runner.Rebuild, names...),
	}})
}

func (p *played) effects(class runner.Class, names ...string) (all []runner.Effect) {
	for _, name := range names {
		path := filepath.Join(p.dir, filepath.FromSlash(name))
		all = append(all, runner.Effect{Change: watch.Change{Path: path, Op: watch.Written}, Class: class})
	}
	return all
}

// clients waits until n pages are connected.
func (p *played) clients(n int) {
	p.Helper()
	address, err := p.pages.Address()
	if err != nil {
		p.Fatal(err)
	}
	have := -1
	for began := time.Now(); have != n; time.Sleep(5 * time.Millisecond) {
		answer, err := http.Get(address + "overview")
		if err != nil {
			p.Fatal(err)
		}
		var o browser.Overview
		err = json.NewDecoder(answer.Body).Decode(&o)
		answer.Body.Close()
		if have = o.Clients; err != nil || time.Since(began) > patience {
			p.Fatalf("%d pages listen, want %d (%v)", have, n, err)
		}
	}
}

// opened opens the page, sets a mark that a reload removes, and waits until the page is connected.
func (p *played) opened(b *browserPage) {
	p.Helper()
	b.tells("open http://" + p.addr + "/")
	b.await(`document.readyState == "complete"`)
	p.clients(1)
	b.value(`eval window.mark = 1`)
}

// browserPage is a browser whose pages are examined by expressions.
type browserPage struct{ *realBrowser }

func (b *browserPage) await(expression string) string {
	b.Helper()
	return b.value("await " + expression)
}

func (b *browserPage) is(expression, want string) {
	b.Helper()
	if have := b.value("eval " + expression); have != want {
		b.Errorf("%s is %s, want %s", expression, have, want)
	}
}

// overlay waits until hotreload's overlay in the page contains all these texts; without texts, until there is no
// overlay.
func (b *browserPage) overlay(texts ...string) {
	b.Helper()
	b.overlayWhere(fmt.Sprintf("%q", texts), func(have string) bool {
		missing := have == `""` != (len(texts) == 0)
		for _, text := range texts {
			quoted, _ := json.Marshal(text)
			missing = missing || !strings.Contains(have, strings.Trim(string(quoted), `"`))
		}
		return !missing
	})
}

// overlayWhere waits until so is true of the overlay's text, as JSON. want names what so wants.
func (b *browserPage) overlayWhere(want string, so func(have string) bool) {
	b.Helper()
	var have string
	for began := time.Now(); time.Since(began) < patience; time.Sleep(10 * time.Millisecond) {
		if have = b.value("overlay"); so(have) {
			return
		}
	}
	b.Errorf("the overlay shows %s, want %s", have, want)
}

const backgroundOf = `getComputedStyle(document.body).backgroundColor`

func colored(color string) string { return "body { background: " + color + " }" }

// TestClient sends hotreload's events to pages, and checks what the pages do.
func TestClient(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	stays := func() { t.Helper(); b.is(`window.mark`, "1") }
	reloads := func(generation int) {
		t.Helper()
		b.await(fmt.Sprintf(`window.mark === undefined && /^generation %d\b/.test(document.body.innerText)`, generation))
	}
	play := func(name string, options browser.Options, run func(t *testing.T, p *played)) {
		t.Run(name, func(t *testing.T) {
			outer := b.T
			b.T = t
			defer func() { b.T = outer }()
			run(t, newPlayed(t, options))
			b.tells("open about:blank")
		})
	}
	play("a stylesheet is swapped", standard, func(t *testing.T, p *played) {
		p.head = `<link rel="stylesheet" href="/static/a.css"><link rel="stylesheet" href="/static/b.css">`
		p.set("/static/a.css", colored("red"))
		p.set("/static/b.css", "p { color: red }")
		p.opened(b)
		for _, color := range []string{"rgb(0, 0, 1)", "rgb(0, 0, 2)", "rgb(0, 0, 3)"} {
			p.set("/static/a.css", colored(color))
			p.saved("static/a.css")
			b.await(backgroundOf + ` == "` + color + `"`)
		}
		stays()
		b.await(`document.querySelectorAll("link[rel=stylesheet]").length == 2`)
		b.is(`document.querySelectorAll("link[href*='b.css?']").length`, "0")
	})
	play("a stylesheet whose name fits none swaps all", standard, func(t *testing.T, p *played) {
		p.head = `<link rel="stylesheet" href="/static/bundle.css">`
		p.set("/static/bundle.css", colored("red"))
		p.opened(b)
		p.set("/static/bundle.css", colored("rgb(0, 0, 1)"))
		p.saved("src/part.css")
		b.await(backgroundOf + ` == "rgb(0, 0, 1)"`)
		stays()
	})
	play("imported stylesheets", standard, func(t *testing.T, p *played) {
		p.head = `<link rel="stylesheet" href="/main.css"><style>@import "/deep/own.css";</style>`
		p.set("/main.css", `@import url("deep/part.css") screen;`)
		p.set("/deep/part.css", colored("red"))
		p.set("/deep/own.css", "body { color: red }")
		p.opened(b)
		p.set("/deep/part.css", colored("rgb(0, 0, 1)"))
		p.saved("web/deep/part.css")
		b.await(backgroundOf + ` == "rgb(0, 0, 1)"`)
		p.set("/deep/own.css", "body { color: rgb(0, 0, 2) }")
		p.saved("web/deep/own.css")
		b.await(`getComputedStyle(document.body).color == "rgb(0, 0, 2)"`)
		p.set("/deep/part.css", colored("rgb(0, 0, 3)"))
		p.saved("web/deep/part.css")
		b.await(backgroundOf + ` == "rgb(0, 0, 3)"`)
		stays()
	})
	play("a stylesheet in a shadow root", standard, func(t *testing.T, p *played) {
		p.body = `<div id="host"></div><script>document.getElementById("host").attachShadow({mode: "open"}).innerHTML =
			'<link rel="stylesheet" href="/in.css"><p>inside</p>'</script>`
		p.set("/in.css", "p { color: red }")
		p.opened(b)
		p.set("/in.css", "p { color: rgb(0, 0, 1) }")
		p.saved("in.css")
		b.await(`getComputedStyle(document.getElementById("host").shadowRoot.querySelector("p")).color == "rgb(0, 0, 1)"`)
		stays()
	})
	play("an embedded stylesheet is swapped when the new generation serves", standard, func(t *testing.T, p *played) {
		p.head = `<link rel="stylesheet" href="/a.css">`
		p.set("/a.css", colored("red"))
		p.opened(b)
		p.set("/a.css", colored("rgb(0, 0, 1)"))
		p.serves(2, "a.css")
		b.await(backgroundOf + ` == "rgb(0, 0, 1)"`)
		stays()
		p.serves(3, "main.go")
		reloads(3)
	})
	play("an embedded stylesheet that the page does not name reloads it", standard, func(t *testing.T, p *played) {
		p.head = `<link rel="stylesheet" href="/a.12ab.css">`
		p.set("/a.12ab.css", "")
		p.opened(b)
		p.serves(2, "a.css")
		reloads(2)
	})
	play("images", standard, func(t *testing.T, p *played) {
		p.head = `<style>body { background-image: url("/img/back.svg") }</style>`
		p.body = `<img id="one" src="/img/one.svg"><img id="set" srcset="/img/one.svg 2x">`
		for _, name := range []string{"one", "back"} {
			p.set("/img/"+name+".svg", `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>`)
		}
		p.opened(b)
		p.set("/img/one.svg", `<svg xmlns="http://www.w3.org/2000/svg" width="77" height="10"/>`)
		p.saved("static/img/one.svg")
		b.await(`document.getElementById("one").naturalWidth == 77`)
		b.await(`document.getElementById("set").currentSrc.includes("?hotreload=")`)
		p.saved("static/img/back.svg")
		b.await(`getComputedStyle(document.body).backgroundImage.includes("back.svg?hotreload=")`)
		stays()
		p.saved("static/img/nowhere.svg")
		reloads(1)
	})
	play("a template reloads, and the place stays", standard, func(t *testing.T, p *played) {
		p.body = `<div style="height: 5000px"></div>`
		p.opened(b)
		b.value(`eval window.scrollTo(0, 1234)`)
		p.saved("templates/page.html")
		reloads(1)
		b.await(`window.scrollY == 1234`)
	})
	play("a page that takes care of itself", standard, func(t *testing.T, p *played) {
		p.opened(b)
		b.value(`eval document.addEventListener("hotreload:reload", (e) => { window.asked = e.detail; e.preventDefault(); })`)
		p.serves(2, "main.go")
		b.await(`window.asked && window.asked.generation == 2 && window.asked.paths[0].endsWith("/main.go")`)
		stays()
	})
	play("reload = off", browser.Options{Reload: "off", CSS: true, Overlay: true}, func(t *testing.T, p *played) {
		p.opened(b)
		p.serves(2, "main.go")
		b.overlay("generation 2 serves: reload")
		stays()
	})
	play("css = false", browser.Options{Reload: "page"}, func(t *testing.T, p *played) {
		p.head = `<link rel="stylesheet" href="/a.css">`
		p.set("/a.css", "")
		p.opened(b)
		p.saved("a.css")
		reloads(1)
	})
	play("morph", browser.Options{Reload: "morph", CSS: true}, func(t *testing.T, p *played) {
		p.body = `<input id="typed"><script>window.Idiomorph = { morph(to, from) { window.morphed = (window.morphed || 0) + 1;
			if (to.tagName === "BODY") to.firstChild.replaceWith(from.firstChild.cloneNode()); } }</script>`
		p.opened(b)
		b.value(`eval document.getElementById("typed").value = "kept"`)
		p.serves(2, "main.go")
		b.await(`window.morphed == 2 && document.body.innerText.startsWith("generation 2")`)
		b.is(`document.getElementById("typed").value`, `"kept"`)
		stays()
	})
	play("a page that another generation has answered", standard, func(t *testing.T, p *played) {
		p.opened(b)
		p.mu.Lock()
		p.generation = 7 // the new generation answers, but the page was not informed yet
		p.mu.Unlock()
		b.tells("open http://" + p.addr + "/")
		p.tell(runner.Replacement{Generation: 7})
		b.await(`document.body.innerText.startsWith("generation 7")`)
		p.clients(1)
		b.value(`eval window.mark = 1`)
		p.serves(7, "main.go")
		p.saved("nothing.map")
		b.overlay()
		stays()
	})
	play("a cache that answers with an old page does not reload it for ever", standard, func(t *testing.T, p *played) {
		p.opened(b)
		p.serves(5, "main.go")
		reloads(5)
		p.mu.Lock()
		p.generation = 2 // like a page from a service worker's cache
		p.mu.Unlock()
		b.tells("open http://" + p.addr + "/")
		b.await(`sessionStorage.getItem("hotreload:tried") && document.readyState == "complete"`)
		p.clients(1)
		b.value(`eval window.mark = 1`)
		p.saved("nothing.map")
		b.overlay()
		stays()
	})
}

// TestClientShowsProblems checks the overlay: its text, its removal, and the look of the page afterwards.
func TestClientShowsProblems(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	p := newPlayed(t, standard)
	p.body = `<h1>The page</h1><input id="field">`
	source := filepath.Join(p.dir, "main.go")
	save(t, source, "package main\n\nfunc main() {\n\tprintln(<b>undefined</b>)\n}\n")
	p.opened(b)
	p.tell(runner.BuildStarted{})
	b.overlay("building …")
	p.tell(runner.BuildEnded{})
	p.tell(runner.BuildFailed{Serving: 1, Err: &gobuild.BuildError{}, Problems: []problems.Problem{
		{File: source, Line: 4, Column: 10, Message: "expected operand, found <img src=x onerror=document.title='taken'>"},
		{File: filepath.Join(p.dir, "b", "other.go"), Line: 7, Message: "undefined: other"},
	}})
	b.overlay("Build failed: go build", "expected operand, found <img", "main.go:4:10", "println(<b>undefined</b>)",
		"b/other.go:7", "undefined: other", "generation 1 of", "serves meanwhile", "open in editor")
	b.is("document.title", `"played"`)
	photograph(b, "overlay")
	b.value("key e")
	eventually(t, "the editor is opened", func() bool {
		text, _ := os.ReadFile(filepath.Join(p.dir, "opened"))
		return string(text) == source+":4:10"
	})
	b.tells("use 0")
	b.value("key Escape")
	b.overlay("stale: generation 1 of")
	b.is(`window.mark`, "1")
	// The overlay appears again for a new problem.
	generator := &runner.GeneratorError{Run: "templ generate", Why: "exit code 1", Output: "page.templ: no"}
	p.tell(runner.BuildFailed{Serving: 1, Err: generator})
	b.overlay("templ generate failed", "exit code 1", "page.templ: no")
	p.tell(runner.Unchanged{})
	b.overlay()
	b.is(`window.mark`, "1")
	// The page gets all keys while the overlay is hidden, and while its user types.
	b.value(`eval document.getElementById("field").focus()`)
	b.value(`eval document.addEventListener("keydown", (e) => window.got = e.key)`)
	b.value("key e")
	b.is(`document.getElementById("field").value + window.got`, `"ee"`)
	died := supervisor.Exited{Exit: supervisor.Exit{Tail: "panic: no\n\ngoroutine 1 [running]:"}}
	p.tell(runner.Service{Event: died, Problems: []problems.Problem{{File: source, Line: 3, Message: "panic: no"}}})
	b.overlay("worker 0 died", "main.go:3", "func main() {", "panic: no", "goroutine 1 [running]:")
	p.tell(runner.Service{Event: supervisor.BecameReady{}})
	b.overlay()
	// A later page gets the problem, too, and reloads after the fix.
	p.tell(runner.BuildFailed{Serving: 1, Err: &gobuild.BuildError{Text: "go: no such tool"}})
	p.opened(b)
	b.overlay("go: no such tool")
	p.serves(2, "main.go")
	b.await(`window.mark === undefined && document.body.innerText.startsWith("generation 2")`)
	b.overlay()
}

// TestClientShowsTests: while tests fail, the page has a badge, which leaves content and focus alone. A click, or the
// keyboard, lists the failures. Badge and list disappear when the tests pass.
func TestClientShowsTests(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	b.tells("size 1100 800")
	p := newPlayed(t, standard)
	p.body = `<h1>The page</h1><input id="field">
		<script>addEventListener("keydown", (e) => { window.got = e.key })</script>`
	p.opened(b)
	b.value(`eval document.getElementById("field").focus()`)
	source := filepath.Join(p.dir, "store", "store_test.go")
	if err := os.MkdirAll(filepath.Dir(source), 0o777); err != nil {
		t.Fatal(err)
	}
	save(t, source, "package store\n")
	fail := func(names ...string) {
		var all []problems.Problem
		for i, name := range names {
			all = append(all, problems.Problem{File: source, Line: 31 + i, Package: "m/store", Tool: "go test",
				Message: name + ": have 3, want <b>2</b>"})
		}
		p.tell(runner.ProblemsNow{All: all, Tests: all})
	}
	shows := func(wanted, unwanted string) {
		t.Helper()
		b.overlayWhere(fmt.Sprintf("%q without %q", wanted, unwanted), func(have string) bool {
			return strings.Contains(have, wanted) && !strings.Contains(have, unwanted)
		})
	}
	const badge = "click 1050 772"
	fail("TestGet/empty", "TestSet")
	shows("2 tests fail", "store_test.go")
	b.value("key x")
	b.is(`document.getElementById("field").value + document.activeElement.id`, `"xfield"`)
	photograph(b, "tests-badge")
	b.value(badge)
	b.overlay("2 tests fail", "store/store_test.go:31", "TestGet/empty: have 3, want <b>2</b>", "store_test.go:32")
	photograph(b, "tests-list")
	fail("TestGet/empty") // the list stays open
	shows("store_test.go:31", "store_test.go:32")
	b.value(badge)
	shows("1 test fails", "store_test.go")

	// By keyboard: the badge is the last thing in the page.
	b.value(`eval document.getElementById("field").focus()`)
	b.value("key Tab")
	b.value("key Enter")
	b.overlay("store_test.go:31")
	b.value("key Escape")
	shows("1 test fails", "store_test.go")
	b.is(`window.got === "Escape"`, "false") // the list has taken the key
	b.value("key Escape")
	b.await(`window.got === "Escape"`)
	b.value("key Enter")
	b.overlay("store_test.go:31")
	b.value("click 200 400")
	b.value("key Escape")
	b.overlay("store_test.go:31") // the key was for the page
	b.value("click 520 720")
	eventually(t, "the editor is opened", func() bool {
		text, _ := os.ReadFile(filepath.Join(p.dir, "opened"))
		return string(text) == source+":31:1"
	})

	// A page opened later has the badge, too; a problem of the program comes first.
	p.opened(b)
	b.overlay("1 test fails")
	p.tell(runner.BuildFailed{Serving: 1, Err: &gobuild.BuildError{Text: "go: no such tool"}})
	shows("go: no such tool", "1 test fails")
	b.value("key Escape")
	b.overlay("1 test fails", "stale: generation 1")
	photograph(b, "tests-badge-stale")
	p.tell(runner.Unchanged{})
	shows("1 test fails", "stale")
	p.tell(runner.ProblemsNow{})
	b.overlay()
	b.is(`window.mark`, "1")
}

// TestForeignPage: a page of another origin with the key gets nothing, starts nothing and is told nothing. The same
// deeds succeed in the program's own page.
func TestForeignPage(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	p := newPlayed(t, standard)
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>foreign</title><body>foreign</body>")
	}))
	defer foreign.Close()
	source := filepath.Join(p.dir, "main.go")
	save(t, source, "package secret\n")
	p.tell(runner.BuildFailed{Serving: 1, Err: &gobuild.BuildError{}, Problems: []problems.Problem{
		{File: source, Line: 1, Message: "no"},
	}})
	for _, c := range intrusions("http://"+p.addr+browser.Prefix+playedKey+"/", source) {
		_, port, _ := net.SplitHostPort(foreign.Listener.Addr().String())
		for _, page := range []struct{ address, want string }{
			{"http://localhost:" + port, c.foreign}, // another host
			{foreign.URL, c.foreign},                // the same site at another port
			{"http://" + p.addr + "/", c.own},
		} {
			p.mu.Lock()
			p.pressed = 0
			p.mu.Unlock()
			os.Remove(filepath.Join(p.dir, "opened"))
			b.tells("open " + page.address)
			b.await(`document.readyState == "complete"`)
			if have := b.value("eval " + c.script); have != page.want {
				t.Errorf("%s: %s: have %s, want %s", page.address, c.name, have, page.want)
			}
			_, err := os.Stat(filepath.Join(p.dir, "opened"))
			p.mu.Lock()
			if page.want == c.foreign && (p.pressed > 0 || err == nil) {
				t.Errorf("%s: %s: it was done", page.address, c.name)
			}
			p.mu.Unlock()
		}
	}
}

// intrusion is an attempt of a page, and the results in the program's own page and in foreign ones.
type intrusion struct{ name, script, own, foreign string }

// intrusions are the attempts of the pages of TestForeignPage at the paths below base.
func intrusions(base, source string) []intrusion {
	post := func(mode, path, kind string, body any) string {
		text, _ := json.Marshal(body)
		return fmt.Sprintf(`fetch(%q, {method: "POST", mode: %q, headers: {"Content-Type": %q}, body: %q})`+
			`.then((a) => a.type + " " + a.status, () => "refused")`, base+path, mode, kind, text)
	}
	place := map[string]any{"file": source, "line": 1, "col": 1}
	const refused = `"refused"`
	return []intrusion{
		{"read the state", fmt.Sprintf(`fetch(%q).then((a) => a.text()).then((t) => String(t.includes("secret")), `+
			`() => "refused")`, base+"state"), `"true"`, refused},
		{"listen", fmt.Sprintf(`new Promise((done) => { const e = new EventSource(%q); `+
			`e.onmessage = () => { done("told"); e.close(); }; e.onerror = () => { done("refused"); e.close(); }; })`,
			base+"events"), `"told"`, refused},
		{"include the script", fmt.Sprintf(`new Promise((done) => { const e = document.createElement("script"); `+
			`e.onload = () => done("loaded"); e.onerror = () => done("refused"); e.src = %q; document.head.append(e); })`,
			base+"client.js"), `"loaded"`, refused},
		{"press a button", post("cors", "do", "application/json", map[string]string{"command": "reload"}), `"basic 204"`,
			refused},
		{"open an editor as a form does", post("no-cors", "open", "text/plain", place), `"basic 415"`, refused},
		{"open an editor", post("cors", "open", "application/json", place), `"basic 204"`, refused},
	}
}

// TestHiddenTabs: hidden tabs have no connection, and show the newest state when they become visible.
func TestHiddenTabs(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	p := newPlayed(t, standard)
	p.head = `<link rel="stylesheet" href="/a.css">`
	p.set("/a.css", colored("red"))
	p.opened(b)
	b.value("tab")
	b.tells("use 1")
	b.await(`document.visibilityState == "visible"`)
	p.clients(0)
	p.set("/a.css", colored("rgb(0, 0, 1)"))
	p.saved("a.css")
	b.tells("use 0")
	b.await(backgroundOf + ` == "rgb(0, 0, 1)"`)
	b.is(`window.mark`, "1")
	p.clients(1)
	b.tells("use 1")
	p.clients(0)
	p.set("/a.css", colored("rgb(0, 0, 2)"))
	p.serves(2, "a.css") // this time the file is embedded
	b.tells("use 0")
	b.await(backgroundOf + ` == "rgb(0, 0, 2)"`)
	b.is(`window.mark`, "1")
	b.tells("use 1")
	p.clients(0)
	p.serves(3, "main.go")
	p.serves(4, "a.css")
	b.tells("use 0")
	b.await(`window.mark === undefined && document.body.innerText.startsWith("generation 4")`)
}

// TestClientForwardsTheConsole: uncaught errors arrive, also from before the connection; logged messages do not.
func TestClientForwardsTheConsole(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	p := newPlayed(t, standard)
	p.how = ""
	p.body = `<script>setTimeout(() => { console.log("chatter"); console.error("chatter"); nowhere(); }, 50);
		Promise.reject(new Error("refused"));</script>`
	p.opened(b)
	has := func(text string) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, s := range p.said {
			if strings.Contains(s.Text, "chatter") {
				t.Errorf("have %+v", s)
			}
			if strings.Contains(s.Text, text) && s.Level == "error" && strings.HasSuffix(s.Page, p.addr+"/") {
				return true
			}
		}
		return false
	}
	for _, text := range []string{"nowhere is not defined", "Unhandled rejection: Error: refused"} {
		for began := time.Now(); !has(text); time.Sleep(5 * time.Millisecond) {
			if time.Since(began) > patience {
				t.Fatalf("%q has not arrived: %+v", text, p.said)
			}
		}
	}
}

// photograph takes pictures for people, light and dark, if HOTRELOAD_TEST_PICTURES names a folder.
func photograph(b *browserPage, name string) {
	dir := os.Getenv("HOTRELOAD_TEST_PICTURES")
	if dir == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		b.tells(scheme)
		b.tells("size 1100 800")
		b.value("shot " + filepath.Join(dir, name+"-"+scheme+".png"))
	}
	b.tells("size 390 800")
	b.value("shot " + filepath.Join(dir, name+"-phone.png"))
	b.tells("size 1100 800")
}
