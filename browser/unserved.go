package browser

import (
	"html/template"
	"net"
	"net/http"
	"strings"
)

// While no worker of a service runs, hotreload answers a browser's request for a document of the program. The page
// shows the problem, by client.js, and becomes the program's page as soon as a worker answers.

// Unserved serves a connection to a service without a running worker. Nothing was read from the connection.
func (p *Pages) Unserved(service string, conn net.Conn) {
	p.feed.add(&handed{Conn: conn, service: service, unserved: true})
}

var unservedPage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en">
<head>
<script src="{{.Path}}client.js" data-generation="{{.Generation}}"></script>
<script src="{{.Path}}unserved.js" async></script>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>nobody serves – hotreload</title>
<link rel="stylesheet" href="{{.Path}}ui.css">
</head>
<body>
<header><h1>hotreload</h1></header>
<main>
<p>No worker{{with .Service}} of {{.}}{{end}} runs, so nobody answers this request.
This page becomes the program's page as soon as a worker serves.</p>
</main>
</body>
</html>
`))

// unserved answers a request for a document of a program without a running worker, and reports whether the request was
// one.
func (p *Pages) unserved(w http.ResponseWriter, r *http.Request, hosts []string) bool {
	conn, _ := r.Context().Value(contextKey{}).(*handed)
	if conn == nil || !conn.unserved || strings.HasPrefix(r.URL.Path, Prefix) {
		return false
	}
	if !p.guard.knows(r.Host, hosts) {
		http.Error(w, "hotreload: no worker runs", http.StatusServiceUnavailable)
		return true
	}
	page := struct {
		Path, Service string
		Generation    int
	}{Path: Prefix + p.config.Key + "/", Service: conn.service}
	if o, ok := p.look(r.Context()); ok {
		for _, s := range o.States {
			if s.Service == conn.service {
				page.Generation = s.Generation
			}
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = unservedPage.Execute(w, page) // an error is the client's
	return true
}
