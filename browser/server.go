package browser

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed assets
var assets embed.FS

// Limits on the cost of a client.
const (
	maxHeader     = 64 << 10 // behind a proxy, the header contains the program's cookies
	headerTimeout = 10 * time.Second
	writeTimeout  = 10 * time.Second // for one message of a stream
	bodyTimeout   = 10 * time.Second
	maxBody       = 32 << 10
	beat          = 25 * time.Second // between comments in a silent stream: some proxies close it after half a minute
)

type contextKey struct{}

// server is the one server of all pages.
func (p *Pages) server() *http.Server {
	s := &http.Server{
		Handler: p.handler(), MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerTimeout,
		ErrorLog: log.New(io.Discard, "", 0), // a client gets its errors in the answer
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			if conn, ok := conn.(*handed); ok {
				return context.WithValue(ctx, contextKey{}, conn)
			}
			return ctx
		},
	}
	s.SetKeepAlivesEnabled(false) // the next request may be for the program
	return s
}

// serviceOf returns the service to whose program a client has connected. At our own address, the client names a
// service; else it is the first one.
func (p *Pages) serviceOf(r *http.Request) string {
	if conn, ok := r.Context().Value(contextKey{}).(*handed); ok {
		return conn.service
	}
	if name := r.URL.Query().Get("service"); name != "" {
		return name
	}
	return p.config.Services[0]
}

// asked is a request that has passed the guard.
type asked struct {
	*http.Request
	service string
	near    bool // see near
}

type answerer func(w http.ResponseWriter, r *asked)

// route is a path below the key.
type route struct {
	method string
	near   bool // only for clients that are near
	serve  answerer
}

func (p *Pages) routes() map[string]route {
	return map[string]route{
		"client.js":   {http.MethodGet, false, static("client.js", "text/javascript; charset=utf-8")},
		"unserved.js": {http.MethodGet, false, static("unserved.js", "text/javascript; charset=utf-8")},
		"events":      {http.MethodGet, false, p.events},
		"state":       {http.MethodGet, false, p.state},
		"open":        {http.MethodPost, true, p.open},
		"console":     {http.MethodPost, true, p.say},

		"":         {http.MethodGet, true, static("ui.html", "text/html; charset=utf-8")},
		"ui.css":   {http.MethodGet, false, static("ui.css", "text/css; charset=utf-8")},
		"ui.js":    {http.MethodGet, false, static("ui.js", "text/javascript; charset=utf-8")},
		"overview": {http.MethodGet, true, p.overall},
		"do":       {http.MethodPost, true, p.do},
	}
}

// handler checks each request before any other work.
func (p *Pages) handler() http.Handler {
	routes := p.routes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		harden(w.Header())
		hosts := p.settings.Load().Hosts
		if p.unserved(w, r, hosts) {
			return
		}
		path, refused := p.guard.allows(r, hosts)
		if refused != nil {
			http.Error(w, "hotreload: "+refused.why, refused.status)
			return
		}
		to, known := routes[path]
		if rest, is := strings.CutPrefix(path, "api/"); is {
			to, known = p.apiRoute(r.Method, rest)
		}
		a := &asked{r, p.serviceOf(r), near(r, hosts)}
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		switch {
		case !known:
			http.Error(w, "hotreload: no such page", http.StatusNotFound)
		case method != to.method:
			w.Header().Set("Allow", to.method)
			http.Error(w, "hotreload: wrong method", http.StatusMethodNotAllowed)
		case to.near && !a.near:
			http.Error(w, "hotreload: this is for browsers on the machine where hotreload runs; [browser] hosts in "+
				"hotreload.toml lists more names", http.StatusForbidden)
		case method == http.MethodPost && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
			// Forms of foreign pages cannot send this type.
			http.Error(w, "hotreload: the body must be JSON", http.StatusUnsupportedMediaType)
		default:
			to.serve(w, a)
		}
	})
}

// harden sets the headers of all answers. There is no CORS header, ever.
func harden(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "+
		"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
}

// static answers with a file of ours. These files contain no secret.
func static(name, contentType string) answerer {
	text, err := fs.ReadFile(assets, "assets/"+name)
	return func(w http.ResponseWriter, r *asked) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(text)
	}
}

// Integrity returns the hash of the pages' script, for the tag.
func Integrity() string {
	text, err := fs.ReadFile(assets, "assets/client.js")
	if err != nil { // impossible: the file is embedded
		panic(err)
	}
	sum := sha256.Sum256(text)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// events is a stream without end. The first message is the whole state.
func (p *Pages) events(w http.ResponseWriter, r *asked) {
	joined := make(chan *client, 1)
	all := r.near && r.URL.Query().Get("all") == "1"
	began := beganAt(r, time.Now())
	if !p.send(joinInput{service: r.service, all: all, began: began, joined: joined}) {
		http.Error(w, "hotreload: it is ending", http.StatusServiceUnavailable)
		return
	}
	c := <-joined
	defer p.send(leaveInput{c})
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	control := http.NewResponseController(w)
	write := func(text []byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err := w.Write(text)
		return err == nil && control.Flush() == nil
	}
	// Some proxies hold back an empty stream.
	if !write([]byte("retry: 500\n: hotreload\n\n")) {
		return
	}
	p.askedAt(r, began)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case m, open := <-c.messages:
			if !open || !write(m.encoded(r.near)) {
				return
			}
		case <-ticker.C:
			if !write([]byte(": \n\n")) {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// beganAt returns the time of the request for the client's page. A page on this machine has our clock. From other pages
// only the age is taken, which is too small by the time of the request.
func beganAt(r *asked, now time.Time) time.Time {
	query := r.URL.Query()
	elapsed, err := strconv.ParseInt(query.Get("elapsed"), 10, 32)
	if err != nil || elapsed < 0 {
		return time.Time{}
	}
	at := now.Add(-time.Duration(elapsed) * time.Millisecond)
	began, err := strconv.ParseInt(query.Get("began"), 10, 64)
	if err == nil && r.near && time.UnixMilli(began).Before(at) {
		at = time.UnixMilli(began)
	}
	return at
}

// askedAt tells when a page's document was asked for. For a page on another machine, the time is not known well enough.
func (p *Pages) askedAt(r *asked, began time.Time) {
	if path := r.URL.Query().Get("path"); path != "" && r.near && !began.IsZero() && p.config.Asked != nil {
		p.config.Asked(r.Context(), r.service, harmless(path, longURL, false), began)
	}
}

// state answers with the first message of events, for a page that hears the others from another page.
func (p *Pages) state(w http.ResponseWriter, r *asked) {
	began := beganAt(r, time.Now())
	o, ok := p.look(r.Context())
	if !ok {
		http.Error(w, "hotreload: it is ending", http.StatusServiceUnavailable)
		return
	}
	p.askedAt(r, began)
	for _, s := range o.States {
		if s.Service == r.service {
			markLate(s.Recent, began)
			m := Message{Kind: kindState, Service: s.Service, State: &s}
			if !r.near {
				m = m.bare()
			}
			writeJSON(w, m.State)
			return
		}
	}
	http.Error(w, "hotreload: no such service", http.StatusNotFound)
}

func (p *Pages) overall(w http.ResponseWriter, r *asked) {
	if o, ok := p.look(r.Context()); ok {
		writeJSON(w, o)
	} else {
		http.Error(w, "hotreload: it is ending", http.StatusServiceUnavailable)
	}
}

// do presses a button.
func (p *Pages) do(w http.ResponseWriter, r *asked) {
	var order struct {
		Command string `json:"command"`
	}
	if !readJSON(w, r, &order) {
		return
	}
	var press func() error
	switch order.Command {
	case "reload":
		press = func() error { p.config.Reload(); return nil }
	case "rebuild":
		press = func() error { p.config.Rebuild(); return nil }
	case "pause":
		press = p.config.Pause
	}
	if press == nil {
		http.Error(w, "hotreload: the commands are reload, rebuild and pause", http.StatusBadRequest)
		return
	}
	if err := press(); err != nil {
		http.Error(w, "hotreload: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// apiRoute returns the routes to the control server for the page about hotreload itself. These requests only read.
func (p *Pages) apiRoute(method, path string) (route, bool) {
	switch path {
	case "v1/status", "v1/explain", "v1/logs":
	default:
		return route{}, false
	}
	return route{http.MethodGet, true, func(w http.ResponseWriter, r *asked) {
		api := p.api.Load()
		if api == nil {
			http.Error(w, "hotreload: the control socket could not be opened", http.StatusServiceUnavailable)
			return
		}
		to := r.Clone(r.Context())
		to.URL.Path, to.URL.RawPath, to.RequestURI = "/"+path, "", ""
		(*api).ServeHTTP(w, to)
	}}, true
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// readJSON reads a small body, and answers a wrong one with an error.
func readJSON(w http.ResponseWriter, r *asked, to any) bool {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(to)
	if err == nil {
		return true
	}
	status := http.StatusBadRequest
	if errors.As(err, new(*http.MaxBytesError)) {
		status = http.StatusRequestEntityTooLarge
	}
	http.Error(w, "hotreload: the body is not what was expected", status)
	return false
}
