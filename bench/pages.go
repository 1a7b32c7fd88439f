//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The program for -pages has one page, which shows four texts: each comes from a file of another kind.
const (
	pagesMain = `package main

import (
	"bytes"
	"flag"
	"html/template"
	"log"
	"net/http"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	flag.Parse()
	page := template.Must(template.ParseFiles("page.html"))
	http.Handle("/static/", http.FileServer(http.Dir(".")))
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		var text bytes.Buffer
		if err := note().Render(r.Context(), &text); err != nil {
			log.Print(err)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := page.Execute(w, map[string]any{"Word": word(), "Note": template.HTML(text.String())}); err != nil {
			log.Print(err)
		}
	})
	log.Fatal(http.ListenAndServe(*addr, nil))
}
`
	// look notes when the page first shows a text. A loaded page looks once; bench has the page look again and again
	// from a save until the text is there.
	pagesHTML = `<!doctype html>
<html>
<head><title>pages</title><link rel="stylesheet" href="/static/style.css"></head>
<body>
<p id="go">{{.Word}}</p>
<p id="template">first</p>
<div id="templ">{{.Note}}</div>
<script>
window.seen = {};
window.look = () => {
  for (const id of ["go", "template", "templ"]) {
    seen[id + " " + document.getElementById(id).innerText.trim()] ??= Date.now();
  }
  seen["css r" + parseInt(getComputedStyle(document.body).marginLeft)] ??= Date.now();
};
look();
</script>
</body>
</html>
`
	pagesWord  = "package main\n\nfunc word() string { return \"first\" }\n"
	pagesNote  = "package main\n\ntempl note() {\n\t<b>first</b>\n}\n"
	pagesStyle = "body { margin-left: 1000px }\n"
)

// saved is a kind of file of the program for -pages, and its content for a round.
type saved struct {
	kind, name, file string
	old, now         string // in the file; now has the round
	source           string
}

// pagesSaved is in the order of a round.
var pagesSaved = []saved{
	{"css", "a stylesheet that requests read", "static/style.css", "1000px", "%dpx", pagesStyle},
	{"template", "a template read at the start", "page.html", "<p id=\"template\">first", "<p id=\"template\">r%d",
		pagesHTML},
	{"templ", "text in a .templ file", "note.templ", "first", "r%d", pagesNote},
	{"go", "Go", "word.go", "first", "r%d", pagesWord},
}

// shownLimit is how long a page may take to show a save. The slowest tool takes a tenth of it.
const shownLimit = 30 * time.Second

// paged is a tool with an open page.
type paged struct {
	*contender
	address string // of the page
	page    *chromium
	took    map[string][]time.Duration
	missed  map[string]int
}

// pagesContenders lists the tools that show saves in browsers. The settings follow their documentation for a server
// with a proxy. Each gets the files of all four kinds named, if it does not find them by itself.
func pagesContenders(hotreload string) []*paged {
	return []*paged{
		withPage("hotreload", "", func(c *contender, _ string) (*exec.Cmd, error) {
			rule := "[[rule]]\nmatch = \"**/*.templ\"\nrun = \"templ generate\"\n"
			return exec.Command(hotreload, append([]string{"."}, c.args...)...),
				os.WriteFile(filepath.Join(c.tree, "hotreload.toml"), []byte(rule), 0o666)
		}),
		withPage("air", "air", func(c *contender, proxy string) (*exec.Cmd, error) {
			_, port, _ := net.SplitHostPort(c.addr)
			_, proxyPort, _ := net.SplitHostPort(proxy)
			config := fmt.Sprintf("root = \".\"\ntmp_dir = \"tmp\"\n[build]\n"+
				"cmd = \"templ generate && go build -o ./tmp/main .\"\nentrypoint = [\"./tmp/main\"]\nargs_bin = [%s]\n"+
				"include_ext = [\"go\", \"templ\", \"html\", \"css\"]\nexclude_regex = [\".*_templ.go\"]\n"+
				"[proxy]\nenabled = true\nproxy_port = %s\napp_port = %s\n", quoted(c.args), proxyPort, port)
			return exec.Command("air", "-c", ".air.toml"), os.WriteFile(filepath.Join(c.tree, ".air.toml"),
				[]byte(config), 0o666)
		}),
		withPage("templ", "templ", func(c *contender, proxy string) (*exec.Cmd, error) {
			_, port, _ := net.SplitHostPort(proxy)
			return exec.Command("templ", "generate", "--watch", "--watch-pattern", `(.+\.(go|templ|html|css)$)|(.+_templ\.txt$)`,
				"--open-browser=false", "--proxyport", port, "--proxy", "http://"+c.addr,
				"--cmd", "go run . "+strings.Join(c.args, " ")), nil
		}),
	}
}

// withPage makes a tool whose page is at its proxy, or at the program's own address if start does not use the proxy.
func withPage(name, binary string, start func(c *contender, proxy string) (*exec.Cmd, error)) *paged {
	p := &paged{took: map[string][]time.Duration{}, missed: map[string]int{}}
	p.contender = &contender{name: name, binary: binary, start: func(c *contender, _ program) (*exec.Cmd, error) {
		p.address = c.addr
		if binary != "" {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			p.address = l.Addr().String()
			l.Close()
		}
		return start(c, p.address)
	}}
	return p
}

// pages measures the time from a save until an open page shows it.
func pages(ctx context.Context, rounds int, only string) error {
	root, err := os.MkdirTemp("", "hotreload-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	hotreload, err := buildHotreload(root)
	if err != nil {
		return err
	}
	driver := filepath.Join(root, "browser")
	if out, err := exec.Command("go", "build", "-C", "testdata/browser", "-o", driver, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("build the browser's driver: %v\n%s", err, out)
	}
	dir := filepath.Join(root, "pages")
	if err := makePages(dir); err != nil {
		return err
	}
	p := program{dir: dir, pkg: ".", find: "first", url: "/", args: []string{"-addr", "{addr}"}}
	var tools []*paged
	for i, c := range pagesContenders(hotreload) {
		if only != "" && !strings.Contains(","+only+",", ","+c.name+",") {
			continue
		}
		if _, err := exec.LookPath(c.binary); c.binary != "" && err != nil {
			fmt.Printf("%s is not on PATH: left out\n", c.name)
			continue
		}
		fmt.Printf("preparing %s\n", c.name)
		defer c.stop()
		if err := c.prepare(ctx, p, filepath.Join(root, fmt.Sprint(i))); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if c.page, err = openChromium(ctx, driver); err != nil {
			return err
		}
		defer c.page.close()
		if err := c.open("go first"); err != nil {
			return fmt.Errorf("%s: %w\n%s", c.name, err, c.log())
		}
		tools = append(tools, c)
	}
	pause(ctx, 5*time.Second) // hotreload proves its plan after the first build
	fmt.Println("load", loadNow())
	for round := 1; round <= rounds; round++ {
		for _, kind := range pagesSaved {
			for i := range tools {
				c := tools[(i+round)%len(tools)]
				if err := c.save(kind, round); err != nil {
					return fmt.Errorf("%s, %s, round %d: %w\n%s", c.name, kind.kind, round, err, c.log())
				}
				if ctx.Err() != nil {
					return ctx.Err()
				}
				pause(ctx, time.Second) // let this tool finish: it must not run during the next one's measurement
			}
		}
	}
	fmt.Print(pagesTable(tools, rounds))
	fmt.Println("load", loadNow())
	return nil
}

// makePages makes the program's module.
func makePages(dir string) error {
	files := map[string]string{"main.go": pagesMain}
	for _, s := range pagesSaved {
		files[s.file] = s.source
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			return err
		}
	}
	version, err := exec.Command("templ", "version").Output()
	if err != nil {
		return fmt.Errorf("-pages needs templ on PATH: %w", err)
	}
	templ := "github.com/a-h/templ@" + strings.TrimSpace(string(version))
	for _, words := range [][]string{
		{"go", "mod", "init", "example.com/pages"}, {"go", "get", templ}, {"templ", "generate"}, {"go", "mod", "tidy"},
		{"go", "build", "-o", filepath.Join(dir, "..", "warm"), "."},
	} {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", words, err, out)
		}
	}
	return nil
}

// save saves a file and waits until the page shows it. A page that does not show it in time counts as missed, and is
// opened again.
func (c *paged) save(s saved, round int) error {
	path := filepath.Join(c.tree, s.file)
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	old := s.old
	if round > 1 {
		old = in(s.now, round-1)
	}
	now := strings.Replace(string(source), old, in(s.now, round), 1)
	if now == string(source) {
		return fmt.Errorf("%s has no %q", s.file, old)
	}
	if _, err := c.page.value("eval clearInterval(window.looking), window.looking = setInterval(look, 1), 0"); err != nil {
		return err
	}
	began := time.Now()
	if err := os.WriteFile(path, []byte(now), 0o666); err != nil {
		return err
	}
	at, err := c.seen(in(s.kind+" r%d", round), began)
	switch {
	case errors.Is(err, errUnserved):
		c.missed[s.kind]++
		return c.open(in(s.kind+" r%d", round))
	case err != nil:
		return err
	}
	c.took[s.kind] = append(c.took[s.kind], at.Sub(began))
	_, err = c.page.value("eval clearInterval(window.looking), 0")
	return err
}

// in is a text of a round.
func in(text string, round int) string { return strings.Replace(text, "%d", fmt.Sprint(round), 1) }

// seen is when the page has first shown a text. The time is the browser's, with a precision of 4 ms.
func (c *paged) seen(text string, began time.Time) (time.Time, error) {
	value, err := c.page.value(fmt.Sprintf("await (window.seen || {})[%q] || Date.now() > %d", text,
		began.Add(shownLimit).UnixMilli()))
	if err != nil {
		return began, err
	}
	var at int64
	if _, err := fmt.Sscan(value, &at); err != nil {
		return began, errUnserved
	}
	return time.UnixMilli(at), nil
}

// open opens the page, as a user would who has waited too long, until the page shows a text.
func (c *paged) open(text string) error {
	for began := time.Now(); time.Since(began) < 2*shownLimit; {
		if err := c.page.tell("open http://" + c.address + "/"); err != nil {
			return err
		}
		asked := time.Now().Add(2*time.Second - shownLimit)
		if _, err := c.seen(text, asked); !errors.Is(err, errUnserved) {
			return err
		}
	}
	return fmt.Errorf("the page does not show %q", text)
}

// pagesTable shows medians, and how often a page did not show a save.
func pagesTable(tools []*paged, rounds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nsave → the page shows it, %d rounds: median (p10 to p90)\n\n| |", rounds)
	for _, c := range tools {
		fmt.Fprintf(&b, " %s |", c.name)
	}
	fmt.Fprintf(&b, "\n| --- |%s\n", strings.Repeat(" --- |", len(tools)))
	for _, s := range pagesSaved {
		fmt.Fprintf(&b, "| %s |", s.name)
		for _, c := range tools {
			took := c.took[s.kind]
			text := "–"
			if len(took) > 0 {
				text = fmt.Sprintf("%s (%d to %s)", ms(quantile(took, 0.5)), quantile(took, 0.1).Milliseconds(),
					ms(quantile(took, 0.9)))
			}
			if missed := c.missed[s.kind]; missed > 0 {
				text += fmt.Sprintf(", %d not shown", missed)
			}
			fmt.Fprintf(&b, " %s |", text)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// chromium is a browser driven by testdata/browser.
type chromium struct {
	to   io.WriteCloser
	from *bufio.Scanner
	cmd  *exec.Cmd
}

func openChromium(ctx context.Context, driver string) (*chromium, error) {
	b := &chromium{cmd: exec.CommandContext(ctx, driver)}
	b.cmd.Stderr = io.Discard
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if b.to, err = b.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	b.from = bufio.NewScanner(out)
	b.from.Buffer(nil, 1<<20)
	return b, b.cmd.Start()
}

// tell sends a command without a value.
func (b *chromium) tell(command string) error {
	_, err := fmt.Fprintln(b.to, command)
	return err
}

// value sends a command, and returns its value as JSON.
func (b *chromium) value(command string) (string, error) {
	if err := b.tell(command); err != nil {
		return "", err
	}
	for b.from.Scan() {
		if value, is := strings.CutPrefix(b.from.Text(), "value "); is {
			return value, nil
		}
		if why, failed := strings.CutPrefix(b.from.Text(), "failed "); failed {
			return "", fmt.Errorf("%s: %s", command, why)
		}
	}
	return "", errors.Join(fmt.Errorf("%s: the browser has ended", command), b.from.Err())
}

// close ends the browser.
func (b *chromium) close() {
	b.to.Close()
	_ = b.cmd.Wait()
}
