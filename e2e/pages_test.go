//go:build linux

package e2e

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/bench/load"
)

// TestOwnPage uses the page about hotreload itself like a person, by mouse and keyboard.
func TestOwnPage(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	dir := copyOf(t, "testdata/hello")
	save(t, filepath.Join(dir, "go.mod"), "module example.com/hello\n\ngo 1.25\n")
	s := startControlled(t, dir, ".", "-addr", "{addr}")
	s.waitFor(`generation 1 serves`)
	address, code := s.command("ui")
	if address = strings.TrimSpace(address); code != 0 || !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Fatalf("have %q, exit code %d", address, code)
	}
	b.tells("open " + address)
	text := func(id, wanted string) {
		t.Helper()
		b.await(fmt.Sprintf(`document.getElementById(%q).innerText.includes(%q)`, id, wanted))
	}
	text("services", "generation 1")
	text("services", "example.com/hello")
	text("saves", "generation 1 serves")
	text("logs", "hello: http://"+s.addr)
	text("counters", "generation_age")
	b.value("key r")
	s.waitFor(`generation 2 serves`)
	text("saves", "generation 2 serves")
	b.value(`eval document.querySelector("[data-command=rebuild]").click()`)
	s.waitFor(`generation 3 serves`)
	save(t, filepath.Join(dir, "greeting.go"), "package main\n\nfunc greeting(string) string { return 1 }\n")
	text("problems", "greeting.go:3:39")
	text("services", "stale")
	b.await(`document.title == "stale – hotreload"`)
	photograph(b, "own-problem")
	save(t, filepath.Join(dir, "greeting.go"), "package main\n\nfunc greeting(string) string { return \"mended\" }\n")
	s.waitFor(`generation 4 serves: greeting.go`)
	b.await(`document.getElementById("problems").hidden`)
	text("saves", "greeting.go → rebuild")
	b.await(`document.querySelectorAll("#saves rect.fill-build").length > 0`)
	b.value("key p")
	text("services", "paused")
	text("pause", "Resume")
	b.value("key p")
	text("services", "serves")
	b.value(`eval document.getElementById("path").value = "templates/page.html"`)
	b.value(`eval document.querySelector("#explain button").click()`)
	text("explained", "restart: read by the workers at their start")
	photograph(b, "own")
	b.is(`document.getElementById("notice").textContent`, `""`)
}

// hello starts the bundled example, and opens its page.
func hello(t *testing.T, b *browserPage) *session {
	t.Helper()
	dir := copyOf(t, "testdata/hello")
	save(t, filepath.Join(dir, "go.mod"), "module example.com/hello\n\ngo 1.25\n")
	s := startControlled(t, dir, ".", "-addr", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	b.tells("open http://" + s.addr + "/")
	s.listeners(b, 1)
	return s
}

// TestFailingTestsInThePage: with --test, the open page has a badge while tests fail. The test is not parallel: `go
// test` at low priority would get no processor beside other tests.
func TestFailingTestsInThePage(t *testing.T) {
	b := &browserPage{newBrowser(t)}
	const lengths = "package main\n\nimport \"testing\"\n\nfunc TestLength(t *testing.T) {\n" +
		"\tif have := len(page); have != 5 {\n\t\tt.Error(\"the length is\", have)\n\t}\n}\n"
	const page = "package main\n\nvar page = `%s`\n\nfunc init() { println(page) }\n"
	s := startControlled(t, newModule(t, map[string]string{"main.go": strict, "page.go": fmt.Sprintf(page, "short"),
		"page_test.go": lengths}), "--test", ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	b.tells("open http://" + s.addr + "/")
	s.listeners(b, 1)
	s.save("page.go", fmt.Sprintf(page, "too long"))
	s.waitFor(`generation 2 serves`)
	s.waitForWithin(forIdle, `tests fail: 1 of 1 test`)
	b.overlay("1 test fails")
	b.await(`document.title == "inline"`)
	s.save("page_test.go", strings.Replace(lengths, "!= 5", "!= 8", 1))
	s.waitForWithin(forIdle, `tests pass`)
	b.overlay()
}

// listeners waits until n pages are connected to hotreload.
func (s *session) listeners(b *browserPage, n int) {
	s.t.Helper()
	address, code := s.command("ui")
	if code != 0 {
		s.t.Fatal(address)
	}
	eventually(s.t, fmt.Sprint(n, " pages listen"), func() bool {
		text, err := get(strings.TrimSpace(address) + "overview")
		return err == nil && strings.Contains(text, fmt.Sprintf(`"clients":%d,`, n))
	})
}

func get(address string) (string, error) {
	answer, err := http.Get(address)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// edit changes a file of a session.
func (s *session) edit(name, old, now string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), old) {
		s.t.Fatalf("%s has no %q (%v)", name, old, err)
	}
	save(s.t, path, strings.Replace(string(text), old, now, 1))
}

// TestHelloInTheBrowser edits each file of the bundled example: each change takes effect in the open page without a
// refresh.
func TestHelloInTheBrowser(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	s := hello(t, b)
	photograph(b, "hello")
	text := func(wanted string) string { return fmt.Sprintf(`document.body.innerText.includes(%q)`, wanted) }
	for _, c := range []struct {
		file, old, now string
		shows          string // an expression, true afterwards
		stays          bool   // the page is not reloaded
	}{
		{"static/style.css", "margin: 4em", "margin: 7px", `getComputedStyle(document.body).marginLeft == "7px"`, true},
		{"static/style.css", "margin: 7px", "margin: 8px", `getComputedStyle(document.body).marginLeft == "8px"`, true},
		{"templates/page.html", "<h1", "<p>fresh template</p><h1", text("fresh template"), false},
		{"config.json", `"Hello"`, `"fresh title"`, `document.title == "fresh title"`, false},
		{"color.env", "teal", "navy", `getComputedStyle(document.querySelector("h1")).color == "rgb(0, 0, 128)"`,
			false},
		{"banner.txt", "This", "fresh banner", text("fresh banner"), false},
		{"greeting.go", "Hello, ", "fresh greeting, ", text("fresh greeting"), false},
		{"main.go", `"Greeting": greeting(`, `"Greeting": "fresh main" + greeting(`, text("fresh main"), false},
	} {
		b.value(`eval window.mark = 1`)
		s.edit(c.file, c.old, c.now)
		b.await(c.shows)
		want := "null"
		if c.stays {
			want = "1"
		}
		b.is(`window.mark`, want)
		s.listeners(b, 1)
	}
	// A file takes effect without being part of the page, too, because the program reads the file for each request.
	if _, err := s.get("/motto"); err != nil {
		t.Fatal(err)
	}
	b.value(`eval window.mark = 1`)
	save(t, filepath.Join(s.dir, "motto.txt"), "fresh motto")
	b.await(`window.mark === undefined`)

	// For a broken build an overlay appears, and the page stays; after the repair the overlay disappears.
	s.listeners(b, 1)
	b.value(`eval window.mark = 1`)
	s.edit("greeting.go", "return", "retrun")
	b.overlay("Build failed: go build", "greeting.go:", "retrun", "serves meanwhile")
	photograph(b, "hello-broken")
	b.is(`window.mark`, "1")
	s.edit("greeting.go", "retrun", "return")
	b.overlay()
	b.is(`window.mark`, "1") // the program is the same
	s.edit("main.go", "flag.Parse()", "flag.Parse(); panic(\"no start\")")
	b.overlay("did not start", "panic: no start")
	photograph(b, "hello-dies")
	s.edit("main.go", "panic(\"no start\")", "")
	b.overlay()
}

// TestEmbeddedStylesheet: a stylesheet that is part of the program is exchanged without a reload.
func TestEmbeddedStylesheet(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	files := map[string]string{"assets/site.css": colored("red"), "assets/dot.svg": dotSVG(10)}
	files["main.go"] = `package main

import (
	"embed"
	"fmt"
	"log"
	"net/http"
	"os"
)

//go:embed assets
var assets embed.FS

func main() {
	boot()
	http.Handle("/assets/", http.FileServerFS(assets))
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "<!doctype html><html><head><link rel=stylesheet href=/assets/site.css></head><body>", version,
			"<img src=/assets/dot.svg></body></html>")
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
`
	s := startControlled(t, newModule(t, files), ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	b.tells("open http://" + s.addr + "/")
	s.listeners(b, 1)
	b.value(`eval window.mark = 1`)
	for i := 1; i <= 3; i++ {
		color := fmt.Sprintf("rgb(0, 0, %d)", i)
		s.save("assets/site.css", colored(color))
		b.await(backgroundOf + fmt.Sprintf(" == %q", color))
	}
	s.save("assets/dot.svg", dotSVG(77))
	b.await(`document.querySelector("img").naturalWidth == 77`)
	b.is(`window.mark`, "1")
	s.save("version.go", version("v2", ""))
	b.await(`window.mark === undefined && document.body.innerText.startsWith("v2")`)
}

func dotSVG(width int) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="10"/>`, width)
}

// TestManyTabs: whatever happens while tabs are hidden, each tab shows the newest state when it becomes visible, and
// two connections are enough for all tabs.
func TestManyTabs(t *testing.T) {
	t.Parallel()
	b := &browserPage{newBrowser(t)}
	s := hello(t, b)
	const tabs = 20
	for i := 1; i < tabs; i++ {
		b.value("tab")
		b.tells("open http://" + s.addr + "/")
		b.tells(fmt.Sprint("use ", i))
	}
	s.listeners(b, 1)
	for i := range 3 {
		s.edit("greeting.go", `return "`, fmt.Sprintf(`return "%d`, i))
		s.waitFor(fmt.Sprintf(`generation %d serves: greeting.go`, i+2))
	}
	for i := range tabs {
		b.tells(fmt.Sprint("use ", i))
		b.await(`document.body.innerText.includes("210Hello")`)
	}
	s.listeners(b, 1)
}

// TestPagesUnderLoad: pages are open and API clients send requests while many files are saved. No request is lost, each
// tab shows the newest state at the end, and no connection is left. HOTRELOAD_SOAK=1 makes it 100 saves, 20 tabs and 64
// clients.
func TestPagesUnderLoad(t *testing.T) {
	saves, tabs, clients := 6, 3, 8
	if soak {
		saves, tabs, clients = 100, 20, 64
	}
	b := &browserPage{newBrowser(t)}
	dir := newModule(t, map[string]string{"page.css": colored("red"), "main.go": `package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	boot()
	http.HandleFunc("/api", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "{\"version\": %q, \"tag\": %q}", version, r.Header.Get("Accept"))
	})
	http.HandleFunc("/page.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "page.css") })
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "<!doctype html><html><head><link rel=stylesheet href=/page.css></head><body>", version,
			"</body></html>")
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
`})
	s := startControlled(t, dir, ".", "{addr}")
	s.waitFor(`generation 1 serves`)
	s.hasAgent()
	before := usageOf(t, s.cmd.Process.Pid)
	b.tells("open http://" + s.addr + "/")
	for i := 1; i < tabs; i++ {
		b.value("tab")
		b.tells("open http://" + s.addr + "/")
		b.tells(fmt.Sprint("use ", i))
	}
	s.listeners(b, 1)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reported := make(chan load.Report)
	go func() { // ends after cancel, with the last answer
		reported <- load.Run(ctx, load.Options{Network: "tcp", Address: s.addr, Path: "/api", Clients: clients,
			Timeout: patience, Habits: []load.Habit{{Pause: 20 * time.Millisecond},
				{Keep: true, Post: 1 << 10, Pause: 20 * time.Millisecond}},
			Check: func(_ uint64, _, answer []byte) error {
				if !regexp.MustCompile(`^\{"version": "v\d+", "tag": ""\}$`).Match(answer) {
					return fmt.Errorf("have %q", answer)
				}
				return nil
			},
			Lost: func(l load.Loss) { t.Logf("lost: %v", l.Err) },
		})
	}()
	generation := 1
	for i := range saves {
		b.tells(fmt.Sprint("use ", i%tabs))
		switch i % 3 {
		case 0:
			color := fmt.Sprintf("rgb(0, 0, %d)", i+1)
			s.save("page.css", colored(color))
			b.await(backgroundOf + fmt.Sprintf(" == %q", color))
		case 1:
			s.save("version.go", "package broken")
			b.overlay("Build failed")
		case 2:
			generation++
			s.save("version.go", version(fmt.Sprint("v", i), ""))
			s.waitFor(fmt.Sprintf(`generation %d serves`, generation))
			b.await(fmt.Sprintf(`document.body.innerText == "v%d"`, i))
		}
	}
	generation++
	s.save("version.go", version("v1000", ""))
	s.waitFor(fmt.Sprintf(`generation %d serves`, generation))
	for i := range tabs {
		b.tells(fmt.Sprint("use ", i))
		b.await(`document.body.innerText == "v1000"`)
		b.await(backgroundOf + fmt.Sprintf(` == "rgb(0, 0, %d)"`, (saves-1)/3*3+1))
	}
	s.listeners(b, 1)
	cancel()
	report := <-reported
	t.Logf("%d saves, %d tabs: %d requests, %d lost", saves, tabs, report.All.Requests, report.Lost())
	if report.Lost() > 0 || report.All.Requests < saves {
		t.Error(report)
	}
	for i := range tabs {
		b.tells(fmt.Sprint("use ", i))
		b.tells("open about:blank")
	}
	s.listeners(b, 0)
	eventually(t, "the connections of pages are closed", func() bool {
		return usageOf(t, s.cmd.Process.Pid).files <= before.files+8 // of a running builder
	})
}

// TestFigures measures the time from a save until an open page shows it: HOTRELOAD_SOAK=1 go test -run Figures -v
// ./e2e. For Go it also measures the time of the first new answer, for the same saves.
func TestFigures(t *testing.T) {
	if !soak {
		t.Skip("only measures: run with HOTRELOAD_SOAK=1")
	}
	b := &browserPage{newBrowser(t)}
	s := hello(t, b)
	const rounds = 15
	s.edit("templates/page.html", "<h1", `<script>window.began = Date.now(); `+
		`document.addEventListener("hotreload:reload", () => sessionStorage.setItem("told", Date.now()))</script>`+
		`<i>mark</i><h1`)
	b.await(`window.began && document.readyState == "complete"`)
	text, err := os.ReadFile(filepath.Join(s.dir, "templates/page.html"))
	if err != nil {
		t.Fatal(err)
	}
	template := string(text)
	greeting := "package main\n\n// greeting is what to edit first.\nfunc greeting(name string) string { return \"%s\" }\n"
	figures := map[string][]float64{}
	const navigation = `performance.getEntriesByType("navigation")[0]`
	parts := map[string]string{
		"told":     `Number(sessionStorage.getItem("told"))`,
		"asked":    `performance.timeOrigin + ` + navigation + `.requestStart`,
		"answered": `performance.timeOrigin + ` + navigation + `.responseStart`,
	}
	kinds := []struct {
		name       string
		save       func(i int) // the page shows i afterwards
		path, text string      // of the first new answer
		has        string      // an expression for the time when the page showed %d
	}{
		{"css", func(i int) { s.save("static/style.css", fmt.Sprintf("body { margin: %dpx }", i)) },
			"/static/style.css", "margin: %dpx",
			`new Promise((done) => { const look = () => getComputedStyle(document.body).marginLeft == "%dpx" ` +
				`? done(Date.now()) : setTimeout(look, 1); look(); })`},
		{"restart", func(i int) {
			s.save("templates/page.html", strings.Replace(template, "mark", fmt.Sprint("mark", i), 1))
		}, "/", "mark%d<",
			`document.querySelector("i").textContent == "mark%d" && document.readyState == "complete" && window.began`},
		{"go", func(i int) { s.save("greeting.go", fmt.Sprintf(greeting, fmt.Sprint("greeting", i))) }, "/", "greeting%d<",
			`document.querySelector("h1").textContent == "greeting%d" && document.readyState == "complete" && window.began`},
	}
	for i := 1; i <= rounds; i++ {
		for _, kind := range kinds {
			s.listeners(b, 1)
			time.Sleep(300 * time.Millisecond) // each save is separate from the next
			stop, served := make(chan struct{}), make(chan time.Time, 1)
			go s.firstWith(kind.path, fmt.Sprintf(kind.text, i), stop, served) // ends with stop, at the latest
			began := time.Now()
			kind.save(i)
			what := "await "
			if kind.name == "css" {
				what = "eval "
			}
			var shown float64
			if _, err := fmt.Sscan(b.value(what+fmt.Sprintf(kind.has, i)), &shown); err != nil {
				t.Fatal(err)
			}
			close(stop)
			at := <-served
			if kind.name != "css" {
				for _, part := range []string{"told", "asked", "answered"} {
					var when float64
					if _, err := fmt.Sscan(b.value("eval "+parts[part]), &when); err == nil {
						name := kind.name + " " + part
						figures[name] = append(figures[name], when-float64(began.UnixMicro())/1000)
					}
				}
			}
			figures[kind.name+" in the page"] = append(figures[kind.name+" in the page"],
				shown-float64(began.UnixMicro())/1000)
			figures[kind.name+" served"] = append(figures[kind.name+" served"], at.Sub(began).Seconds()*1000)
			figures[kind.name+" difference"] = append(figures[kind.name+" difference"], shown-float64(at.UnixMicro())/1000)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		all := slices.Sorted(slices.Values(figures[name]))
		t.Logf("%-22s median %4.0f ms, from %4.0f to %4.0f", name, all[len(all)/2], all[0], all[len(all)-1])
	}
}

// firstWith requests a path every 2 ms until an answer contains a text, and sends the time of this answer.
func (s *session) firstWith(path, text string, stop <-chan struct{}, at chan<- time.Time) {
	for {
		answer, err := s.get(path)
		if err == nil && strings.Contains(answer, text) {
			at <- time.Now()
			return
		}
		select {
		case <-stop:
			at <- time.Now()
			return
		case <-time.After(2 * time.Millisecond):
		}
	}
}
