package browser

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"hotreload/agent/web"
)

// Proxy configures a proxy in front of one service. It is for programs whose documents get no tag from a gate: servers
// without net/http, and programs in other languages.
type Proxy struct {
	Service string
	// Target returns the program's address, HOST:PORT; "" while the address is unknown.
	Target func() string
	// Tag returns the tag for documents of a generation.
	Tag func(generation int) string
}

// Limits of the proxy. Felt right, not measured.
const (
	dialEvery = 20 * time.Millisecond // while the program starts
	dialMost  = 30 * time.Second
)

// Proxy serves a listener until Close. The proxy passes requests on unchanged: Host stays, upgrades and streams pass,
// and only X-Forwarded-* is added. No request is sent twice, except for an idempotent one on a connection that turns
// out to be closed before the first byte of the answer. The proxy dials again until the program listens. Requests for
// foreign hosts are refused, also upgrades.
func (p *Pages) Proxy(l net.Listener, to Proxy) {
	transport := &perGeneration{dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialWhenThere(ctx, &net.Dialer{}, to.Target)
	}}
	reverse := &httputil.ReverseProxy{
		// A ReverseProxy flushes at once if the length is unknown. A page of known length must not be flushed before its
		// first byte, or the length could not be changed for the tag.
		Transport: transport, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "program"}) // dial goes to Target
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				harden(w.Header())
				http.Error(w, "hotreload: the program does not answer: "+err.Error(), http.StatusBadGateway)
			}
		},
	}
	ours := p.handler()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case len(r.URL.Path) >= len(Prefix) && r.URL.Path[:len(Prefix)] == Prefix:
			ours.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, to.Service)))
		case r.Method == http.MethodConnect || !p.guard.knows(r.Host, p.settings.Load().Hosts):
			harden(w.Header())
			http.Error(w, "hotreload: the host "+quoted(r.Host)+" is not allowed; [browser] hosts in hotreload.toml lists more",
				http.StatusForbidden)
		default:
			generation := p.generation(r.Context(), to.Service)
			r = r.WithContext(context.WithValue(r.Context(), generationKey{}, generation))
			tag := to.Tag(generation)
			own := web.Browser{Key: p.config.Key, Tag: tag, Hosts: []string{hostname(r.Host)}} // checked above
			own.Handler(reverse).ServeHTTP(w, r)
		}
	})
	s := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ErrorLog: reverse.ErrorLog}
	go func() { // ends with Close
		<-p.ended
		_ = s.Close()
		transport.close()
	}()
	_ = s.Serve(l)
}

// perGeneration uses a connection only for requests of one generation, because an old worker may still answer on its
// connections.
type perGeneration struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu         sync.Mutex // guards all below
	generation int
	transport  *http.Transport
}

type generationKey struct{}

// RoundTrip sends a request on a connection that was opened for its generation.
func (t *perGeneration) RoundTrip(r *http.Request) (*http.Response, error) {
	generation, _ := r.Context().Value(generationKey{}).(int)
	return t.of(generation).RoundTrip(r)
}

func (t *perGeneration) of(generation int) *http.Transport {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.transport == nil || generation != t.generation {
		if t.transport != nil {
			t.transport.CloseIdleConnections() // a used connection is closed when it becomes idle
		}
		t.generation = generation
		t.transport = &http.Transport{
			DisableCompression: true, MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second, DialContext: t.dial,
		}
	}
	return t.transport
}

func (t *perGeneration) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.transport != nil {
		t.transport.CloseIdleConnections()
	}
}

// generation returns the serving generation before a request is passed on. The answer is at least as new.
func (p *Pages) generation(ctx context.Context, service string) int {
	o, _ := p.look(ctx)
	for _, s := range o.States {
		if s.Service == service {
			return s.Generation
		}
	}
	return 0
}

var errNowhere = errors.New("it listens on no TCP address that hotreload knows of")

// dialWhenThere connects as soon as the program listens.
func dialWhenThere(ctx context.Context, dialer *net.Dialer, target func() string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialMost)
	defer cancel()
	for {
		err := errNowhere
		if address := target(); address != "" {
			var conn net.Conn
			if conn, err = dialer.DialContext(ctx, "tcp", address); err == nil {
				return conn, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(dialEvery):
		}
	}
}
