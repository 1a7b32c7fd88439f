package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"hotreload/runner"
	"hotreload/supervisor"
)

// MaxMessage is how many bytes a message may have. It is the workers' limit.
const MaxMessage = 1 << 20

// takeTimeout is how long a message waits for a worker to deal with it, unless the client says otherwise. Felt right, not
// measured.
const takeTimeout = 10 * time.Second

// Answer is a line of what comes of a message: a reply of a worker, or (Done) the end, for each worker that it was for.
type Answer struct {
	Service string          `json:"service,omitempty"`
	Worker  *Named          `json:"worker,omitempty"`
	Reply   json.RawMessage `json:"reply,omitempty"`
	Done    bool            `json:"done,omitempty"`
	Error   string          `json:"error,omitempty"` // with Done: why no worker has dealt with it
}

// Asked is what workers say of themselves.
type Asked struct {
	Workers []AskedWorker `json:"workers"`
}

// AskedWorker is what one says.
type AskedWorker struct {
	Service      string               `json:"service,omitempty"`
	Worker       Named                `json:"worker"`
	Text         string               `json:"text"`
	Silent       bool                 `json:"silent"` // it has nothing to say
	Unresponsive bool                 `json:"unresponsive"`
	Counters     []supervisor.Counter `json:"counters"` // its own, and those that its agent knows
}

// messages adds what is there for messages.
func (s *Server) messages(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/send", func(w http.ResponseWriter, r *http.Request) { s.deliver(w, r, false) })
	mux.HandleFunc("POST /v1/broadcast", func(w http.ResponseWriter, r *http.Request) { s.deliver(w, r, true) })
	// The worker decides what of itself is for everybody.
	mux.HandleFunc("GET /v1/query", func(w http.ResponseWriter, r *http.Request) {
		privileged, _ := s.privileged(r)
		targets, err := s.targets(r)
		if err != nil {
			reply(w, nil, err)
			return
		}
		reply(w, ask(r.Context(), targets, privileged), nil)
	})
}

// targets finds what a request is for.
func (s *Server) targets(r *http.Request) ([]runner.Target, error) {
	targets, err := s.run.Find(r.URL.Query().Get("to"))
	if err != nil {
		return nil, bad(err)
	}
	for _, t := range targets {
		if err := t.Check(r.Context()); err != nil {
			return nil, bad(err)
		}
	}
	return targets, nil
}

func ask(ctx context.Context, targets []runner.Target, privileged bool) Asked {
	asked := Asked{Workers: []AskedWorker{}}
	for _, t := range targets {
		for _, a := range t.Inquire(ctx, privileged) {
			if !privileged { // nothing of the machine and its processes
				a.Worker.Pid, a.Counters = 0, nil
			}
			one := AskedWorker{
				Service: t.Name(), Worker: *named(a.Worker), Unresponsive: a.Unresponsive,
				Silent: a.Status == nil, Counters: append([]supervisor.Counter{}, a.Counters...),
			}
			if a.Status != nil {
				one.Text, one.Counters = a.Status.Text, append(one.Counters, a.Status.Counters...)
			}
			asked.Workers = append(asked.Workers, one)
		}
	}
	return asked
}

// deliver gives a message to a worker, or to all, and writes what comes of it.
func (s *Server) deliver(w http.ResponseWriter, r *http.Request, all bool) {
	if yes, why := s.privileged(r); !yes {
		s.refuse(w, r, why)
		return
	}
	targets, err := s.targets(r)
	timeout := takeTimeout
	if text := r.URL.Query().Get("timeout"); err == nil && text != "" {
		if timeout, err = time.ParseDuration(text); err != nil {
			err = bad(err)
		}
	}
	var data []byte
	if err == nil {
		data, err = io.ReadAll(http.MaxBytesReader(w, r.Body, MaxMessage))
	}
	switch {
	case err != nil:
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			err = bad(fmt.Errorf("a message has at most %d bytes", MaxMessage))
		}
		reply(w, nil, err)
		return
	case !json.Valid(data):
		reply(w, nil, bad(errors.New("a message is a JSON document")))
		return
	case !all && len(targets) != 1:
		reply(w, nil, bad(errors.New("there are several services: say to which")))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	out := &answers{w: w, control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "application/x-ndjson")
	for _, t := range targets {
		told := func(by supervisor.Worker, data []byte) {
			out.write(Answer{Service: t.Name(), Worker: named(by), Reply: data})
		}
		if !all {
			by, err := t.Send(ctx, data, told)
			out.end(t, by, err)
			continue
		}
		for _, d := range t.Broadcast(ctx, data, told) {
			out.end(t, d.Worker, d.Err)
		}
	}
}

// answers writes lines, of several goroutines.
type answers struct {
	control *http.ResponseController

	mu sync.Mutex // guards w
	w  io.Writer
}

func (o *answers) write(a Answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	_ = json.NewEncoder(o.w).Encode(a) // who does not listen any more has ended the request
	_ = o.control.Flush()
}

func (o *answers) end(t runner.Target, by supervisor.Worker, err error) {
	a := Answer{Service: t.Name(), Done: true}
	if by != (supervisor.Worker{}) {
		a.Worker = named(by)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		a.Error = "no worker has dealt with it in time"
	case err != nil:
		a.Error = err.Error()
	}
	o.write(a)
}

// Query asks workers what they say of themselves.
func (c *Client) Query(ctx context.Context, to string) (asked Asked, err error) {
	return asked, c.get(ctx, "/v1/query?"+url.Values{"to": {to}}.Encode(), &asked)
}

// Send gives a message, a JSON document, to a worker: to that in a slot (to is SERVICE/SLOT), or to the next of a service
// that is idle; or to all. tell is called with each reply. Without an error at least one worker has dealt with it.
func (c *Client) Send(ctx context.Context, to string, all bool, data []byte, timeout time.Duration, tell func(Answer)) error {
	what := "send"
	if all {
		what = "broadcast"
	}
	query := url.Values{"to": {to}}
	if timeout > 0 {
		query.Set("timeout", timeout.String())
	}
	response, err := c.askWith(ctx, http.MethodPost, "/v1/"+what+"?"+query.Encode(), bytes.NewReader(data))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	done := 0
	var faults []error
	for decoder := json.NewDecoder(response.Body); ; {
		var a Answer
		err := decoder.Decode(&a)
		switch {
		case errors.Is(err, io.EOF) && done == 0 && len(faults) == 0:
			return errors.New("no worker takes messages")
		case errors.Is(err, io.EOF):
			return errors.Join(faults...)
		case err != nil:
			return fmt.Errorf("hotreload has ended: %w", err)
		case !a.Done:
			tell(a)
		case a.Error != "":
			faults = append(faults, errors.New(a.Error))
		default:
			done++
		}
	}
}
