package cli

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hotreload/browser"
	"hotreload/control"
	"hotreload/process"
	"hotreload/runner"
	"hotreload/settings"
	"hotreload/supervisor"
)

// pages connects the pages in browsers with a run. The run begins later.
type pages struct {
	*browser.Pages
	key     string
	console *console
	journal *control.Journal
	given   atomic.Pointer[settings.Pages]
	bound   chan struct{} // closed when the two below are set
	run     *runner.Group
	pause   *pausing
	faults  sync.Map // of documents without a script, as far as reported
	names   []string // of the services
	places  places
	open    bool      // the page is to be opened,
	opened  sync.Once // and was
}

// newPages starts the server of the pages. The server ends with Close.
func newPages(w *settings.Wishes, r *settings.Resolved, c *console, journal *control.Journal) *pages {
	p := &pages{console: c, journal: journal, bound: make(chan struct{}),
		places: places{of: map[string]supervisor.Address{}}}
	p.given.Store(&r.Pages)
	p.open = r.Pages.Open
	var err error
	p.key, err = browser.Key(settings.BrowserKeyAt(w.Dir))
	if err != nil && c.verbose() {
		c.say(dim(prefix + err.Error() + ": pages get another key at each start of hotreload"))
	}
	for _, s := range r.Services {
		p.names = append(p.names, s.Config.Name)
	}
	config := browser.Config{
		Key: p.key, Dir: w.Dir, Services: p.names,
		InBuild: p.inBuild, Said: p.said, Asked: p.asked,
		Reload:  func() { p.do(runner.Reload) },
		Rebuild: func() { p.do(runner.RebuildProgram) },
	}
	if r.KillSwitch.Path != "" {
		config.Pause = func() error {
			<-p.bound
			err := p.pause.press()
			p.run.Do(runner.Recheck)
			return err
		}
	}
	p.Pages = browser.New(config, p.settings())
	return p
}

// bind gives the pages the run.
func (p *pages) bind(run *runner.Group, pause *pausing) {
	p.run, p.pause = run, pause
	close(p.bound)
}

func (p *pages) do(c runner.Command) {
	<-p.bound
	p.run.Do(c)
}

// reread takes over changed settings.
func (p *pages) reread(now settings.Pages) {
	p.given.Store(&now)
	p.Set(p.settings())
}

// settings are the user's, with the found editor.
func (p *pages) settings() browser.Settings {
	given := p.given.Load()
	s := browser.Settings{Hosts: given.Hosts, EditorCommand: given.Editor, ReloadOn: given.Others}
	s.Options = browser.Options{
		Reload: given.Reload, CSS: given.CSS, Overlay: given.Overlay, Console: given.Console,
	}
	if given.Find {
		s.EditorCommand = browser.Editor(os.Getenv, func(name string) bool {
			_, err := exec.LookPath(name)
			return err == nil
		})
	}
	return s
}

// hook has the services' programs serve pages of ours.
func (p *pages) hook(configs []runner.Config) {
	for i := range configs {
		name := configs[i].Name
		configs[i].Service.Browser = &supervisor.BrowserHook{
			Key: p.key, Pages: p.wanted, Untagged: p.untagged,
			Take:     func(conn net.Conn) { p.Take(name, conn) },
			Unserved: func(conn net.Conn) { p.Unserved(name, conn) },
		}
	}
}

// wanted tells the agents of a generation how to treat pages.
func (p *pages) wanted(generation int) supervisor.Pages {
	given := p.given.Load()
	to := supervisor.Pages{Panics: given.Panics, Cache: map[string]supervisor.Cache{
		"program": supervisor.CacheProgram, "revalidate": supervisor.CacheRevalidate, "off": supervisor.CacheOff,
	}[given.Cache]}
	for _, host := range given.Hosts {
		to.Hosts = append(to.Hosts, strings.TrimPrefix(host, "*"))
	}
	if !given.Enabled {
		return supervisor.Pages{Hosts: to.Hosts}
	}
	// A page's errors are seen from the moment at which the script is there.
	when := " async"
	if given.Console != "off" {
		when = ""
	}
	// The gate leaves the hash out where no policy asks for it.
	to.Tag = fmt.Sprintf(`<script src="%s%s/client.js" integrity="%s" data-generation="%d"%s></script>`, browser.Prefix,
		p.key, browser.Integrity(), generation, when)
	return to
}

// untagged says once why a document has no script.
func (p *pages) untagged(path, reason string) {
	if _, before := p.faults.LoadOrStore(path+" "+reason, true); !before && !p.console.quiet() {
		p.console.say(dim(prefix) + yellow(settings.Harmless(path)+": this page does not follow changes: "+reason))
	}
}

// hear passes events on, and tells the pages of each before.
func (p *pages) hear(service string, events <-chan runner.Event) <-chan runner.Event {
	passed := make(chan runner.Event)
	go func() { // ends with events, if the passed events are read
		defer close(passed)
		var without scriptless
		for event := range events {
			p.Tell(service, event)
			if without.heard(event) {
				p.sayScriptless(service)
			}
			if p.places.heard(service, event) && p.open {
				p.openOnce(service)
			}
			passed <- event
		}
	}()
	return passed
}

// scriptless finds out whether a program serves pages without a script.
type scriptless struct{ fast, said bool }

// heard reports whether to say so: once, when the program serves.
func (s *scriptless) heard(event runner.Event) (say bool) {
	switch e := event.(type) {
	case runner.Watching:
		s.fast = e.FastHTTP
	case runner.Reloaded:
		say = s.fast && !s.said
		s.said = s.said || say
	}
	return say
}

// sayScriptless names the way out, unless already taken or not wanted.
func (p *pages) sayScriptless(service string) {
	if given := p.given.Load(); given.Enabled && given.Proxy == "" && !p.console.quiet() {
		p.console.say(dim(nameOf(service)) + yellow("pages that fasthttp serves do not follow changes: they get no script") +
			lineOf(hintLine("write proxy = \"7331\" below [browser] in hotreload.toml, and open http://localhost:7331")))
	}
}

// nameOf is the beginning of lines about a service.
func nameOf(service string) string {
	if service == "" {
		return prefix
	}
	return "[hotreload " + service + "] "
}

// inBuild reports whether a file belongs to the build of a service, or is read by its workers.
func (p *pages) inBuild(ctx context.Context, path string) bool {
	select {
	case <-p.bound:
	case <-ctx.Done():
		return false
	}
	all, _ := p.run.Explain(ctx, path)
	for _, e := range all {
		used := e.Class != runner.None.String() && e.Class != runner.Test.String()
		if e.Exists && e.Ignored == "" && (e.Package != "" || used) {
			return true
		}
	}
	return false
}

// said prints a line of a page's console, and passes the line on to hotreload events.
func (p *pages) said(s browser.Said) {
	place := ""
	if s.File != "" {
		name := s.File
		if u, err := url.Parse(s.File); err == nil && u.Path != "" {
			name = path.Base(u.Path)
		}
		place = fmt.Sprintf(" (%s:%d:%d)", name, s.Line, s.Col)
	}
	where := s.Page
	if u, err := url.Parse(s.Page); err == nil && u.Path != "" {
		where = u.Path
	}
	paint := func(text string) string { return text }
	switch s.Level {
	case "error":
		paint = red
	case "warn":
		paint = yellow
	}
	text := dim(nameOf(s.Service)+"browser "+settings.Harmless(where)+": ") + paint(s.Text+place)
	if s.Dropped > 0 {
		text += dim(fmt.Sprintf(" (%d before were left out)", s.Dropped))
	}
	if p.console.verbose() && s.Stack != "" {
		text += "\n" + dim(s.Stack)
	}
	p.console.say(text)
	stack := s.Text + place
	if s.Stack != "" {
		stack += "\n" + s.Stack
	}
	p.journal.Add(control.News{Service: s.Service, Event: "browser", Level: s.Level, Page: s.Page, Text: stack})
	if s.Uncaught {
		script, _ := url.Parse(s.File)
		failed := runner.PageError{Page: s.Path, Generation: s.Generation, Message: s.Text, Line: s.Line, Column: s.Col,
			At: time.Now()}
		if script != nil {
			failed.Script = script.Path
		}
		<-p.bound
		p.run.PageFailed(context.Background(), s.Service, failed)
	}
}

// asked tells the run of a page's newest document.
func (p *pages) asked(ctx context.Context, service, path string, began time.Time) {
	select {
	case <-p.bound:
		p.run.PageAsked(ctx, service, path, began)
	case <-ctx.Done():
	}
}

// places are where the programs of services listen: for each, the first known TCP address.
type places struct {
	mu sync.Mutex // guards of
	of map[string]supervisor.Address
}

// heard looks for addresses, and reports whether the service serves at a known one.
func (p *places) heard(service string, event runner.Event) (serves bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	note := func(a supervisor.Address) {
		if _, known := p.of[service]; !known && strings.HasPrefix(a.Network, "tcp") {
			p.of[service] = a
		}
	}
	switch e := event.(type) {
	case runner.Listening:
		for _, a := range e.Addresses {
			note(a)
		}
	case runner.Service:
		if owned, is := e.Event.(supervisor.OwnsListener); is {
			note(owned.Address)
		}
	case runner.Reloaded:
		_, serves = p.of[service]
	}
	return serves
}

// at is where a service's program is reached from this machine: HOST:PORT, or "".
func (p *places) at(service string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a, known := p.of[service]; known {
		return reachable(a)
	}
	return ""
}

// openOnce opens the page of a service that serves, the first of all.
func (p *pages) openOnce(service string) {
	p.opened.Do(func() {
		go func() { // ends soon: the browser is another process
			address := p.places.at(service)
			scheme := schemeAt(context.Background(), address, askLimit)
			if err := openInBrowser(scheme + "://" + address + "/"); err != nil {
				p.console.say(dim(prefix) + yellow(err.Error()) + lineOf(hintLine(hintOf(err))))
			}
		}()
	})
}

// proxy stands before the first service, for programs whose documents get no tag from a gate.
func (p *pages) proxy() {
	given, service := p.given.Load(), p.names[0]
	if given.Proxy == "" {
		return
	}
	listener, err := net.Listen("tcp", given.Proxy)
	if err != nil {
		p.console.say(dim(prefix) + red("[browser] proxy: "+err.Error()))
		return
	}
	to := browser.Proxy{Service: service, Tag: func(generation int) string { return p.wanted(generation).Tag }}
	to.Target = func() string { return cmp.Or(given.ProxyTo, p.places.at(service)) }
	if !p.console.quiet() {
		p.console.say(dim(prefix) + "pages that follow changes: http://" + listener.Addr().String() + "/")
	}
	go p.Proxy(listener, to) // ends with Close
}

// reachable is an address of a program as it is reached from this machine.
func reachable(a supervisor.Address) string {
	host, port, found := cutLast(a.Addr, ":")
	if !found {
		host, port = "", a.Addr
	}
	switch host {
	case "", "0.0.0.0", "[::]", "::":
		host = "localhost"
	}
	return host + ":" + port
}

func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}

// openInBrowser opens an address in the user's browser: by $BROWSER, or the system's way.
func openInBrowser(address string) error {
	words := openCommand()
	if name := os.Getenv("BROWSER"); name != "" && name != "none" {
		words = []string{strings.Split(name, string(os.PathListSeparator))[0]}
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return settings.Hint(fmt.Errorf("no browser was found for %s: there is no %s", address, words[0]),
			"set $BROWSER to a command")
	}
	return process.Release(exec.Command(words[0], append(words[1:], address)...))
}
