package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"hotreload/runner"
	"hotreload/supervisor"
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
	run  *runner.Group
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
func Serve(info Info, run *runner.Group) (*Server, error) {
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
			case errors.Is(err, ErrBad):
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
	// with finds what a request is for.
	with := func(f func(ctx context.Context, r *http.Request, targets []runner.Target) (any, error)) func(context.Context, *http.Request) (any, error) {
		return func(ctx context.Context, r *http.Request) (any, error) {
			targets, err := s.run.Find(r.URL.Query().Get("to"))
			if err != nil {
				return nil, bad(err)
			}
			return f(ctx, r, targets)
		}
	}
	then := func(c runner.Command) func(context.Context, *http.Request) (any, error) {
		return with(func(ctx context.Context, r *http.Request, targets []runner.Target) (any, error) {
			request := runner.Request{Command: c}
			if err := readOrder(r.URL.Query(), &request.Order); err != nil {
				return nil, bad(err)
			}
			for _, t := range targets {
				t.Request(request)
			}
			return services(s.run.Await(ctx, targets))
		})
	}
	handle("GET /v1/info", func(context.Context, *http.Request) (any, error) { return s.info, nil })
	handle("GET /v1/status", with(func(ctx context.Context, _ *http.Request, targets []runner.Target) (any, error) {
		return services(s.run.Status(ctx, targets))
	}))
	handle("GET /v1/wait", with(func(ctx context.Context, _ *http.Request, targets []runner.Target) (any, error) {
		return services(s.run.Await(ctx, targets))
	}))
	handle("POST /v1/reload", then(runner.Reload))
	handle("POST /v1/restart", then(runner.Renew))
	handle("POST /v1/rebuild", then(runner.BuildUp))
	handle("POST /v1/halt", then(runner.Halt))
	handle("POST /v1/scale", with(func(ctx context.Context, r *http.Request, targets []runner.Target) (any, error) {
		workers, err := strconv.Atoi(r.URL.Query().Get("workers"))
		if err != nil || workers < 1 || workers > maxWorkers {
			return nil, bad(fmt.Errorf("workers is a number from 1 to %d", maxWorkers))
		}
		for _, t := range targets {
			t.Request(runner.Request{Command: runner.Scale, Workers: workers})
		}
		return services(s.run.Await(ctx, targets))
	}))
	handle("POST /v1/signal", with(func(_ context.Context, r *http.Request, targets []runner.Target) (any, error) {
		number, err := strconv.Atoi(r.URL.Query().Get("signal"))
		if err != nil || number <= 0 || number > maxSignal {
			return nil, bad(errors.New("signal is a signal's number"))
		}
		pids := []int{}
		for _, t := range targets {
			pids = append(pids, t.Signal(syscall.Signal(number))...)
		}
		return Signalled{pids}, nil
	}))
	handle("POST /v1/stop", func(ctx context.Context, _ *http.Request) (any, error) {
		s.run.Do(runner.Stop)
		return struct{}{}, nil
	})
	handle("GET /v1/explain", func(ctx context.Context, r *http.Request) (any, error) {
		path := r.URL.Query().Get("path")
		if !filepath.IsAbs(path) {
			return nil, bad(errors.New("path must be absolute"))
		}
		return s.run.Explain(ctx, path)
	})
	return mux
}

// Limits on what can be asked for: slips of the finger.
const (
	maxWorkers = 1024
	maxSignal  = 64
)

// Services is the answer to most requests.
type Services struct {
	Services []runner.Status `json:"services"`
}

// Signalled are the workers that got a signal.
type Signalled struct {
	Pids []int `json:"pids"`
}

func services(all []runner.Status, err error) (Services, error) { return Services{all}, err }

// readOrder reads how workers are to be replaced.
func readOrder(query url.Values, order *runner.Order) (err error) {
	if name := query.Get("strategy"); name != "" {
		if order.Strategy, err = supervisor.ParseStrategy(name); err != nil {
			return err
		}
	}
	order.Surge = 1
	if text := query.Get("surge"); text != "" {
		if order.Surge, err = strconv.Atoi(text); err != nil || order.Surge < 0 || order.Surge > 1 {
			return errors.New("surge is 0 or 1")
		}
	}
	return nil
}

// badRequest is an error that is an ErrBad, and says only what its own is.
type badRequest struct{ error }

func (badRequest) Is(target error) bool { return target == ErrBad }

func bad(err error) error { return badRequest{err} }

// ErrBad is a request that is wrong, and not what became of it.
var ErrBad = errors.New("bad request")

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
