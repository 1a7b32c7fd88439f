package control

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"syscall"

	"hotreload/runner"
	"hotreload/supervisor"
)

// request is a client's request with everything that answers need.
type request struct {
	*http.Request
	query      url.Values
	privileged bool            // the client may see and do everything
	targets    []runner.Target // the services and slots in to; found by forTargets
}

// handler serves a request and writes the answer itself. An answer is a value that is written as JSON.
type (
	handler func(w http.ResponseWriter, r *request)
	answer  func(r *request) (any, error)
)

// routes lists the handlers of all requests, and the permissions.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	everybody := map[string]handler{
		"GET /v1/public": answered(s.public),
		"GET /metrics":   s.metrics,
		"GET /v1/query":  s.forTargets(answered(query)), // the worker decides which of its values are public
	}
	private := map[string]handler{
		"GET /v1/info":     answered(func(*request) (any, error) { return s.info, nil }),
		"GET /v1/explain":  answered(s.explain),
		"GET /v1/events":   s.forTargets(s.streamOf(isEvent)),
		"GET /v1/logs":     s.forTargets(s.streamOf(isOutput)),
		"POST /v1/stop":    s.stop,
		"POST /v1/recheck": answered(s.recheck),
		"GET /v1/ui":       answered(s.page),

		"GET /v1/problems":    s.forTargets(answered(s.problems)),
		"GET /v1/console":     s.forTargets(answered(s.console)),
		"GET /v1/status":      s.forTargets(answered(s.status)),
		"GET /v1/wait":        s.forTargets(answered(s.await)),
		"GET /v1/connections": s.forTargets(answered(s.connections)),
		"POST /v1/reload":     s.forTargets(answered(s.order(runner.Reload))),
		"POST /v1/restart":    s.forTargets(answered(s.order(runner.RestartWorkers))),
		"POST /v1/rebuild":    s.forTargets(answered(s.order(runner.RebuildProgram))),
		"POST /v1/halt":       s.forTargets(answered(s.order(runner.StopSlots))), // the older name of stop?to=
		"POST /v1/scale":      s.forTargets(answered(s.scale)),
		"POST /v1/signal":     s.forTargets(answered(signal)),
		"POST /v1/send":       s.forTargets(send),
		"POST /v1/broadcast":  s.forTargets(broadcast),
	}
	for pattern, serve := range everybody {
		mux.HandleFunc(pattern, s.open(serve))
	}
	for pattern, serve := range private {
		mux.HandleFunc(pattern, s.guarded(serve))
	}
	return mux
}

// open serves every client.
func (s *Server) open(serve handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		privileged, _ := s.privileged(r)
		serve(w, &request{Request: r, query: r.URL.Query(), privileged: privileged})
	}
}

// guarded refuses unprivileged clients.
func (s *Server) guarded(serve handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if yes, why := s.privileged(r); !yes {
			s.refuse(w, r, why)
			return
		}
		serve(w, &request{Request: r, query: r.URL.Query(), privileged: true})
	}
}

// answered writes an answer or an error as JSON. No answer reads a body.
func answered(f answer) handler {
	return func(w http.ResponseWriter, r *request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxHeader)
		value, err := f(r)
		reply(w, value, err)
	}
}

// forTargets finds the targets of a request; an unknown target is an error.
func (s *Server) forTargets(serve handler) handler {
	return func(w http.ResponseWriter, r *request) {
		targets, err := s.run.Find(r.query.Get("to"))
		for i := 0; err == nil && i < len(targets); i++ {
			err = targets[i].Check(r.Context())
		}
		if errors.As(err, new(*runner.TargetError)) {
			err = bad(err)
		}
		if err != nil {
			reply(w, nil, err)
			return
		}
		r.targets = targets
		serve(w, r)
	}
}

// UI is the page about hotreload itself.
type UI struct {
	Address string `json:"address"`
}

func (s *Server) page(*request) (any, error) {
	if s.options.Page == nil {
		return nil, errors.New("this hotreload has no page")
	}
	address, err := s.options.Page()
	return UI{address}, err
}

func (s *Server) public(r *request) (any, error) {
	states, err := s.run.Look(r.Context())
	return PublicOf(states), err
}

func (s *Server) status(r *request) (any, error) {
	all, err := s.run.Status(r.Context(), r.targets)
	return Services{Services: all}, err
}

func (s *Server) await(r *request) (any, error) {
	all, err := s.run.Await(r.Context(), r.targets)
	if err != nil || r.query.Get("tests") != "1" {
		return Services{Services: all}, err
	}
	tested, err := s.tests(r.Context())
	return Services{all, tested}, err
}

// Console contains the console output of pages in browsers.
type Console struct {
	Events []News `json:"events"`
}

func (s *Server) console(r *request) (any, error) {
	last, err := strconv.Atoi(cmp.Or(r.query.Get("last"), strconv.Itoa(maxPages)))
	if err != nil || last < 0 {
		return nil, bad(errors.New("last must be a number"))
	}
	of := map[string]bool{}
	for _, t := range r.targets {
		of[t.Name()] = true
	}
	return Console{s.journal.said(last, of)}, nil
}

// order replaces or stops workers, and waits for the outcome unless wait is 0.
func (s *Server) order(c runner.Command) answer {
	return func(r *request) (any, error) {
		wanted := runner.Request{Command: c}
		if err := readOrder(r.query, &wanted.Order); err != nil {
			return nil, bad(err)
		}
		for _, t := range r.targets {
			t.Request(wanted)
		}
		if r.query.Get("wait") == "0" {
			return s.status(r)
		}
		return s.await(r)
	}
}

// stop ends hotreload, or stops the workers of a service until a user starts them again.
func (s *Server) stop(w http.ResponseWriter, r *request) {
	if r.query.Has("to") {
		s.forTargets(answered(s.order(runner.StopSlots)))(w, r)
		return
	}
	s.run.Do(runner.Stop)
	reply(w, struct{}{}, nil)
}

func (s *Server) recheck(r *request) (any, error) {
	s.run.Do(runner.Recheck)
	r.targets, _ = s.run.Find("")
	return s.status(r)
}

func (s *Server) scale(r *request) (any, error) {
	workers, err := strconv.Atoi(r.query.Get("workers"))
	if err != nil || workers < 1 || workers > maxWorkers {
		return nil, bad(fmt.Errorf("workers must be a number from 1 to %d", maxWorkers))
	}
	for _, t := range r.targets {
		t.Request(runner.Request{Command: runner.Scale, Workers: workers})
	}
	return s.await(r)
}

func signal(r *request) (any, error) {
	number, err := strconv.Atoi(r.query.Get("signal"))
	if err != nil || number <= 0 || number > maxSignal {
		return nil, bad(errors.New("signal must be a signal's number"))
	}
	pids := []int{}
	for _, t := range r.targets {
		pids = append(pids, t.Signal(syscall.Signal(number))...)
	}
	return Signalled{pids}, nil
}

func (s *Server) explain(r *request) (any, error) {
	path := r.query.Get("path")
	if path != "" && !filepath.IsAbs(path) {
		return nil, bad(errors.New("path must be absolute"))
	}
	return s.run.Explain(r.Context(), path)
}

// Limits that catch typing errors.
const (
	maxWorkers = 1024
	maxSignal  = 64
)

// Services is the answer to most requests.
type Services struct {
	Services []runner.Status `json:"services"`
	Tests    *Tests          `json:"tests,omitempty"` // with tests=1
}

// Signalled contains the pids of the signalled workers.
type Signalled struct {
	Pids []int `json:"pids"`
}

// readOrder reads how to replace the workers.
func readOrder(query url.Values, order *runner.Order) (err error) {
	if name := query.Get("strategy"); name != "" {
		if order.Strategy, err = supervisor.ParseStrategy(name); err != nil {
			return err
		}
	}
	order.Surge = 1
	if text := query.Get("surge"); text != "" {
		if order.Surge, err = strconv.Atoi(text); err != nil || order.Surge < 0 || order.Surge > 1 {
			return errors.New("surge must be 0 or 1")
		}
	}
	return nil
}
