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
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hotreload/runner"
	"hotreload/tests"
)

// Info identifies a hotreload.
type Info struct {
	Pid     int    `json:"pid"`
	Dir     string `json:"dir"`     // start folder, absolute
	Root    string `json:"root"`    // root of its module, or Dir
	Program string `json:"program"` // as given by the user
	Switch  string `json:"switch"`  // the kill switch's file; "" for none
	Events  string `json:"events"`  // EventsVersion
}

// Server answers requests about one run.
type Server struct {
	info    Info
	run     *runner.Group
	journal *Journal
	options Options
	token   string // "": there is only the socket
	http    *http.Server
	path    string
	tcp     net.Addr // nil: no TCP
	refused chan refused
	ended   chan struct{}
}

// Options are the ways to connect in addition to the user's socket.
type Options struct {
	Listen    string                 // TCP address; "" for none. Without a host: localhost only
	TokenFile string                 // file of the token for TCP clients; created if missing
	Refused   func(from, why string) // called for refused requests, on a goroutine that may be slow
	Page      func() (string, error) // the address of the page about hotreload itself; nil for none
	// Tests waits until the tests of what was saved have ended. nil, or an error: tests do not run on save.
	Tests func(context.Context) (tests.Outcome, error)
}

// refused is a request that was refused.
type refused struct{ from, why string }

// mostUntold is the number of refusals that wait for Options.Refused. A stopped terminal takes none; further refusals
// are not reported.
const mostUntold = 32

// Limits on the cost of a client.
const (
	maxHeader     = 16 << 10
	headerTimeout = 5 * time.Second
	maxClients    = 128
)

// Serve accepts clients of a run until Close.
func Serve(info Info, run *runner.Group, journal *Journal, options Options) (*Server, error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	s := &Server{
		info: info, run: run, journal: journal, options: options,
		path:    filepath.Join(dir, strconv.Itoa(info.Pid)+".sock"),
		refused: make(chan refused, mostUntold), ended: make(chan struct{}),
	}
	_ = os.Remove(s.path) // the socket of a dead hotreload with this pid
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
		ErrorLog: log.New(io.Discard, "", 0), // a client's errors are answered to the client
	}
	if options.Listen != "" {
		if err := s.listenTCP(); err != nil {
			listener.Close()
			return nil, err
		}
	}
	go s.tellRefused()                                              // ends with Close
	go func() { _ = s.http.Serve(ours(listener, s.noteRefused)) }() // ends with Close
	return s, nil
}

// listenTCP opens the TCP socket, which needs a token.
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

// Close ends all connections and removes the socket.
func (s *Server) Close() {
	if s != nil {
		close(s.ended)
		_ = s.http.Close()
		_ = os.Remove(s.path)
	}
}

// Path returns the socket's path.
func (s *Server) Path() string { return s.path }

// Address returns the TCP address; nil for none.
func (s *Server) Address() net.Addr { return s.tcp }

// privileged reports whether a client may see and do everything: it came through the socket, which only its user can
// open, or has the token.
func (s *Server) privileged(r *http.Request) (yes bool, why string) {
	if r.Context().Value(trusted{}) != nil {
		return true, ""
	}
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

// trusted marks requests of clients that were found to be privileged elsewhere.
type trusted struct{}

// Trusted serves privileged clients. The caller decides who they are and what they may ask.
func (s *Server) Trusted() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.http.Handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), trusted{}, true)))
	})
}

// noteRefused records a refusal. It does not wait for Options.Refused.
func (s *Server) noteRefused(from, why string) {
	select {
	case s.refused <- refused{from, why}:
	default:
	}
}

// tellRefused passes refusals on until Close.
func (s *Server) tellRefused() {
	for {
		select {
		case r := <-s.refused:
			if s.options.Refused != nil {
				s.options.Refused(r.from, r.why)
			}
		case <-s.ended:
			return
		}
	}
}

// refuse answers an unprivileged client, and reports the refusal.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, why string) {
	s.noteRefused(r.RemoteAddr, why)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("WWW-Authenticate", "Bearer")
	w.WriteHeader(http.StatusUnauthorized)
	_ = json.NewEncoder(w).Encode(failure{"denied: " + why})
}

// badRequest is an ErrBad with another error's message.
type badRequest struct{ error }

func (badRequest) Is(target error) bool { return target == ErrBad }

func bad(err error) error { return badRequest{err} }

// ErrBad means that the request itself is wrong.
var ErrBad = errors.New("bad request")

type failure struct {
	Error string `json:"error"`
}
