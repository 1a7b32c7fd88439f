package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hotreload/runner"
)

// Info says who answers.
type Info struct {
	Pid     int    `json:"pid"`
	Dir     string `json:"dir"`     // in which it was started, absolute
	Root    string `json:"root"`    // of its module, or Dir
	Program string `json:"program"` // as the user named it
}

// Server answers for one run.
type Server struct {
	info Info
	run  *runner.Runner
	http *http.Server
	path string
}

// Limits on what a client may cost.
const (
	maxHeader     = 16 << 10
	headerTimeout = 5 * time.Second
	maxClients    = 128 // more wait in the kernel's queue
)

// Serve listens for clients of a run. Close ends it.
func Serve(info Info, run *runner.Runner) (*Server, error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	s := &Server{info: info, run: run, path: filepath.Join(dir, strconv.Itoa(info.Pid)+".sock")}
	_ = os.Remove(s.path) // of a dead one that had our pid
	listener, err := net.Listen("unix", s.path)
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	if err := os.Chmod(s.path, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	s.http = &http.Server{Handler: s.routes(), MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerTimeout}
	go func() { _ = s.http.Serve(limit(ours(listener), maxClients)) }() // ends with Close
	return s, nil
}

// Close ends all conversations and removes the socket.
func (s *Server) Close() {
	if s != nil {
		_ = s.http.Close()
		_ = os.Remove(s.path)
	}
}

// Path is where the socket lies.
func (s *Server) Path() string { return s.path }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(ctx context.Context, r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxHeader)
			answer, err := f(r.Context(), r)
			w.Header().Set("Content-Type", "application/json")
			switch {
			case errors.Is(err, errBad):
				w.WriteHeader(http.StatusBadRequest)
			case err != nil:
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			if err != nil {
				answer = failure{err.Error()}
			}
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
	then := func(c runner.Command) func(context.Context, *http.Request) (any, error) {
		return func(ctx context.Context, _ *http.Request) (any, error) {
			s.run.Do(c)
			return s.run.Await(ctx)
		}
	}
	handle("GET /v1/info", func(context.Context, *http.Request) (any, error) { return s.info, nil })
	handle("GET /v1/status", func(ctx context.Context, _ *http.Request) (any, error) { return s.run.Status(ctx) })
	handle("GET /v1/wait", func(ctx context.Context, _ *http.Request) (any, error) { return s.run.Await(ctx) })
	handle("POST /v1/reload", then(runner.Reload))
	handle("POST /v1/rebuild", then(runner.BuildUp))
	handle("POST /v1/stop", func(ctx context.Context, _ *http.Request) (any, error) {
		s.run.Do(runner.Stop)
		return struct{}{}, nil
	})
	handle("GET /v1/explain", func(ctx context.Context, r *http.Request) (any, error) {
		path := r.URL.Query().Get("path")
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("%w: path must be absolute", errBad)
		}
		return s.run.Explain(ctx, path)
	})
	return mux
}

var errBad = errors.New("bad request")

type failure struct {
	Error string `json:"error"`
}

// limited lets only so many connections in at a time.
type limited struct {
	net.Listener
	places chan struct{}
}

func limit(l net.Listener, n int) net.Listener { return &limited{l, make(chan struct{}, n)} }

func (l *limited) Accept() (net.Conn, error) {
	l.places <- struct{}{}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &place{Conn: conn, free: func() { <-l.places }}, nil
}
