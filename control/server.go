package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	Switch  string `json:"switch"`  // the kill switch's file; "" = there is none
}

// Server answers for one run.
type Server struct {
	info    Info
	run     *runner.Group
	journal *Journal
	options Options
	token   string // "" = there is no way in but the socket
	http    *http.Server
	path    string
	tcp     net.Addr // nil = no
	ended   chan struct{}
}

// Options are the ways in besides the user's own socket.
type Options struct {
	Listen    string                 // TCP address; "" = none. Without a host it is this machine only
	TokenFile string                 // what lets clients do everything there; it is made if need be
	Refused   func(from, why string) // is told of each request that was refused; any goroutine
}

// Limits on what a client may cost.
const (
	maxHeader     = 16 << 10
	headerTimeout = 5 * time.Second
	maxClients    = 128
)

// Serve listens for clients of a run. Close ends it.
func Serve(info Info, run *runner.Group, journal *Journal, options Options) (*Server, error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	s := &Server{info: info, run: run, journal: journal, options: options, path: filepath.Join(dir, strconv.Itoa(info.Pid)+".sock"), ended: make(chan struct{})}
	_ = os.Remove(s.path) // of a dead one that had our pid
	listener, err := net.Listen("unix", s.path)
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	if err := os.Chmod(s.path, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	here := &clients{most: maxClients}
	s.http = &http.Server{
		Handler: s.routes(), MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerTimeout, ConnState: here.note,
		ErrorLog: log.New(io.Discard, "", 0), // a client's mistakes are answered to the client
	}
	if options.Listen != "" {
		if err := s.listenTCP(); err != nil {
			listener.Close()
			return nil, err
		}
	}
	go func() { _ = s.http.Serve(ours(listener, s.told)) }() // ends with Close
	return s, nil
}

// listenTCP opens the way in that needs a token.
func (s *Server) listenTCP() (err error) {
	host, port, err := net.SplitHostPort(s.options.Listen)
	if err != nil {
		return fmt.Errorf("listen for commands: %w", err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if s.token, err = readToken(s.options.TokenFile, true); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return fmt.Errorf("listen for commands: %w", err)
	}
	s.tcp = listener.Addr()
	go func() { _ = s.http.Serve(listener) }() // ends with Close
	return nil
}

// Close ends all conversations and removes the socket.
func (s *Server) Close() {
	if s != nil {
		close(s.ended)
		_ = s.http.Close()
		_ = os.Remove(s.path)
	}
}

// Path is where the socket lies.
func (s *Server) Path() string { return s.path }

// Address is where clients with a token are heard; nil = nowhere.
func (s *Server) Address() net.Addr { return s.tcp }

// privileged reports whether a client may see and do everything: it came through the socket, which only its user can
// open, or has the token.
func (s *Server) privileged(r *http.Request) (yes bool, why string) {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && local.Network() == "unix" {
		return true, ""
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !ok:
		return false, "no token"
	case !matches(s.token, given):
		return false, "wrong token"
	}
	return true, ""
}

// told passes on that somebody was refused.
func (s *Server) told(from, why string) {
	if s.options.Refused != nil {
		s.options.Refused(from, why)
	}
}

// refuse answers a client that may not, and has that told.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, why string) {
	s.told(r.RemoteAddr, why)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("WWW-Authenticate", "Bearer")
	w.WriteHeader(http.StatusUnauthorized)
	_ = json.NewEncoder(w).Encode(failure{"denied: " + why})
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(ctx context.Context, r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if yes, why := s.privileged(r); !yes {
				s.refuse(w, r, why)
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxHeader)
			answer, err := f(r.Context(), r)
			reply(w, answer, err)
		})
	}
	// with finds what a request is for.
	with := func(f func(ctx context.Context, r *http.Request, targets []runner.Target) (any, error)) func(context.Context, *http.Request) (any, error) {
		return func(ctx context.Context, r *http.Request) (any, error) {
			targets, err := s.run.Find(r.URL.Query().Get("to"))
			if err != nil {
				return nil, bad(err)
			}
			for _, t := range targets {
				if err := t.Check(ctx); errors.As(err, new(*runner.TargetError)) {
					return nil, bad(err)
				} else if err != nil {
					return nil, err
				}
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
			if r.URL.Query().Get("wait") == "0" {
				return services(s.run.Status(ctx, targets))
			}
			return services(s.run.Await(ctx, targets))
		})
	}
	handle("GET /v1/info", func(context.Context, *http.Request) (any, error) { return s.info, nil })
	mux.HandleFunc("GET /v1/public", func(w http.ResponseWriter, r *http.Request) {
		all, _ := s.run.Find("")
		states, err := s.run.Status(r.Context(), all)
		reply(w, publicOf(states), err)
	})
	mux.HandleFunc("GET /metrics", s.metrics)
	stream := func(pattern string, wanted func(r *http.Request, n News) bool) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if yes, why := s.privileged(r); !yes {
				s.refuse(w, r, why)
				return
			}
			s.stream(w, r, wanted)
		})
	}
	stream("GET /v1/events", func(r *http.Request, n News) bool { return n.Event != "output" || r.URL.Query().Get("output") == "1" })
	stream("GET /v1/logs", func(_ *http.Request, n News) bool { return n.Event == "output" || n.Event == "dropped" })
	handle("GET /v1/connections", with(func(ctx context.Context, _ *http.Request, targets []runner.Target) (any, error) {
		return s.connections(ctx, targets)
	}))
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
	handle("POST /v1/recheck", func(ctx context.Context, _ *http.Request) (any, error) {
		s.run.Do(runner.Recheck)
		all, _ := s.run.Find("")
		return services(s.run.Status(ctx, all))
	})
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
	s.messages(mux)
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
